package healthcheck

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pod returns a pod of the app that became ready then; a zero time: it is not.
func pod(name, app string, since time.Time, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "sandbox-1", Labels: map[string]string{"app": app}}}
	p.Status.Phase = corev1.PodRunning
	status := corev1.ConditionFalse
	if !since.IsZero() {
		status = corev1.ConditionTrue
	}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.NewTime(since)}}
	for _, f := range change {
		f(p)
	}
	kept, err := trim(p) // as the watch has it
	if err != nil {
		panic(err)
	}
	return kept.(*corev1.Pod)
}

func phase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func ownedBy(kind string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: "x", Controller: new(true)}}
	}
}

func container(init bool, name string, state corev1.ContainerState) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		if init {
			p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, corev1.ContainerStatus{Name: name, State: state})
		} else {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: name, State: state})
		}
	}
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "secret"}}
}

func deployment(name string, replicas *int32) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "sandbox-1"},
		Spec: appsv1.DeploymentSpec{Replicas: replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}}}
}

func statefulSet(name string, replicas int32) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "sandbox-1"},
		Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}}}
}

func replicaSet(name, app string, replicas int32, change ...func(*appsv1.ReplicaSet)) *appsv1.ReplicaSet {
	r := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "sandbox-1", Labels: map[string]string{"app": app}},
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}}}
	for _, f := range change {
		f(r)
	}
	return r
}

func labelled(key string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels[key] = "report" }
}

// readinessOptions compare what is said of pods, not which they are.
var readinessOptions = []cmp.Option{cmp.AllowUnexported(readiness{}, held{}), cmpopts.IgnoreFields(readiness{}, "counted"), cmpopts.EquateEmpty()}

