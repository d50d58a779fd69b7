// Package run starts a run of a test, and shows it until its verdict.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/report"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

type options struct {
	*client.Factory
	clients         client.Clients
	namespace, name string
	wait, follow    bool
	timeout         time.Duration
	backup          string
	output          client.Output
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	o := &options{Factory: f}
	cmd := client.Command("run NAME", "Start a run of a test, and wait for its verdict with --wait",
		`Asks for a run of a RestoreTest. The run waits for its turn like any, before those by the clock.
With --wait each phase is shown with its time and what it waits for, then the verdict, the reason and what to do; the exit code tells.
With --backup another test is made, suspended, that restores that Backup once; with --wait it is deleted after the verdict, and its
report stays. The first test and its results are not touched.
`+exit.Meaning,
		"get, watch and patch restoretests, and get restorereports in the namespace of the test; with --backup create and delete restoretests; list restoretests of all namespaces to see the place in the line",
		`  # run it now, and fail the pipeline if the backup is bad
  kubectl kymaros run shop --wait --timeout 1h
  # look at the run that is under way, or at the last
  kubectl kymaros run shop --follow
  # does the backup of Monday restore?
  kubectl kymaros run shop --backup nightly-20261123 --wait`)
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = f.CompleteTests
	o.output.AddFlags(cmd.Flags(), "table", "markdown", "junit", "html")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait for the verdict")
	cmd.Flags().BoolVar(&o.follow, "follow", false, "ask for no run: wait for the verdict of the one under way, or show that of the last")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "how long to wait; the default is as long as the run takes")
	cmd.Flags().StringVar(&o.backup, "backup", "", "restore this Velero `BACKUP`")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		o.name = args[0]
		if err := o.validate(); err != nil {
			return err
		}
		if o.clients, err = f.Clients(); err != nil {
			return err
		}
		if o.namespace, err = f.Namespace(); err != nil {
			return err
		}
		return o.run(cmd.Context())
	}
	return cmd
}

func (o *options) validate() error {
	switch {
	case o.follow && o.backup != "":
		return errors.New("--follow asks for no run, and --backup does: leave one of them out")
	case o.timeout < 0:
		return fmt.Errorf("--timeout: %s is negative: give a duration such as 1h", o.timeout)
	case o.timeout > 0 && !o.wait && !o.follow:
		return errors.New("--timeout bounds --wait: give that too")
	case o.output.Format != "" && !o.wait && !o.follow:
		return errors.New("-o prints the report of --wait: give that too")
	}
	return o.output.Validate()
}

func (o *options) run(ctx context.Context) error {
	// What is told under way must not be in the way of a report for machines.
	told := o.IOStreams.Out
	if o.output.Format != "" {
		told = o.IOStreams.ErrOut
	}
	out, err := term.New(told, o.Colour, o.Getenv)
	if err != nil {
		return err
	}
	f := &follower{clients: o.clients, namespace: o.namespace, name: o.name, asked: o.Now(), now: o.Now, screen: &screen{out: out}}
	if !o.follow {
		if f.request, err = o.ask(ctx); err != nil {
			return err
		}
		f.name = o.name
	}
	if !o.wait && !o.follow {
		out.Text(term.Plain, "", "a run of %s was asked for", o.name)
		for line := range strings.Lines(o.goOn()) {
			out.Text(term.Dim, "", "%s", strings.TrimSpace(line))
		}
		return nil
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if o.timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, o.timeout)
	}
	defer cancel()
	rt, err := f.follow(limited)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; the run goes on. %s", o.goOn())
	case limited.Err() != nil:
		return fmt.Errorf("no verdict within %s; the run goes on. %s", o.timeout, o.goOn())
	case err != nil:
		return err
	}
	return o.verdict(ctx, out, rt)
}

// goOn says how to go on looking.
func (o *options) goOn() string {
	text := fmt.Sprintf("Look at it with: kubectl kymaros run %s -n %s --follow", o.name, o.namespace)
	if o.backup != "" {
		text += fmt.Sprintf("\nThen delete the test, which was made for backup %s alone: kubectl -n %s delete restoretest %s", o.backup, o.namespace, o.name)
	}
	return text
}

// verdict prints how the run of rt ended.
func (o *options) verdict(ctx context.Context, out *term.Out, rt *v1alpha1.RestoreTest) error {
	if o.backup != "" {
		defer o.discard(ctx)
	}
	name := rt.Status.Report.Name
	if name == "" {
		return fmt.Errorf("the verdict is %s, and its report could not be stored: see condition Reported of the test", rt.Status.Report.Result)
	}
	r, err := o.clients.Report(ctx, o.namespace, name)
	if err != nil {
		return err
	}
	if o.output.Format != "" {
		err = report.Print(o.Factory, r, o.output.Format)
	} else {
		v := report.ViewOf(r)
		out.Blank()
		out.Text(v.Verdict.Style, "", "%s", v.Headline)
		v.Why(out)
		out.Text(term.Dim, "  ", "kubectl kymaros report %s -n %s", r.Name, r.Namespace)
	}
	if err != nil {
		return err
	}
	return exit.For(exit.OfResult(r.Status.Result))
}

// ask asks for a run, and returns the value of the annotation that did.
func (o *options) ask(ctx context.Context) (string, error) {
	request := "kubectl-" + o.Now().UTC().Format("20060102T150405.000000000Z")
	tests := o.clients.Kymaros.RestoreV1alpha1().RestoreTests(o.namespace)
	if o.backup != "" {
		rt, err := tests.Get(ctx, o.name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		if rt, err = tests.Create(ctx, ofBackup(rt, o.backup, request), metav1.CreateOptions{}); err != nil {
			return "", err
		}
		o.name = rt.Name
		return request, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{v1alpha1.AnnotationRunRequested: request}}})
	if err != nil {
		return "", err
	}
	_, err = tests.Patch(ctx, o.name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-kymaros"})
	return request, err
}

// ofBackup returns a test as rt that restores one backup, once.
func ofBackup(rt *v1alpha1.RestoreTest, backup, request string) *v1alpha1.RestoreTest {
	spec := rt.Spec.DeepCopy()
	spec.BackupSource.BackupName = backup
	spec.BackupSource.ScheduleName, spec.BackupSource.StorageLocation, spec.BackupSource.Selection = "", "", ""
	spec.BackupSource.MaxAge, spec.BackupSource.MaxBackupAge = "", ""
	for i := range spec.BackupSource.Namespaces {
		spec.BackupSource.Namespaces[i].SandboxName = "" // a run of rt may have it
	}
	spec.Suspend, spec.OnFailure, spec.Notifications = true, nil, nil
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: rt.Name[:min(len(rt.Name), 200)] + "-backup-", Namespace: rt.Namespace,
			Annotations: map[string]string{v1alpha1.AnnotationRunRequested: request},
		},
		Spec: *spec,
	}
}

// discard deletes the test that was made for one backup. Its report outlives it.
func (o *options) discard(ctx context.Context) {
	err := o.clients.Kymaros.RestoreV1alpha1().RestoreTests(o.namespace).Delete(ctx, o.name, metav1.DeleteOptions{})
	if err != nil {
		_, _ = fmt.Fprintf(o.IOStreams.ErrOut, "test %s, made for backup %s, could not be deleted: %v\n  delete it: kubectl -n %s delete restoretest %s\n",
			o.name, o.backup, strings.TrimSpace(err.Error()), o.namespace, o.name)
	}
}
