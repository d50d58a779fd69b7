package report

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
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

// elements are those of the schema that Jenkins publishes for JUnit: what each may hold, and its attributes.
var elements = map[string]struct{ children, attributes []string }{
	"testsuites": {[]string{"testsuite"}, []string{"name", "time", "tests", "failures", "disabled", "errors"}},
	"testsuite": {[]string{"properties", "testcase", "system-out", "system-err"},
		[]string{"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package", "file", "group"}},
	"properties": {[]string{"property"}, nil},
	"property":   {nil, []string{"name", "value"}},
	"testcase":   {[]string{"skipped", "error", "failure", "system-out", "system-err"}, []string{"name", "classname", "time", "assertions", "status", "class", "file", "line", "group"}},
	"failure":    {nil, []string{"message", "type"}},
	"error":      {nil, []string{"message", "type"}},
	"skipped":    {nil, []string{"message", "type"}},
}

func TestJUnitHoldsOnlyWhatItsSchemaKnows(t *testing.T) {
	all := []v1alpha1.CheckStatus{
		{Name: "a", Status: v1alpha1.CheckPass}, {Name: "b", Status: v1alpha1.CheckFail, Message: "<b> & \x1b[31m"}, {Name: "c", Status: v1alpha1.CheckSkip}, {Name: "d", Status: v1alpha1.CheckUnknown},
	}
	for _, result := range []v1alpha1.Result{v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail, v1alpha1.ResultInconclusive} {
		body, err := JUnit(of(result, v1alpha1.LevelPartial, all...))
		if err != nil {
			t.Fatal(err)
		}
		var open []string
		for d := xml.NewDecoder(strings.NewReader(string(body))); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, body)
			}
			switch e := token.(type) {
			case xml.StartElement:
				known, ok := elements[e.Name.Local]
				if !ok || len(open) > 0 && !slices.Contains(elements[open[len(open)-1]].children, e.Name.Local) {
					t.Errorf("%v holds %s", open, e.Name.Local)
				}
				for _, a := range e.Attr {
					if !slices.Contains(known.attributes, a.Name.Local) {
						t.Errorf("%s has attribute %s", e.Name.Local, a.Name.Local)
					}
				}
				open = append(open, e.Name.Local)
			case xml.EndElement:
				open = open[:len(open)-1]
			}
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
