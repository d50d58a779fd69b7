// Package show says in words and colours what the API says in fields. It is pure.
package show

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// None stands for what is not known.
const None = "–"

// Result returns the word for a result, with its sign, and its style.
func Result(r v1alpha1.Result) term.Cell {
	switch r {
	case v1alpha1.ResultPass:
		return term.C("✔ Verified", term.Green)
	case v1alpha1.ResultFail:
		return term.C("✖ Failed", term.Red)
	case v1alpha1.ResultPartial:
		return term.C("◐ Partial", term.Yellow)
	case v1alpha1.ResultInconclusive:
		return term.C("? Inconclusive", term.Yellow)
	}
	return term.C("· Not run", term.Dim)
}

// Score of a report; an inconclusive run has none.
func Score(s *v1alpha1.RestoreReportStatus) string {
	if s.Result == v1alpha1.ResultInconclusive {
		return None
	}
	return fmt.Sprint(s.Score)
}

// Duration returns d as people say it: 6m12s.
func Duration(d v1alpha1.Duration) string {
	parsed := d.Or(0)
	if parsed == 0 {
		return None
	}
	return Span(parsed)
}

// Span returns d without fractions that do not matter.
func Span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		text := d.Round(time.Second).String()
		if head, whole := strings.CutSuffix(text, "m0s"); whole && !strings.Contains(head, "h") {
			return head + "m"
		}
		return text
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// Ago returns how long ago t was; in what is to come, how long it takes.
func Ago(t, now time.Time) string {
	switch {
	case t.IsZero():
		return None
	case t.After(now):
		return "in " + duration.HumanDuration(t.Sub(now))
	}
	return duration.HumanDuration(now.Sub(t)) + " ago"
}

// AgoOf is Ago of a time that may not be there.
func AgoOf(t *metav1.Time, now time.Time) string {
	if t == nil {
		return None
	}
	return Ago(t.Time, now)
}

// Moment is a time for people, in UTC.
func Moment(t time.Time) string {
	if t.IsZero() {
		return None
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// Bytes returns n as people say it.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, e := float64(n)/unit, 0
	for ; f >= unit && e < 4; e++ {
		f /= unit
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[e])
}
