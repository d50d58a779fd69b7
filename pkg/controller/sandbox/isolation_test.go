package sandbox

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
)

func TestASandboxWaitsForAProof(t *testing.T) {
	rt := func(asked time.Duration, deadlineIn time.Duration) *v1alpha1.RestoreTest {
		return test(deadline(now.Add(deadlineIn)), func(rt *v1alpha1.RestoreTest) {
			rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "run", UnprovenSince: &metav1.Time{Time: now.Add(-asked)}}
			rt.Status.Conditions = []metav1.Condition{{
				Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionUnknown, LastTransitionTime: metav1.NewTime(now.Add(-time.Hour)),
			}}
		})
	}
	firstLook := rt(0, time.Hour)
	firstLook.Status.Sandbox.UnprovenSince = nil
	proven := isolation.Proof{State: "proven"}
	unproven, not := isolation.Proof{State: "unproven", Message: "no canary"}, isolation.Proof{State: "notEnforced", Message: "traffic passes"}
	for name, c := range map[string]struct {
		rt       *v1alpha1.RestoreTest
		proof    isolation.Proof
		required bool
		status   metav1.ConditionStatus
		reason   string
		says     string
	}{
		"it is there":         {rt(0, time.Hour), proven, true, "True", v1alpha1.ReasonGuarded, "canaries show that the policies are enforced"},
		"it is there, late":   {rt(time.Hour, 0), proven, true, "True", v1alpha1.ReasonGuarded, ""},
		"it is not there yet": {rt(isolation.Patience-time.Second, time.Hour), unproven, true, "Unknown", v1alpha1.ReasonIsolationUnproven, "no canary"},
		"it is not there at the first look, after a slow quota": {firstLook, unproven, true, "Unknown", v1alpha1.ReasonIsolationUnproven, "no canary"},
		"what speaks against it may pass":                       {rt(isolation.Patience-time.Second, time.Hour), not, true, "Unknown", v1alpha1.ReasonIsolationUnproven, "traffic passes"},
		"it does not come":                                      {rt(isolation.Patience, time.Hour), unproven, true, "False", v1alpha1.ReasonIsolationUnproven, "nothing was restored"},
		"policies are not enforced":                             {rt(isolation.Patience, time.Hour), not, true, "False", v1alpha1.ReasonIsolationNotEnforced, "traffic passes"},
		"the deadline is sooner":                                {rt(time.Second, 0), not, true, "False", v1alpha1.ReasonIsolationNotEnforced, "traffic passes"},
		"it is only reported, that it is not there":             {rt(0, time.Hour), unproven, false, "True", v1alpha1.ReasonGuarded, "isolation is unproven: no canary"},
		"it is only reported, that there is no isolation":       {rt(time.Hour, time.Hour), not, false, "True", v1alpha1.ReasonGuarded, "isolation is notEnforced: traffic passes"},
		"nobody looks":                                          {rt(0, time.Hour), isolation.Proof{State: "off"}, false, "True", v1alpha1.ReasonGuarded, "not looked at"},
		"without anything known it is not taken for given":      {rt(0, time.Hour), isolation.Proof{}, true, "Unknown", v1alpha1.ReasonIsolationUnproven, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(c.rt, seen{namespaces: []v1alpha1.SandboxNamespace{box}, isolation: c.proof, required: c.required, patience: isolation.Patience}, now)
			if got.Status != c.status || got.Reason != c.reason || !strings.Contains(got.Message, c.says) {
				t.Errorf("got %s %s %q", got.Status, got.Reason, got.Message)
			}
		})
	}
}

func TestTheProofStaysAsItWasWhenTheSandboxBecameReady(t *testing.T) {
	first := fragment(test(), seen{isolation: isolation.Proof{State: "unproven"}}, now)
	if first.Sandbox.Isolation != "unproven" {
		t.Fatalf("isolation %q", first.Sandbox.Isolation)
	}
	rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox = first.Sandbox })
	if got := fragment(rt, seen{isolation: isolation.Proof{State: "proven"}}, now).Sandbox.Isolation; got != "proven" {
		t.Errorf("a new look is not written: %q", got)
	}
	if got := fragment(rt, seen{}, now).Sandbox.Isolation; got != "unproven" {
		t.Errorf("without a new look %q, want that of the last", got)
	}
	rt.Status.Sandbox.RunID = "another"
	if got := fragment(rt, seen{}, now).Sandbox.Isolation; got != "" {
		t.Errorf("that of another run counts: %q", got)
	}
}

func TestTheWaitForAProofBeginsWhenItIsFirstAskedFor(t *testing.T) {
	at := func(own *v1alpha1.SandboxStatus, proof v1alpha1.IsolationProof, at time.Time) *v1alpha1.SandboxStatus {
		rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox = own })
		return fragment(rt, seen{isolation: isolation.Proof{State: proof}, required: true}, at).Sandbox
	}
	before := at(nil, "", now)
	first := at(before, "unproven", now.Add(time.Hour))
	later := at(first, "notEnforced", now.Add(2*time.Hour))
	if before.UnprovenSince != nil || first.UnprovenSince == nil || !first.UnprovenSince.Time.Equal(now.Add(time.Hour)) || !later.UnprovenSince.Equal(first.UnprovenSince) {
		t.Errorf("since %v, %v, %v", before.UnprovenSince, first.UnprovenSince, later.UnprovenSince)
	}
	if proven := at(before, "proven", now); proven.UnprovenSince != nil {
		t.Errorf("what is proven at once is waited for since %v", proven.UnprovenSince)
	}
}

func TestCanariesAreAskedForUnlessNobodyLooks(t *testing.T) {
	kube := fake.NewClientset()
	for mode, want := range map[string]v1alpha1.IsolationProof{isolation.Required: "unproven", isolation.Reported: "unproven", isolation.Off: "off"} {
		kube.ClearActions()
		got, err := (&Controller{kube: kube, proof: mode}).isolation(t.Context())
		if err != nil || got.State != want {
			t.Errorf("%s: %+v, %v", mode, got, err)
		}
		if asked := len(kube.Actions()) > 0; asked != (mode != isolation.Off) {
			t.Errorf("%s: asked %v", mode, asked)
		}
	}
}

func TestTheFlagTellsHowLongAProofIsWaitedFor(t *testing.T) {
	since := metav1.NewTime(now.Add(-isolation.Patience))
	own := &v1alpha1.SandboxStatus{UnprovenSince: &since}
	for patience, want := range map[time.Duration]bool{0: true, isolation.Patience: true, isolation.Patience + time.Second: false, time.Hour: false} {
		if got := impatient(own, patience, now); got != want {
			t.Errorf("after a minute of %s: over %v, want %v", patience, got, want)
		}
	}
}
