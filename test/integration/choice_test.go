package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/test/plane"
)

// backupsOf creates n backups of src-<name>, the oldest first: <name>-1 and so on.
func backupsOf(t *testing.T, name string, n int) {
	t.Helper()
	for i := range n {
		b := backup(t, fmt.Sprintf("%s-%d", name, i+1), "src-"+name)
		began := metav1.NewTime(b.Status.StartTimestamp.Add(time.Duration(i) * time.Second))
		b.Status.StartTimestamp, b.Status.CompletionTimestamp = &began, &began
		if _, err := kymaros.VeleroV1().Backups(veleroNamespace).Update(t.Context(), b, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// next waits for another run of rt than that of the id last, and for its Restore.
func next(t *testing.T, rt *v1alpha1.RestoreTest, last string) (*v1alpha1.RestoreTest, *velerov1.Restore) {
	t.Helper()
	var restore *velerov1.Restore
	rt = awaitWithin(t, runTimeout, rt, func(rt *v1alpha1.RestoreTest) (err error) {
		if rt.Status.Run == nil || rt.Status.Run.ID == last {
			return errors.New("no other run; " + story(rt))
		}
		restore, err = kymaros.VeleroV1().Restores(veleroNamespace).Get(t.Context(), names.Restore(rt.Name, rt.Status.Run.ID), metav1.GetOptions{})
		if err != nil {
			err = fmt.Errorf("%w; %s", err, story(rt))
		}
		return err
	})
	return rt, restore
}

func TestAfterAFailureTheNewestBackupThatRestoresIsSearched(t *testing.T) {
	plane.Slow(t)
	t.Parallel()
	shared(t)
	const name = "search"
	ns := newNamespace(t, name)
	source(t, "src-"+name)
	policy(t, ns, "web")
	holdRestores(t, name)
	backupsOf(t, name, 3)
	rt := createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) {
		rt.Spec.HealthChecks.PolicyRef = "web"
		rt.Spec.OnFailure = &v1alpha1.OnFailure{SearchLastGood: &v1alpha1.SearchLastGood{MaxRuns: 5}}
		rt.Spec.HistoryLimit = new(int32(1)) // which must not cost the report of the failure
	}))
	var restore *velerov1.Restore
	last := ""
	for i, run := range []struct {
		trigger v1alpha1.Trigger
		backup  string
	}{{v1alpha1.TriggerCreated, name + "-3"}, {v1alpha1.TriggerSearch, name + "-2"}, {v1alpha1.TriggerSearch, name + "-1"}} {
		rt, restore = next(t, rt, last)
		last = rt.Status.Run.ID
		if rt.Status.Run.Trigger != run.trigger || restore.Spec.BackupName != run.backup {
			t.Fatalf("run %d: %s of %s, want %s of %s", i, rt.Status.Run.Trigger, restore.Spec.BackupName, run.trigger, run.backup)
		}
		if run.backup == name+"-1" {
			finish(t, restore)
			break
		}
		phase(t, restore, velerov1.RestorePhaseInProgress)
		phase(t, restore, velerov1.RestorePhaseFailed)
	}
	rt = awaitWithin(t, runTimeout, rt, func(rt *v1alpha1.RestoreTest) error {
		if s := rt.Status.Search; s == nil || s.State != v1alpha1.SearchFound {
			return fmt.Errorf("search %+v; %s", s, story(rt))
		}
		return nil
	})
	s := rt.Status.Search
	if s.LastGood.BackupName != name+"-1" || s.Runs != 2 || s.Failed.BackupName != name+"-3" || len(s.Tried) != 1 || s.Tried[0].BackupName != name+"-2" {
		t.Errorf("search %+v", s)
	}
	if v := rt.Status.LastVerified; v == nil || v.BackupName != name+"-1" || v.Report != s.LastGood.Report {
		t.Errorf("last verified %+v", v)
	}
	// The newest backup is no better for an older one that is good.
	if rt.Status.LastResult != v1alpha1.ResultFail || rt.Status.Phase != v1alpha1.PhaseFailed || rt.Status.LastReportRef != s.Failed.Report {
		t.Errorf("the test says phase %s, result %s, report %s; the failure is %s", rt.Status.Phase, rt.Status.LastResult, rt.Status.LastReportRef, s.Failed.Report)
	}
	says := "the newest backup that restores is " + name + "-1, of "
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled); !strings.Contains(c.Message, says) {
		t.Errorf("%s", story(rt))
	}
	eventually(t, stepTimeout, func(ctx context.Context) error {
		list, err := kube.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + v1alpha1.EventLastGoodFound})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 || list.Items[0].Type != corev1.EventTypeNormal || !strings.Contains(list.Items[0].Message, says) {
			return fmt.Errorf("%d events tell what was found: %+v", len(list.Items), list.Items)
		}
		return nil
	})
	if n := len(reports(t, rt)); n != 3 {
		t.Errorf("%d reports of 3 runs", n)
	}

	// Whoever asks for a run gets one of the newest backup, and if that is good there is nothing to search any more.
	askForRun(t, rt, "mended")
	if rt, restore = next(t, rt, last); rt.Status.Run.Trigger != v1alpha1.TriggerRequested || restore.Spec.BackupName != name+"-3" {
		t.Fatalf("%s of %s", rt.Status.Run.Trigger, restore.Spec.BackupName)
	}
	finish(t, restore)
	rt = awaitWithin(t, runTimeout, rt, ended)
	if rt.Status.Search != nil || rt.Status.LastResult != v1alpha1.ResultPass || rt.Status.LastVerified.BackupName != name+"-3" {
		t.Errorf("after a pass: search %+v, result %s, last verified %+v", rt.Status.Search, rt.Status.LastResult, rt.Status.LastVerified)
	}
	nothingLeft(t, rt)
}

func TestTheOldestBackupThatWasNotVerifiedIsTaken(t *testing.T) {
	plane.Slow(t)
	t.Parallel()
	shared(t)
	const name = "oldest"
	ns := newNamespace(t, name)
	source(t, "src-"+name)
	policy(t, ns, "web")
	backupsOf(t, name, 2)
	rt := createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) {
		rt.Spec.HealthChecks.PolicyRef = "web"
		rt.Spec.BackupSource.Selection, rt.Spec.BackupSource.MaxAge = v1alpha1.SelectOldestUnverified, "1h"
	}))
	last := ""
	for i, want := range []string{name + "-1", name + "-2", name + "-1"} {
		if i > 0 {
			askForRun(t, rt, want+fmt.Sprint(i))
		}
		rt = awaitWithin(t, runTimeout, rt, func(rt *v1alpha1.RestoreTest) error {
			if rt.Status.Run == nil || rt.Status.Run.ID == last {
				return errors.New("no other run; " + story(rt))
			}
			return ended(rt)
		})
		last = rt.Status.Run.ID
		if r := rt.Status.Restore; r.BackupName != want || r.BackupChoice.Candidates != 2 || rt.Status.LastResult != v1alpha1.ResultPass {
			t.Fatalf("run %d: %+v of %d, %s, want %s; %s", i, r.BackupName, r.BackupChoice.Candidates, rt.Status.LastResult, want, story(rt))
		}
	}
	if v := rt.Status.LastVerified; v.BackupName != name+"-2" {
		t.Errorf("last verified %+v, want the newest that passed", v)
	}
}
