package integration

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// TestTwoProcessesShareTheControllers, and while one of them is away a run waits for it and is not broken.
func TestTwoProcessesShareTheControllers(t *testing.T) {
	start := func(p *process) {
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
	}
	bringing, looking := "schedule,sandbox,restore,cleanup", "attest,healthcheck,report"
	brings, ofBringing := newProcess(t, "brings", "--controllers="+bringing)
	looks, ofLooking := newProcess(t, "looks", "--controllers="+looking)

	ns := newNamespace(t, "shared")
	policy(t, ns, "web")
	rt := restoreTest(ns, "shared", func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	backup(t, "shared", sources(rt)...)
	start(brings)
	rt = await(t, createTest(t, rt), v1alpha1.ConditionRestored, metav1.ConditionTrue, v1alpha1.ReasonCompleted)
	brings.kill()
	start(looks)
	defer looks.kill()
	rt = await(t, rt, v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonReportWritten)
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionCleanedUp); c != nil {
		t.Errorf("nobody is there who cleans up, and it is %s (%s)", c.Status, c.Reason)
	}
	start(brings)
	defer func() { brings.kill() }()
	if _, report := awaitEnd(t, rt); report.Status.Result != v1alpha1.ResultPass {
		t.Errorf("the run is %s: %s", report.Status.Result, report.Status.Message)
	}
	for names, through := range map[string]*proxy{bringing: ofBringing, looking: ofLooking} {
		agents := sets.New[string]()
		for _, r := range through.seen(func(r *request) bool { return r.writes() }) {
			agents.Insert(strings.TrimPrefix(r.agent, "kymaros-"))
		}
		agents.Delete("controller") // asks Velero for lists of names, for all of its process
		if diff := agents.SymmetricDifference(sets.New(strings.Split(names, ",")...)); diff.Len() > 0 {
			t.Errorf("of %s and of what writes there only one has %v", names, sets.List(diff))
		}
	}
}
