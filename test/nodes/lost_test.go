package nodes

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// execIn runs a command in a pod of the web servers, of which no retry makes much.
func execIn(name string) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: name, Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
		PodSelector: map[string]string{"app": "web"}, Container: "web", Command: []string{"sh", "-c", "sleep 60"}, Timeout: "80s",
	}}
}

// TestANodeLostInMidRun has the whole sandbox be on a node that loses its power while checks run. Production is on the others.
func TestANodeLostInMidRun(t *testing.T) {
	for name, c := range map[string]struct {
		test string
		then func(t *testing.T, back func()) // what has cleanup go on
	}{
		"and it comes back": {"returns", func(_ *testing.T, back func()) { back() }},
		"and it is no node any more": {"no-node", func(t *testing.T, back func()) {
			must(t, cluster.Kube.CoreV1().Nodes().Delete(t.Context(), third, metav1.DeleteOptions{}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			web.ready(t)
			anywhere := only(t, third)
			rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest(c.test, web.backup, web.namespace), holding(web.namespace, "80s"), execIn("in-web"), answers("web")))
			sandboxOn(t, rt, web.namespace, third)
			anywhere()
			began := time.Now()
			back := lose(t, last)
			rt = cluster.Await(t, rt, v1alpha1.ConditionReported, v1alpha1.ReasonReportWritten)
			t.Logf("reported %v after %s lost its power", time.Since(began).Round(time.Second), third)
			report := cluster.Report(t, rt)
			blameless(t, report)
			says(t, report, third)

			// Nobody but the node can tell that its pods have ended.
			time.Sleep(20 * time.Second)
			if now, err := cluster.Current(t.Context(), rt); err != nil || !conditions.Active(now) {
				t.Errorf("cleanup is over though pods may run on a node that nobody hears of: %v", err)
			}
			began = time.Now()
			c.then(t, back)
			cluster.AwaitEnd(t, rt)
			t.Logf("cleaned up %v later", time.Since(began).Round(time.Second))
		})
	}
}

func TestANodeDrainedInMidRun(t *testing.T) {
	web.ready(t)
	anywhere := only(t, third)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("drained", web.backup, web.namespace), holding(web.namespace, "60s"), answers("web")))
	pods := sandboxOn(t, rt, web.namespace, third)
	anywhere()
	only(t, first, second)
	evict(t, pods)
	_, report := cluster.AwaitEnd(t, rt)
	blameless(t, report)
	says(t, report, "EvictionByEvictionAPI", "had to make room")
}

// evict does what kubectl drain does with pods.
func evict(t *testing.T, pods []corev1.Pod) {
	t.Helper()
	for _, p := range pods {
		must(t, cluster.Kube.PolicyV1().Evictions(p.Namespace).Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name}}))
	}
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		for _, p := range pods {
			now, err := cluster.Kube.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
			if err == nil && now.UID == p.UID {
				return fmt.Errorf("pod %s is still there", p.Name)
			}
			if ignoreNotFound(err) != nil {
				return err
			}
		}
		return nil
	})
}
