// Package lastgood names the newest backup that was shown to restore, and how to use it in an emergency.
package lastgood

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// Good is a backup that passed.
type Good struct {
	Backup string `json:"backup"`
	// Begun is when the backup began, Proven when the run did that passed.
	Begun  *metav1.Time `json:"begun,omitempty"`
	Proven metav1.Time  `json:"proven"`
	Report string       `json:"report,omitempty"`
	// Exists tells whether Velero still has it: yes, no, or unknown where that may not be looked up.
	Exists string `json:"exists"`
	// Command restores it.
	Command string `json:"command"`
}

// Candidates returns the backups that passed, that of the newest backup first: of the status, and of all reports that are kept.
func Candidates(rt *v1alpha1.RestoreTest, reports []*v1alpha1.RestoreReport) []Good {
	var all []Good
	if last := rt.Status.LastVerified; last != nil {
		all = append(all, Good{Backup: last.BackupName, Begun: last.BackupTime, Proven: last.Time, Report: last.Report})
	}
	for _, r := range reports {
		if r.Status.Result == v1alpha1.ResultPass {
			all = append(all, Good{Backup: r.Status.Backup.Name, Begun: r.Status.Backup.StartedAt, Proven: r.Status.StartedAt, Report: r.Name})
		}
	}
	slices.SortStableFunc(all, func(a, b Good) int { return begun(b).Compare(begun(a)) })
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(g Good) bool {
		known := seen[g.Backup]
		seen[g.Backup] = true
		return known
	})
}

func begun(g Good) time.Time {
	if g.Begun == nil {
		return g.Proven.Time
	}
	return g.Begun.Time
}

// Restore returns the command of Velero that restores the namespaces of rt from the backup.
func Restore(rt *v1alpha1.RestoreTest, backup, velero string) string {
	var namespaces []string
	for _, ns := range rt.Spec.BackupSource.Namespaces {
		namespaces = append(namespaces, ns.Name)
	}
	text := "velero restore create --namespace " + velero + " --from-backup " + backup + " --include-namespaces " + strings.Join(namespaces, ",")
	if selector := rt.Spec.BackupSource.LabelSelector; len(selector) > 0 {
		text += " --selector '" + labels.Set(selector).String() + "'"
	}
	return text
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var maxAge time.Duration
	cmd := client.Command("last-good NAME", "Name the newest backup that restores, and the command that does",
		`Names the newest backup that passed and that Velero still has, how old it is, by which report that was shown, and the command to restore
it in an emergency. It restores nothing itself. The report must still be that of a backup that was made since your namespaces were.
Exit codes: 0 there is one, 2 there is none, or it is older than --max-age, 3 could not tell.`,
		"get restoretests, list restorereports in the namespace of the test; get backups.velero.io in the namespace of Velero to know whether it is still there",
		"  kubectl kymaros last-good shop")
	output.AddFlags(cmd.Flags())
	cmd.Flags().DurationVar(&maxAge, "max-age", 0, "how old the backup may be; the default accepts any")
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = f.CompleteTests
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		namespace, err := f.Namespace()
		if err != nil {
			return err
		}
		rt, err := clients.Kymaros.RestoreV1alpha1().RestoreTests(namespace).Get(cmd.Context(), args[0], metav1.GetOptions{})
		if err != nil {
			return err
		}
		reports, _, err := clients.Reports(cmd.Context(), namespace, rt.Name)
		if err != nil {
			return err
		}
		good, gone, err := choose(cmd.Context(), clients, Candidates(rt, reports), f.Velero)
		if err != nil {
			return err
		}
		if good != nil {
			good.Command = Restore(rt, good.Backup, f.Velero)
		}
		return print(f, output, rt, good, gone, maxAge)
	}
	return cmd
}

// choose returns the first that Velero has, and the names of those before it that are gone.
func choose(ctx context.Context, clients client.Clients, all []Good, velero string) (good *Good, gone []string, err error) {
	for i := range all {
		g := &all[i]
		b, err := clients.Kymaros.VeleroV1().Backups(velero).Get(ctx, g.Backup, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && b.DeletionTimestamp != nil:
			gone = append(gone, g.Backup)
			continue
		case apierrors.IsForbidden(err):
			g.Exists = "unknown"
		case err != nil:
			return nil, nil, err
		case g.Begun != nil && b.Status.StartTimestamp != nil && !b.Status.StartTimestamp.Time.Equal(g.Begun.Time):
			gone = append(gone, g.Backup+" (another backup has its name now)")
			continue
		default:
			g.Exists = "yes"
		}
		return g, gone, nil
	}
	return nil, gone, nil
}

func print(f *client.Factory, output client.Output, rt *v1alpha1.RestoreTest, good *Good, gone []string, maxAge time.Duration) error {
	stale := good != nil && maxAge > 0 && f.Now().Sub(begun(*good)) > maxAge
	code := exit.Verified
	if good == nil || stale {
		code = exit.Doubtful
	}
	if output.Format != "" {
		if err := f.Data(output.Format, good); err != nil {
			return err
		}
		return exit.For(code)
	}
	o, err := f.Out()
	if err != nil {
		return err
	}
	for _, name := range gone {
		o.Text(term.Dim, "", "backup %s passed, and Velero has it no more", name)
	}
	if good == nil {
		o.Text(term.Red, "", "✖ no backup that was shown to restore %s is there", rt.Name)
		o.Text(term.Plain, "  → ", "kubectl kymaros run %s -n %s --wait tests the newest; spec.onFailure.searchLastGood has a test go back until one passes", rt.Name, rt.Namespace)
		return exit.For(code)
	}
	age := show.Ago(begun(*good), f.Now())
	if stale {
		o.Text(term.Yellow, "", "◐ %s, begun %s, %s: older than --max-age %s", good.Backup, show.Moment(begun(*good)), age, maxAge)
	} else {
		o.Text(term.Green, "", "✔ %s, begun %s, %s", good.Backup, show.Moment(begun(*good)), age)
	}
	o.Text(term.Plain, "  ", "shown to restore %s, report %s", show.Moment(good.Proven.Time), cmp.Or(good.Report, "not kept"))
	if good.Exists == "unknown" {
		o.Text(term.Yellow, "  ", "whether Velero still has it could not be looked up: get backups.velero.io in namespace %s is not granted to you", f.Velero)
	}
	if rt.Status.LastResult == v1alpha1.ResultFail {
		o.Text(term.Yellow, "  ", "a newer backup does not restore: report %s", rt.Status.LastReportRef)
	}
	o.Blank()
	o.Text(term.Dim, "", "In an emergency. Velero leaves what exists as it is: delete first what is to be replaced, or add --existing-resource-policy=update.")
	_, err = fmt.Fprintln(o, good.Command) // in one line, to be copied
	return errors.Join(err, exit.For(code))
}
