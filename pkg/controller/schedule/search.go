package schedule

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// budget is how many runs a search may take by spec; 0: there is to be none.
func budget(spec *v1alpha1.RestoreTestSpec) int32 {
	source := spec.BackupSource
	latest := (source.BackupName == "" || source.BackupName == "latest") && (source.Selection == "" || source.Selection == v1alpha1.SelectLatest)
	if spec.OnFailure == nil || spec.OnFailure.SearchLastGood == nil || !latest {
		return 0
	}
	return spec.OnFailure.SearchLastGood.MaxRuns
}

// underWay tells whether a search goes on when its turn comes.
func underWay(s *v1alpha1.SearchStatus) bool { return s != nil && s.State == v1alpha1.SearchUnderWay }

// searched returns the search of rt, whose run is over, with what that run has shown. A run that is none of the search begins one
// when it fails, and ends it when it passes: then the newest backup is good. Else a search that is under way goes on.
func searched(rt *v1alpha1.RestoreTest) *v1alpha1.SearchStatus {
	s, run, limit := rt.Status.Search.DeepCopy(), rt.Status.Run, budget(&rt.Spec)
	if underWay(s) && limit == 0 {
		return nil
	}
	if !conditions.Began(rt) || s != nil && s.RunID == run.ID {
		return s
	}
	was := tested(rt)
	if run.Trigger == v1alpha1.TriggerSearch {
		if underWay(s) {
			s.RunID = run.ID
			s.Runs++
			next(s, was, rt, limit)
		}
		return s
	}
	switch {
	case was.Result == v1alpha1.ResultPass:
		return nil
	case was.Result != v1alpha1.ResultFail || was.BackupName == "" || limit == 0 || budget(&run.Spec) == 0:
		return s
	case underWay(s):
		s.RunID, s.Failed = run.ID, was
	default:
		s = &v1alpha1.SearchStatus{State: v1alpha1.SearchUnderWay, RunID: run.ID, Failed: was}
		if noneOlder(rt) {
			s.State = v1alpha1.SearchNotFound
		}
	}
	s.Message = sentence(s, "there is no older one that holds as much")
	return s
}

// next takes notice of what a run of the search has shown.
func next(s *v1alpha1.SearchStatus, was v1alpha1.TriedBackup, rt *v1alpha1.RestoreTest, limit int32) {
	again, why := s.Again, ""
	s.Again = false
	switch {
	case was.Result == v1alpha1.ResultPass:
		s.State = v1alpha1.SearchFound
		s.LastGood = &v1alpha1.VerifiedBackup{BackupName: was.BackupName, BackupTime: was.BackupTime, Time: rt.Status.Run.StartTime, Report: was.Report}
	case exhausted(rt):
		why = "there is no older one that holds as much"
	case was.Result == v1alpha1.ResultInconclusive && !again:
		s.Again = true
	case was.BackupName == "":
		why = "two runs ended before they had one to restore, see status.conditions"
	default:
		s.Tried = append(s.Tried, was)
		if noneOlder(rt) {
			why = "there is no older one that holds as much"
		}
	}
	if why == "" && s.Runs >= limit {
		why = fmt.Sprintf("no more than %d runs are allowed, raise spec.onFailure.searchLastGood.maxRuns to go back further", limit)
	}
	if underWay(s) && why != "" {
		s.State, s.Again = v1alpha1.SearchNotFound, false
	}
	s.Message = sentence(s, why)
}

// givenUp returns the search s as it ends before its end, and why.
func givenUp(s *v1alpha1.SearchStatus, why string) *v1alpha1.SearchStatus {
	if s = s.DeepCopy(); underWay(s) {
		s.State, s.Again = v1alpha1.SearchNotFound, false
		s.Message = sentence(s, why)
	}
	return s
}

// tested returns the backup that the run of rt, which is over, has tested. Without a report nothing is known of it.
func tested(rt *v1alpha1.RestoreTest) v1alpha1.TriedBackup {
	was := v1alpha1.TriedBackup{Result: v1alpha1.ResultInconclusive}
	id := rt.Status.Run.ID
	if r := rt.Status.Report; r != nil && r.RunID == id && r.Result != "" {
		was.Result, was.Report = r.Result, r.Name
	}
	if r := rt.Status.Restore; r != nil && r.RunID == id {
		was.BackupName, was.BackupTime = r.BackupName, r.BackupTime
	}
	return was
}

// noneOlder tells whether no older backup was seen when that of the run was chosen: no sandbox is made to find that out.
func noneOlder(rt *v1alpha1.RestoreTest) bool {
	r := rt.Status.Restore
	return r.BackupChoice != nil && r.BackupChoice.OlderCount == 0
}

// exhausted tells whether the run found no backup to try, for one that was seen is gone.
func exhausted(rt *v1alpha1.RestoreTest) bool {
	restored := conditions.ForRun(rt, v1alpha1.ConditionRestored)
	return restored != nil && restored.Status == metav1.ConditionFalse && restored.Reason == v1alpha1.ReasonNoOlderBackup
}

// sentence says what is known; why tells why no more is tried.
func sentence(s *v1alpha1.SearchStatus, why string) string {
	all := append([]v1alpha1.TriedBackup{s.Failed}, s.Tried...)
	var names []string
	verdicts := 0
	for _, b := range all {
		names = append(names, fmt.Sprintf("%s (%s)", b.BackupName, b.Result))
		if b.Result != v1alpha1.ResultInconclusive {
			verdicts++
		}
	}
	const shown = 5
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("%d more", more))
	}
	others := strings.Join(names, ", ")
	switch s.State {
	case v1alpha1.SearchFound:
		return fmt.Sprintf("the newest backup that restores is %s, of %s (report %s); these do not, or were not shown to: %s",
			s.LastGood.BackupName, began(s.LastGood.BackupTime), s.LastGood.Report, others)
	case v1alpha1.SearchNotFound:
		if verdicts > 1 {
			return fmt.Sprintf("none of the %d backups tried restores: %s; %s", verdicts, others, why)
		}
		return fmt.Sprintf("no backup is known that restores: %s; %s", others, why)
	case v1alpha1.SearchUnderWay:
	}
	return "searching the newest backup that restores; so far: " + others
}

// found says after something else what a search has found.
func found(s *v1alpha1.SearchStatus) string {
	if s == nil {
		return ""
	}
	return "; " + s.Message
}

func began(t *metav1.Time) string {
	if t == nil {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// tell records what a search has found, once it has.
func (c *Controller) tell(rt *v1alpha1.RestoreTest, now *v1alpha1.SearchStatus) {
	if now == nil || rt.Status.Search != nil && rt.Status.Search.State == now.State && rt.Status.Search.RunID == now.RunID {
		return
	}
	switch now.State {
	case v1alpha1.SearchFound:
		c.status.Recorder.Event(rt, corev1.EventTypeNormal, v1alpha1.EventLastGoodFound, now.Message)
	case v1alpha1.SearchNotFound:
		c.status.Recorder.Event(rt, corev1.EventTypeWarning, v1alpha1.EventNoGoodBackup, now.Message)
	case v1alpha1.SearchUnderWay:
	}
}
