package surroundings

import (
	"context"
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestAPluginThatEnforcesOneIPFamilyIsNotTrusted: pods have addresses in both, and would get out by the other. Every other test here
// passes where both are enforced.
func TestAPluginThatEnforcesOneIPFamilyIsNotTrusted(t *testing.T) {
	told, err := cluster.Kube.CoreV1().ConfigMaps(canary.Namespace).Get(t.Context(), canary.ConfigMap, metav1.GetOptions{})
	must(t, err)
	if text := told.Data[canary.AddressesKey]; !strings.Contains(text, `"second":{"service":"fd00:`) || !strings.Contains(text, `"fencedLocal":"fd00:`) {
		t.Fatalf("canaries are told of one IP family: %s", text)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(cluster.EnforcePolicies(ctx, false), cluster.EnforcePolicies(ctx, true), cluster.AwaitCanaries(ctx)); err != nil {
			t.Error(err)
		}
	})
	must(t, errors.Join(cluster.EnforcePolicies(t.Context(), false), cluster.EnforcePolicies(t.Context(), true, "--only-ipv4")))
	cluster.AwaitLeak(t)
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("family", web, web)))
	stage.Verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonIsolationNotEnforced)
}
