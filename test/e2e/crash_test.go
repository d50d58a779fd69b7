package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestARestoreThatCrashesVeleroIsGivenUp: Velero's finalizer of a Restore ends the server over a claim without a class, and so it does with
// each start, until the Restore or the claim is gone. Neither our rules nor the fence let such a claim through, so both are taken away:
// what is left is the watchdog. It runs alone.
func TestARestoreThatCrashesVeleroIsGivenUp(t *testing.T) {
	slow(t)
	cluster.Untouched(t, web)
	source := staticBackup(t, "crash")
	withoutDefaultClass(t)
	withoutRulesForClaims(t)
	scraper := cluster.AccountToken(t, "stalled-scraper", "kymaros-metrics-reader")

	t.Run("while the run is under way", func(t *testing.T) {
		rt := cluster.Await(t, cluster.Start(t, cluster.RestoreTest("crash", source, source)), v1alpha1.ConditionRestored, v1alpha1.ReasonInProgress)
		giveUpVolumes(t, rt.Status.Restore.Name)
		rt, report := cluster.AwaitEnd(t, rt)
		verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonVeleroStalled)
		if !strings.HasPrefix(rt.Status.Restore.Phase, "Finalizing") {
			t.Errorf("Velero did not crash where it was meant to, for its Restore was %s", rt.Status.Restore.Phase)
		}
		warned(t, rt, v1alpha1.ReasonVeleroStalled)
		counted(t, scraper, 1)
		worksAgain(t, "after-crash")
	})
	t.Run("after the verdict", func(t *testing.T) {
		rt := cluster.RestoreTest("late-crash", source, source)
		rt.Spec.Timeout = new(v1alpha1.Duration)
		*rt.Spec.Timeout = "1m" // so long Velero waits for the volume, so that it crashes when the run has just ended
		rt, report := cluster.AwaitEnd(t, cluster.Start(t, rt))
		if report.Status.Result == v1alpha1.ResultPass {
			t.Errorf("report: %s, %s: %s", report.Status.Result, report.Status.Reason, report.Status.Message)
		}
		warned(t, rt, v1alpha1.ReasonVeleroStalled)
		counted(t, scraper, 2)
		worksAgain(t, "after-late-crash")
	})
}

// giveUpVolumes has Velero give up the volumes that it fills for a Restore. Before 1.18 it does not begin to.
func giveUpVolumes(t *testing.T, restore string) {
	t.Helper()
	volumes := cluster.Kymaros.VeleroV1().PodVolumeRestores(stage.VeleroNamespace)
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		list, err := volumes.List(ctx, metav1.ListOptions{LabelSelector: velerov1.RestoreNameLabel + "=" + restore})
		if err != nil {
			return err
		}
		if len(list.Items) == 0 {
			r, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, restore, metav1.GetOptions{})
			if err == nil && !strings.HasPrefix(string(r.Status.Phase), "Finalizing") {
				err = errors.New("Velero fills no volume yet")
			}
			return ignoreNotFound(err) // it is finalized without, or the run has ended over that
		}
		patch := `{"spec":{"cancel":true}}`
		if !cancelsFiles() {
			patch = `{"status":{"phase":"Failed"}}` // as if the node agent had failed
		}
		_, err = volumes.Patch(ctx, list.Items[0].Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		return err
	})
}

// counted waits until the metric has so many runs on which Velero stalled.
func counted(t *testing.T, token string, runs int) {
	t.Helper()
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		got, err := cluster.Scrape(ctx, web, "controller", token)
		if err == nil && !strings.Contains(got, fmt.Sprintf("kymaros_velero_stalled_total %d\n", runs)) {
			err = errors.New("the metric has another number")
		}
		return err
	})
}

// worksAgain fails t unless Velero calms down, and backs production up. Then it is started anew: it goes on trying to write to a Restore
// that is gone, for some three minutes, and finishes no other before.
func worksAgain(t *testing.T, backup string) {
	t.Helper()
	calms(t)
	backup = cluster.Name(backup)
	t.Cleanup(func() {
		if err := ignoreNotFound(cluster.DeleteBackup(context.WithoutCancel(t.Context()), backup)); err != nil {
			t.Error(err)
		}
	})
	must(t, cluster.Backup(t.Context(), backup, web))
	scale(t, 0)
	scale(t, 1)
}

