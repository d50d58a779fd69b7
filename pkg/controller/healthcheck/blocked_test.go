package healthcheck

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	podSecurity = `pods "web-7f9-x2k" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`
	exceeded    = `pods "web-7f9-x2k" is forbidden: exceeded quota: kymaros-quota, requested: requests.cpu=2, used: requests.cpu=100m, limited: requests.cpu=1`
)

func TestRefusal(t *testing.T) {
	for name, c := range map[string]struct{ message, want string }{
		"Pod Security":                            {podSecurity, `violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`},
		"the fence":                               {`pods "web-7f9-x2k" is forbidden: ValidatingAdmissionPolicy 'kymaros-pods' with binding 'kymaros-pods' denied request: kymaros fence: volume orders of a pod in a sandbox: no`, "kymaros fence: volume orders of a pod in a sandbox: no"},
		"a quota, without what changes":           {exceeded, "exceeded quota: kymaros-quota, requested: requests.cpu=2, limited: requests.cpu=1"},
		"a quota of what the pod does not say":    {`Error creating: pods "a-1" is forbidden: failed quota: other: must specify requests.cpu for: c`, "failed quota: other: must specify requests.cpu for: c"},
		"a claim beyond the quota":                {`create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: persistentvolumeclaims "data-db-0" is forbidden: exceeded quota: kymaros-quota, requested: requests.storage=3Gi, used: requests.storage=0, limited: requests.storage=2Gi`, "exceeded quota: kymaros-quota, requested: requests.storage=3Gi, limited: requests.storage=2Gi"},
		"a limit":                                 {`pods "a" is forbidden: [maximum memory usage per Container is 1Gi, but limit is 2Gi, maximum cpu usage per Container is 1, but limit is 2]`, "maximum memory usage per Container is 1Gi, but limit is 2Gi, maximum cpu usage per Container is 1, but limit is 2"},
		"a ratio":                                 {`pods "a" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000`, "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000"},
		"a default limit":                         {`Pod "a" is invalid: spec.containers[0].resources.requests: Invalid value: "2Gi": must be less than or equal to memory limit of 1Gi`, "must be less than or equal to memory limit of 1Gi"},
		"a service account that is not there":     {`pods "a" is forbidden: error looking up service account sandbox-1/app: serviceaccount "app" not found`, ""},
		"a priority class that the cluster lacks": {`pods "a" is forbidden: no PriorityClass with name gold was found`, ""},
		"a quota that is not counted yet":         {`pods "a" is forbidden: status unknown for quota: kymaros-quota, resources: requests.cpu`, ""},
		"two who count at once":                   {`Operation cannot be fulfilled on resourcequotas "kymaros-quota": the object has been modified`, ""},
		"what a webhook says":                     {`admission webhook "x" denied the request: password hunter2`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refusal(c.message); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := refusal("violates PodSecurity " + strings.Repeat("ü", 500)); len(got) > maxRefusal || !strings.HasSuffix(got, "ü…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func failing(d *appsv1.Deployment, message string) *appsv1.Deployment {
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: message}}
	return d
}

func failure(kind, name, message string) *corev1.Event {
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: strings.ToLower(kind) + "." + name, Namespace: "sandbox-1"},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name}, Reason: failedCreate, Message: message,
	}
}

