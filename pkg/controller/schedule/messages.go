package schedule

import (
	"fmt"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cron"
	"github.com/kymaros/kymaros/pkg/line"
)

// started tells of the run of status, which is what rt has or is about to get.
func started(rt *v1alpha1.RestoreTest, status *v1alpha1.RestoreTestStatus) string {
	run := status.Run
	text := fmt.Sprintf("run %s started (%s); its verdict is due by %s", run.ID, run.Trigger, run.Deadline.UTC().Format(time.RFC3339))
	if run.Fence == v1alpha1.FenceNotIntact {
		text += "; the admission fence is not intact, and --require-fence=false"
	}
	if missed := status.MissedRuns; missed != nil {
		text += fmt.Sprintf("; %s before it did not start, the last at %s", counted(missed), missed.Last.UTC().Format(time.RFC3339))
	}
	if asked(rt, run) {
		text += "; another one is asked for, and starts when this one is cleaned up"
	}
	return text
}

// nextRun tells of the next run by the clock.
func nextRun(rt *v1alpha1.RestoreTest, a agenda) string {
	text := fmt.Sprintf("next run at %s (cron %q, timezone %s", a.next.UTC().Format(time.RFC3339), rt.Spec.Schedule.Cron, zone(rt))
	if rt.Spec.Schedule.Jitter.Or(0) > 0 {
		text += ", later by " + jitter(rt, a.schedule).String()
	}
	return text + ")"
}

// tooLate tells of runs that were not started in time, and what to do.
func tooLate(rt *v1alpha1.RestoreTest, missed *v1alpha1.MissedRuns) string {
	return fmt.Sprintf("; %s did not start, the last was due at %s and could not start within %s (spec.schedule.startingDeadlineSeconds): see that the controller and Velero run, and ask for a run with the annotation %s",
		counted(missed), missed.Last.UTC().Format(time.RFC3339), line.StartingDeadline(&rt.Spec.Schedule), v1alpha1.AnnotationRunRequested)
}

// counted tells how many runs were missed.
func counted(missed *v1alpha1.MissedRuns) string {
	switch {
	case missed.Count > cron.Many:
		return fmt.Sprintf("more than %d runs", cron.Many)
	case missed.Count == 1:
		return "1 run"
	}
	return fmt.Sprintf("%d runs", missed.Count)
}

func zone(rt *v1alpha1.RestoreTest) string {
	if rt.Spec.Schedule.Timezone == "" {
		return "UTC"
	}
	return rt.Spec.Schedule.Timezone
}
