package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	outcomes "github.com/kymaros/kymaros/pkg/outcome"
)

// quiet checks that nothing happens to rt, which is over, for three seconds.
func quiet(t *testing.T, c *controller, rt *v1alpha1.RestoreTest) {
	t.Helper()
	since := time.Now()
	steadily(t, 3*time.Second, func(ctx context.Context) error {
		now, err := current(ctx, rt)
		if err == nil && now.ResourceVersion != rt.ResourceVersion {
			err = fmt.Errorf("it goes on although there is nothing to do:\n%s", cmp.Diff(rt, now))
		}
		return err
	})
	for _, r := range c.seen(func(r *request) bool { return r.at.After(since) && r.writes() && r.mentions(rt.Name) }) {
		t.Errorf("a write although there is nothing to do: %s", &r)
	}
}

func TestBadInputEndsInAConditionThatNamesIt(t *testing.T) {
	t.Parallel()
	c := shared(t)

	// row is a RestoreTest with something wrong: with its spec (edit), with the cluster (prepare), or with what happens to its
	// Restore (play).
	type row struct {
		edit      edit
		backupOf  []string // default: of all source namespaces
		prepare   func(t *testing.T, rt *v1alpha1.RestoreTest)
		play      func(t *testing.T, rt *v1alpha1.RestoreTest)
		condition string
		reason    string
		message   []string
		noRun     bool // nothing starts, so nothing is reported
	}
	two := func(rt *v1alpha1.RestoreTest) {
		rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "src-first"}, {Name: "src-second"}}
	}
	rows := map[string]row{
		"bad-cron": {
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.Schedule.Cron = "every night" },
			condition: v1alpha1.ConditionScheduled, reason: v1alpha1.ReasonInvalidSchedule, noRun: true,
			message: []string{`spec.schedule.cron: "every night" cannot be read`, "write five fields"},
		},
		"bad-zone": {
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.Schedule.Timezone = "Europe/Atlantis" },
			condition: v1alpha1.ConditionScheduled, reason: v1alpha1.ReasonInvalidSchedule, noRun: true,
			message: []string{`spec.schedule.timezone: "Europe/Atlantis" is no IANA time zone`, "Europe/Brussels"},
		},
		"into-source": {
			edit: func(rt *v1alpha1.RestoreTest) {
				rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "src-first", SandboxName: "src-second"}, {Name: "src-second"}}
			},
			condition: v1alpha1.ConditionScheduled, reason: v1alpha1.ReasonInvalidSpec, noRun: true,
			message: []string{"spec.backupSource.namespaces[0].sandboxName", "never restores into its source"},
		},
		"too-long-a-life": {
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.TTL = "25h" },
			condition: v1alpha1.ConditionScheduled, reason: v1alpha1.ReasonInvalidSpec, noRun: true,
			message: []string{"spec.sandbox.ttl: 25h is more than the 24h0m0s that the controller's flag --max-sandbox-ttl allows"},
		},
		"no-policy": {
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "absent" },
			condition: v1alpha1.ConditionHealthChecked, reason: v1alpha1.ReasonPolicyNotFound,
			message: []string{"HealthCheckPolicy absent does not exist in namespace it-no-policy", "spec.healthChecks.policyRef"},
		},
		"no-backup": {
			backupOf:  []string{"somebody-elses"},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonBackupNotFound,
			message: []string{"no Backup in namespace velero can be used", `does not hold namespace "src-no-backup"`},
		},
		"no-such-backup": {
			edit:      func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.BackupName = "absent" },
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonBackupNotFound,
			message: []string{`spec.backupSource.backupName: there is no Backup "absent" in namespace velero`, "velero backup get"},
		},
		"half-a-backup": {
			edit: func(rt *v1alpha1.RestoreTest) {
				two(rt)
				rt.Spec.BackupSource.BackupName = "half-a-backup"
			},
			backupOf:  []string{"src-first"},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonBackupNotFound,
			message: []string{"backup half-a-backup", `does not hold namespace "src-second" (spec.backupSource.namespaces[1])`, "it includes src-first"},
		},
		"failed-backup": {
			edit: func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.BackupName = "failed-backup" },
			prepare: func(t *testing.T, rt *v1alpha1.RestoreTest) {
				b, err := kymaros.VeleroV1().Backups(veleroNamespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				b.Status.Phase = velerov1.BackupPhaseFailed
				if _, err := kymaros.VeleroV1().Backups(veleroNamespace).Update(t.Context(), b, metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonBackupNotFound,
			message: []string{"backup failed-backup is Failed, not Completed"},
		},
		"not-valid": {
			play: func(t *testing.T, rt *v1alpha1.RestoreTest) {
				phase(t, restoreOf(t, rt), velerov1.RestorePhaseFailedValidation, func(s *velerov1.RestoreStatus) {
					s.ValidationErrors = []string{"the storage location is not there"}
				})
			},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonFailedValidation,
			message: []string{"Velero refused Restore kymaros-not-valid-", "of backup not-valid", "the storage location is not there"},
		},
		"velero-failed": {
			play: func(t *testing.T, rt *v1alpha1.RestoreTest) {
				r := restoreOf(t, rt)
				phase(t, r, velerov1.RestorePhaseInProgress)
				phase(t, r, velerov1.RestorePhaseFailed, func(s *velerov1.RestoreStatus) { s.FailureReason = "the server was restarted" })
			},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonFailed,
			message: []string{"Velero failed to restore backup velero-failed", "the server was restarted", "log for kymaros-velero-failed-"},
		},
		"backup-and-restore-deleted": {
			play: func(t *testing.T, rt *v1alpha1.RestoreTest) {
				r := restoreOf(t, rt)
				phase(t, r, velerov1.RestorePhaseInProgress)
				await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonInProgress)
				deleteBackup(t, rt.Name)
				if err := kymaros.VeleroV1().Restores(veleroNamespace).Delete(t.Context(), r.Name, metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonLost,
			message: []string{"Velero Restore kymaros-backup-and-restore-deleted-", "is gone before it ended", "its backup backup-and-restore-deleted"},
		},
		"name-taken": {
			edit: func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.Namespaces[0].SandboxName = "it-somebody-elses" },
			prepare: func(t *testing.T, _ *v1alpha1.RestoreTest) {
				before := somebodyElses(t, "it-somebody-elses")
				t.Cleanup(func() {
					if diff := cmp.Diff(before, somebodyElses(t, "it-somebody-elses")); diff != "" {
						t.Errorf("somebody else's namespace was touched (-before +after):\n%s", diff)
					}
				})
			},
			condition: v1alpha1.ConditionSandboxReady, reason: v1alpha1.ReasonNameTaken,
			message: []string{`namespace "it-somebody-elses" exists already and is not this run's`, "spec.backupSource.namespaces[0].sandboxName"},
		},
		"name-with-rights": {
			edit: func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.Namespaces[0].SandboxName = "it-entitled" },
			prepare: func(t *testing.T, _ *v1alpha1.RestoreTest) {
				bindings := kube.RbacV1().RoleBindings("default")
				_, err := bindings.Create(t.Context(), &rbacv1.RoleBinding{
					ObjectMeta: metav1.ObjectMeta{Name: "left-behind"},
					RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
					Subjects:   []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "system:serviceaccounts:it-entitled"}},
				}, metav1.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					ctx := context.WithoutCancel(t.Context())
					if err := bindings.Delete(ctx, "left-behind", metav1.DeleteOptions{}); err != nil {
						t.Error(err)
					}
					if _, err := kube.CoreV1().Namespaces().Get(ctx, "it-entitled", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
						t.Errorf("the namespace was made: %v", err)
					}
				})
			},
			condition: v1alpha1.ConditionSandboxReady, reason: v1alpha1.ReasonRejected,
			message: []string{"RoleBinding default/left-behind gives rights", `"it-entitled"`, "spec.backupSource.namespaces[0].sandboxName"},
		},
		"too-late": {
			edit: func(rt *v1alpha1.RestoreTest) { rt.Spec.Timeout = new(v1alpha1.Duration("90s")) },
			play: func(t *testing.T, rt *v1alpha1.RestoreTest) {
				r := restoreOf(t, rt)
				phase(t, r, velerov1.RestorePhaseInProgress)
				rt = await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded)
				rt = await(t, rt, v1alpha1.ConditionCleanedUp, metav1.ConditionUnknown, v1alpha1.ReasonDeletingRestore)
				ns, err := kube.CoreV1().Namespaces().Get(t.Context(), rt.Status.SandboxNamespace, metav1.GetOptions{})
				if err != nil || ns.DeletionTimestamp != nil {
					t.Errorf("the sandbox goes while Velero restores into it: it would be made anew without guards (%v)", err)
				}
				phase(t, r, velerov1.RestorePhaseCompleted)
			},
			condition: v1alpha1.ConditionRestored, reason: v1alpha1.ReasonDeadlineExceeded,
			message: []string{"deadline passed while Velero Restore kymaros-too-late-", "was InProgress", "raise spec.timeout"},
		},
	}

	t.Run("a good test beside them goes on", func(t *testing.T) {
		t.Parallel()
		goodRun(t, "beside-bad-ones")
	})
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := restoreTest(newNamespace(t, name), name)
			if row.edit != nil {
				row.edit(rt)
			}
			if row.backupOf == nil {
				row.backupOf = sources(rt)
			}
			backup(t, name, row.backupOf...)
			if row.prepare != nil {
				row.prepare(t, rt)
			}
			if row.play != nil {
				holdRestores(t, name)
			}
			rt = createTest(t, rt)
			if row.play != nil {
				row.play(t, rt)
			}

			if row.noRun {
				rt = await(t, rt, row.condition, metav1.ConditionFalse, row.reason)
				if rt.Status.Run != nil || len(rt.Finalizers) > 0 || len(reports(t, rt)) > 0 {
					t.Errorf("a run began: run %v, finalizers %v", rt.Status.Run, rt.Finalizers)
				}
			} else {
				var report *v1alpha1.RestoreReport
				rt, report = awaitEnd(t, rt)
				if s := report.Status; s.Result != outcomes.Result(row.reason) || s.Reason != row.reason || !contains(s.Message, row.message) {
					t.Errorf("report says %s, %s, %q, want fail, %s, a message with %q", s.Result, s.Reason, s.Message, row.reason, row.message)
				}
				if failed := report.Status.Result == v1alpha1.ResultFail; failed != (rt.Status.Phase == v1alpha1.PhaseFailed) {
					t.Errorf("phase %s, result %s", rt.Status.Phase, report.Status.Result)
				}
			}
			got := meta.FindStatusCondition(rt.Status.Conditions, row.condition)
			if got.Status != metav1.ConditionFalse || got.Reason != row.reason || !contains(got.Message, row.message) {
				t.Errorf("got %s=%s, %s, %q, want False, %s, a message with %q", got.Type, got.Status, got.Reason, got.Message, row.reason, row.message)
			}
			nothingLeft(t, rt)
			quiet(t, c, rt)
		})
	}
}

