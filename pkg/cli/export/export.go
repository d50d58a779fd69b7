// Package export writes reports with all that one needs to check them without a cluster.
package export

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/stored"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/cli/verify"
	"github.com/kymaros/kymaros/pkg/evidence"
)

const long = `Exports the reports of tests, by names, of a namespace, or of all (-A), into a directory, or an archive (.zip or .tar): each
report as it is stored, the bytes that its digest is of, its signature and a page to print; public keys, the heads of the chains, an
index, the runs that were due and how to check all that without Kymaros (VERIFY.txt). The same reports give the same bytes.
Into a directory that is there already only what is new is written: reports that the cluster has pruned since stay, and one that
is not what was exported before is not overwritten but told. --since and --until bound the summary, not the reports: a chain with
a part left out proves less.
Exit codes: 0 exported and intact, 1 reports were tampered with, 2 no chain or an unknown key, 3 not exported.`

// flags are what the user typed.
type flags struct {
	scope        client.Scope
	to           string
	since, until string
	keys         []string
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var o flags
	cmd := client.Command("export [TEST...] --to FILE", "Write reports as evidence that can be checked without a cluster", long,
		"list restoretests and restorereports there, and get configmaps in the namespace of Kymaros",
		`  # all of a quarter, for an auditor
  kubectl kymaros export -A --to evidence.zip \
    --since 2026-07-01 --until 2026-10-01
  # what is new since the last time
  kubectl kymaros export -A --to evidence/`)
	o.scope.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.to, "to", "", "`PATH` of a directory, or of an archive if it ends with .zip or .tar")
	cmd.Flags().StringVar(&o.since, "since", "", "begin of the period of the summary, a date or a `TIME` as in RFC 3339; without, the oldest report")
	cmd.Flags().StringVar(&o.until, "until", "", "end of that period, which is not in it; without, the newest report")
	cmd.Flags().StringSliceVar(&o.keys, "key", nil, "`FILE` with public keys in PEM; may be given several times")
	cmd.ValidArgsFunction = f.CompleteTests
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := o.period()
		if err != nil {
			return err
		}
		return o.run(cmd.Context(), f, args, p)
	}
	return cmd
}

// period is a span of time; what is zero is open.
type period struct{ since, until time.Time }

func (p period) has(t time.Time) bool {
	return !t.Before(p.since) && (p.until.IsZero() || t.Before(p.until))
}

func (o *flags) period() (p period, err error) {
	if o.to == "" {
		return p, errors.New("--to: say where to, a directory or a file that ends with .zip or .tar")
	}
	for _, bound := range []struct {
		flag, text string
		at         *time.Time
	}{{"since", o.since, &p.since}, {"until", o.until, &p.until}} {
		if bound.text == "" {
			continue
		}
		if *bound.at, err = time.Parse(time.DateOnly, bound.text); err != nil {
			*bound.at, err = time.Parse(time.RFC3339, bound.text)
		}
		if err != nil {
			return p, fmt.Errorf("--%s: %q is no date such as 2026-07-01, and no time such as 2026-07-01T00:00:00Z", bound.flag, bound.text)
		}
	}
	if !p.until.IsZero() && !p.until.After(p.since) {
		return p, errors.New("--until must be after --since")
	}
	return p, nil
}

func (o *flags) run(ctx context.Context, f *client.Factory, args []string, p period) (err error) {
	clients, err := f.Clients()
	if err != nil {
		return err
	}
	namespace, err := o.scope.Namespace(f)
	if err != nil {
		return err
	}
	keys, _, err := stored.Keys(ctx, clients, f.System, o.keys)
	if err != nil {
		return err
	}
	// Heads before reports, as verify does.
	tests, err := clients.Tests(ctx, namespace, "")
	if err != nil {
		return err
	}
	tests = slices.DeleteFunc(tests, func(rt *v1alpha1.RestoreTest) bool { return len(args) > 0 && !slices.Contains(args, rt.Name) })
	to, err := open(o.to)
	if err != nil {
		return err
	}
	// Something of each report is kept for the sums, and much more is made and thrown away: as a rule as much garbage would wait as there
	// is of what is kept, which is half of the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	w := &writer{sink: to, chains: stored.NewChains(keys), period: p, here: map[string]bool{}}
	if err := w.all(ctx, clients, namespace, args, tests); err != nil {
		return errors.Join(err, to.discard())
	}
	if err := to.close(); err != nil {
		return err
	}
	return o.tell(f, w)
}

// all writes everything.
func (w *writer) all(ctx context.Context, c client.Clients, namespace string, names []string, tests []*v1alpha1.RestoreTest) error {
	for _, rt := range tests {
		w.chains.Head(stored.HeadOf(rt))
	}
	of := names
	if len(of) == 0 {
		of = []string{""}
	}
	for _, test := range of {
		foreign, err := stored.Each(ctx, c, namespace, test, w.look, w.report)
		if err != nil {
			return err
		}
		w.foreign += foreign
	}
	if err := w.former(); err != nil {
		return err
	}
	if len(w.rows) == 0 {
		return errors.New("there is no report to export: `kubectl kymaros get -A` lists the tests")
	}
	w.results = w.chains.Verify(nil)
	return w.sums(tests)
}

// tell says what was written, and what it proves.
func (o *flags) tell(f *client.Factory, w *writer) error {
	out, err := f.Out()
	if err != nil {
		return err
	}
	codes := make([]exit.Code, 0, len(w.results)+1)
	for i := range w.results {
		r := &w.results[i]
		code := verify.Code(r, false)
		if codes = append(codes, code); code != exit.Verified {
			out.Text(term.Yellow, "! ", "%s/%s: %s", r.Namespace, r.Test, r)
		}
	}
	for _, name := range w.changed {
		out.Text(term.Red, "✖ ", "%s is another than was exported before, and was kept as it was: `kubectl kymaros verify` tells of the one in the cluster", name)
		codes = append(codes, exit.Bad)
	}
	if w.foreign > 0 {
		out.Text(term.Yellow, "! ", "%d reports were not written by Kymaros, or changed by somebody else, and are not exported: they are no evidence", w.foreign)
	}
	out.Text(term.Plain, "", "%d reports of %d tests in %s, %d of them new. VERIFY.txt says how to check them.", len(w.rows), len(w.results), o.to, w.fresh)
	return exit.For(exit.Worst(codes...))
}

// of returns the result of a test.
func of(results []evidence.Result, k stored.Key) *evidence.Result {
	for i := range results {
		if results[i].Namespace == k.Namespace && results[i].Test == k.Test {
			return &results[i]
		}
	}
	return &evidence.Result{}
}