func TestPodsThatTheGuardsRefuseAreNoBadBackup(t *testing.T) {
	refusedPod := "create Pod db-0 in StatefulSet db failed error: " + podSecurity
	bare := replicaSet("bare", "bare", 2, func(r *appsv1.ReplicaSet) {
		r.Status.Conditions = []appsv1.ReplicaSetCondition{{Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Message: podSecurity}}
	})
	hostNetwork := `violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`
	for name, c := range map[string]struct {
		in   contents
		want readiness
	}{
		"a deployment's are not waited for": {
			contents{deployments: []*appsv1.Deployment{failing(deployment("web", new(int32(2))), podSecurity)}},
			readiness{hindered: true, blocked: []string{"shop: Deployment/web: " + hostNetwork}},
		},
		"those that exist count": {
			contents{deployments: []*appsv1.Deployment{failing(deployment("web", new(int32(3))), exceeded)}, pods: []*corev1.Pod{pod("web-1", "web", noon), pod("web-2", "web", time.Time{})}},
			readiness{ready: 1, total: 2, since: noon, waiting: []string{"web-2 (Running)"}, hindered: true, blocked: []string{"shop: Deployment/web: exceeded quota: kymaros-quota, requested: requests.cpu=2, limited: requests.cpu=1"}},
		},
		"a deployment with all its pods has nothing blocked": {
			contents{deployments: []*appsv1.Deployment{failing(deployment("web", nil), podSecurity)}, pods: []*corev1.Pod{pod("web-1", "web", noon)}},
			readiness{ready: 1, total: 1, since: noon},
		},
		"what another refuses is waited for": {
			contents{deployments: []*appsv1.Deployment{failing(deployment("web", nil), `pods "a" is forbidden: error looking up service account`)}},
			readiness{total: 1, waiting: []string{"web (0 of 1 pods exist: FailedCreate)"}},
		},
		"a StatefulSet's are known by its event, with those that come after them": {
			contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 3)}, failures: []*corev1.Event{failure("StatefulSet", "db", refusedPod)}},
			readiness{hindered: true, blocked: []string{"shop: StatefulSet/db: " + hostNetwork}},
		},
		"a StatefulSet's pod that exists now was refused once": {
			contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 2)}, failures: []*corev1.Event{failure("StatefulSet", "db", refusedPod)}, pods: []*corev1.Pod{pod("db-0", "db", noon)}},
			readiness{ready: 1, total: 2, since: noon, waiting: []string{"db (1 of 2 pods exist)"}},
		},
		"an event about another workload says nothing": {
			contents{statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)}, failures: []*corev1.Event{failure("StatefulSet", "cache", refusedPod), failure("ReplicaSet", "db", refusedPod)}},
			readiness{total: 1, waiting: []string{"db (0 of 1 pods exist)"}},
		},
		"a bare ReplicaSet's": {
			contents{replicaSets: []*appsv1.ReplicaSet{bare}},
			readiness{hindered: true, blocked: []string{"shop: ReplicaSet/bare: " + hostNetwork}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.source = "shop"
			if diff := cmp.Diff(c.want, assess([]contents{c.in}), readinessOptions...); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheStatusNamesNoMoreThanItMay(t *testing.T) {
	var many contents
	for i := range 100 {
		many.deployments = append(many.deployments, failing(deployment(fmt.Sprintf("web-%03d", i), nil), podSecurity))
	}
	if got := assess([]contents{many}).blocked; len(got) != maxBlocked {
		t.Errorf("%d are named", len(got))
	}
}

func TestDecideAboutBlockedPods(t *testing.T) {
	blocked := []string{`shop: Deployment/web: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`}
	const says = `the sandbox blocked shop: Deployment/web: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true) (sandbox.podSecurity cannot be lowered below baseline: such pods cannot be tested)`
	rest := &readiness{ready: 2, total: 2, since: noon.Add(3 * time.Second), hindered: true, blocked: blocked}
	nothing := &readiness{hindered: true, blocked: blocked}
	exists := func(p *v1alpha1.HealthCheckPolicy) *v1alpha1.HealthCheckPolicy {
		p.Spec.Checks[0].Type = v1alpha1.CheckResourceExists
		return p
	}
	begun := under(v1alpha1.ReasonWaitingForPods, v1alpha1.HealthStatus{StartTime: at(time.Second)})
	running := under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second)})
	late := noon.Add(10 * time.Minute)
	at30 := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.StableFor = "0s" }
	for name, c := range map[string]struct {
		seen           observed
		now            time.Time
		run            int
		reason, says   string
		checks, passed int
	}{
		"all else is ready, checks start": {
			seen: observed{test: test(begun), pods: rest, policy: policy("a")}, run: 1, reason: v1alpha1.ReasonRunning, says: "0 of 1 checks done",
		},
		"all else passes": {
			seen:   observed{test: test(running, at30), pods: rest, policy: policy("a"), verdicts: map[string]verdict{"a": {pass("a"), noon}}},
			reason: v1alpha1.ReasonBlockedBySandboxPolicy, says: says + "; of the rest all 2 pods ready, 1 of 1 checks passed", checks: 1, passed: 1,
		},
		"a check fails": {
			seen:   observed{test: test(running, at30), pods: rest, policy: policy("a"), verdicts: map[string]verdict{"a": {fail("a", "no"), noon}}},
			reason: v1alpha1.ReasonBlockedBySandboxPolicy, says: says + "; of the rest all 2 pods ready, 0 of 1 checks passed; 1 of 1 checks could not tell: a (failed beside what the sandbox blocked: no)", checks: 1,
		},
		"another pod is not ready, for it may hang on what is blocked": {
			seen: observed{test: test(begun), pods: &readiness{total: 1, waiting: []string{"db-0 (Pending)"}, hindered: true, blocked: blocked}, policy: policy()}, now: late,
			reason: v1alpha1.ReasonBlockedBySandboxPolicy, says: says + "; of the rest 0 of 1 pods ready; waiting for db-0 (Pending), 0 of 0 checks passed; pods not ready within 5m0s: 0 of 1 pods ready; waiting for db-0 (Pending)",
		},
		"another pod has no image, which hangs on nothing": {
			seen: observed{test: test(begun), pods: &readiness{
				total: 1, waiting: []string{"db-0 (container db: ErrImagePull)"}, own: []string{"db-0 (container db: ErrImagePull)"}, hindered: true, blocked: blocked,
			}, policy: policy()}, now: late,
			reason: v1alpha1.ReasonCheckFailed, says: "pods not ready within 5m0s: 0 of 1 pods ready; waiting for db-0 (container db: ErrImagePull); networkIsolation strict lets restored pods reach nothing: if they need each other, set sandbox.networkIsolation: group; " + says,
		},
		"all pods are refused and there is no policy": {
			seen: observed{test: test(begun, without), pods: nothing}, reason: v1alpha1.ReasonBlockedBySandboxPolicy, says: says + "; of the rest all 0 pods ready, 0 of 0 checks passed",
		},
		"all pods are refused, and no check can pass": {
			seen: observed{test: test(begun), pods: nothing, policy: policy("a", "b")}, reason: v1alpha1.ReasonBlockedBySandboxPolicy, says: says + "; of the rest all 0 pods ready, 0 of 2 checks passed", checks: 2,
		},
		"all pods are refused, and a check needs none": {
			seen: observed{test: test(begun), pods: nothing, policy: exists(policy("a", "b"))}, run: 1, reason: v1alpha1.ReasonRunning, says: "1 of 2 checks done", checks: 1,
		},
		"an object that is not there cannot hang on it": {
			seen:   observed{test: test(running), pods: rest, policy: exists(policy("a")), verdicts: map[string]verdict{"a": {fail("a", "no"), noon}}},
			reason: v1alpha1.ReasonCheckFailed, says: "1 of 1 checks failed: a (no); " + says, checks: 1,
		},
		"pods that come after their checks were given up are not checked": {
			seen: observed{test: test(under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(time.Second),
				Checks: []v1alpha1.CheckStatus{refused(v1alpha1.HealthCheck{Name: "a"})}})), pods: &readiness{ready: 1, total: 1}, policy: policy("a")},
			reason: v1alpha1.ReasonCheckFailed, says: "1 of 1 checks failed: a (not run: no pod could run in the sandbox)", checks: 1,
		},
		"the policy does not exist": {
			seen: observed{test: test(begun), pods: nothing}, reason: v1alpha1.ReasonPolicyNotFound, says: "spec.healthChecks.policyRef; " + says,
		},
		"the deadline passes": {
			seen: observed{test: test(running), pods: rest, policy: policy("a")}, now: noon.Add(time.Hour), reason: v1alpha1.ReasonDeadlineExceeded, says: "0 of 1 checks were done; " + says, checks: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.now.IsZero() {
				c.now = noon.Add(5 * time.Second)
			}
			got := decide(c.seen, c.now)
			if got.condition.Reason != c.reason || !strings.HasSuffix(got.condition.Message, c.says) || len(got.run) != c.run {
				t.Errorf("got %s %q, %d checks to run, want %s %q, %d", got.condition.Reason, got.condition.Message, len(got.run), c.reason, c.says, c.run)
			}
			if diff := cmp.Diff(c.seen.pods.blocked, got.health.Blocked); diff != "" {
				t.Errorf("blocked in the status: %s", diff)
			}
			passed := 0
			for _, s := range got.health.Checks {
				if s.Status == v1alpha1.CheckPass {
					passed++
				}
			}
			if len(got.health.Checks) != c.checks || passed != c.passed {
				t.Errorf("checks: %v", got.health.Checks)
			}
		})
	}
}