func TestAssess(t *testing.T) {
	quota := deployment("web", ptr.To[int32](2))
	quota.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "secret"}}
	var many []*corev1.Pod
	for i := range 10 {
		many = append(many, pod(fmt.Sprintf("p-%d", i), "", time.Time{}))
	}
	tests := []struct {
		name string
		in   []contents
		want readiness
		text string
	}{
		{"nothing is to run", []contents{{}}, readiness{}, "all 0 pods ready"},
		{"pods that do not exist yet count", []contents{{deployments: []*appsv1.Deployment{deployment("web", ptr.To[int32](3))}, pods: []*corev1.Pod{pod("web-1", "web", noon)}}},
			readiness{ready: 1, total: 3, since: noon, waiting: []string{"web (1 of 3 pods exist)"}}, "1 of 3 pods ready; waiting for web (1 of 3 pods exist)"},
		{"replicas that are not given are one", []contents{{deployments: []*appsv1.Deployment{deployment("web", nil)}}},
			readiness{total: 1, waiting: []string{"web (0 of 1 pods exist)"}}, "0 of 1 pods ready; waiting for web (0 of 1 pods exist)"},
		{"a workload scaled to zero asks for nothing", []contents{{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 0)}}}, readiness{}, "all 0 pods ready"},
		{"a workload says why its pods do not come", []contents{{deployments: []*appsv1.Deployment{quota}}},
			readiness{total: 2, waiting: []string{"web (0 of 2 pods exist: FailedCreate)"}}, "0 of 2 pods ready; waiting for web (0 of 2 pods exist: FailedCreate)"},
		{"all are ready since the last", []contents{{deployments: []*appsv1.Deployment{deployment("web", nil)}, statefulSets: []*appsv1.StatefulSet{statefulSet("db", 2)},
			pods: []*corev1.Pod{pod("db-0", "db", noon.Add(time.Second)), pod("db-1", "db", noon.Add(3*time.Second)), pod("web-1", "web", noon)}}},
			readiness{ready: 3, total: 3, since: noon.Add(3 * time.Second)}, "all 3 pods ready"},
		{"the pod of a rollout that is stuck is not asked for while the others serve", []contents{{source: "shop", deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{pod("web-1", "web", noon), pod("web-2", "web", time.Time{})}}},
			readiness{ready: 1, total: 1, since: noon, notCounted: []string{"shop: Pod/web-2: of a rollout that is stuck, and the pods before it serve (Running)"}}, "all 1 pods ready"},
		{"as long as too few serve, all are waited for", []contents{{deployments: []*appsv1.Deployment{deployment("web", ptr.To[int32](2))}, pods: []*corev1.Pod{pod("web-1", "web", noon), pod("web-2", "web", time.Time{}), pod("web-3", "web", time.Time{})}}},
			readiness{ready: 1, total: 3, since: noon, waiting: []string{"web-2 (Running)", "web-3 (Running)"}}, "1 of 3 pods ready; waiting for web-2 (Running), web-3 (Running)"},
		{"a StatefulSet has no surplus", []contents{{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, pods: []*corev1.Pod{pod("db-0", "db", noon), pod("db-1", "db", time.Time{})}}},
			readiness{ready: 1, total: 2, since: noon, waiting: []string{"db-1 (Running)"}}, "1 of 2 pods ready; waiting for db-1 (Running)"},
		{"bare pods count", []contents{{pods: []*corev1.Pod{pod("a", "", noon), pod("b", "", time.Time{}, phase(corev1.PodPending))}}},
			readiness{ready: 1, total: 2, since: noon, waiting: []string{"b (Pending)"}}, "1 of 2 pods ready; waiting for b (Pending)"},
		{"what is going, done or a job's does not", []contents{{pods: []*corev1.Pod{
			pod("going", "", time.Time{}, func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }),
			pod("done", "", time.Time{}, phase(corev1.PodSucceeded)),
			pod("job", "", time.Time{}, ownedBy("Job")),
			pod("evicted", "", time.Time{}, ownedBy("ReplicaSet"), phase(corev1.PodFailed)),
		}}}, readiness{notCounted: []string{": Pod/job"}}, "all 0 pods ready"},
		{"a job's pod is known by its labels, for a restore takes its owner away", []contents{{pods: []*corev1.Pod{
			pod("running", "", time.Time{}, labelled("batch.kubernetes.io/job-name")),
			pod("failed", "", time.Time{}, labelled("job-name"), phase(corev1.PodFailed)),
		}}}, readiness{notCounted: []string{": Pod/failed", ": Pod/running"}}, "all 0 pods ready"},
		{"a pod that failed before its workload took it over is replaced", []contents{{deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{
			pod("web-1", "web", time.Time{}, phase(corev1.PodFailed), func(p *corev1.Pod) { p.Status.Reason = "Evicted" }), pod("web-2", "web", noon),
		}}}, readiness{ready: 1, total: 1, since: noon}, "all 1 pods ready"},
		{"a failed pod is no replacement for itself", []contents{{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, pods: []*corev1.Pod{pod("db-0", "db", time.Time{}, phase(corev1.PodFailed))}}},
			readiness{total: 1, waiting: []string{"db (0 of 1 pods exist)"}}, "0 of 1 pods ready; waiting for db (0 of 1 pods exist)"},
		{"pods that come one after another are all waited for", []contents{{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 3)}, pods: []*corev1.Pod{pod("db-0", "db", time.Time{})}}},
			readiness{total: 3, waiting: []string{"db (1 of 3 pods exist)", "db-0 (Running)"}}, "0 of 3 pods ready; waiting for db (1 of 3 pods exist), db-0 (Running)"},
		{"a paused deployment asks for what its ReplicaSets do", []contents{{
			deployments: []*appsv1.Deployment{paused("web", 3), paused("new", 2)},
			replicaSets: []*appsv1.ReplicaSet{replicaSet("web-1", "web", 1), replicaSet("web-2", "web", 1)}, pods: []*corev1.Pod{pod("web-1-a", "web", noon)},
		}}, readiness{ready: 1, total: 2, since: noon, waiting: []string{"web (1 of 2 pods exist)"}}, "1 of 2 pods ready; waiting for web (1 of 2 pods exist)"},
		{"a bare ReplicaSet asks for pods, and a deployment's does not ask again", []contents{{
			deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{pod("web-1-a", "web", noon)},
			replicaSets: []*appsv1.ReplicaSet{replicaSet("bare", "bare", 1), replicaSet("web-1", "web", 1), replicaSet("owned", "other", 1, func(r *appsv1.ReplicaSet) {
				r.OwnerReferences = []metav1.OwnerReference{{Kind: "Rollout", Name: "x", Controller: new(true)}}
			})},
		}}, readiness{ready: 1, total: 2, since: noon, waiting: []string{"bare (0 of 1 pods exist)"}}, "1 of 2 pods ready; waiting for bare (0 of 1 pods exist)"},
		{"a bare pod that failed is not replaced", []contents{{pods: []*corev1.Pod{pod("a", "", time.Time{}, phase(corev1.PodFailed))}}},
			readiness{total: 1, waiting: []string{"a (Failed)"}}, "0 of 1 pods ready; waiting for a (Failed)"},
		{"sandboxes are told apart, and all is sorted", []contents{
			{source: "shop", statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, pods: []*corev1.Pod{pod("db-0", "db", time.Time{}, container(false, "postgres", waiting("CrashLoopBackOff")))}},
			{source: "pay", deployments: []*appsv1.Deployment{deployment("web", nil)}},
		}, readiness{total: 2, waiting: []string{"pay/web (0 of 1 pods exist)", "shop/db-0 (container postgres: CrashLoopBackOff)"}},
			"0 of 2 pods ready; waiting for pay/web (0 of 1 pods exist), shop/db-0 (container postgres: CrashLoopBackOff)"},
		{"a message names eight at most", []contents{{pods: many}}, readiness{total: 10, waiting: []string{
			"p-0 (Running)", "p-1 (Running)", "p-2 (Running)", "p-3 (Running)", "p-4 (Running)", "p-5 (Running)", "p-6 (Running)", "p-7 (Running)", "p-8 (Running)", "p-9 (Running)"}},
			"0 of 10 pods ready; waiting for p-0 (Running), p-1 (Running), p-2 (Running), p-3 (Running), p-4 (Running), p-5 (Running), p-6 (Running), p-7 (Running), and 2 more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := assess(tt.in)
			if diff := cmp.Diff(tt.want, got, readinessOptions...); diff != "" {
				t.Error(diff)
			}
			if got.String() != tt.text {
				t.Errorf("got %q, want %q", got.String(), tt.text)
			}
		})
	}
}

