// Package covering prints which namespaces and volumes of the cluster are backed up and proven.
package covering

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/coverage"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var maxAge time.Duration
	var volumes bool
	cmd := client.Command("coverage", "Which namespaces and volumes are backed up, and proven to restore?",
		`Tells of every namespace of the cluster whether it is in a backup, with the data of its volumes, and when a run that passed last showed
that it restores. Only reports that are kept count as proof. A namespace is left out with the annotation kymaros.io/coverage: "ignore: why".
`+exit.Meaning,
		"list namespaces, persistentvolumeclaims, restoretests and restorereports in the cluster; list schedules, backups, backupstoragelocations, podvolumebackups (velero.io) and datauploads in the namespace of Velero; what of these you may not list counts as not proven",
		`  kubectl kymaros coverage --max-age 48h
  # volumes that are in no backup
  kubectl kymaros coverage -o json |
    jq -r '.[] | .name as $n | .volumes[]? | select(.state=="NoData") |
      "\($n)/\(.claim)"'`)
	output.AddFlags(cmd.Flags(), "wide")
	cmd.Flags().DurationVar(&maxAge, "max-age", 0, "how long ago a proof may be, for example 48h; the default accepts any")
	cmd.Flags().BoolVar(&volumes, "volumes", false, "list each volume")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		if maxAge < 0 {
			return errors.New("--max-age must not be negative: give a duration such as 48h")
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		in, unseen, err := look(cmd.Context(), clients, f.Velero, f.Now(), maxAge)
		if err != nil {
			return err
		}
		all := coverage.Of(in)
		if !output.ForPeople() {
			if all == nil {
				all = []coverage.Namespace{}
			}
			err = f.Data(output.Format, all)
		} else {
			err = print(f, all, unseen, volumes || output.Is("wide"))
		}
		if err != nil {
			return err
		}
		return exit.For(Code(all))
	}
	return cmd
}

// Code returns the exit code: that of the worst namespace.
func Code(all []coverage.Namespace) exit.Code {
	var codes []exit.Code
	for _, n := range all {
		switch n.State {
		case coverage.Failed:
			codes = append(codes, exit.Bad)
		case coverage.Unprotected, coverage.Unproven, coverage.Partial, coverage.Stale:
			codes = append(codes, exit.Doubtful)
		case coverage.Verified, coverage.Ignored:
		}
	}
	return exit.Worst(codes...)
}

var states = map[coverage.State]term.Cell{
	coverage.Failed: term.C("✖ Failed", term.Red), coverage.Unprotected: term.C("✖ No backup", term.Red),
	coverage.Unproven: term.C("? Not proven", term.Yellow), coverage.Partial: term.C("◐ Partly", term.Yellow),
	coverage.Stale: term.C("◐ Stale", term.Yellow), coverage.Verified: term.C("✔ Verified", term.Green), coverage.Ignored: term.C("· Ignored", term.Dim),
}

var volumeStates = map[coverage.VolumeState]term.Cell{
	coverage.NoData: term.C("✖ no data in a backup", term.Red), coverage.LeftOut: term.C("✖ left out by a label", term.Red),
	coverage.Unclear: term.C("? not known", term.Yellow), coverage.TooNew: term.C("? younger than the backup", term.Yellow),
	coverage.InBackup: term.C("? not proven", term.Yellow), coverage.Proven: term.C("✔ proven", term.Green), coverage.Nothing: term.C("· not bound", term.Dim),
}