func TestARunOfWhichAllIsBlockedEndsAtTheEventThatTellsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"})
		w.kube = kubefake.NewClientset(statefulSet("db", 1))
		w.verdict = takes(time.Hour)
		c, stop := w.control(0)
		defer stop()
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonWaitingForPods, "0 of 1 pods ready; waiting for db (0 of 1 pods exist)")
		event := failure("StatefulSet", "db", "create Pod db-0 in StatefulSet db failed error: "+podSecurity)
		if _, err := w.kube.CoreV1().Events("sandbox-1").Create(t.Context(), event, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.expect(metav1.ConditionFalse, v1alpha1.ReasonBlockedBySandboxPolicy, `the sandbox blocked shop: StatefulSet/db: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true) `+
			"(sandbox.podSecurity cannot be lowered below baseline: such pods cannot be tested); of the rest all 0 pods ready, 0 of 1 checks passed")
		if len(w.ran) > 0 {
			t.Errorf("checks ran although there is no pod: %v", w.ran)
		}
		quiet(t, c)
	})
}

func TestOfAnEventOnlyItsWordsAreKept(t *testing.T) {
	e := failure("StatefulSet", "db", "x")
	e.Source.Component, e.Related = "statefulset-controller", &corev1.ObjectReference{Name: "y"}
	e.InvolvedObject.UID, e.ResourceVersion = "uid", "7"
	got, err := trim(e)
	if err != nil {
		t.Fatal(err)
	}
	want := failure("StatefulSet", "db", "x")
	want.Reason, want.ResourceVersion = "", "7"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPodWhoseClaimTheQuotaRefused(t *testing.T) {
	waits := pod("web-1", "web", time.Time{})
	waits.Status.Conditions = append(waits.Status.Conditions, corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: `persistentvolumeclaim "data" not found. not found`,
	})
	in := contents{source: "shop", deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{waits}}
	if got := assess([]contents{in}); got.total != 1 || len(got.blocked) > 0 {
		t.Errorf("a claim that is not in the backup is taken for one that was refused: %+v", got)
	}
	in.claimsRefused = true
	got := assess([]contents{in})
	if got.total != 0 || len(got.waiting) > 0 || len(got.blocked) != 1 || !strings.HasPrefix(got.blocked[0], "shop: Deployment/web: claim data is missing; the quota refuses") {
		t.Errorf("got %+v", got)
	}
	if text := blockedText(got.blocked); !strings.Contains(text, "made by hand waits for a claim") {
		t.Errorf("no remedy: %s", text)
	}
	rt := &v1alpha1.RestoreTest{Status: v1alpha1.RestoreTestStatus{
		Run: &v1alpha1.RunStatus{ID: "run"}, Restore: &v1alpha1.RestoreStatus{RunID: "run"},
		Sandbox:    &v1alpha1.SandboxStatus{RunID: "run", StaticClasses: []string{"nfs"}},
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonPartiallyFailed}},
	}}
	if !claimsRefused(rt) {
		t.Error("Velero left something out and the quota refuses claims: one that is missing may have been refused")
	}
	rt.Status.Sandbox.StaticClasses = nil
	if claimsRefused(rt) {
		t.Error("the quota refuses no claim")
	}
}

func TestAPodWithoutAnImageCannotRunWhateverElseDoes(t *testing.T) {
	for reason, want := range map[string]bool{"ErrImagePull": true, "CreateContainerConfigError": true, "CrashLoopBackOff": false, "ContainerCreating": false} {
		pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: "db", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}},
		}}}
		var r readiness
		r.addPod(contents{source: "shop"}, "", "StatefulSet/db", pod)
		if got := len(r.own) > 0; got != want {
			t.Errorf("%s: the cause lies in the pod itself: %v, want %v", reason, got, want)
		}
	}
}
