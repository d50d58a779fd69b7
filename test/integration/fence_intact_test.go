package integration

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/plane"
)

// The fence is one for the whole cluster, so this test runs alone.
func TestNoRunStartsUnlessTheFenceIsIntact(t *testing.T) {
	plane.Slow(t)
	c := aloneWith(t, noProof, true)
	rt := begin(t, "unguarded")
	waits := func(what string) {
		t.Helper()
		rt = awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
			c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled)
			if c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonFenceNotIntact || !strings.Contains(c.Message, what) {
				return fmt.Errorf("want Scheduled=False (FenceNotIntact) with %q; %s", what, story(rt))
			}
			return nil
		})
		if conditions.Began(rt) {
			t.Errorf("run %s has started", rt.Status.Run.ID)
		}
		if made := c.seen(func(r *request) bool { return r.writes() && strings.HasSuffix(r.path, "/namespaces") }); len(made) > 0 {
			t.Errorf("a sandbox was asked for: %v", made)
		}
	}
	waits("ValidatingAdmissionPolicy kymaros-anchor is missing")

	// A binding of a policy for Velero only warns: no write of the controller can tell.
	installFence(t, func(o *unstructured.Unstructured) {
		if o.GetKind() != "ValidatingAdmissionPolicyBinding" || o.GetName() != "kymaros-restored" {
			return
		}
		if err := unstructured.SetNestedSlice(o.Object, []any{"Warn"}, "spec", "validationActions"); err != nil {
			t.Fatal(err)
		}
	})
	waits("ValidatingAdmissionPolicyBinding kymaros-restored was changed")

	if err := applyFiles(t.Context(), fenceFile); err != nil {
		t.Fatal(err)
	}
	_, report := awaitEnd(t, rt)
	if report.Status.Fence != v1alpha1.FenceIntact {
		t.Errorf("fence %q in the report", report.Status.Fence)
	}
}
