package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestACopyThatTakesItsTimeToStopIsGoneSoon has pods that ignore SIGTERM, and ask for eight minutes.
func TestACopyThatTakesItsTimeToStopIsGoneSoon(t *testing.T) {
	slow(t)
	t.Parallel()
	stubborn := cluster.Name("slow")
	if err := cluster.Deploy(t.Context(), stage.App{File: "web.yaml", Namespace: stubborn, Grace: 480}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteSlow(t, stubborn) })
	if err := cluster.AwaitPods(t.Context(), stubborn, 2); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Backup(t.Context(), stubborn, stubborn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.DeleteBackup(context.WithoutCancel(t.Context()), stubborn); err != nil {
			t.Error(err)
		}
	})
	cluster.Untouched(t, stubborn)

	rt := cluster.RestoreTest("slow", stubborn, stubborn)
	rt.Spec.HistoryLimit = new(int32(1))
	rt = cluster.Start(t, rt, webAnswers())
	rt = cluster.Await(t, rt, v1alpha1.ConditionReported, v1alpha1.ReasonReportWritten)
	reported := conditions.ForRun(rt, v1alpha1.ConditionReported).LastTransitionTime
	request := []byte(`{"metadata":{"annotations":{"kymaros.io/run-requested":"meanwhile"}}}`)
	if _, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), rt.Name, types.MergePatchType, request, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	first := rt.Status.Run.ID
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err != nil {
			return err
		}
		rt = now
		if now.Status.Run.ID == first || now.Status.Run.StartTime.IsZero() {
			return fmt.Errorf("the run that was asked for has not begun\n%s", stage.Conditions(now))
		}
		return nil
	})
	took := rt.Status.Run.StartTime.Sub(reported.Time)
	t.Logf("the next run began %v after the report of the one before", took)
	if took > 2*time.Minute {
		t.Errorf("the copy was gone %v after the report", took)
	}
	report := cluster.Report(t, cluster.AwaitOver(t, rt))
	verdict(t, report, v1alpha1.ResultPass, "Passed")
}

// deleteSlow deletes a namespace of production whose pods take their time.
func deleteSlow(t *testing.T, namespace string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	deployments := cluster.Kube.AppsV1().Deployments(namespace)
	err := errors.Join(
		deployments.DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}, metav1.ListOptions{}),
		stage.Poll(ctx, time.Minute, func(ctx context.Context) error {
			pods := cluster.Kube.CoreV1().Pods(namespace)
			if err := pods.DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
				return err
			}
			list, err := pods.List(ctx, metav1.ListOptions{})
			if err == nil && len(list.Items) > 0 {
				err = fmt.Errorf("namespace %s has %d pods", namespace, len(list.Items))
			}
			return err
		}),
		cluster.DeleteNamespaces(ctx, namespace))
	if err != nil {
		t.Error(err)
	}
}
