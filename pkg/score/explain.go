package score

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// explain returns the reason that decided the result, and a message that says what to do.
func explain(e Evidence, v Verdict, findings []finding) (reason, message string) {
	var texts []string
	for _, f := range findings {
		texts = append(texts, f.text)
	}
	all := sentence(strings.Join(texts, "; "))
	switch {
	case e.Ended.Reason == v1alpha1.ReasonCheckFailed:
		reason, message = e.Ended.Reason, all
		if message == "" {
			message = sentence(e.Ended.Message)
		}
	case e.Ended.Reason != "":
		reason, message = e.Ended.Reason, sentence(e.Ended.Message)
		if failed := named(e.Checks.Results, v1alpha1.CheckFail); len(failed) > 0 {
			message += " Until then failed: " + list(failed) + "."
		}
	case v.Result == v1alpha1.ResultInconclusive:
		reason, message = v1alpha1.ReasonNotRead, all
	case len(findings) == 0:
		reason, message = v1alpha1.ReasonPassed, sentence(shown(e))
	case v.Result == v1alpha1.ResultPass:
		how := "Passed, short of full marks: "
		if v.Score == 100 {
			how = "Passed, with what could be tested: "
		}
		reason, message = v1alpha1.ReasonPassed, sentence(how+strings.Join(texts, "; "))
	default:
		// Every lost point and every cap has a finding.
		reason, message = decisive(findings).reason, all
	}
	return reason, strings.TrimSpace(message + " " + remedy(reason, findings))
}

// remedy says what to do. What the sandbox refused may be the cause of whatever else went wrong: then the backup is not blamed
// for it.
func remedy(reason string, findings []finding) string {
	if reason == v1alpha1.ReasonCheckFailed {
		for _, f := range findings {
			if f.caps && outcome.Of(f.reason).Class == outcome.Sandbox {
				return "See status.checks; the sandbox may be the cause. " + outcome.Of(f.reason).Remedy
			}
		}
		// Pods that do not get ready are no check's verdict, and may wait for what isolation keeps from them.
		if slices.ContainsFunc(findings, func(f finding) bool { return f.reason == v1alpha1.ReasonPodsNotReady }) {
			return "See status.checks. " + outcome.Of(v1alpha1.ReasonPodsNotReady).Remedy
		}
	}
	return outcome.Of(reason).Remedy
}

// decisive returns the finding that gives the report its reason: the gravest. That the sandbox refused something is none beside
// what the backup is to blame for.
func decisive(findings []finding) finding {
	if i := slices.IndexFunc(findings, func(f finding) bool { return !f.excused }); i > 0 {
		findings = findings[i:]
	}
	if outcome.Of(findings[0].reason).Class == outcome.Sandbox && findings[0].caps {
		if i := slices.IndexFunc(findings, finding.blames); i >= 0 && findings[0].reason == v1alpha1.ReasonBlockedBySandboxPolicy {
			return findings[i]
		}
	}
	return findings[0]
}

// shown says what a run without any finding has shown, and never what it did not look at.
func shown(e Evidence) string {
	var all []string
	if n := e.Completeness.Expected; n > 0 {
		all = append(all, fmt.Sprintf("%d of %d objects came back", n, n))
	}
	if n := e.Pods.Total; n > 0 {
		all = append(all, fmt.Sprintf("%d of %d pods are ready", n, n))
	}
	n := len(e.Checks.Results)
	all = append(all, fmt.Sprintf("%d of %d checks passed", n, n))
	text := strings.Join(all, ", ")
	if e.Completeness.Expected == 0 {
		text += "; whether everything came back was not compared: " + e.Completeness.Detail
	}
	return text
}

// sentence makes s begin with a capital letter, unless its first word is the path of a field, and end with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	if first, _, _ := strings.Cut(s, " "); strings.Contains(strings.TrimSuffix(first, "."), ".") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