func TestARunGoesOnWhenOnlyItsBackupIsDeleted(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "backup-deleted"
	holdRestores(t, name)
	rt := begin(t, name)
	r := restoreOf(t, rt)
	phase(t, r, velerov1.RestorePhaseInProgress)
	deleteBackup(t, name)
	if err := restoreObjects(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	phase(t, r, velerov1.RestorePhaseCompleted)
	rt, report := awaitEnd(t, rt)
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored); c.Status != metav1.ConditionTrue {
		t.Errorf("the restore was complete: %s", story(rt))
	}
	if report.Status.Backup.Name != name {
		t.Errorf("the report names backup %q, want %q", report.Status.Backup.Name, name)
	}
}

func TestAPartialRestoreGoesOnAndNeverPasses(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "partly"
	holdRestores(t, name)
	rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	backup(t, name, "src-"+name)
	rt = createTest(t, rt)
	r := restoreOf(t, rt)
	phase(t, r, velerov1.RestorePhaseInProgress)
	if err := restoreObjects(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	phase(t, r, velerov1.RestorePhasePartiallyFailed, func(s *velerov1.RestoreStatus) { s.Errors = 2 })
	rt, report := awaitEnd(t, rt)
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionHealthChecked); c.Status != metav1.ConditionTrue {
		t.Errorf("what came back was not checked: %s", story(rt))
	}
	if report.Status.Result == v1alpha1.ResultPass {
		t.Errorf("a partial restore passes: %+v", report.Status)
	}
}

func deleteBackup(t *testing.T, name string) {
	t.Helper()
	if err := kymaros.VeleroV1().Backups(veleroNamespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// somebodyElses returns a namespace with something in it, which it creates if need be, as one can compare it.
func somebodyElses(t *testing.T, name string) map[string]string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // also called when t has ended
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "other"}}}
	_, err := kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{})
	if err == nil {
		err = createApplication(ctx, name, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	ns, err = kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	web, err := kube.CoreV1().ConfigMaps(name).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	policies, err := kube.NetworkingV1().NetworkPolicies(name).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"namespace": string(ns.UID) + " " + ns.ResourceVersion, "configmap": string(web.UID) + " " + web.ResourceVersion,
		"policies": fmt.Sprint(len(policies.Items)),
	}
}

// contains tells whether all parts are in message, which may begin with a capital.
func contains(message string, all []string) bool {
	return !slices.ContainsFunc(all, func(part string) bool {
		return !strings.Contains(strings.ToLower(message), strings.ToLower(part))
	})
}
