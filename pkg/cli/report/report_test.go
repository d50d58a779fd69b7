package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/show"
)

func of(result v1alpha1.Result, level v1alpha1.LevelStatus, checks ...v1alpha1.CheckStatus) *v1alpha1.RestoreReport {
	return &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-1"}, Spec: v1alpha1.RestoreReportSpec{TestRef: "shop"},
		Status: &v1alpha1.RestoreReportStatus{
			Result: result, Reason: v1alpha1.ReasonCheckFailed, Message: "why", Checks: checks,
			ValidationLevels: v1alpha1.ValidationLevels{InternalHealth: v1alpha1.LevelResult{Status: level, Points: 8, Max: 20}},
		},
	}
}

// element of a JUnit file: what it may hold, and its attributes.
type element struct {
	children, required, optional []string
	text                         bool
}

// elements are those of the schema with which Jenkins judges JUnit files (junit-10.xsd of its xUnit plugin), but for some that only
// tests which are repeated need. GitLab and GitHub's actions read the same and demand less.
var elements = map[string]element{
	"testsuites": {[]string{"testsuite"}, nil, []string{"name", "time", "tests", "failures", "errors"}, false},
	"testsuite": {[]string{"testsuite", "properties", "testcase", "system-out", "system-err"}, []string{"name", "tests", "failures", "errors"},
		[]string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"}, false},
	"properties": {[]string{"property"}, nil, nil, false},
	"property":   {nil, []string{"name", "value"}, nil, false},
	"testcase":   {[]string{"skipped", "error", "failure", "system-out", "system-err"}, []string{"name"}, []string{"time", "classname", "group"}, false},
	"failure":    {nil, nil, []string{"message", "type"}, true},
	"error":      {nil, nil, []string{"message", "type"}, true},
	"skipped":    {nil, nil, []string{"message", "type"}, true},
}

// values of attributes that readers take for more than text.
var values = map[string]*regexp.Regexp{
	"time": regexp.MustCompile(`^\d+\.\d{3}$`), "timestamp": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`),
	"tests": number, "failures": number, "errors": number, "skipped": number,
}

var number = regexp.MustCompile(`^\d+$`)

// judge returns what a JUnit file has that the schema does not know, or lacks.
func judge(body []byte) (faults []string) {
	var open []string
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return faults
		}
		if err != nil {
			return append(faults, err.Error())
		}
		switch e := token.(type) {
		case xml.StartElement:
			known, ok := elements[e.Name.Local]
			if !ok || len(open) > 0 && !slices.Contains(elements[open[len(open)-1]].children, e.Name.Local) || len(open) == 0 && e.Name.Local != "testsuites" {
				faults = append(faults, fmt.Sprintf("%v holds %s", open, e.Name.Local))
			}
			var has []string
			for _, a := range e.Attr {
				has = append(has, a.Name.Local)
				if !slices.Contains(slices.Concat(known.required, known.optional), a.Name.Local) {
					faults = append(faults, fmt.Sprintf("%s has attribute %s", e.Name.Local, a.Name.Local))
				}
				if want := values[a.Name.Local]; want != nil && !want.MatchString(a.Value) {
					faults = append(faults, fmt.Sprintf("%s of %s is %q", a.Name.Local, e.Name.Local, a.Value))
				}
			}
			for _, name := range known.required {
				if !slices.Contains(has, name) {
					faults = append(faults, fmt.Sprintf("%s lacks attribute %s", e.Name.Local, name))
				}
			}
			open = append(open, e.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && strings.TrimSpace(string(e)) != "" && !elements[open[len(open)-1]].text {
				faults = append(faults, fmt.Sprintf("%v holds text %q", open, e))
			}
		}
	}
}

func TestJUnitIsWhatTheSchemaOfCISystemsSays(t *testing.T) {
	all := []v1alpha1.CheckStatus{
		{Name: "a", Status: v1alpha1.CheckPass, Duration: "1h2m3.4s"}, {Name: "b", Status: v1alpha1.CheckFail, Message: "<b> & \x1b[31m"}, {Name: "c", Status: v1alpha1.CheckSkip}, {Name: "d", Status: v1alpha1.CheckUnknown},
	}
	for _, result := range []v1alpha1.Result{v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail, v1alpha1.ResultInconclusive} {
		body, err := JUnit(of(result, v1alpha1.LevelPartial, all...))
		if err != nil {
			t.Fatal(err)
		}
		if faults := judge(body); len(faults) > 0 {
			t.Errorf("%s: %s\n%s", result, strings.Join(faults, "; "), body)
		}
	}
	for sentence, bad := range map[string]string{
		"another root":                `<testsuite name="a" tests="1" failures="0" errors="0"/>`,
		"an element of somebody else": `<testsuites><test/></testsuites>`,
		"an attribute too many":       `<testsuites disabled="1"/>`,
		"an attribute too few":        `<testsuites><testsuite name="a" tests="1" failures="0"/></testsuites>`,
		"a time that is a duration":   `<testsuites time="1m"/>`,
		"text between the cases":      `<testsuites>text</testsuites>`,
	} {
		if len(judge([]byte(bad))) != 1 {
			t.Errorf("%s is not found: %v", sentence, judge([]byte(bad)))
		}
	}
}

func TestJUnitIsRedOnlyWhereTheVerdictIs(t *testing.T) {
	for sentence, c := range map[string]struct {
		report                    *v1alpha1.RestoreReport
		failures, errors, skipped int
	}{
		"a pass with points that are not full": {of(v1alpha1.ResultPass, v1alpha1.LevelPartial), 0, 0, 0},
		"a fail":                               {of(v1alpha1.ResultFail, v1alpha1.LevelFail, v1alpha1.CheckStatus{Name: "a", Status: v1alpha1.CheckFail}), 3, 0, 0},
		"a partial":                            {of(v1alpha1.ResultPartial, v1alpha1.LevelPass), 1, 0, 0},
		"an inconclusive":                      {of(v1alpha1.ResultInconclusive, v1alpha1.LevelNotTested), 0, 1, 1},
		"one that could not tell":              {of(v1alpha1.ResultInconclusive, v1alpha1.LevelNotTested, v1alpha1.CheckStatus{Name: "a", Status: v1alpha1.CheckUnknown}), 0, 2, 1},
		"a result that nobody knows":           {of("later", v1alpha1.LevelPass), 0, 1, 0},
	} {
		body, err := JUnit(c.report)
		var got struct {
			Suite struct {
				Failures int `xml:"failures,attr"`
				Errors   int `xml:"errors,attr"`
				Skipped  int `xml:"skipped,attr"`
			} `xml:"testsuite"`
		}
		if err != nil || xml.Unmarshal(body, &got) != nil || got.Suite.Failures != c.failures || got.Suite.Errors != c.errors || got.Suite.Skipped != c.skipped {
			t.Errorf("%s: %+v\n%s", sentence, got, body)
		}
	}
}

func TestNothingThatAReportQuotesIsMarkup(t *testing.T) {
	r := of(v1alpha1.ResultFail, v1alpha1.LevelFail, v1alpha1.CheckStatus{Name: "<script>alert(1)</script>", Status: v1alpha1.CheckFail, Message: "a|b [x](http://evil) @everyone <img src=x>"})
	r.Status.Message = `"><script>alert(2)</script>`
	page := ViewOf(r).HTML()
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") || strings.Contains(page, "http://") && !strings.Contains(page, "http://evil)") || len(page) > 60_000 {
		t.Errorf("%s", page)
	}
	text := ViewOf(r).Markdown()
	for _, bad := range []string{"<script", "<img", "a|b", "[x](", "@everyone"} {
		if strings.Contains(text, bad) {
			t.Errorf("holds %q:\n%s", bad, text)
		}
	}
}

