package integration

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// TestTwoProcessesShareTheControllers, and while one of them is away a run waits for it and is not broken.
func TestTwoProcessesShareTheControllers(t *testing.T) {
	start := func(h *half) {
		if err := h.start(); err != nil {
			t.Fatal(err)
		}
	}
	through := map[string]*proxy{}
	halves := map[string]*half{}
	for _, account := range plane.Halves {
		var err error
		if through[account], err = newProxy(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(through[account].close)
		halves[account] = newHalf(t, account, "split", through[account], "-v=4")
	}
	brings, looks := halves[plane.Controller], halves[plane.Prober]

	ns := newNamespace(t, "shared")
	policy(t, ns, "web")
	rt := restoreTest(ns, "shared", func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	backup(t, "shared", sources(rt)...)
	start(brings)
	rt = await(t, createTest(t, rt), v1alpha1.ConditionSandboxReady, metav1.ConditionUnknown, v1alpha1.ReasonWaitingForAttestation)
	if list, err := kube.RbacV1().RoleBindings(rt.Status.SandboxNamespace).List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) > 0 {
		t.Errorf("%d are let into a sandbox that nobody has looked at: %v", len(list.Items), err)
	}
	start(looks)
	defer func() { looks.kill() }()
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	looks.kill()
	rt = await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionTrue, v1alpha1.ReasonCompleted)
	brings.kill()
	start(looks)
	rt = await(t, rt, v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonReportWritten)
	// That it waits is what it may have said before it was killed.
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionCleanedUp); c != nil && c.Reason != v1alpha1.ReasonWaiting {
		t.Errorf("nobody is there who cleans up, and it is %s (%s)", c.Status, c.Reason)
	}
	start(brings)
	defer func() { brings.kill() }()
	if _, report := awaitEnd(t, rt); report.Status.Result != v1alpha1.ResultPass {
		t.Errorf("the run is %s: %s", report.Status.Result, report.Status.Message)
	}
	for account, half := range halves {
		names := half.controllers()
		agents := sets.New[string]()
		for _, r := range through[account].seen(func(r *request) bool { return r.writes() }) {
			agents.Insert(strings.TrimPrefix(r.agent, "kymaros-"))
		}
		agents.Delete("controller") // asks Velero for lists of names, for all of its process
		if diff := agents.SymmetricDifference(sets.New(names...)); diff.Len() > 0 {
			t.Errorf("of %s and of what writes there only one has %v", names, sets.List(diff))
		}
	}
}

// TestAnUpgradeFromOneProcessEndsTheRunThatIsUnderWayInAReport: it has made its sandbox before there was anybody to see the guards,
// and may look into it by roles that are not any more.
func TestAnUpgradeFromOneProcessEndsTheRunThatIsUnderWayInAReport(t *testing.T) {
	plane.Slow(t)
	const name = "upgraded"
	both, _ := newProcess(t, name)
	if err := both.start(); err != nil {
		t.Fatal(err)
	}
	defer func() { both.kill() }()
	source(t, "src-"+name)
	rt, r := inSandbox(t, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	both.kill()
	asBefore(t, rt)
	if err := both.start(); err != nil {
		t.Fatal(err)
	}
	finish(t, r)
	rt, report := awaitEnd(t, rt)
	s := report.Status
	if s.Result != v1alpha1.ResultPartial || s.Reason != v1alpha1.ReasonGuardsViolated || !strings.Contains(strings.Join(s.Caps, "\n"), "an upgrade during the run") {
		t.Errorf("result %s, %s: %s, caps %q", s.Result, s.Reason, s.Message, s.Caps)
	}
	if s.ValidationLevels.PodStartup.Status != v1alpha1.LevelPass || s.ValidationLevels.InternalHealth.Status != v1alpha1.LevelPass {
		t.Errorf("nobody has looked into the sandbox: %+v, %+v", s.ValidationLevels, s.Completeness)
	}
	nothingLeft(t, rt)
}

// TestARunWhoseNamespacesAreEditedBeforeItIsAttestedEnds at once: who attests goes by the spec, and would refuse it until its deadline.
func TestARunWhoseNamespacesAreEditedBeforeItIsAttestedEnds(t *testing.T) {
	both, _ := newProcess(t, "edited")
	brings, looks := both[0], both[1]
	if err := brings.start(); err != nil {
		t.Fatal(err)
	}
	defer func() { brings.kill() }()
	ns := newNamespace(t, "edited")
	rt := restoreTest(ns, "edited")
	backup(t, "edited", sources(rt)...)
	rt = await(t, createTest(t, rt), v1alpha1.ConditionSandboxReady, metav1.ConditionUnknown, v1alpha1.ReasonWaitingForAttestation)
	body := []byte(`{"spec":{"backupSource":{"namespaces":[{"name":"another"}]}}}`)
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(ns).Patch(t.Context(), rt.Name, types.MergePatchType, body, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonSpecChanged)
	if err := looks.start(); err != nil {
		t.Fatal(err)
	}
	defer func() { looks.kill() }()
	rt, report := awaitEnd(t, rt)
	if s := report.Status; s.Result != v1alpha1.ResultInconclusive || s.Reason != v1alpha1.ReasonSpecChanged || !strings.Contains(s.Message, "src-edited") {
		t.Errorf("result %s, %s: %s", s.Result, s.Reason, s.Message)
	}
	nothingLeft(t, rt)
}

// asBefore makes the sandbox of rt's run one of the version before: without the label, without bindings, and nothing in the status of them.
func asBefore(t *testing.T, rt *v1alpha1.RestoreTest) {
	t.Helper()
	sandbox := rt.Status.SandboxNamespace
	body := []byte(`{"metadata":{"labels":{"kymaros.io/guarded":null}}}`)
	if _, err := kube.CoreV1().Namespaces().Patch(t.Context(), sandbox, types.MergePatchType, body, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := kube.RbacV1().RoleBindings(sandbox).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	body = []byte(`{"status":{"sandbox":{"guarded":null}}}`)
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), rt.Name, types.MergePatchType, body, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}
