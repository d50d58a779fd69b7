package healthcheck

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func excluding(names ...v1alpha1.ResourceName) v1alpha1.RestoreTestSpec {
	return v1alpha1.RestoreTestSpec{Restore: &v1alpha1.RestoreScope{ExcludedResources: names}}
}

var tierWeb = v1alpha1.RestoreTestSpec{BackupSource: v1alpha1.BackupSource{LabelSelector: map[string]string{"tier": "web"}}}

func stalls(container, reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.UID, p.Status.Phase = types.UID(p.Name), corev1.PodPending
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: container, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}})
	}
}

func said(reason, message string) corev1.Event {
	return corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "sandbox-1", Name: reason + message[len(message)-12:]}, Type: corev1.EventTypeWarning,
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-1", UID: "web-1"}, Reason: reason, Message: message}
}

func TestPodsThatLackWhatTheTestLeavesOut(t *testing.T) {
	const (
		api   = `MountVolume.SetUp failed for volume "api" : secret "api" not found`
		app   = `MountVolume.SetUp failed for volume "app" : configmap "app" not found`
		pulls = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
	)
	creating := stalls("web", "ContainerCreating", "")
	for name, c := range map[string]struct {
		test   v1alpha1.RestoreTestSpec
		pod    *corev1.Pod
		events []corev1.Event
		want   string // "" if it is no fault of the test
	}{
		"a Secret for its environment": {excluding("secrets"), pod("web-1", "web", time.Time{}, stalls("web", "CreateContainerConfigError", `secret "api" not found`)), nil,
			`left out by the test (spec.restore.excludedResources): secret "api" not found`},
		"the same, and the test leaves out other kinds": {excluding("configmaps"), pod("web-1", "web", time.Time{}, stalls("web", "CreateContainerConfigError", `secret "api" not found`)), nil, ""},
		"a ConfigMap without the labels": {tierWeb, pod("web-1", "web", time.Time{}, stalls("web", "CreateContainerConfigError", `configmap "app" not found`)), nil,
			`perhaps left out by the test (spec.backupSource.labelSelector): configmap "app" not found`},
		"a key of one that is there": {tierWeb, pod("web-1", "web", time.Time{}, stalls("web", "CreateContainerConfigError", `couldn't find key token in Secret sandbox-1/api`)), nil, ""},
		"one of its containers has another cause": {tierWeb, pod("web-1", "web", time.Time{}, stalls("web", "CreateContainerConfigError", `configmap "app" not found`),
			stalls("log", "CreateContainerConfigError", "container has runAsNonRoot and image will run as root")), nil, ""},
		"a claim": {excluding("persistentvolumeclaims"), pod("web-1", "web", time.Time{}, unscheduled(`0/1 nodes are available: persistentvolumeclaim "data" not found. not found`)), nil,
			`left out by the test (spec.restore.excludedResources): persistentvolumeclaim "data" not found`},
		"a Secret that it mounts":      {excluding("secrets"), pod("web-1", "web", time.Time{}, creating), []corev1.Event{said("FailedMount", api)}, `left out by the test (spec.restore.excludedResources): secret "api" not found`},
		"a ConfigMap as well":          {excluding("secrets"), pod("web-1", "web", time.Time{}, creating), []corev1.Event{said("FailedMount", api), said("FailedMount", app)}, ""},
		"another pod lacks it":         {excluding("secrets"), pod("web-2", "web", time.Time{}, creating), []corev1.Event{said("FailedMount", api)}, ""},
		"it came, and that was not it": {excluding("secrets"), pod("web-1", "web", time.Time{}, stalls("web", "CrashLoopBackOff", "")), []corev1.Event{said("FailedMount", api)}, ""},
		"the Secret for its image": {excluding("secrets"), pod("web-1", "web", time.Time{}, stalls("web", "ImagePullBackOff", "Back-off pulling image")), []corev1.Event{said("FailedToRetrieveImagePullSecret", pulls)},
			"left out by the test (spec.restore.excludedResources): image pull secrets (regcred)"},
		"no Secret for its image": {excluding("secrets"), pod("web-1", "web", time.Time{}, stalls("web", "ImagePullBackOff", "Back-off pulling image")), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := assess([]contents{{source: "shop", test: &c.test, deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{c.pod}, said: c.events}})
			if got.total != 1 || len(got.waiting) != 1 || len(got.blocked) != 0 {
				t.Errorf("it has its time first: %+v", got)
			}
			left := got.letGo()
			if c.want == "" {
				if left.total != 1 || len(left.blocked) != 0 {
					t.Errorf("no fault of the test: %+v", left)
				}
				return
			}
			if want := "shop: Deployment/web: " + c.want; left.total != 0 || len(left.own) != 0 || !left.hindered || len(left.blocked) != 1 || left.blocked[0] != want {
				t.Errorf("got %+v, want %q", left, want)
			}
		})
	}
}