func TestAReportSaysWhetherItIsSegregated(t *testing.T) {
	for want, s := range map[string]*v1alpha1.Segregation{
		"": nil,
		"yes, other cluster: older than this one": {Cluster: v1alpha1.ClusterOther, Basis: "older than this one"},
		"no, same cluster":                        {Cluster: v1alpha1.ClusterSame},
		"unknown: x":                              {Cluster: v1alpha1.ClusterUnknown, Basis: "x"},
	} {
		r := of(v1alpha1.ResultPass, v1alpha1.LevelPass)
		r.Status.Segregation = s
		got := ""
		for _, f := range ViewOf(r).Facts {
			if f.Name == "Segregated" {
				got = f.Value
			}
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAReportTellsWhatWasMapped(t *testing.T) {
	r := of(v1alpha1.ResultPass, v1alpha1.LevelPass)
	r.Status.Mappings = []v1alpha1.MappingResult{
		{Kind: v1alpha1.MappingStorageClass, From: "gp3", To: "local-path", Objects: new(int32(2))}, {Kind: v1alpha1.MappingNodeSelector, From: "gpu=yes", Note: "why"},
	}
	var got []string
	for _, s := range ViewOf(r).Sections {
		if s.Title != "Mappings" {
			continue
		}
		for _, row := range s.Rows {
			var cells []string
			for _, c := range row {
				cells = append(cells, c.Text)
			}
			got = append(got, strings.Join(cells, "|"))
		}
	}
	if want := []string{"StorageClass|gp3|local-path|2|", "NodeSelector|gpu=yes|left out|" + show.None + "|why"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