func paused(name string, replicas int32) *appsv1.Deployment {
	d := deployment(name, &replicas)
	d.Spec.Paused = true
	return d
}

func TestWhy(t *testing.T) {
	never := time.Time{}
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", Message: "secret"}}
	}
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	tests := []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"an image that cannot be pulled", pod("a", "", never, container(false, "app", waiting("ImagePullBackOff"))), "container app: ImagePullBackOff"},
		{"a container that ended", pod("a", "", never, container(false, "app", ended(1))), "container app: Error"},
		{"a container that runs and is not ready", pod("a", "", never, container(false, "app", runs)), "container app: not ready"},
		{"an init container that fails comes before those that wait for it", pod("a", "", never, container(true, "setup", waiting("CrashLoopBackOff")), container(false, "app", waiting("PodInitializing"))), "init container setup: CrashLoopBackOff"},
		{"an init container that takes its time", pod("a", "", never, container(true, "setup", runs), container(false, "app", waiting("PodInitializing"))), "init container setup: running"},
		{"an init container that is done is no reason", pod("a", "", never, container(true, "setup", ended(0)), container(false, "app", waiting("ErrImagePull"))), "container app: ErrImagePull"},
		{"a pod without a node", pod("a", "", never, phase(corev1.PodPending), func(p *corev1.Pod) {
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable"})
		}), "Unschedulable"},
		{"a pod that was evicted", pod("a", "", never, phase(corev1.PodFailed), func(p *corev1.Pod) { p.Status.Reason = "Evicted" }), "Evicted"},
		{"a pod of which nothing is known", pod("a", "", never, phase("")), "not started"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := why(tt.pod); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
