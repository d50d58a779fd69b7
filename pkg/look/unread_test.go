package look

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
)

func TestWhatAFailureLeavesOpen(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	for name, c := range map[string]struct {
		err          error
		topics       []Topic
		again, fault bool
		denied       bool
		beside       int
	}{
		"what is forbidden is somebody's decision":   {err: forbidden, topics: []Topic{Volumes}, denied: true},
		"a fault may end":                            {err: errors.New("broken"), topics: []Topic{Volumes}, again: true, fault: true},
		"what concerns no topic is told beside":      {err: forbidden, beside: 1},
		"so is what concerns Secrets":                {err: forbidden, topics: []Topic{Secrets}, beside: 1},
		"a fault that concerns no topic may end too": {err: errors.New("broken"), beside: 1, again: true},
	} {
		var u Unread
		err := u.Failed("pods", c.err, c.topics...)
		if (err != nil) != c.again || (len(u.Faults()) > 0) != c.again || u.Faulty(Volumes) != c.fault || (u.Denied(Volumes) != "") != c.denied || len(u.Beside()) != c.beside {
			t.Errorf("%s: %v, %+v", name, err, u)
		}
		if concerned := len(c.topics) > 0 && c.topics[0] == Volumes; (u.Why(Volumes) != "") != concerned || u.Why(Completeness) != "" {
			t.Errorf("%s: volumes %q, completeness %q", name, u.Why(Volumes), u.Why(Completeness))
		}
	}
}

func TestTheFirstReasonCountsAndFaultsAreSorted(t *testing.T) {
	var u Unread
	u.Cannot(Completeness, "nobody knows")
	for _, what := range []string{"b", "a", "b"} {
		if err := u.Failed(what, errors.New("broken"), Completeness, Volumes); err == nil {
			t.Error("no error")
		}
	}
	if u.Why(Completeness) != "nobody knows" || u.Why(Volumes) != "could not be read: b: broken" {
		t.Errorf("completeness %q, volumes %q", u.Why(Completeness), u.Why(Volumes))
	}
	if diff := cmp.Diff([]string{"a: broken", "b: broken"}, u.Faults()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// Of two failures the one is named that comes first in the table, whichever ends first.
func TestFailuresAreToldInTheOrderOfTheTable(t *testing.T) {
	k, f := newLooker(t, shop(nil), box())
	for _, resource := range []string{"services", "deployments"} {
		f.kube.PrependReactor("list", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
			return a.GetNamespace() == "box", nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
		})
	}
	l := k.Look(run)
	if err := l.Do(t.Context(), l.Table()...); err != nil {
		t.Fatal(err)
	}
	if got, want := l.Unread.Why(Completeness), `could not be read: deployments in sandbox box: deployments is forbidden: no`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretsThatAreForbiddenLeaveTheRestStanding(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		open Topic
	}{
		"forbidden": {apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no")), Secrets},
		"a fault":   {apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, ""), Completeness},
	} {
		k, f := newLooker(t, shop(nil), box())
		f.kube.PrependReactor("list", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.err })
		l := k.Look(run)
		_ = l.Do(t.Context(), l.Table()...)
		for _, topic := range []Topic{Completeness, Secrets} {
			if (l.Unread.Why(topic) != "") != (topic == c.open) {
				t.Errorf("%s: topic %d: %q", name, topic, l.Unread.Why(topic))
			}
		}
	}
}

func TestNoSecretIsReadOfANamespaceThatIsNotOurs(t *testing.T) {
	k, f := newLooker(t, shop(nil), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "box"}})
	l := k.Look(run)
	if err := l.Do(t.Context(), l.Table()...); err == nil {
		t.Error("no error")
	}
	for _, a := range f.kube.Actions() {
		if a.GetResource().Resource == "secrets" {
			t.Errorf("%s secrets in namespace %s", a.GetVerb(), a.GetNamespace())
		}
	}
}
