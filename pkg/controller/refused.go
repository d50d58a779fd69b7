package controller

import (
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	// refusedAgain is how long a test rests of which no status is taken. A change of it brings a look at once; a rule that is taken back
	// does not.
	refusedAgain = 10 * time.Minute
	// maxRefusal bounds what an event quotes, in bytes: the API server takes 1024.
	maxRefusal = 800
)

// SpecRefusedError is why the status of a RestoreTest cannot be written: its spec was stored before there was a rule for it, and the API server
// holds that against every write. Kubernetes 1.30 does so; later ones hold a write to what it changes. There is no use in trying again
// until somebody corrects the spec.
type SpecRefusedError struct{ problem string }

func (e *SpecRefusedError) Error() string {
	return "the API server takes no status while the spec is not valid: " + e.problem
}

// specRefused returns what err says of the spec, if it says that and of the status nothing; else nil.
func specRefused(err error) *SpecRefusedError {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var problems []string
	for _, cause := range status.Status().Details.Causes {
		switch {
		case cause.Field == "spec", strings.HasPrefix(cause.Field, "spec."):
			problems = append(problems, cause.Field+": "+cause.Message)
		case cause.Field == "<nil>": // "some validation rules were not checked because …" is said of no field
		default:
			return nil
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &SpecRefusedError{problem: strings.Join(problems, "; ")}
}

// tellRefused says in an event what no condition can: in our words if we know them, else in those of the API server.
func (w *StatusWriter) tellRefused(rt *v1alpha1.RestoreTest, next *metav1.Condition, refused *SpecRefusedError) {
	reason, problem := v1alpha1.ReasonInvalidSpec, refused.problem
	if next.Status == metav1.ConditionFalse {
		reason, problem = next.Reason, next.Message
	}
	if len(problem) > maxRefusal {
		problem = strings.ToValidUTF8(problem[:maxRefusal], "") + "…"
	}
	w.Recorder.Event(rt, corev1.EventTypeWarning, reason, "Its conditions cannot be written, nor can it run, before its spec is corrected: "+problem)
}
