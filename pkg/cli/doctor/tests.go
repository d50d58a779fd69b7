package doctor

import (
	"fmt"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/cron"
	"github.com/kymaros/kymaros/pkg/outcome"
	"github.com/kymaros/kymaros/pkg/scope"
)

var ofTests = []check{
	{"tests", "tests", []Look{LookTests}, func(s *Seen) []Result {
		if len(s.Tests) == 0 {
			return warn("there is no RestoreTest: no backup is tested", "kubectl kymaros init NAMESPACE writes one")
		}
		return ok(fmt.Sprintf("%d tests", len(s.Tests)))
	}},
	{"tests", "policies", []Look{LookTests}, each(func(s *Seen, rt *v1alpha1.RestoreTest) []Result {
		switch ref := rt.Spec.HealthChecks.PolicyRef; {
		case ref == "":
			return warn("test "+nameOf(rt)+" names no policy: it never is more than partial", "kubectl kymaros init "+rt.Spec.BackupSource.Namespaces[0].Name+" writes one; name it in spec.healthChecks.policyRef")
		case !s.Policies[rt.Namespace+"/"+ref]:
			return fail(fmt.Sprintf("test %s names HealthCheckPolicy %q, which is not there", nameOf(rt), ref), "create it in namespace "+rt.Namespace+", or correct spec.healthChecks.policyRef")
		}
		return nil
	}, "every test has its policy")},
	{"tests", "schedule", []Look{LookTests}, each(func(s *Seen, rt *v1alpha1.RestoreTest) []Result {
		schedule, err := cron.Parse(rt.Spec.Schedule.Cron, rt.Spec.Schedule.Timezone)
		switch {
		case err != nil:
			return fail("test "+nameOf(rt)+": "+err.Error(), "correct spec.schedule")
		case schedule.Next(s.Now).IsZero():
			return fail(fmt.Sprintf("test %s: cron %q never comes", nameOf(rt), rt.Spec.Schedule.Cron), "correct spec.schedule.cron")
		}
		c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled)
		if c == nil {
			if s.Now.Sub(rt.CreationTimestamp.Time) > 5*time.Minute {
				return fail("no controller took notice of test "+nameOf(rt), "see that the controller runs, and sees its namespace")
			}
			return nil
		}
		switch c.Reason {
		case v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonInvalidSchedule, v1alpha1.ReasonMissedTurn, v1alpha1.ReasonVeleroStalled, v1alpha1.ReasonFenceNotIntact:
			return fail(fmt.Sprintf("test %s does not run (%s): %s", nameOf(rt), c.Reason, c.Message), outcome.Of(c.Reason).Remedy)
		}
		return nil
	}, "every test has a next run")},
	{"tests", "backup", []Look{LookTests, LookVelero, LookSpaces}, each(func(s *Seen, rt *v1alpha1.RestoreTest) []Result {
		if err := usable(s, rt); err != nil {
			return fail("test "+nameOf(rt)+": "+err.Error(), "make a backup that holds what the test restores; `velero backup get`")
		}
		return nil
	}, "every test has a backup to restore")},
	{"tests", "cleanup", []Look{LookTests}, each(func(_ *Seen, rt *v1alpha1.RestoreTest) []Result {
		c := conditions.ForRun(rt, v1alpha1.ConditionCleanedUp)
		if c != nil && c.Status == metav1.ConditionUnknown && c.Reason == v1alpha1.ReasonStuck {
			return fail("cleanup of test "+nameOf(rt)+" is stuck: "+c.Message, "remove what holds the object that it names; cleanup goes on trying")
		}
		return nil
	}, "no cleanup is stuck")},
}

// each judges every test, and says that all is well if it is.
func each(judge func(*Seen, *v1alpha1.RestoreTest) []Result, well string) func(*Seen) []Result {
	return func(s *Seen) (all []Result) {
		for _, rt := range s.Tests {
			all = append(all, judge(s, rt)...)
		}
		if len(all) == 0 && len(s.Tests) > 0 {
			return ok(well)
		}
		return all
	}
}

func nameOf(rt *v1alpha1.RestoreTest) string { return rt.Namespace + "/" + rt.Name }

// usable tells why no backup could be restored by a run of rt that began now. Resources that the controller alone permits are left to it.
func usable(s *Seen, rt *v1alpha1.RestoreTest) error {
	restore := rt.Spec.Restore.DeepCopy()
	if restore != nil {
		restore.IncludedResources = nil
	}
	resources, err := scope.Resources(restore, nil)
	if err != nil {
		return err
	}
	want := backups.Wanted{Source: rt.Spec.BackupSource, Resources: resources, Since: map[string]time.Time{}, VeleroNamespace: s.Velero, Now: s.Now, Seed: "doctor"}
	for _, source := range rt.Spec.BackupSource.Namespaces {
		for i := range s.Namespaces {
			if s.Namespaces[i].Name == source.Name {
				want.Since[source.Name] = s.Namespaces[i].CreationTimestamp.Time
			}
		}
	}
	known := backups.Known{Locations: map[string]string{}}
	for i := range s.Locations {
		if l := &s.Locations[i]; l.Status.Phase == velerov1.BackupStorageLocationPhaseUnavailable {
			known.Locations[l.Name] = "is Unavailable"
		}
	}
	_, err = backups.Choose(s.Backups, want, known)
	return err
}
