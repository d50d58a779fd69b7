package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// grace is how long after the end of a run something of it may still be there.
const grace = 30 * time.Second

// verify waits for the end of all runs of s and checks what must hold after any fault: each run has exactly one report, which does
// not blame the backup; nothing is made twice; nothing is left; nothing outside of sandboxes changed; and, once the faults are
// over, the next run of each test passes with all points.
// It returns how many of the faults met no request.
func (s *scene) verify(t *testing.T) (missed int) {
	t.Helper()
	missed = s.verifyFirst(t)
	late := s.again(t)
	s.moves(t, late)
	reports := s.reports(t)
	for _, v := range s.victims {
		if v.deleted || late[v.name] != nil {
			continue
		}
		v.oneReport(t, reports[v.name], 2)
		v.passesNow(t, reports[v.name])
	}
	if *faultsFlag == 0 {
		s.nothingLeft(t)
	}
	return missed
}

// verifyFirst is verify without the next run.
func (s *scene) verifyFirst(t *testing.T) (missed int) {
	t.Helper()
	late := s.await(t, ended)
	for _, v := range s.victims {
		if !through.lower(v.name) {
			missed++
		}
	}
	injected.untroubled(t)
	s.moves(t, late)
	reports := s.reports(t)
	for _, v := range s.victims {
		if late[v.name] != nil {
			continue
		}
		v.oneReport(t, reports[v.name], 1)
		v.blamesNobody(t, reports[v.name])
		v.madeOnce(t)
	}
	s.nothingLeft(t)
	s.nothingChanged(t)
	return missed
}

// moves: the line moves on, and each run comes to its end.
func (s *scene) moves(t *testing.T, late map[string]error) {
	t.Helper()
	for _, v := range s.victims {
		if err := late[v.name]; err != nil {
			injected.violate(t, v.kind, "%s: no end: %v", v, err)
		}
	}
}

// reports returns the reports of all tests of s, oldest first.
func (s *scene) reports(t *testing.T) map[string][]v1alpha1.RestoreReport {
	t.Helper()
	list, err := cluster.Kymaros.RestoreV1alpha1().RestoreReports(s.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]v1alpha1.RestoreReport{}
	for _, r := range list.Items {
		test := r.Labels[v1alpha1.LabelReportTest]
		all[test] = append(all[test], r)
	}
	for _, reports := range all {
		slices.SortFunc(reports, func(a, b v1alpha1.RestoreReport) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	}
	return all
}

// oneReport: each run has exactly one.
func (v *victim) oneReport(t *testing.T, reports []v1alpha1.RestoreReport, runs int) {
	t.Helper()
	if v.deleted {
		if len(reports) > 1 {
			injected.violate(t, v.kind, "%s: %d reports", v, len(reports))
		}
		return
	}
	if len(reports) != runs {
		injected.violate(t, v.kind, "%s: %d reports of %d runs", v, len(reports), runs)
	}
	for i := range reports {
		if reports[i].Status == nil || reports[i].Status.Result == "" {
			injected.violate(t, v.kind, "%s: report %s has no verdict", v, reports[i].Name)
		}
	}
}

// blamesNobody: a fault of ours says nothing about the backup. The run passes, or nothing was learnt.
func (v *victim) blamesNobody(t *testing.T, reports []v1alpha1.RestoreReport) {
	t.Helper()
	for i := range reports {
		status := reports[i].Status
		if status == nil {
			continue
		}
		says := fmt.Sprintf("%s, score %d, %s: %s; caps %q", status.Result, status.Score, status.Reason, status.Message, status.Caps)
		switch {
		case status.Result == v1alpha1.ResultPass && status.Score == 100:
		case outcome.Of(status.Reason).Class == outcome.Inconclusive && status.Result == v1alpha1.ResultInconclusive:
			t.Logf("after %s: %s: %s", v.kind, v, says)
		case v.guards && outcome.Of(status.Reason).Class == outcome.Sandbox && status.Result == v1alpha1.ResultPartial:
			t.Logf("after %s: %s: %s", v.kind, v, says)
		case v.noBackup && status.Reason == v1alpha1.ReasonBackupNotFound:
			t.Logf("after %s: %s: %s", v.kind, v, says)
		default:
			injected.violate(t, v.kind, "%s: %s", v, says)
		}
	}
}

// madeOnce: what was done and not heard of is not done again.
func (v *victim) madeOnce(t *testing.T) {
	t.Helper()
	for _, resource := range []string{"restores", "namespaces", "restorereports"} {
		if made := through.created(resource, v.name); made > 1 {
			injected.violate(t, v.kind, "%s: %d %s were created", v, made, resource)
		}
	}
}

// passesNow: the fault has no consequences.
func (v *victim) passesNow(t *testing.T, reports []v1alpha1.RestoreReport) {
	t.Helper()
	if len(reports) == 0 || reports[len(reports)-1].Status == nil {
		return
	}
	if last := reports[len(reports)-1].Status; last.Result != v1alpha1.ResultPass || last.Score != 100 {
		injected.violate(t, v.kind, "%s: the next run is %s, score %d, %s: %s; caps %q", v, last.Result, last.Score, last.Reason, last.Message, last.Caps)
	}
}

// nothingLeft: no object of a run is left after the grace period.
func (s *scene) nothingLeft(t *testing.T) {
	t.Helper()
	var left map[string]string
	_ = wait.PollUntilContextTimeout(t.Context(), 2*time.Second, grace, true, func(context.Context) (bool, error) {
		left = look(t).ours //nolint:contextcheck // it has that of the test, as the poll has
		maps.DeleteFunc(left, func(name, test string) bool {
			_, was := s.before.ours[name]
			return was || s.ofOthers(test)
		})
		return len(left) == 0, nil
	})
	for name, test := range left {
		i := slices.IndexFunc(s.victims, func(v *victim) bool { return v.name == test })
		if i < 0 {
			injected.violate(t, "any fault", "left: %s of %q", name, test)
			continue
		}
		injected.violate(t, s.victims[i].kind, "%s: left: %s", s.victims[i], name)
	}
}

// nothingChanged: production is as it was.
func (s *scene) nothingChanged(t *testing.T) {
	t.Helper()
	now := look(t).outside
	for _, name := range slices.Sorted(maps.Keys(s.before.outside)) {
		var err error
		switch is, there := now[name]; {
		case !there:
			err = errors.New("deleted")
		case is != s.before.outside[name]:
			err = errors.New("changed")
		default:
			continue
		}
		if s.ofOthers(name) {
			continue
		}
		kind, known := "any fault", false
		for _, v := range s.victims {
			if strings.Contains(name, v.name) {
				kind, known = v.kind, v.touches != "" && strings.HasPrefix(name, v.touches+" ")
			}
		}
		if !known {
			injected.violate(t, kind, "%s was %v", name, err)
		}
	}
}

// ofOthers tells whether a name is that of a victim of another scene, or of something that is for one.
func (s *scene) ofOthers(name string) bool {
	if of := sceneName.FindString(name); of != "" {
		return of != s.namespace
	}
	of := victimName.FindString(name)
	return of != "" && !slices.ContainsFunc(s.victims, func(v *victim) bool { return v.name == of })
}

// sceneName is that of the namespace in which the tests of a scene are.
var sceneName = regexp.MustCompile(`faults-\d+`)
