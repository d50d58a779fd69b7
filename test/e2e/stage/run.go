package stage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
)

// RunTimeout is how long a whole run may take on a busy machine, with its wait for the restores of others.
const RunTimeout = 8 * time.Minute

// RestoreTest returns a RestoreTest that restores the namespaces from the backup, and runs when it is created.
func (c *Cluster) RestoreTest(name, backup string, namespaces ...string) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Tests, Name: c.Name(name)},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", BackupName: backup},
			Schedule:     v1alpha1.Schedule{Cron: "0 0 1 1 *"},
			HealthChecks: v1alpha1.HealthChecks{Timeout: "20s", PodReadyTimeout: "2m", StableFor: "1s"},
			Sandbox:      v1alpha1.SandboxSpec{ResourceQuota: v1alpha1.SandboxQuota{CPU: "2", Memory: "2Gi", Storage: "5Gi"}},
		},
	}
	for _, ns := range namespaces {
		rt.Spec.BackupSource.Namespaces = append(rt.Spec.BackupSource.Namespaces, v1alpha1.SourceNamespace{Name: ns})
	}
	return rt
}

// Start creates rt, with a policy of that name if there are checks. Should t fail, it tells the story of rt; in any case rt
// is deleted when t ends.
func (c *Cluster) Start(t testing.TB, rt *v1alpha1.RestoreTest, checks ...v1alpha1.HealthCheck) *v1alpha1.RestoreTest {
	t.Helper()
	if len(checks) > 0 {
		rt.Spec.HealthChecks.PolicyRef = rt.Name
		policy := &v1alpha1.HealthCheckPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: rt.Namespace, Name: rt.Name}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: checks},
		}
		if _, err := c.Kymaros.RestoreV1alpha1().HealthCheckPolicies(rt.Namespace).Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	rt, err := c.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Create(t.Context(), rt, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if t.Failed() {
			t.Log(c.Story(ctx, rt))
		}
		err := c.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Delete(ctx, rt.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	return rt
}

// Current returns rt as it is now.
func (c *Cluster) Current(ctx context.Context, rt *v1alpha1.RestoreTest) (*v1alpha1.RestoreTest, error) {
	return c.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(ctx, rt.Name, metav1.GetOptions{})
}

// Await waits until the condition of rt's run has that reason, and returns rt as it is then.
func (c *Cluster) Await(t testing.TB, rt *v1alpha1.RestoreTest, condition, reason string) *v1alpha1.RestoreTest {
	t.Helper()
	Until(t, RunTimeout, func(ctx context.Context) error {
		now, err := c.Current(ctx, rt)
		if err != nil {
			return err
		}
		rt = now
		if c := conditions.ForRun(now, condition); c == nil || c.Reason != reason {
			return fmt.Errorf("want %s with reason %s\n%s", condition, reason, Conditions(now))
		}
		return nil
	})
	return rt
}

// AwaitEnd waits until rt's run is over. It returns rt and its report, and fails t if anything of the run is left or if there
// is not exactly one report.
func (c *Cluster) AwaitEnd(t testing.TB, rt *v1alpha1.RestoreTest) (*v1alpha1.RestoreTest, *v1alpha1.RestoreReport) {
	t.Helper()
	rt = c.AwaitOver(t, rt)
	c.NothingLeft(t, rt)
	return rt, c.Report(t, rt)
}

// AwaitOver waits until rt's run is over, and returns rt as it is then.
func (c *Cluster) AwaitOver(t testing.TB, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest {
	t.Helper()
	Until(t, cmp.Or(c.Patience, RunTimeout), func(ctx context.Context) error {
		now, err := c.Current(ctx, rt)
		if err != nil {
			return err
		}
		rt = now
		if now.Status.Run == nil || conditions.Active(now) || now.Status.Phase == v1alpha1.PhaseRunning || now.Status.Phase == v1alpha1.PhaseQueued || controller.HasFinalizer(now) {
			return fmt.Errorf("the run is not over (finalizers %v)\n%s", now.Finalizers, Conditions(now))
		}
		return nil
	})
	return rt
}

// Report returns the report of rt, and fails t if there is not exactly one or if it is not complete.
func (c *Cluster) Report(t testing.TB, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreReport {
	t.Helper()
	list, err := c.Kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace).List(t.Context(),
		metav1.ListOptions{LabelSelector: v1alpha1.LabelReportTest + "=" + rt.Name})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 {
		t.Fatalf("%d reports of %s, want 1", len(list.Items), rt.Name)
	}
	report := &list.Items[0]
	if s := report.Status; s == nil || s.Result == "" || s.Reason == "" || s.Message == "" || s.StartedAt.IsZero() || s.CompletedAt.IsZero() || report.Spec.TestRef != rt.Name {
		t.Fatalf("report %s is not complete: %+v", report.Name, s)
	}
	return report
}

// NothingLeft fails t if anything of rt's runs exists: a namespace, a Restore, or a volume of a sandbox.
func (c *Cluster) NothingLeft(t testing.TB, rt *v1alpha1.RestoreTest) {
	t.Helper()
	left, err := c.Leftovers(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range left {
		t.Errorf("left of %s: %s", rt.Name, what)
	}
}

// Leftovers lists what exists of rt's runs.
func (c *Cluster) Leftovers(ctx context.Context, rt *v1alpha1.RestoreTest) ([]string, error) {
	var left []string
	of := metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.Name}
	namespaces, err := c.Kube.CoreV1().Namespaces().List(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, ns := range namespaces.Items {
		left = append(left, "namespace "+ns.Name)
	}
	restores, err := c.Kymaros.VeleroV1().Restores(VeleroNamespace).List(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, r := range restores.Items {
		left = append(left, "Restore "+r.Name)
	}
	volumes, err := c.Kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, pv := range volumes.Items {
		if claim := pv.Spec.ClaimRef; claim != nil && strings.HasPrefix(claim.Namespace, "rp-test-"+rt.Name+"-") {
			left = append(left, fmt.Sprintf("volume %s of claim %s/%s", pv.Name, claim.Namespace, claim.Name))
		}
	}
	return left, nil
}

// Conditions tells where rt's run stands, a line for each condition.
func Conditions(rt *v1alpha1.RestoreTest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s:", rt.Name, rt.Status.Phase)
	for _, condition := range rt.Status.Conditions {
		fmt.Fprintf(&b, "\n\t%s=%s (%s) %s", condition.Type, condition.Status, condition.Reason, condition.Message)
	}
	return b.String()
}

// Events of rt, the oldest first.
func (c *Cluster) Events(ctx context.Context, rt *v1alpha1.RestoreTest) ([]corev1.Event, error) {
	list, err := c.Kube.CoreV1().Events(rt.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + rt.Name})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return a.FirstTimestamp.Compare(b.FirstTimestamp.Time) })
	return list.Items, nil
}

// Story tells what became of rt: its conditions, its events and the last that the controller logged.
func (c *Cluster) Story(ctx context.Context, rt *v1alpha1.RestoreTest) string {
	var b strings.Builder
	if now, err := c.Current(ctx, rt); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		fmt.Fprintln(&b, Conditions(now))
	}
	events, err := c.Events(ctx, rt)
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	for _, e := range events {
		fmt.Fprintf(&b, "%s %s %s: %s\n", e.FirstTimestamp.Format(time.TimeOnly), e.Type, e.Reason, e.Message)
	}
	pods, err := c.Kube.CoreV1().Pods(SystemNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=controller"})
	if err != nil {
		fmt.Fprintln(&b, err)
		return b.String()
	}
	lines := int64(15)
	for _, pod := range pods.Items {
		log, err := c.Kube.CoreV1().Pods(SystemNamespace).GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: &lines}).DoRaw(ctx)
		fmt.Fprintf(&b, "last lines of %s (error: %v):\n%s", pod.Name, err, log)
	}
	return b.String()
}
