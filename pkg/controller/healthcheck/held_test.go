package healthcheck

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func unscheduled(message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodPending
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: message})
	}
}

func gated(p *corev1.Pod) {
	p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/target-health"}}
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: moment(0)})
}

func TestAPodThatLacksOnlyAReadinessGateIsReadyAndNamed(t *testing.T) {
	in := contents{source: "shop", deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{pod("web-1", "web", time.Time{}, gated)}}
	want := readiness{ready: 1, total: 1, since: noon, blocked: []string{"shop: Deployment/web: its containers are ready and it waits for readiness gate example.com/target-health"}}
	got := assess([]contents{in})
	if diff := cmp.Diff(want, got, readinessOptions...); diff != "" {
		t.Error(diff)
	}
	in.pods[0].Status.Conditions[1].Status = corev1.ConditionFalse
	if got := assess([]contents{in}); got.ready != 0 || len(got.blocked) != 0 {
		t.Errorf("its containers are not ready: %+v", got)
	}
}

func TestPodsThatTheSandboxHoldsUp(t *testing.T) {
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	for name, c := range map[string]struct {
		pod    *corev1.Pod
		open   bool // networkIsolation group
		reason string
	}{
		"an init container that waits for a name": {pod("web-1", "web", time.Time{}, container(true, "wait-for-db", runs)), false, "init container wait-for-db does not end; networkIsolation strict lets it reach nothing"},
		"one that gives up and tries again": {pod("web-1", "web", time.Time{}, func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: waiting("CrashLoopBackOff"), LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}}}}
		}), false, "init container migrate ends with exit code 3; networkIsolation strict lets it reach nothing"},
		"a gate that stays shut": {pod("web-1", "web", time.Time{}, func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "kymaros-gate", State: waiting("CrashLoopBackOff"), LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}}}}
		}), true, "init container kymaros-gate finds that it is not cut off, so it does not start"},
		"a gate that is open": {pod("web-1", "web", time.Time{}, func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "kymaros-gate", Ready: true, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}, LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}}}
		}), true, ""},
		"one where pods reach each other":             {pod("web-1", "web", time.Time{}, container(true, "wait-for-db", runs)), true, ""},
		"one whose image does not exist":              {pod("web-1", "web", time.Time{}, container(true, "wait-for-db", waiting("ImagePullBackOff"))), false, ""},
		"Velero's own":                                {pod("web-1", "web", time.Time{}, container(true, "restore-wait", runs)), false, ""},
		"a container that is no init container":       {pod("web-1", "web", time.Time{}, container(false, "web", waiting("CrashLoopBackOff"))), false, ""},
		"production's pods keep it off by affinity":   {pod("web-1", "web", time.Time{}, unscheduled("0/3 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules, 2 node(s) didn't match pod anti-affinity rules. preemption: 0/3")), true, "no node takes it beside production (didn't match pod anti-affinity rules, didn't satisfy existing pods anti-affinity rules)"},
		"the spread counts production's pods":         {pod("web-1", "web", time.Time{}, unscheduled("0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints.")), true, "no node takes it beside production (didn't match pod topology spread constraints)"},
		"production uses the nodes":                   {pod("web-1", "web", time.Time{}, unscheduled("0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu.")), true, "no node takes it beside production (Insufficient cpu, Insufficient nvidia.com/gpu)"},
		"the nodes are cordoned":                      {pod("web-1", "web", time.Time{}, unscheduled("0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.")), true, "no node takes it for now (were unschedulable)"},
		"the node that fits is under pressure":        {pod("web-1", "web", time.Time{}, unscheduled("0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 node(s) didn't match Pod's node affinity/selector.")), true, "no node takes it for now (had untolerated taint {node.kubernetes.io/disk-pressure: })"},
		"a taint of which nobody says which":          {pod("web-1", "web", time.Time{}, unscheduled("0/1 nodes are available: 1 node(s) had untolerated taint(s).")), true, "no node takes it for now (had untolerated taint(s))"},
		"nodes that are kept for others":              {pod("web-1", "web", time.Time{}, unscheduled("0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}.")), true, ""},
		"a node selector that no node has":            {pod("web-1", "web", time.Time{}, unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")), true, ""},
		"nodes that lack the label to be spread over": {pod("web-1", "web", time.Time{}, unscheduled("0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).")), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := assess([]contents{{source: "shop", strict: !c.open, deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{c.pod}}})
			if got.total != 1 || len(got.waiting) != 1 || len(got.blocked) != 0 {
				t.Errorf("it has its time first: %+v", got)
			}
			left := got.letGo()
			if c.reason == "" {
				if left.total != 1 || len(left.blocked) != 0 {
					t.Errorf("no fault of the sandbox: %+v", left)
				}
				return
			}
			if want := []string{"shop: Deployment/web: " + c.reason}; left.total != 0 || len(left.waiting) != 0 || !left.hindered || !cmp.Equal(want, left.blocked) {
				t.Errorf("got %+v, want %v", left, want)
			}
		})
	}
}

