package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// Until the canaries know the new addresses they prove nothing, so it runs alone.
func TestCanariesFollowATargetThatMoves(t *testing.T) {
	pods := cluster.Kube.CoreV1().Pods(canary.TargetNamespace)
	targets := metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=canary-target"}
	before, err := pods.List(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	old := sets.New[types.UID]()
	for _, pod := range before.Items {
		old.Insert(pod.UID)
		if err := pods.Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		told, err := cluster.Kube.CoreV1().ConfigMaps(canary.Namespace).Get(ctx, canary.ConfigMap, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now, err := pods.List(ctx, targets)
		if err != nil {
			return err
		}
		if len(now.Items) != len(before.Items) {
			return fmt.Errorf("%d targets, want %d", len(now.Items), len(before.Items))
		}
		for _, pod := range now.Items {
			if old.Has(pod.UID) || pod.Status.PodIP == "" || !strings.Contains(told.Data[canary.AddressesKey], `"`+pod.Status.PodIP+`"`) {
				return fmt.Errorf("the address of the new target %s (%q) is not told: %v", pod.Name, pod.Status.PodIP, told.Data)
			}
		}
		return nil
	})
	if err := cluster.AwaitCanaries(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Isolation is not proven meanwhile, so it runs alone. Whether a moment is seen is the network plugin's.
func TestFencedPodsTellWhatTheyReachedWhenTheyBegan(t *testing.T) {
	patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, time.Now().Format(time.RFC3339))
	if _, err := cluster.Kube.AppsV1().DaemonSets(canary.Namespace).Patch(t.Context(), "canary-fenced", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := cluster.AwaitCanaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	proof, err := isolation.Look(t.Context(), cluster.Kube)
	if err != nil {
		t.Fatal(err)
	}
	if proof.Moment == nil || proof.Moment.State == v1alpha1.MomentUnknown || proof.Target == "" {
		t.Errorf("moment %+v, target %q", proof.Moment, proof.Target)
	}
	t.Logf("moment %+v", proof.Moment)
}

// It stops what enforces policies, so it runs alone.
func TestNothingIsRestoredWherePoliciesAreNotEnforced(t *testing.T) {
	slow(t)
	cluster.Untouched(t, web)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(cluster.EnforcePolicies(ctx, true), cluster.AwaitCanaries(ctx)); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.EnforcePolicies(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	cluster.AwaitLeak(t)

	restores, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rt := cluster.Start(t, cluster.RestoreTest("unfenced", appsBackup, web), webAnswers())
	rt, report := cluster.AwaitEnd(t, rt)
	verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonIsolationNotEnforced)
	if got := report.Status.IsolationProof; got != v1alpha1.IsolationNotEnforced {
		t.Errorf("isolation proof %q", got)
	}
	changes, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: restores.ResourceVersion, LabelSelector: v1alpha1.LabelTest + "=" + rt.Name, TimeoutSeconds: new(int64(2)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for event := range changes.ResultChan() {
		t.Errorf("a Restore was %s: %v", event.Type, event.Object)
	}

	// The very test passes when policies are enforced again.
	if err := errors.Join(cluster.EnforcePolicies(t.Context(), true), cluster.AwaitCanaries(t.Context())); err != nil {
		t.Fatal(err)
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"again"}}}`, v1alpha1.AnnotationRunRequested)
	tests := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace)
	if _, err := tests.Patch(t.Context(), rt.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	first := rt.Status.Run.ID
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err != nil {
			return err
		}
		if now.Status.Run.ID == first || !conditions.Began(now) || conditions.Active(now) {
			return fmt.Errorf("the second run is not over\n%s", stage.Conditions(now))
		}
		rt = now
		return nil
	})
	report, err = cluster.Kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace).Get(t.Context(), rt.Status.LastReportRef, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	verdict(t, report, v1alpha1.ResultPass, "Passed")
	if got := report.Status.IsolationProof; got != v1alpha1.IsolationProven {
		t.Errorf("isolation proof %q", got)
	}
}
