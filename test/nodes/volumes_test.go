package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// nodeOf returns the node to which the volume of a claim is bound.
func nodeOf(t *testing.T, namespace, claim string) string {
	t.Helper()
	c, err := cluster.Kube.CoreV1().PersistentVolumeClaims(namespace).Get(t.Context(), claim, metav1.GetOptions{})
	must(t, err)
	pv, err := cluster.Kube.CoreV1().PersistentVolumes().Get(t.Context(), c.Spec.VolumeName, metav1.GetOptions{})
	must(t, err)
	if pv.Spec.NodeAffinity != nil && pv.Spec.NodeAffinity.Required != nil {
		for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
			for _, e := range term.MatchExpressions {
				if e.Key == corev1.LabelHostname && e.Operator == corev1.NodeSelectorOpIn && len(e.Values) == 1 {
					return e.Values[0]
				}
			}
		}
	}
	t.Fatalf("volume %s is bound to no node: %+v", pv.Name, pv.Spec.NodeAffinity)
	return ""
}

func TestAVolumeBoundToANodeComesBackWhereItsPodIs(t *testing.T) {
	shop.ready(t)
	if node := nodeOf(t, shop.namespace, "data-db-0"); node != second {
		t.Fatalf("the volume of production is on %s", node)
	}
	for _, node := range []string{second, third} {
		t.Run(node, func(t *testing.T) {
			only(t, node)
			rt := cluster.Start(t, cluster.RestoreTest("bound-"+node, shop.backup, shop.namespace), stage.Hold(shop.namespace), stage.CountOrders(stage.Orders), answers("web"))
			rt = cluster.AwaitHeld(t, rt)
			sandboxOn(t, rt, shop.namespace, node)
			if got := nodeOf(t, stage.SandboxOf(t, rt, shop.namespace), "data-db-0"); got != node {
				t.Errorf("the volume is on %s, and its pod on %s", got, node)
			}
			cluster.Release(t, rt, shop.namespace)
			_, report := cluster.AwaitEnd(t, rt)
			tell(t, report)
			stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
			if report.Status.Score != 100 {
				t.Errorf("score %d, %+v", report.Status.Score, report.Status.ValidationLevels)
			}
		})
	}
}

// TestANodeWithoutANodeAgent has a pod with a volume of a backup come to a node where nobody can fill it.
func TestANodeWithoutANodeAgent(t *testing.T) {
	shop.ready(t)
	agents := cluster.Kube.AppsV1().DaemonSets(stage.VeleroNamespace)
	keepOff := func(ctx context.Context, nodes ...string) error {
		affinity := "null"
		if len(nodes) > 0 {
			affinity = fmt.Sprintf(`{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":%q,"operator":"NotIn","values":[%q]}]}]}}}`,
				corev1.LabelHostname, nodes[0])
		}
		_, err := agents.Patch(ctx, "node-agent", types.MergePatchType, []byte(`{"spec":{"template":{"spec":{"affinity":`+affinity+`}}}}`), metav1.PatchOptions{})
		return errors.Join(err, agentsReady(ctx, count-len(nodes)))
	}
	t.Cleanup(func() {
		if err := keepOff(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	must(t, keepOff(t.Context(), third))
	anywhere := only(t, third)
	rt, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("no-agent", shop.backup, shop.namespace), stage.CountOrders(stage.Orders)))
	blameless(t, report)
	if s := report.Status; s.Result != v1alpha1.ResultInconclusive {
		t.Errorf("%s, %s: it is the cluster that lacks something", s.Result, s.Reason)
	}
	says(t, report, "Pod/db-0", third, "node agent")
	if restore := rt.Status.Restore; restore != nil {
		t.Logf("Velero: %s, %d errors", restore.Phase, restore.Errors)
	}
	anywhere()

	// Where an agent is, the very backup comes back.
	only(t, second)
	_, report = cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("with-agent", shop.backup, shop.namespace), stage.CountOrders(stage.Orders)))
	tell(t, report)
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
	if !slices.ContainsFunc(report.Status.Checks, func(c v1alpha1.CheckStatus) bool { return c.Status == v1alpha1.CheckPass }) {
		t.Errorf("checks %+v", report.Status.Checks)
	}
}