// TestNodesThatTakeNoPodsNeverBlameTheBackup when a cordon or a pressure lasts longer than pods are given: production's run on.
func TestNodesThatTakeNoPodsNeverBlameTheBackup(t *testing.T) {
	web := pod("web-1", "web", time.Time{}, unscheduled("0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 node(s) didn't match Pod's node affinity/selector."))
	pods := assess([]contents{{source: "shop", pods: []*corev1.Pod{pod("db-0", "db", noon.Add(time.Second)), web}}})
	begun := under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second)})
	got := decide(observed{test: test(begun), pods: &pods, policy: policy("rows"), verdicts: map[string]verdict{"rows": {pass("rows"), noon}}}, noon.Add(302*time.Second))
	if c := got.condition; c.Reason != v1alpha1.ReasonBlockedBySandboxPolicy || !strings.Contains(c.Message, "kubectl describe nodes") {
		t.Errorf("got %s %q", c.Reason, c.Message)
	}
}

// TestADeadlineThatComesWhileOnlyHeldPodsAreWaitedForNeverBlamesTheBackup also where it leaves pods less time than they have.
func TestADeadlineThatComesWhileOnlyHeldPodsAreWaitedForNeverBlamesTheBackup(t *testing.T) {
	cordoned := pod("web-1", "web", time.Time{}, unscheduled("0/2 nodes are available: 2 node(s) were unschedulable."))
	begun := under(v1alpha1.ReasonWaitingForPods, v1alpha1.HealthStatus{StartTime: at(time.Second)})
	for name, c := range map[string]struct {
		db   *corev1.Pod
		want string
	}{
		"all else is ready":        {pod("db-0", "db", noon.Add(time.Second)), v1alpha1.ReasonBlockedBySandboxPolicy},
		"another is not ready too": {pod("db-0", "db", time.Time{}), v1alpha1.ReasonDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			pods := assess([]contents{{source: "shop", pods: []*corev1.Pod{c.db, cordoned}}})
			rt := test(begun, func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = *at(time.Minute) })
			got := decide(observed{test: rt, pods: &pods, policy: policy("rows")}, noon.Add(time.Minute))
			if got.condition.Reason != c.want || !strings.Contains(got.condition.Message, "were unschedulable") || len(got.health.Checks) != 1 || got.health.Checks[0].Status != v1alpha1.CheckSkip {
				t.Errorf("got %+v, checks %+v", got.condition, got.health.Checks)
			}
		})
	}
}

// TestOfAnotherClusterIsSaidWhatItLacks where a node that takes none may be the one that fits, but nobody says so.
func TestOfAnotherClusterIsSaidWhatItLacks(t *testing.T) {
	web := pod("web-1", "web", time.Time{}, unscheduled("0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) didn't match Pod's node affinity/selector."))
	for elsewhere, held := range map[bool]int{true: 0, false: 1} {
		if got := assess([]contents{{source: "shop", elsewhere: elsewhere, pods: []*corev1.Pod{web}}}); len(got.held) != held || len(got.lacks) != 1-held {
			t.Errorf("elsewhere %t: %+v", elsewhere, got)
		}
	}
}

