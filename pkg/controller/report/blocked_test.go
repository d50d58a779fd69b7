package report

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// bareAgent is a pod of production that uses the network of its node.
func bareAgent(change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent", CreationTimestamp: old, Labels: map[string]string{}}}
	pod.Spec.HostNetwork = true
	pod.Spec.Containers = []corev1.Container{{Name: "agent", Env: []corev1.EnvVar{{Name: "TOKEN", Value: "s3cr3t"}}}}
	for _, c := range change {
		c(pod)
	}
	return pod
}

func TestABarePodThatTheSandboxRefusesIsNamed(t *testing.T) {
	const says = `shop: Pod/agent: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`
	plain := func(p *corev1.Pod) { p.Spec.HostNetwork = false }
	restricted := func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.Spec.Sandbox.PodSecurity = v1alpha1.PodSecurityRestricted
	}
	tests := map[string]struct {
		pod    *corev1.Pod
		change []func(*v1alpha1.RestoreTest)
		here   bool
		want   string // empty: nothing is blocked
	}{
		"one that Pod Security refuses":       {pod: bareAgent(), want: says},
		"one that the stricter level refuses": {pod: bareAgent(plain), change: []func(*v1alpha1.RestoreTest){restricted}, want: `violates PodSecurity "restricted:latest"`},
		"one that is admitted is not":         {pod: bareAgent(plain)},
		"one that is in the sandbox is not":   {pod: bareAgent(), here: true},
		"one of a workload is not: its events tell": {pod: bareAgent(func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Controller: new(true)}}
		})},
		"one that is done is not":                    {pod: bareAgent(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })},
		"one that failed is not":                     {pod: bareAgent(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })},
		"one that is younger than the backup is not": {pod: bareAgent(func(p *corev1.Pod) { p.CreationTimestamp = at(0) })},
		"one that backups leave out is not":          {pod: bareAgent(func(p *corev1.Pod) { p.Labels[velerov1.ExcludeFromBackupLabel] = "true" })},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test(c.change...))
			add := []*corev1.Pod{c.pod}
			if c.here {
				copied := c.pod.DeepCopy()
				copied.Namespace = sandbox
				add = append(add, copied)
			}
			for _, pod := range add {
				if err := f.kube.Tracker().Add(pod); err != nil {
					t.Fatal(err)
				}
			}
			f.mustSync(t)
			got := f.reports(t)[0].Status
			if c.want == "" {
				equal(t, "result", got.Result, v1alpha1.ResultPass)
				return
			}
			equal(t, "result", got.Result, v1alpha1.ResultPartial)
			equal(t, "reason", got.Reason, v1alpha1.ReasonBlockedBySandboxPolicy)
			if !strings.Contains(strings.Join(got.Caps, "\n"), c.want) || !strings.Contains(strings.Join(got.ValidationLevels.PodStartup.NotTested, "\n"), c.want) {
				t.Errorf("caps %q, level %+v", got.Caps, got.ValidationLevels.PodStartup)
			}
			for _, a := range f.kube.Actions() {
				if list, ok := a.(clienttesting.ListActionImpl); ok && a.GetNamespace() == "shop" && a.GetResource().Resource == "pods" && list.ListOptions.ResourceVersion != "0" {
					t.Errorf("pods of production are not read from the cache: %+v", list.ListOptions)
				}
			}
		})
	}
}

func TestClaimsThatTheSandboxRefused(t *testing.T) {
	missing := []string{"shop: ConfigMap/settings", "shop: PersistentVolumeClaim/data", "web: PersistentVolumeClaim/data"}
	for name, c := range map[string]struct {
		blocked []string
		want    int
	}{
		"nothing was refused":        {nil, 0},
		"a claim of one source":      {[]string{"shop: Deployment/files: claim data is missing; the quota has no room for it, requested: requests.storage=64Mi"}, 1},
		"a claim without a class":    {[]string{"shop: Deployment/files: claim data is missing; kymaros fence: a claim of a sandbox has a storage class"}, 1},
		"a claim of another name":    {[]string{"shop: Deployment/files: claim database is missing; the quota has no room for it"}, 0},
		"a pod, for want of its own": {[]string{"shop: Deployment/files: exceeded quota: kymaros-quota"}, 0},
	} {
		if got := refusedClaims(missing, c.blocked); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestPodsThatWereReplaced(t *testing.T) {
	health := &v1alpha1.HealthStatus{Blocked: []string{
		`shop: StatefulSet/db: pod db-0 is not that of the backup, which the sandbox refused: violates PodSecurity "baseline:latest"`,
		"shop: Deployment/web: exceeded quota: kymaros-quota",
	}}
	if got := replaced(health); !got.Equal(sets.New("shop/db-0")) {
		t.Errorf("%v", got)
	}
	if got := replaced(nil); len(got) != 0 {
		t.Errorf("%v, of a run without health checks", got)
	}
}
