package stage

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Verdict fails t unless the report has that result and reason.
func Verdict(t testing.TB, report *v1alpha1.RestoreReport, result v1alpha1.Result, reason string) {
	t.Helper()
	s := report.Status
	if s.Result != result || s.Reason != reason {
		t.Errorf("report: %s %d, %s: %s; want %s, %s", s.Result, s.Score, s.Reason, s.Message, result, reason)
	}
	shown := s.Result != v1alpha1.ResultInconclusive
	if pass, fail := s.Score >= 90, s.Score < 70 && shown; pass != (s.Result == v1alpha1.ResultPass) || fail != (s.Result == v1alpha1.ResultFail) {
		t.Errorf("a score of %d does not go with result %s", s.Score, s.Result)
	}
}

// Compare fails t if two snapshots differ, and says where.
func Compare(t testing.TB, before, after map[string]string) {
	t.Helper()
	if len(before) == 0 {
		t.Error("the snapshot is empty")
	}
	for name, was := range before {
		if is, ok := after[name]; !ok {
			t.Errorf("%s is gone", name)
		} else if was != is {
			t.Errorf("%s has changed:\n%s", name, cmp.Diff(was, is))
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}
