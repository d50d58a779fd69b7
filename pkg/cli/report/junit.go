package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/compare"
)

// The elements and attributes are those that Jenkins, GitLab and GitHub's actions read.
type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suite    suite    `xml:"testsuite"`
	}
	suite struct {
		Name       string     `xml:"name,attr"`
		Tests      int        `xml:"tests,attr"`
		Failures   int        `xml:"failures,attr"`
		Errors     int        `xml:"errors,attr"`
		Skipped    int        `xml:"skipped,attr"`
		Time       string     `xml:"time,attr"`
		Timestamp  string     `xml:"timestamp,attr"`
		Properties []property `xml:"properties>property"`
		Cases      []testcase `xml:"testcase"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	testcase struct {
		Name      string   `xml:"name,attr"`
		Classname string   `xml:"classname,attr"`
		Time      string   `xml:"time,attr"`
		Skipped   *problem `xml:"skipped"`
		Error     *problem `xml:"error"`
		Failure   *problem `xml:"failure"`
	}
	problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit returns the report as CI systems read it: a suite, with a case for the verdict and each level and check. What was not tested
// is skipped; what could not be told is an error and no failure.
func JUnit(r *v1alpha1.RestoreReport) ([]byte, error) {
	s := r.Status
	all := suite{
		Name: r.Namespace + "/" + r.Spec.TestRef, Time: seconds(took(s)), Timestamp: s.StartedAt.UTC().Format("2006-01-02T15:04:05"),
	}
	for _, f := range facts(r) {
		all.Properties = append(all.Properties, property{f.Name, term.Clean(f.Value)})
	}
	class := r.Namespace + "." + r.Spec.TestRef
	all.Cases = append(all.Cases, verdict(class, r))
	for _, l := range compare.Levels(s.ValidationLevels) {
		if l.Status != "" {
			all.Cases = append(all.Cases, level(class, l, s.Result))
		}
	}
	for _, c := range s.Checks {
		all.Cases = append(all.Cases, check(class, c))
	}
	for _, c := range all.Cases {
		all.Tests++
		switch {
		case c.Failure != nil:
			all.Failures++
		case c.Error != nil:
			all.Errors++
		case c.Skipped != nil:
			all.Skipped++
		}
	}
	body, err := xml.MarshalIndent(suites{Tests: all.Tests, Failures: all.Failures, Errors: all.Errors, Suite: all}, "", "  ")
	return append([]byte(xml.Header), append(body, '\n')...), err
}

func verdict(class string, r *v1alpha1.RestoreReport) testcase {
	v := ViewOf(r)
	c := testcase{Name: "verdict", Classname: class, Time: seconds(took(r.Status))}
	p := &problem{Message: term.Clean(v.Headline), Type: r.Status.Reason, Text: strings.TrimSpace(term.Clean(v.Message) + "\n" + term.Clean(v.Remedy))}
	switch r.Status.Result {
	case v1alpha1.ResultPass:
	case v1alpha1.ResultFail, v1alpha1.ResultPartial:
		c.Failure = p
	case v1alpha1.ResultInconclusive:
		c.Error = p
	default:
		c.Error = p
	}
	return c
}

// level returns the case of a level. Of a run that passed, points that are not full are no failure: CI systems would be red where the
// exit code is 0.
func level(class string, l compare.Level, result v1alpha1.Result) testcase {
	c := testcase{Name: l.Name, Classname: class + ".levels", Time: seconds(0)}
	p := &problem{Message: fmt.Sprintf("%d/%d points", l.Points, l.Max), Type: string(l.Status), Text: term.Clean(l.Detail)}
	switch l.Status {
	case v1alpha1.LevelPass:
	case v1alpha1.LevelFail, v1alpha1.LevelPartial:
		if result != v1alpha1.ResultPass {
			c.Failure = p
		}
	case v1alpha1.LevelNotTested:
		c.Skipped = &problem{Message: "not tested: " + term.Clean(l.Detail)}
	}
	return c
}

func check(class string, s v1alpha1.CheckStatus) testcase {
	c := testcase{Name: term.Clean(s.Name), Classname: class + ".checks", Time: seconds(s.Duration.Or(0))}
	p := &problem{Message: term.Clean(s.Message), Type: string(s.Status)}
	switch s.Status {
	case v1alpha1.CheckPass:
	case v1alpha1.CheckFail:
		c.Failure = p
	case v1alpha1.CheckUnknown:
		c.Error = p
	case v1alpha1.CheckSkip:
		c.Skipped = &problem{Message: p.Message}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
