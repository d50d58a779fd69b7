package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// only has new pods go to these nodes until t ends, or until the function it returns is called.
func only(t *testing.T, names ...string) (anywhere func()) {
	t.Helper()
	anywhere = func() {
		t.Helper()
		if err := cluster.Anywhere(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(anywhere)
	must(t, cluster.Only(t.Context(), names...))
	return anywhere
}

// lose takes the power from the last node until t ends. The canaries of all nodes are ready again then.
func lose(t *testing.T, node int) (back func()) {
	t.Helper()
	back = func() {
		t.Helper()
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(cluster.Power(ctx, "start", node), cluster.AwaitNode(ctx, stage.NodeName(node), true)); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		back()
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(cluster.AwaitCanaries(ctx), agentsReady(ctx, count)); err != nil {
			t.Error(err)
		}
	})
	must(t, cluster.Power(t.Context(), "stop", node))
	return back
}

// agentsReady waits until so many node agents of Velero are ready, and no more are wanted.
func agentsReady(ctx context.Context, want int) error {
	return stage.Poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		d, err := cluster.Kube.AppsV1().DaemonSets(stage.VeleroNamespace).Get(ctx, "node-agent", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if s := d.Status; s.ObservedGeneration < d.Generation || int(s.NumberReady) != want || int(s.UpdatedNumberScheduled) != want || int(s.CurrentNumberScheduled) != want || s.NumberMisscheduled > 0 {
			return fmt.Errorf("%d node agents are ready, want %d: %+v", s.NumberReady, want, s)
		}
		return nil
	})
}

// sandboxOn returns the pods of the sandbox of source, and fails t if one is on a node that is none of those.
func sandboxOn(t *testing.T, rt *v1alpha1.RestoreTest, source string, nodes ...string) []corev1.Pod {
	t.Helper()
	pods := cluster.Pods(t, stage.SandboxOf(t, rt, source))
	if len(pods) == 0 {
		t.Errorf("the sandbox for %s has no pods", source)
	}
	for _, p := range pods {
		if !slices.Contains(nodes, p.Spec.NodeName) {
			t.Errorf("pod %s is on %s, want %q", p.Name, p.Spec.NodeName, nodes)
		}
	}
	return pods
}

// holding returns a check that keeps the run open for that long.
func holding(source string, timeout v1alpha1.Duration) v1alpha1.HealthCheck {
	hold := stage.Hold(source)
	hold.PodStatus.Timeout = timeout
	return hold
}

func answers(service string) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: service + "-answers", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{
		Service: service, Port: 80, Path: "/", ExpectedStatus: 200, Retries: 3,
	}}
}

// tell logs what the report of a run says.
func tell(t *testing.T, report *v1alpha1.RestoreReport) {
	t.Helper()
	s := report.Status
	t.Logf("%s %d, %s: %s\ncaps %q", s.Result, s.Score, s.Reason, s.Message, s.Caps)
	for _, c := range s.Checks {
		t.Logf("check %s: %s %s", c.Name, c.Status, c.Message)
	}
}

// says fails t unless the report tells all of that where it tells what keeps the run from a pass.
func says(t *testing.T, report *v1alpha1.RestoreReport, words ...string) {
	t.Helper()
	told := report.Status.Message + "\n" + strings.Join(report.Status.Caps, "\n")
	for _, w := range words {
		if !strings.Contains(told, w) {
			t.Errorf("the report does not say %q:\n%s", w, told)
		}
	}
}

// blameless fails t if the report blames the backup, or says that all is well.
func blameless(t *testing.T, report *v1alpha1.RestoreReport) {
	t.Helper()
	tell(t, report)
	if s := report.Status; s.Result != v1alpha1.ResultInconclusive && s.Result != v1alpha1.ResultPartial {
		t.Errorf("%s %d, %s: %s; it says nothing about the backup", s.Result, s.Score, s.Reason, s.Message)
	}
}
