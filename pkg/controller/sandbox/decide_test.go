package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func deadline(at time.Time) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = metav1.NewTime(at) }
}

// renamed has the test name another namespace than its run began with.
func renamed(rt *v1alpha1.RestoreTest) {
	rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "store"}}
}

func TestDecide(t *testing.T) {
	later := deadline(now.Add(time.Hour))
	for name, c := range map[string]struct {
		rt      *v1alpha1.RestoreTest
		seen    seen
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"what takes a moment needs no words":   {test(later, creatingFor(4*time.Second)), seen{missing: []string{"Namespace sbx"}}, "Unknown", v1alpha1.ReasonCreating, creating},
		"what takes longer is named":           {test(later, creatingFor(5*time.Second)), seen{missing: []string{"Namespace sbx"}}, "Unknown", v1alpha1.ReasonCreating, "creating Namespace sbx"},
		"it creates what is missing":           {test(later), seen{missing: []string{"Namespace sbx"}}, "Unknown", v1alpha1.ReasonCreating, "Namespace sbx"},
		"it waits until the quota is enforced": {test(later), seen{quota: []string{"ResourceQuota sbx/kymaros-quota"}}, "Unknown", v1alpha1.ReasonWaitingForQuota, "kymaros-quota"},
		"it waits until others have seen it":   {test(later), seen{unattested: []string{"sbx"}}, "Unknown", v1alpha1.ReasonWaitingForAttestation, "the guards of sbx"},
		"the deadline names who did not look":  {test(deadline(now)), seen{unattested: []string{"sbx"}}, "False", v1alpha1.ReasonNotStarted, "events NotAttested"},
		"an edit that attest refuses ends it":  {test(later, renamed), seen{unattested: []string{"sbx"}}, "False", v1alpha1.ReasonSpecChanged, "no longer names shop, db"},
		"an edit after that changes nothing":   {test(later, renamed), seen{}, "True", v1alpha1.ReasonGuarded, "strict"},
		"it is ready when nothing is missing":  {test(later), seen{namespaces: []v1alpha1.SandboxNamespace{box}}, "True", v1alpha1.ReasonGuarded, "sbx for shop"},
		"it is ready although late":            {test(deadline(now)), seen{}, "True", v1alpha1.ReasonGuarded, "strict"},
		"the deadline names what is missing":   {test(deadline(now)), seen{missing: []string{"Namespace sbx"}}, "False", v1alpha1.ReasonNotStarted, "Namespace sbx"},
		"it names the storage classes of which claims are refused": {test(later, func(rt *v1alpha1.RestoreTest) {
			rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "run", StaticClasses: []string{"by-hand", "nfs"}}
		}), seen{}, "True", v1alpha1.ReasonGuarded, "claims of storage class by-hand, nfs are refused"},
		"a verdict ends it": {test(later), seen{verdict: &verdict{v1alpha1.ReasonNameTaken, "taken"}, missing: []string{"x"}}, "False", v1alpha1.ReasonNameTaken, "taken"},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(c.rt, c.seen, now)
			if got.Status != c.status || got.Reason != c.reason || !strings.Contains(got.Message, c.message) {
				t.Errorf("got %s %s %q", got.Status, got.Reason, got.Message)
			}
		})
	}
}

func TestViolationsAreNeverForgotten(t *testing.T) {
	rt := test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "run", Violations: []string{"b"}}
	})
	if diff := cmp.Diff([]string{"a", "b"}, fragment(rt, seen{violations: []string{"b", "a"}}, now).Sandbox.Violations); diff != "" {
		t.Error(diff)
	}
	rt.Status.Sandbox.RunID = "another"
	if got := fragment(rt, seen{}, now).Sandbox.Violations; len(got) > 0 {
		t.Errorf("violations of another run count: %v", got)
	}
}

func TestStaticClassesStayAsTheyWereFound(t *testing.T) {
	first := fragment(test(), seen{staticClasses: []string{"nfs"}}, now)
	if diff := cmp.Diff([]string{"nfs"}, first.Sandbox.StaticClasses); diff != "" {
		t.Error(diff)
	}
	later := fragment(test(func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox = first.Sandbox }), seen{staticClasses: []string{"another"}}, now)
	if diff := cmp.Diff([]string{"nfs"}, later.Sandbox.StaticClasses); diff != "" {
		t.Errorf("the quota would look changed by somebody: %s", diff)
	}
	next := fragment(test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "another", StaticClasses: []string{"nfs"}}
	}), seen{}, now)
	if len(next.Sandbox.StaticClasses) > 0 {
		t.Errorf("what was found in another run counts: %v", next.Sandbox.StaticClasses)
	}
}

func TestRefusalTellsAVerdictFromAFault(t *testing.T) {
	what := schema.GroupResource{Resource: "resourcequotas"}
	terminating := apierrors.NewForbidden(what, "q", errors.New("being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, c := range map[string]struct {
		err   error
		final bool
	}{
		"admission refuses":           {apierrors.NewForbidden(what, "q", errors.New("policy says no")), true},
		"the object is invalid":       {apierrors.NewInvalid(schema.GroupKind{Kind: "ResourceQuota"}, "q", nil), true},
		"the namespace is going":      {terminating, false},
		"our own quota lags":          {apierrors.NewForbidden(what, "q", errors.New("exceeded quota: kymaros-quota")), false},
		"the server has a bad moment": {apierrors.NewInternalError(errors.New("etcd")), false},
		"the network fails":           {errors.New("connection refused"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refusal(c.err, "the thing"); (got != nil) != c.final {
				t.Errorf("verdict %v, final should be %v", got, c.final)
			}
		})
	}
}

func TestTakenNamesTheFieldToChange(t *testing.T) {
	if got := taken(test(), v1alpha1.SandboxNamespace{Source: "db", Name: "my-db"}); !strings.Contains(got.message, "spec.backupSource.namespaces[1].sandboxName") {
		t.Error(got.message)
	}
	if got := taken(test(), box); !strings.Contains(got.message, "spec.sandbox.namespacePrefix") {
		t.Error(got.message)
	}
}

// creatingFor has SandboxReady say for so long that the sandboxes are being made.
func creatingFor(d time.Duration) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: rt.Status.Run.ID}
		rt.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonCreating, LastTransitionTime: metav1.NewTime(now.Add(-d)),
		}}
	}
}
