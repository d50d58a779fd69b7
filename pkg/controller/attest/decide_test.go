package attest

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/isolation"
)

const system = "kymaros-system"

var box = v1alpha1.SandboxNamespace{Source: "shop", Name: "sbx", UID: "of-sbx", Quota: v1alpha1.SandboxQuota{CPU: "2"}}

// test returns one whose sandbox waits to be looked at.
func test() *v1alpha1.RestoreTest {
	spec := v1alpha1.RestoreTestSpec{
		BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}},
		Sandbox:      v1alpha1.SandboxSpec{NamespacePrefix: "rp-test", NetworkIsolation: v1alpha1.IsolationGroup},
	}
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"},
		Spec:       spec,
		Status: v1alpha1.RestoreTestStatus{
			Phase:   v1alpha1.PhaseRunning,
			Run:     &v1alpha1.RunStatus{ID: "run", StartTime: metav1.Now(), Deadline: metav1.NewTime(time.Now().Add(time.Hour)), Spec: spec},
			Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{box}},
			Conditions: []metav1.Condition{{
				Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonWaitingForAttestation, LastTransitionTime: metav1.Now(),
			}},
		},
	}
}

// asItMustBe returns a sandbox of rt with all its guards.
func asItMustBe(rt *v1alpha1.RestoreTest) seen {
	s := seen{namespace: guards.Namespace(rt, box), policies: map[string]*networkingv1.NetworkPolicy{}, quotas: map[string]*corev1.ResourceQuota{}, proof: isolation.Proof{State: v1alpha1.IsolationProven}}
	s.namespace.UID = box.UID
	for _, policy := range guards.NetworkPolicies(rt, box, system) {
		s.policies[policy.Name] = policy
	}
	for _, quota := range guards.Quotas(rt, box) {
		quota.Status.Hard = quota.Spec.Hard
		s.quotas[quota.Name] = quota
	}
	return s
}

func TestASandboxIsAttestedOnlyAsItMustBe(t *testing.T) {
	if lack := lacks(test(), box, system, true, asItMustBe(test())); lack != "" {
		t.Fatalf("a sandbox that is as it must be is refused: %s", lack)
	}
	gone := metav1.Now()
	for name, c := range map[string]struct {
		change func(rt *v1alpha1.RestoreTest, s *seen)
		says   string
	}{
		"there is none":             {func(_ *v1alpha1.RestoreTest, s *seen) { s.namespace = nil }, "not there"},
		"it is another of its name": {func(_ *v1alpha1.RestoreTest, s *seen) { s.namespace.UID = "other" }, "another of that name"},
		"it is being deleted":       {func(_ *v1alpha1.RestoreTest, s *seen) { s.namespace.DeletionTimestamp = &gone }, "being deleted"},
		"the spec names another source": {func(rt *v1alpha1.RestoreTest, _ *seen) {
			rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "wiki"}}
		}, "does not name shop"},
		"it is for another source": {func(_ *v1alpha1.RestoreTest, s *seen) {
			s.namespace.Annotations[v1alpha1.AnnotationSource] = "payments"
		}, "not marked"},
		"it is another test's": {func(_ *v1alpha1.RestoreTest, s *seen) {
			s.namespace.Annotations[v1alpha1.AnnotationRestoreTest] = "team/wiki"
		}, "not marked"},
		"it is of another run": {func(_ *v1alpha1.RestoreTest, s *seen) { s.namespace.Labels[v1alpha1.LabelRun] = "other" }, "not marked"},
		"Pod Security is lowered": {func(_ *v1alpha1.RestoreTest, s *seen) {
			s.namespace.Labels["pod-security.kubernetes.io/enforce"] = "privileged"
		}, "not marked"},
		"nothing holds it": {func(_ *v1alpha1.RestoreTest, s *seen) { s.namespace.Finalizers = nil }, "not marked"},
		"it is open":       {func(_ *v1alpha1.RestoreTest, s *seen) { delete(s.policies, guards.DenyAll) }, guards.DenyAll},
		"it lets something out": {func(_ *v1alpha1.RestoreTest, s *seen) {
			s.policies[guards.DenyAll].Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
		}, guards.DenyAll},
		"its group is everybody":          {func(_ *v1alpha1.RestoreTest, s *seen) { s.policies[guards.AllowGroup].Spec.Ingress[0].From = nil }, guards.AllowGroup},
		"its policy goes before its pods": {func(_ *v1alpha1.RestoreTest, s *seen) { s.policies[guards.DenyAll].Finalizers = nil }, guards.DenyAll},
		"its policy goes":                 {func(_ *v1alpha1.RestoreTest, s *seen) { s.policies[guards.DenyAll].DeletionTimestamp = &gone }, guards.DenyAll},
		"it has no quota":                 {func(_ *v1alpha1.RestoreTest, s *seen) { delete(s.quotas, guards.QuotaName) }, guards.QuotaName},
		"any class of pods may come":      {func(_ *v1alpha1.RestoreTest, s *seen) { delete(s.quotas, guards.PriorityName) }, guards.PriorityName},
		"its quota allows more": {func(_ *v1alpha1.RestoreTest, s *seen) {
			s.quotas[guards.QuotaName].Spec.Hard["count/jobs.batch"] = resource.MustParse("1")
		}, guards.QuotaName},
		"its quota is not in force": {func(_ *v1alpha1.RestoreTest, s *seen) { s.quotas[guards.QuotaName].Status.Hard = nil }, "in force"},
		"its quota goes":            {func(_ *v1alpha1.RestoreTest, s *seen) { s.quotas[guards.QuotaName].DeletionTimestamp = &gone }, guards.QuotaName},
		"policies may not be enforced": {func(_ *v1alpha1.RestoreTest, s *seen) {
			s.proof = isolation.Proof{State: v1alpha1.IsolationUnproven, Message: "no canary on node a"}
		}, "no canary on node a"},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test()
			s := asItMustBe(rt)
			c.change(rt, &s)
			if lack := lacks(rt, box, system, true, s); !strings.Contains(lack, c.says) || lack == "" {
				t.Errorf("it lacks %q, want %q", lack, c.says)
			}
		})
	}
}

func TestAProofIsAskedForWhereItIsRequired(t *testing.T) {
	s := asItMustBe(test())
	s.proof = isolation.Proof{}
	if lack := lacks(test(), box, system, false, s); lack != "" {
		t.Errorf("where none is required, it lacks %s", lack)
	}
}

func TestOnlyARunThatWaitsForItIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*v1alpha1.RestoreTest)
		want   bool
	}{
		"one that waits":              {func(*v1alpha1.RestoreTest) {}, true},
		"one whose guards are made":   {func(rt *v1alpha1.RestoreTest) { rt.Status.Conditions[0].Reason = v1alpha1.ReasonCreating }, false},
		"one whose sandbox is ready":  {func(rt *v1alpha1.RestoreTest) { rt.Status.Conditions[0].Reason = v1alpha1.ReasonGuarded }, false},
		"one of which an older tells": {func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.RunID = "older" }, false},
		"one without a status":        {func(rt *v1alpha1.RestoreTest) { rt.Status = v1alpha1.RestoreTestStatus{} }, false},
	} {
		rt := test()
		c.change(rt)
		if got := asks(rt); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
