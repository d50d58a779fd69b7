package healthcheck

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// by makes an object that of its controller.
func by(kind, name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}}
	}
}

// hashed gives a pod the label by which ReplicaSets know theirs.
func hashed(hash string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash }
}

// hashSet returns the ReplicaSet of a Deployment, by a label of its own; taken: its Deployment has taken it over.
func hashSet(deployment, hash, app string, taken bool) *appsv1.ReplicaSet {
	r := replicaSet(deployment+"-"+hash, app, 1)
	r.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	r.Spec.Selector.MatchLabels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	if taken {
		r.OwnerReferences = []metav1.OwnerReference{{Kind: "Deployment", Name: deployment, Controller: new(true)}}
	}
	return r
}

// selecting returns a Deployment that selects the pods of another app.
func selecting(name, app string, replicas int32) *appsv1.Deployment {
	d := deployment(name, &replicas)
	d.Spec.Selector.MatchLabels["app"] = app
	return d
}

func TestWhosePodItIs(t *testing.T) {
	two := []*appsv1.Deployment{selecting("worker", "kes", 1), selecting("worker-gpu", "kes", 1)}
	for name, c := range map[string]struct {
		in   contents
		want map[string][]string // pods by workload; "" are bare
	}{
		"two Deployments with one selector keep their own": {
			contents{deployments: two, replicaSets: []*appsv1.ReplicaSet{hashSet("worker", "1", "kes", true), hashSet("worker-gpu", "2", "kes", true)}, pods: []*corev1.Pod{
				pod("worker-1-a", "kes", noon, by("ReplicaSet", "worker-1"), hashed("1")), pod("worker-gpu-2-a", "kes", noon, by("ReplicaSet", "worker-gpu-2"), hashed("2")),
			}}, map[string][]string{"worker": {"worker-1-a"}, "worker-gpu": {"worker-gpu-2-a"}},
		},
		"restored, before anybody has taken over anything": {
			contents{deployments: two, replicaSets: []*appsv1.ReplicaSet{hashSet("worker", "1", "kes", false), hashSet("worker-gpu", "2", "kes", false)}, pods: []*corev1.Pod{
				pod("worker-1-a", "kes", noon, hashed("1")), pod("worker-gpu-2-a", "kes", noon, hashed("2")),
			}}, map[string][]string{"worker": {"worker-1-a"}, "worker-gpu": {"worker-gpu-2-a"}},
		},
		"one has taken over the ReplicaSet of the other": {
			contents{deployments: two, replicaSets: []*appsv1.ReplicaSet{hashSet("worker", "1", "kes", true), func() *appsv1.ReplicaSet {
				r := hashSet("worker-gpu", "2", "kes", true)
				r.OwnerReferences[0].Name = "worker"
				return r
			}()}, pods: []*corev1.Pod{pod("worker-gpu-2-a", "kes", noon, hashed("2"))}}, map[string][]string{"worker": {"worker-gpu-2-a"}},
		},
		"pods that come before their ReplicaSets go by name": {
			contents{deployments: two, pods: []*corev1.Pod{pod("worker-1-a", "kes", noon, hashed("1")), pod("worker-gpu-2-a", "kes", noon, hashed("2"))}},
			map[string][]string{"worker": {"worker-1-a"}, "worker-gpu": {"worker-gpu-2-a"}},
		},
		"a pod whose owner is not seen yet": {
			contents{deployments: two, pods: []*corev1.Pod{pod("worker-gpu-2-a", "kes", noon, by("ReplicaSet", "worker-gpu-2"), hashed("2"))}},
			map[string][]string{"worker-gpu": {"worker-gpu-2-a"}},
		},
		"the same template gives both the same hash": {
			contents{deployments: two, replicaSets: []*appsv1.ReplicaSet{hashSet("worker", "1", "kes", false), hashSet("worker-gpu", "1", "kes", false)}, pods: []*corev1.Pod{
				pod("worker-1-a", "kes", noon, hashed("1")), pod("worker-gpu-1-a", "kes", noon, hashed("1")),
			}}, map[string][]string{"worker": {"worker-1-a"}, "worker-gpu": {"worker-gpu-1-a"}},
		},
		"a bare pod with the labels of a Deployment that has its ReplicaSet is taken over by nobody": {
			contents{deployments: []*appsv1.Deployment{deployment("web", nil)}, replicaSets: []*appsv1.ReplicaSet{hashSet("web", "1", "web", true)}, pods: []*corev1.Pod{pod("debug", "web", noon)}},
			map[string][]string{"": {"debug"}},
		},
		"a StatefulSet takes over what has one of its names": {
			contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 2)}, pods: []*corev1.Pod{pod("db-0", "db", noon), pod("db-backup", "db", noon)}},
			map[string][]string{"db": {"db-0"}, "": {"db-backup"}},
		},
		"a pod of a workload that is not restored": {
			contents{deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{pod("web-0", "web", noon, by("CloneSet", "web"))}},
			map[string][]string{"": {"web-0"}},
		},
		"a bare ReplicaSet": {
			contents{replicaSets: []*appsv1.ReplicaSet{replicaSet("old", "old", 1)}, pods: []*corev1.Pod{pod("old-a", "old", noon), pod("old-b", "old", noon, by("ReplicaSet", "old"))}},
			map[string][]string{"old": {"old-a", "old-b"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string][]string{}
			workloads, bare := assign(c.in)
			for _, w := range append(workloads, &workload{pods: bare}) {
				for _, p := range w.pods {
					got[w.name] = append(got[w.name], p.Name)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOverlappingSelectorsNeitherHideNorInventPods(t *testing.T) {
	web, canary := selecting("web", "web", 2), selecting("web-canary", "web", 1)
	sets := []*appsv1.ReplicaSet{hashSet("web", "1", "web", true), hashSet("web-canary", "2", "web", true)}
	pods := []*corev1.Pod{pod("web-1-a", "web", noon, by("ReplicaSet", "web-1")), pod("web-1-b", "web", noon, by("ReplicaSet", "web-1")), pod("web-canary-2-a", "web", noon, by("ReplicaSet", "web-canary-2"))}
	r := assess([]contents{{deployments: []*appsv1.Deployment{web, canary}, replicaSets: sets, pods: pods}})
	if r.String() != "all 3 pods ready" {
		t.Errorf("all are ready: %s", r.String())
	}
	pods[1].OwnerReferences[0].Name = "web-canary-2"
	r = assess([]contents{{deployments: []*appsv1.Deployment{web, canary}, replicaSets: sets, pods: pods}})
	if r.String() != "3 of 4 pods ready; waiting for web (1 of 2 pods exist)" {
		t.Errorf("a pod of web is missing: %s", r.String())
	}
}

func TestWorkThatIsDoneOnce(t *testing.T) {
	runner := func(name string, policy corev1.RestartPolicy, p corev1.PodPhase, change ...func(*corev1.Pod)) *corev1.Pod {
		return pod(name, "", time.Time{}, append(change, phase(p), func(pod *corev1.Pod) { pod.Spec.RestartPolicy = policy })...)
	}
	got := assess([]contents{{source: "ci", pods: []*corev1.Pod{
		runner("never", corev1.RestartPolicyNever, corev1.PodFailed), runner("on-failure", corev1.RestartPolicyOnFailure, corev1.PodRunning),
		runner("done", corev1.RestartPolicyNever, corev1.PodSucceeded), runner("kept-up", corev1.RestartPolicyAlways, corev1.PodRunning),
		runner("owned", corev1.RestartPolicyNever, corev1.PodRunning, by("Workflow", "w")),
	}}})
	want := readiness{total: 2, waiting: []string{"kept-up (Running)", "owned (Running)"}, notCounted: []string{"ci: Pod/done", "ci: Pod/never", "ci: Pod/on-failure"}}
	if diff := cmp.Diff(want, got, readinessOptions...); diff != "" {
		t.Error(diff)
	}
}