func TestAnInitContainerThatIsolationKeepsWaitingNeverBlamesTheBackup(t *testing.T) {
	db := pod("db-0", "db", noon.Add(time.Second))
	web := pod("web-1", "web", time.Time{}, container(true, "wait-for-db", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}))
	pods := assess([]contents{{source: "shop", strict: true, pods: []*corev1.Pod{db, web}}})
	begun := under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second)})
	got := decide(observed{test: test(begun), pods: &pods, policy: policy("rows", "web"), verdicts: map[string]verdict{"rows": {pass("rows"), noon}, "web": {fail("web", "no pod is ready"), noon}}}, noon.Add(302*time.Second))
	if c := got.condition; c.Reason != v1alpha1.ReasonBlockedBySandboxPolicy || !strings.Contains(c.Message, "set sandbox.networkIsolation: group") {
		t.Errorf("got %s %q", c.Reason, c.Message)
	}
	if c := got.health.Checks[1]; c.Status != v1alpha1.CheckUnknown {
		t.Errorf("got %+v", c)
	}
}

func TestAPodMadeInPlaceOfOneThatTheSandboxRefused(t *testing.T) {
	const reason = `violates PodSecurity "baseline:latest": non-default capabilities (container "mesh-init" must not include "NET_ADMIN" in securityContext.capabilities.add)`
	production := func(name string, change ...func(*corev1.Pod)) turnedAway {
		return turnedAway{pod(name, "db", noon, change...), reason}
	}
	restored := func(p *corev1.Pod) { p.Labels[restoreName] = "shop-1" }
	for name, c := range map[string]struct {
		in   contents
		want string
	}{
		"of a StatefulSet": {contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, pods: []*corev1.Pod{pod("db-0", "db", noon, by("StatefulSet", "db"))},
			turnedAway: []turnedAway{production("db-0", by("StatefulSet", "db"))}}, "shop: StatefulSet/db: pod db-0 is not that of the backup, which the sandbox refused: " + reason},
		"of a Deployment": {contents{deployments: []*appsv1.Deployment{deployment("db", nil)}, pods: []*corev1.Pod{pod("db-2-x", "db", noon, by("ReplicaSet", "db-2"), hashed("2"))},
			turnedAway: []turnedAway{production("db-1-y", by("ReplicaSet", "db-1"), hashed("1"))}}, "shop: Deployment/db: pod db-2-x is not that of the backup, which the sandbox refused: " + reason},
		"one that Velero restored": {contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, pods: []*corev1.Pod{pod("db-0", "db", noon, by("StatefulSet", "db"), restored)},
			turnedAway: []turnedAway{production("db-0", by("StatefulSet", "db"))}}, ""},
		"one that the sandbox would not refuse": {contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, pods: []*corev1.Pod{pod("db-0", "db", noon, by("StatefulSet", "db"))},
			turnedAway: []turnedAway{production("other-0", by("StatefulSet", "other"))}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.source = "shop"
			got := assess([]contents{c.in})
			if c.want == "" {
				if len(got.blocked) > 0 {
					t.Errorf("got %v", got.blocked)
				}
				return
			}
			if len(got.blocked) != 1 || !strings.HasPrefix(c.want, strings.TrimSuffix(got.blocked[0], "…")) || !strings.Contains(got.blocked[0], "NET_ADMIN") || !got.hindered || got.total != 1 {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}

func TestOfAPodOnlyIsKeptWhatMakesItReady(t *testing.T) {
	p := pod("web-1", "web", noon, gated)
	p.Annotations = map[string]string{"a": "b"}
	p.Spec.RestartPolicy = corev1.RestartPolicyNever
	p.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1", ReadinessProbe: &corev1.Probe{PeriodSeconds: 3}}, {Name: "log", Env: []corev1.EnvVar{{Name: "A", Value: "secret"}}}}
	p.Spec.InitContainers = []corev1.Container{{Name: "proxy", Image: "proxy:1", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
	p.Spec.Volumes = []corev1.Volume{{Name: "data"}}
	got, err := trim(p)
	if err != nil {
		t.Fatal(err)
	}
	want := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, ReadinessGates: []corev1.PodReadinessGate{{ConditionType: "example.com/target-health"}},
		Containers:     []corev1.Container{{Name: "web", ReadinessProbe: &corev1.Probe{}}, {Name: "log"}},
		InitContainers: []corev1.Container{{Name: "proxy", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}}
	if diff := cmp.Diff(want, got.(*corev1.Pod).Spec); diff != "" {
		t.Error(diff)
	}
	if metav1.HasAnnotation(got.(*corev1.Pod).ObjectMeta, "a") {
		t.Error("annotations are kept")
	}
}
