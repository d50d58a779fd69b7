package restore

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// canaries of one node that run since long.
func canaries(controlReady, fencedReady bool) []runtime.Object {
	var all []runtime.Object
	for component, ready := range map[string]bool{"canary-control": controlReady, "canary-fenced": fencedReady} {
		status := corev1.ConditionFalse
		if ready {
			status = corev1.ConditionTrue
		}
		all = append(all, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "kymaros-canary", Name: component,
				Labels: map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": component},
			},
			Spec: corev1.PodSpec{NodeName: "a"},
			Status: corev1.PodStatus{
				Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: status}},
				ContainerStatuses: []corev1.ContainerStatus{{Ready: ready, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
			},
		})
	}
	return all
}

func TestTheProofIsAskedForAgainRightBeforeTheRestore(t *testing.T) {
	key := cache.NewObjectName("team", "shop")
	since := func(age time.Duration) map[cache.ObjectName]doubt {
		return map[cache.ObjectName]doubt{key: {"run", now.Add(-age)}}
	}
	proven, leak, dead := canaries(true, true), canaries(true, false), canaries(false, true)
	for name, c := range map[string]struct {
		mode    string
		pods    []runtime.Object
		doubted map[cache.ObjectName]doubt
		status  metav1.ConditionStatus // empty: the restore may begin
		reason  string
		says    string
		doubts  bool // are remembered
	}{
		"it holds":       {isolation.Required, proven, nil, "", "", "", false},
		"it holds again": {isolation.Required, proven, since(time.Second), "", "", "", false},
		"a canary is not ready, a leak or a starved node": {isolation.Required, leak, nil, "Unknown", v1alpha1.ReasonIsolationUnproven, "canary-fenced on node a", true},
		"a leak has not passed yet":                       {isolation.Required, leak, since(isolation.Patience - time.Second), "Unknown", v1alpha1.ReasonIsolationUnproven, "waiting for a proof", true},
		"a leak does not pass":                            {isolation.Required, leak, since(isolation.Patience), "False", v1alpha1.ReasonIsolationNotEnforced, "canary-fenced on node a", true},
		"a leak of another run, long ago":                 {isolation.Required, leak, map[cache.ObjectName]doubt{key: {"another", now.Add(-time.Hour)}}, "Unknown", v1alpha1.ReasonIsolationUnproven, "", true},
		"it is open for the first time":                   {isolation.Required, dead, nil, "Unknown", v1alpha1.ReasonIsolationUnproven, "canary-control on node a", true},
		"it is open still":                                {isolation.Required, dead, since(isolation.Patience - time.Second), "Unknown", v1alpha1.ReasonIsolationUnproven, "waiting for a proof", true},
		"it has been open for a minute":                   {isolation.Required, dead, since(isolation.Patience), "False", v1alpha1.ReasonIsolationUnproven, "nothing was restored", true},
		"another run waited for it long ago":              {isolation.Required, dead, map[cache.ObjectName]doubt{key: {"another", now.Add(-time.Hour)}}, "Unknown", v1alpha1.ReasonIsolationUnproven, "", true},
		"the canaries are gone":                           {isolation.Required, nil, nil, "Unknown", v1alpha1.ReasonIsolationUnproven, "no canary is installed", true},
		"it is only reported":                             {isolation.Reported, leak, nil, "", "", "", false},
		"nobody looks":                                    {isolation.Off, leak, nil, "", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.doubted == nil {
				c.doubted = map[cache.ObjectName]doubt{}
			}
			controller := Controller{options: Options{IsolationProof: c.mode, IsolationPatience: isolation.Patience}, kube: fake.NewClientset(c.pods...), doubted: c.doubted}
			err := controller.stillIsolated(t.Context(), test(), now)
			if _, remembered := controller.doubted[key]; remembered != c.doubts {
				t.Errorf("doubts remembered: %v", controller.doubted)
			}
			if c.status == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			got, ok := refusal(metav1.Condition{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonInProgress}, "nightly", err)
			if !ok || got.Status != c.status || got.Reason != c.reason || !strings.Contains(got.Message, c.says) {
				t.Errorf("%v: %s %s %q", err, got.Status, got.Reason, got.Message)
			}
		})
	}
}

func TestCanariesAreAskedALastTimeWhenTheDeadlineEndsTheWait(t *testing.T) {
	for name, c := range map[string]struct {
		mode string
		rt   *v1alpha1.RestoreTest
		want v1alpha1.IsolationProof
	}{
		"its deadline has passed":        {isolation.Required, test(expired, inDoubtOfNodeA), v1alpha1.IsolationNotEnforced},
		"it may wait longer":             {isolation.Required, test(inDoubtOfNodeA), ""},
		"it waits for something else":    {isolation.Required, test(expired), ""},
		"a proof is not needed any more": {isolation.Reported, test(expired, inDoubtOfNodeA), ""},
	} {
		t.Run(name, func(t *testing.T) {
			controller := Controller{options: Options{IsolationProof: c.mode, IsolationPatience: isolation.Patience}, kube: fake.NewClientset(canaries(true, false)...)}
			got, err := controller.isolationAtDeadline(t.Context(), c.rt, now)
			if err != nil || got.State != c.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestCanariesThatCannotBeListedAreAskedForAgain(t *testing.T) {
	kube := fake.NewClientset()
	kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewInternalError(errors.New("overloaded"))
	})
	controller := Controller{options: Options{IsolationProof: isolation.Required, IsolationPatience: isolation.Patience}, kube: kube, doubted: map[cache.ObjectName]doubt{}}
	err := controller.stillIsolated(t.Context(), test(), now)
	if _, ok := refusal(metav1.Condition{}, "nightly", err); err == nil || ok {
		t.Errorf("%v decides the run: %v", err, ok)
	}
}
