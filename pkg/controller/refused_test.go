package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// invalid is what the API server answers if it finds that of an object.
func invalid(found ...*field.Error) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "RestoreTest"}, "shop", found)
}

var (
	errTTL    = field.Invalid(field.NewPath("spec", "sandbox", "ttl"), "1d", "must be a duration such as 24h")
	errStatus = field.Required(field.NewPath("status", "conditions").Index(0).Child("reason"), "")
	// unchecked is what Kubernetes adds where rules in CEL were left out.
	unchecked = field.Invalid(nil, nil, "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation")
)

func TestAStatusThatIsRefusedForTheSpecIsToldInAnEvent(t *testing.T) {
	wrong := func(c *metav1.Condition) {
		c.Type, c.Status, c.Reason, c.Message = v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidSchedule, "spec.schedule.cron: \"x\" is none"
	}
	for name, c := range map[string]struct {
		answer error
		change func(*metav1.Condition)
		event  string
	}{
		"in the words of the API server":    {invalid(errTTL), nil, `Warning InvalidSpec Its conditions cannot be written, nor can it run, before its spec is corrected: spec.sandbox.ttl: Invalid value: "1d": must be a duration such as 24h`},
		"in our own where we have some":     {invalid(errTTL, unchecked), wrong, `Warning InvalidSchedule Its conditions cannot be written, nor can it run, before its spec is corrected: spec.schedule.cron: "x" is none`},
		"not what is wrong with the status": {invalid(errTTL, errStatus), nil, ""},
		"not what is said of nothing":       {invalid(unchecked), nil, ""},
		"not a conflict":                    {apierrors.NewConflict(v1alpha1.Resource("restoretests"), "shop", errors.New("spec.x")), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rt := running()
			w, client, events := writer(rt)
			client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.answer })
			condition, own := creating()
			if c.change != nil {
				c.change(&condition)
			}
			err := w.Write(t.Context(), rt, condition, own)
			if _, refused := errors.AsType[*SpecRefusedError](err); err == nil || refused != (c.event != "") {
				t.Errorf("got %T %v", err, err)
			}
			close(events.Events)
			if got := <-events.Events; got != c.event {
				t.Errorf("the event is %q, want %q", got, c.event)
			}
		})
	}
}

func TestAnEventOfManyProblemsIsBounded(t *testing.T) {
	var all []*field.Error
	for i := range 100 {
		all = append(all, field.Invalid(field.NewPath("spec", "x").Index(i), "é", "is not good"))
	}
	rt := running()
	w, client, events := writer(rt)
	client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, invalid(all...) })
	condition, own := creating()
	if err := w.Write(t.Context(), rt, condition, own); err == nil {
		t.Fatal("it was written")
	}
	close(events.Events)
	if got := <-events.Events; len(got) > 1024 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func TestRunnerLeavesATestAloneWhoseSpecIsRefused(t *testing.T) {
	at := calls(t, func(context.Context, cache.ObjectName) (time.Duration, error) {
		return 0, fmt.Errorf("as others wrap it: %w", &SpecRefusedError{})
	}, time.Hour+time.Second)
	if len(at) != 7 || at[1] != refusedAgain {
		t.Errorf("synced after %v, want every ten minutes", at)
	}
}