func print(f *client.Factory, all []coverage.Namespace, unseen []string, each bool) error {
	o, err := f.Out()
	if err != nil {
		return err
	}
	columns := []term.Column{
		{Header: "NAMESPACE", Flex: true}, {Header: "STATE"}, {Header: "BACKED UP BY", Flex: true, Spare: true}, {Header: "NEWEST BACKUP"},
		{Header: "PROVEN"}, {Header: "VOLUMES"}, {Header: "WHY", Flex: true, Wrap: true},
	}
	rows := Rows(all, f.Now())
	if narrow := o.Width > 0 && o.Width < 120; narrow { // reasons are sentences, and get lines of their own
		columns = columns[:len(columns)-1]
		o.Table(columns, cut(rows, len(columns)))
		reasons(o, all)
	} else {
		o.Table(columns, rows)
	}
	if each {
		if rows := volumeRows(all, f.Now()); len(rows) > 0 {
			o.Blank()
			o.Table([]term.Column{{Header: "VOLUME", Flex: true}, {Header: "SIZE", Right: true}, {Header: "DATA"}, {Header: "PROVEN"}, {Header: "REPORT", Flex: true}}, rows)
		}
	}
	o.Blank()
	o.Text(term.Plain, "", "%s", Sentence(all))
	if len(unseen) > 0 {
		o.Text(term.Yellow, "", "You cannot list %s, for want of rights or because they are not installed: what that would show counts as not proven.", strings.Join(unseen, ", "))
	}
	return nil
}

// cut returns the first n cells of each row.
func cut(rows [][]term.Cell, n int) [][]term.Cell {
	all := make([][]term.Cell, 0, len(rows))
	for _, row := range rows {
		all = append(all, row[:n])
	}
	return all
}

// reasons prints why namespaces are not verified.
func reasons(o *term.Out, all []coverage.Namespace) {
	o.Blank()
	for _, n := range all {
		if n.Why != "" && n.State != coverage.Ignored {
			o.Text(states[n.State].Style, o.Paint(term.Bold, n.Name)+": ", "%s", n.Why)
		}
	}
}

// Rows returns the table of namespaces.
func Rows(all []coverage.Namespace, now time.Time) [][]term.Cell {
	rows := make([][]term.Cell, 0, len(all))
	for _, n := range all {
		proven, volumes := show.None, show.None
		if n.Proof != nil {
			proven = fmt.Sprintf("%s, %s %d", show.Ago(n.Proof.Time.Time, now), n.Proof.Test, n.Proof.Score)
		}
		if p, total := n.ProvenVolumes(); total > 0 {
			volumes = fmt.Sprintf("%d/%d", p, total)
		}
		by := strings.Join(n.Schedules, ", ")
		if by == "" {
			by = show.None
		}
		rows = append(rows, []term.Cell{
			term.C(n.Name), states[n.State], term.C(by), term.C(show.AgoOf(n.BackupTime, now)), term.C(proven), term.C(volumes), term.C(n.Why),
		})
	}
	return rows
}

func volumeRows(all []coverage.Namespace, now time.Time) (rows [][]term.Cell) {
	for _, n := range all {
		for _, v := range n.Volumes {
			proven, report := show.None, show.None
			if v.Proof != nil {
				proven, report = show.Ago(v.Proof.Time.Time, now), v.Proof.Namespace+"/"+v.Proof.Report
			}
			size := v.Capacity
			if size == "" {
				size = show.None
			}
			rows = append(rows, []term.Cell{term.C(n.Name + "/" + v.Claim), term.C(size), volumeStates[v.State], term.C(proven), term.C(report)})
		}
	}
	return rows
}

// Sentence counts it all.
func Sentence(all []coverage.Namespace) string {
	count := map[coverage.State]int{}
	proven, volumes := 0, 0
	for _, n := range all {
		count[n.State]++
		if n.State != coverage.Ignored {
			p, total := n.ProvenVolumes()
			proven, volumes = proven+p, volumes+total
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d of %d namespaces verified, %d of %d volumes proven", count[coverage.Verified], len(all)-count[coverage.Ignored], proven, volumes)
	for _, s := range slices.DeleteFunc(slices.Clone(coverage.States), func(s coverage.State) bool { return s == coverage.Verified }) {
		if count[s] > 0 {
			fmt.Fprintf(&text, "; %d %s", count[s], strings.ToLower(strings.TrimLeft(states[s].Text, "✖?◐· ")))
		}
	}
	return text.String() + "."
}
