package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/outcome"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

func TestWhatUsersGetWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source string
		edit   func(*v1alpha1.RestoreTest)
		checks []v1alpha1.HealthCheck
		// The condition that is False then, its reason, and what its message and the report's must say.
		condition, reason string
		says              []string
	}{
		"container": {
			source: "web", checks: []v1alpha1.HealthCheck{execIn("in-a-container", "sidecar", "", "true"), webAnswers()},
			condition: v1alpha1.ConditionHealthChecked, reason: v1alpha1.ReasonCheckFailed,
			says: []string{"in-a-container", `no container "sidecar"`, "it has web"},
		},
		"image": {
			source:    "noimage",
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PodReadyTimeout = "10s" },
			condition: v1alpha1.ConditionHealthChecked, reason: v1alpha1.ReasonCheckFailed,
			says: []string{"lost-[a-z0-9]+-[a-z0-9]+ ", "ImagePullBackOff|ErrImagePull", "10s"},
		},
		"policy": {
			source:    "web",
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "nobody-wrote-it" },
			condition: v1alpha1.ConditionHealthChecked, reason: v1alpha1.ReasonPolicyNotFound,
			says: []string{"nobody-wrote-it", "spec.healthChecks.policyRef"},
		},
		"name": {
			source:    "web",
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.Namespaces[0].SandboxName = taken },
			condition: v1alpha1.ConditionSandboxReady, reason: v1alpha1.ReasonNameTaken,
			says: []string{"taken-"},
		},
		"backup": {
			source:    "web",
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.BackupName = "nobody-made-it" },
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonBackupNotFound,
			says: []string{"nobody-made-it", "spec.backupSource.backupName"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := cluster.Name(test.source)
			cluster.Untouched(t, taken)
			if test.source != "noimage" { // whose pods change all the time by themselves
				cluster.Untouched(t, source)
			}
			rt := cluster.RestoreTest("wrong-"+name, appsBackup, source)
			if test.edit != nil {
				test.edit(rt)
			}
			rt, report := cluster.AwaitEnd(t, cluster.Start(t, rt, test.checks...))
			verdict(t, report, outcome.Result(test.reason), test.reason)
			c := conditions.ForRun(rt, test.condition)
			failed := report.Status.Result == v1alpha1.ResultFail
			if c.Status != metav1.ConditionFalse || c.Reason != test.reason || failed != (rt.Status.Phase == v1alpha1.PhaseFailed) {
				t.Fatalf("want %s=False (%s), and the phase of result %s\n%s", test.condition, test.reason, report.Status.Result, stage.Conditions(rt))
			}
			for _, what := range test.says {
				if !regexp.MustCompile(what).MatchString(c.Message) {
					t.Errorf("%s does not say %q: %s", test.condition, what, c.Message)
				}
			}
		})
	}
}

func TestAGoodRunBesideBadOnesPasses(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, web)
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("good", appsBackup, web), webAnswers()))
	verdict(t, report, v1alpha1.ResultPass, "Passed")
}

func TestACommandThatNeverReturnsIsGivenUp(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, web)
	// A time that nobody else sleeps for.
	seconds := "36" + cluster.Suffix
	never := execIn("never-returns", "", "3s", "sleep", seconds)
	rt := cluster.Start(t, cluster.RestoreTest("never", appsBackup, web), never, webAnswers())
	stage.Until(t, stage.RunTimeout, func(context.Context) error {
		if len(sleeping(t, seconds)) == 0 {
			return errors.New("the command does not run")
		}
		return nil
	})
	_, report := cluster.AwaitEnd(t, rt)
	verdict(t, report, v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed)
	if c := checkNamed(t, report, never.Name); c.Status != v1alpha1.CheckFail || c.Duration.Or(0) < 3*time.Second || c.Duration.Or(0) > time.Minute {
		t.Errorf("check %+v", c)
	}
	if c := checkNamed(t, report, "web-answers"); c.Status != v1alpha1.CheckPass {
		t.Errorf("check %+v", c)
	}
	if left := sleeping(t, seconds); len(left) > 0 {
		t.Errorf("the command outlives the run: processes %v", left)
	}
}

// sleeping returns the processes that run `sleep` for so many seconds. Containers of the cluster are processes of this
// machine.
func sleeping(t *testing.T, seconds string) (processes []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		// What cannot be read has ended meanwhile.
		if line, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(line), "sleep\x00"+seconds) {
			processes = append(processes, file)
		}
	}
	return processes
}