// staticBackup deploys a pod with a volume made by hand and backs it up, until t ends.
func staticBackup(t *testing.T, name string) (source string) {
	t.Helper()
	source = cluster.Name(name)
	clean, err := cluster.DeployStatic(t.Context(), source)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{cluster.DeleteNamespaces(ctx, source), clean(ctx), ignoreNotFound(cluster.DeleteBackup(ctx, source))} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	must(t, err)
	must(t, cluster.Backup(t.Context(), source, source))
	return source
}

// withoutDefaultClass lasts until t ends.
func withoutDefaultClass(t *testing.T) {
	t.Helper()
	restore, err := cluster.WithoutDefaultClass(t.Context())
	t.Cleanup(func() {
		if err := restore(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	must(t, err)
}

// withoutRulesForClaims has the controller do without the fence, takes the policy for claims away, and gives it rules by which claims
// without a class stay without, until t ends.
func withoutRulesForClaims(t *testing.T) {
	t.Helper()
	const cautious, careless = "kymaros-sandbox-no-class", "kymaros-sandbox-modifiers"
	configMaps := cluster.Kube.CoreV1().ConfigMaps(stage.VeleroNamespace)
	deployments := cluster.Kube.AppsV1().Deployments(stage.SystemNamespace)
	old, err := configMaps.Get(t.Context(), cautious, metav1.GetOptions{})
	must(t, err)
	other, err := configMaps.Get(t.Context(), careless, metav1.GetOptions{})
	must(t, err)
	controller, err := deployments.Get(t.Context(), stage.Controller, metav1.GetOptions{})
	must(t, err)
	args := controller.Spec.Template.Spec.Containers[0].Args

	rules := func(ctx context.Context, data map[string]string) error {
		_, err := configMaps.Patch(ctx, cautious, types.MergePatchType, asJSON(t, map[string]any{"data": data}), metav1.PatchOptions{})
		return err
	}
	run := func(ctx context.Context, args []string) error {
		patch := []any{map[string]any{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": args}}
		if _, err := deployments.Patch(ctx, stage.Controller, types.JSONPatchType, asJSON(t, patch), metav1.PatchOptions{}); err != nil {
			return err
		}
		return cluster.AwaitRollout(ctx, stage.SystemNamespace, stage.Controller)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{cluster.ApplyFence(ctx), rules(ctx, old.Data), run(ctx, args)} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	must(t, cluster.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Delete(t.Context(), "kymaros-claims", metav1.DeleteOptions{}))
	must(t, rules(t.Context(), other.Data))
	must(t, run(t.Context(), append(append([]string{}, args...), "--require-fence=false")))
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	must(t, err)
	return body
}

// warned fails t if there is no warning about rt with that reason.
func warned(t *testing.T, rt *v1alpha1.RestoreTest, reason string) {
	t.Helper()
	stage.Until(t, 30*time.Second, func(ctx context.Context) error {
		events, err := cluster.Events(ctx, rt)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Type == corev1.EventTypeWarning && e.Reason == reason {
				return nil
			}
		}
		return fmt.Errorf("no warning %s among %d events", reason, len(events))
	})
}

// calms waits until Velero's server runs, as it did before, and has done so for a while.
func calms(t *testing.T) {
	t.Helper()
	stage.Until(t, 3*time.Minute, func(ctx context.Context) error {
		pods, err := cluster.Kube.CoreV1().Pods(stage.VeleroNamespace).List(ctx, metav1.ListOptions{LabelSelector: "deploy=velero"})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			for _, s := range p.Status.ContainerStatuses {
				if r := s.State.Running; r == nil || time.Since(r.StartedAt.Time) < 20*time.Second {
					return fmt.Errorf("container %s is %+v", s.Name, s.State)
				}
			}
		}
		return nil
	})
}
