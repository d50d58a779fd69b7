package notify

import (
	"fmt"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// silence is what the annotation kymaros.io/silence-until says.
type silence struct {
	// on: nothing is sent, for so long as left.
	on   bool
	left time.Duration
	// problem says what is wrong with the annotation. Then nothing is silenced.
	problem string
}

func silenceOf(rt *v1alpha1.RestoreTest, now time.Time) silence {
	text, ok := rt.Annotations[v1alpha1.AnnotationSilenceUntil]
	if !ok {
		return silence{}
	}
	until, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return silence{problem: fmt.Sprintf("annotation %s: %.64q is no time such as 2026-01-31T22:00:00Z, and silences nothing", v1alpha1.AnnotationSilenceUntil, text)}
	}
	left := until.Sub(now)
	return silence{on: left > 0, left: max(left, 0)}
}