func TestAServiceAccountThatTheTestLeavesOut(t *testing.T) {
	message := `pods "web-1" is forbidden: error looking up service account sandbox-1/web: serviceaccount "web" not found`
	web := deployment("web", nil)
	web.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: message}}
	set := appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "old"}}
	set.Status.Conditions = []appsv1.ReplicaSetCondition{{Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Message: message}}
	for name, c := range map[string]struct {
		test v1alpha1.RestoreTestSpec
		left int
	}{"it leaves them out": {excluding("serviceaccounts"), 3}, "perhaps, by its labels": {tierWeb, 3}, "it leaves out Secrets": {excluding("secrets"), 0}} {
		t.Run(name, func(t *testing.T) {
			got := assess([]contents{{source: "shop", test: &c.test, deployments: []*appsv1.Deployment{web}, replicaSets: []*appsv1.ReplicaSet{&set}, statefulSets: []*appsv1.StatefulSet{statefulSet("db", 1)},
				failures: []*corev1.Event{failure("StatefulSet", "db", "create Pod db-0 in StatefulSet db failed error: "+message)}}})
			if len(got.blocked) != c.left || got.total != 3-c.left {
				t.Errorf("got %+v", got)
			}
			for _, b := range got.blocked {
				if !strings.Contains(b, `left out by the test (spec.`) || !strings.HasSuffix(b, `: serviceaccount "web" not found`) {
					t.Errorf("got %q", b)
				}
			}
		})
	}
}

// TestWhatPodsLackIsLookedForWhenTheirTimeIsUp and where the test may have left it out, for only then it matters.
func TestWhatPodsLackIsLookedForWhenTheirTimeIsUp(t *testing.T) {
	creating, pulling := pod("web-1", "web", time.Time{}, stalls("web", "ContainerCreating", "")), pod("web-1", "web", time.Time{}, stalls("web", "ErrImagePull", ""))
	ready := pod("web-1", "web", noon)
	short := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = *at(time.Minute) }
	begun := under(v1alpha1.ReasonWaitingForPods, v1alpha1.HealthStatus{StartTime: at(0)})
	for name, c := range map[string]struct {
		test   v1alpha1.RestoreTestSpec
		change []func(*v1alpha1.RestoreTest)
		pod    *corev1.Pod
		after  time.Duration
		looks  bool
	}{
		"a mount, when its time is up":   {excluding("secrets"), nil, creating, 5 * time.Minute, true},
		"a pull, when its time is up":    {tierWeb, nil, pulling, 5 * time.Minute, true},
		"before":                         {excluding("secrets"), nil, creating, 5*time.Minute - 1, false},
		"at the deadline":                {excluding("secrets"), []func(*v1alpha1.RestoreTest){short}, creating, time.Minute, true},
		"the test leaves out claims":     {excluding("persistentvolumeclaims"), nil, creating, 5 * time.Minute, false},
		"the test leaves out nothing":    {v1alpha1.RestoreTestSpec{}, nil, creating, 5 * time.Minute, false},
		"no pod waits for a mount or so": {excluding("secrets"), nil, ready, 5 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(append([]func(*v1alpha1.RestoreTest){begun}, c.change...)...)
			c.test.HealthChecks = rt.Status.Run.Spec.HealthChecks
			rt.Status.Run.Spec = c.test
			mount, other := said("FailedMount", `secret "api" not found`), said("Unhealthy", "Readiness probe failed")
			in := contents{source: "shop", test: &rt.Status.Run.Spec, pods: []*corev1.Pod{c.pod}}
			kube := fake.NewClientset(&mount, &other)
			if err := (&Controller{watches: &watches{kube: kube}}).lookForLeftOut(t.Context(), rt, &in, noon.Add(c.after)); err != nil {
				t.Fatal(err)
			}
			if looks := len(kube.Actions()) > 0; looks != c.looks || looks != (len(in.said) == 1) {
				t.Errorf("looked %t, and found %v", looks, in.said)
			}
		})
	}
}

// TestWhatTheTestLeavesOutNeverBlamesTheBackup: a real restore brings it back.
func TestWhatTheTestLeavesOutNeverBlamesTheBackup(t *testing.T) {
	spec := excluding("secrets")
	web := pod("web-1", "web", time.Time{}, stalls("web", "CreateContainerConfigError", `secret "api" not found`))
	pods := assess([]contents{{source: "shop", test: &spec, pods: []*corev1.Pod{pod("db-0", "db", noon.Add(time.Second)), web}}})
	begun := under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second)})
	got := decide(observed{test: test(begun), pods: &pods, policy: policy("rows"), verdicts: map[string]verdict{"rows": {fail("rows", "no answer"), noon}}}, noon.Add(302*time.Second))
	if c := got.condition; c.Reason != v1alpha1.ReasonBlockedBySandboxPolicy || !strings.Contains(c.Message, "have the test restore what those pods need") {
		t.Errorf("got %s %q", c.Reason, c.Message)
	}
}
