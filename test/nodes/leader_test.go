package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestTheNodeOfTheLeaderIsLost has each half of the controllers run twice, on nodes that may be lost, and loses that of the one which
// leads while a run is under way on another.
func TestTheNodeOfTheLeaderIsLost(t *testing.T) {
	for _, name := range []string{stage.Controller, stage.Prober} {
		t.Run(name, func(t *testing.T) {
			web.ready(t)
			twice(t, name)
			anywhere := only(t, first)
			rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest(name, web.backup, web.namespace), stage.Hold(web.namespace), answers("web")))
			sandboxOn(t, rt, web.namespace, first)
			anywhere()
			leader := leaderOf(t, name)
			pod, err := cluster.Kube.CoreV1().Pods(stage.SystemNamespace).Get(t.Context(), leader, metav1.GetOptions{})
			must(t, err)
			number := map[string]int{second: 2, third: 3}[pod.Spec.NodeName]
			if number == 0 {
				t.Fatalf("%s leads on %s", leader, pod.Spec.NodeName)
			}
			lose(t, number)
			began := time.Now()
			stage.Until(t, time.Minute, func(ctx context.Context) error { // a lease lasts for 15 seconds
				now, err := holder(ctx, name)
				if err == nil && (now == leader || now == "") {
					err = fmt.Errorf("%q holds the lease", now)
				}
				return err
			})
			t.Logf("%s: the standby has taken over %v after %s lost its power", name, time.Since(began).Round(100*time.Millisecond), pod.Spec.NodeName)
			cluster.Release(t, rt, web.namespace)
			after, report := cluster.AwaitEnd(t, rt)
			tell(t, report)
			stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
			if after.Status.Run.ID != rt.Status.Run.ID || report.Spec.RunID != rt.Status.Run.ID {
				t.Errorf("run %s ended as %s, report of %s", rt.Status.Run.ID, after.Status.Run.ID, report.Spec.RunID)
			}
			t.Logf("the run was over %v after %s lost its power", time.Since(began).Round(time.Second), pod.Spec.NodeName)
		})
	}
}

// holder returns the pod that holds the lease of a Deployment of the controllers, "" if nobody does.
func holder(ctx context.Context, name string) (string, error) {
	lease, err := cluster.Kube.CoordinationV1().Leases(stage.SystemNamespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil {
		return "", err
	}
	pod, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
	return pod, nil
}

func leaderOf(t *testing.T, name string) string {
	t.Helper()
	var leader string
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		var err error
		if leader, err = holder(ctx, name); err == nil && leader == "" {
			err = errors.New("nobody leads")
		}
		if err != nil {
			return err
		}
		_, err = cluster.Kube.CoreV1().Pods(stage.SystemNamespace).Get(ctx, leader, metav1.GetOptions{})
		return err // a pod that is gone gives its lease back, or loses it in a while
	})
	return leader
}

// twice has a Deployment of the controllers run on two nodes, neither of them the first, until t ends.
func twice(t *testing.T, name string) {
	t.Helper()
	set := func(ctx context.Context, replicas int, affinity *corev1.Affinity) error {
		patch, err := json.Marshal(map[string]any{"spec": map[string]any{"replicas": replicas, "template": map[string]any{"spec": map[string]any{"affinity": affinity}}}})
		if err != nil {
			return err
		}
		if _, err := cluster.Kube.AppsV1().Deployments(stage.SystemNamespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
		return cluster.AwaitRollout(ctx, stage.SystemNamespace, name)
	}
	// Before the node is lost, so done after it is back.
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		err := errors.Join(cluster.Only(ctx, first), set(ctx, 1, nil), cluster.Anywhere(ctx))
		if err != nil {
			t.Error(err)
		}
	})
	d, err := cluster.Kube.AppsV1().Deployments(stage.SystemNamespace).Get(t.Context(), name, metav1.GetOptions{})
	must(t, err)
	must(t, set(t.Context(), 2, &corev1.Affinity{
		NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpNotIn, Values: []string{first}}},
		}}}},
		PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			TopologyKey: corev1.LabelHostname, LabelSelector: d.Spec.Selector,
		}}},
	}))
}
