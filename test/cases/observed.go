package cases

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Observed is what a run came to.
type Observed struct {
	Result, Reason string
	Score          int64
	// Message is the report's.
	Message string
	// Texts are all texts of the report and of the test's conditions.
	Texts []string
	// CleanedUp is how long after the report nothing was left, VeleroBusy how long Velero was at the restore; negative if that
	// did not end while somebody looked.
	CleanedUp, VeleroBusy time.Duration
}

// cleanedUpWithin is what cleanup of a small application may take while Velero is at work for others.
const cleanedUpWithin = 3 * time.Minute

// Wrong tells what of o is not right.
func (right Right) Wrong(o Observed) []string {
	var wrong []string
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !slices.Contains(right.Result, o.Result) {
		note("result %s, want %s", o.Result, strings.Join(right.Result, " or "))
	}
	if len(right.Reason) > 0 && !slices.Contains(right.Reason, o.Reason) {
		note("reason %s, want %s", o.Reason, strings.Join(right.Reason, " or "))
	}
	if slices.Contains(right.NeverReason, o.Reason) {
		note("reason %s", o.Reason)
	}
	for _, p := range right.Says {
		if !slices.ContainsFunc(o.Texts, p.MatchString) {
			note("nothing says %q", p)
		}
	}
	for _, p := range right.NeverSays {
		if i := slices.IndexFunc(o.Texts, p.MatchString); i >= 0 {
			note("must not say %q: %s", p, o.Texts[i])
		}
	}
	limit := right.CleanedUpWithin.Duration
	if limit == 0 {
		limit = cleanedUpWithin
	}
	if o.CleanedUp < 0 || o.CleanedUp > limit {
		note("cleaned up %s, want %v", after(o.CleanedUp), limit)
	}
	if limit = right.VeleroFreeWithin.Duration; limit > 0 && (o.VeleroBusy < 0 || o.VeleroBusy > limit) {
		note("Velero free %s, want %v", after(o.VeleroBusy), limit)
	}
	return wrong
}

func after(d time.Duration) string {
	if d < 0 {
		return "never"
	}
	return "after " + d.Round(time.Second).String()
}

// String tells it in a line.
func (right Right) String() string {
	s := strings.Join(right.Result, " or ")
	if len(right.Reason) > 0 {
		s += " (" + strings.Join(right.Reason, " or ") + ")"
	}
	return s
}

// String tells it in a line.
func (o Observed) String() string {
	return fmt.Sprintf("%s %d (%s)", o.Result, o.Score, o.Reason)
}

// texts are all strings in v, as JSON has it, without the names of fields.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{strings.ReplaceAll(v, "\n", " ")}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	}
	return nil
}
