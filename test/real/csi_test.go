package real

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// untouched fails t unless there is, when t ends, the same storage as now and the same of production: nothing is left, nothing is
// gone, and no snapshot has changed.
func untouched(t *testing.T, source string) {
	t.Helper()
	before, err := cluster.Storage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	production, err := cluster.Snapshot(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		// What a provisioner deletes is gone a moment later.
		err := stage.Poll(ctx, time.Minute, func(ctx context.Context) error {
			after, err := cluster.Storage(ctx)
			if err == nil && !cmp.Equal(before, after) {
				err = fmt.Errorf("storage (-before +after):\n%s", cmp.Diff(before, after))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		after, err := cluster.Snapshot(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		stage.Compare(t, production, after)
	})
}

// restored runs a test of the backup, and returns its report.
func restored(t *testing.T, name, backup, source string, checks ...v1alpha1.HealthCheck) *v1alpha1.RestoreReport {
	t.Helper()
	untouched(t, source)
	began := time.Now()
	rt := cluster.RestoreTest(name, backup, source)
	rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: "10m"}
	_, report := cluster.AwaitEnd(t, cluster.Start(t, rt, checks...))
	s := report.Status
	t.Logf("%v: %s %d, %s: %s\ncaps %q\nvolumes %+v\nRTO %s %+v", time.Since(began).Round(time.Second), s.Result, s.Score, s.Reason, s.Message, s.Caps, s.Volumes, s.RTO.Measured, s.RTO.Parts)
	return report
}

func TestVolumesOfACSIDriverComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		backup, source string
		method         v1alpha1.VolumeMethod
	}{
		"out of a snapshot":                                 {bySnapshot, shop, v1alpha1.VolumeCSISnapshot},
		"out of the object store":                           {byMover, shop, v1alpha1.VolumeDataMover},
		"out of a snapshot that is to stay":                 {toStay, shop, v1alpha1.VolumeCSISnapshot},
		"out of a snapshot, when a pod asks":                {ofLate, late, v1alpha1.VolumeCSISnapshot},
		"out of the object store, when a pod asks":          {movedLate, late, v1alpha1.VolumeDataMover},
		"out of a snapshot, and stay with their claim gone": {ofKept, kept, v1alpha1.VolumeCSISnapshot},
		"out of a snapshot whose class is not there":        {classGone, shop, v1alpha1.VolumeCSISnapshot},
		"out of files":                                      {inFiles, late, v1alpha1.VolumeFileSystemBackup},
	} {
		t.Run(name, func(t *testing.T) {
			report := restored(t, strings.TrimSuffix(test.backup, "-"+cluster.Suffix), test.backup, test.source, stage.CountOrders(stage.Orders))
			stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
			s := report.Status
			if s.Score != 100 {
				t.Errorf("score %d, %+v", s.Score, s.ValidationLevels)
			}
			if len(s.Volumes) != 1 || s.Volumes[0].Claim != "data-db-0" || s.Volumes[0].Method != test.method || s.Volumes[0].Volume == "" || len(s.Volumes[0].SharedWith) > 0 {
				t.Errorf("volumes %+v", s.Volumes)
			}
			measured(t, s, test.method != v1alpha1.VolumeCSISnapshot)
			server(t, s.Velero, test.method == v1alpha1.VolumeCSISnapshot)
		})
	}
}

// measured fails t unless the report tells how long which part of the recovery took. What a node agent carries has come when Velero
// is done; what a snapshot holds may come later, and the report says so.
func measured(t *testing.T, s *v1alpha1.RestoreReportStatus, moved bool) {
	t.Helper()
	p := s.RTO.Parts
	if p == nil || !s.RTO.WithinSLA || s.RTO.Measured.Or(0) == 0 || s.RTO.Measured.Or(0) != p.Restore.Or(0)+p.Pods.Or(0)+p.Checks.Or(0) {
		t.Fatalf("recovery time %+v, parts %+v", s.RTO, p)
	}
	notes := strings.Join(s.ValidationLevels.RTOCompliance.NotTested, "\n")
	switch {
	case moved && (p.VolumeData.Or(0) == 0 || p.VolumeData.Or(0) > p.Restore.Or(0) || s.Volumes[0].Bytes < 10<<20 || s.Volumes[0].Duration.Or(0) == 0):
		t.Errorf("the node agent has no time of its own: %+v, %+v", p, s.Volumes)
	case !moved && p.VolumeData != "":
		t.Errorf("a snapshot has a time of its own: %+v", p)
	case moved && notes != "", !moved && !strings.Contains(notes, s.Volumes[0].Namespace+": data-db-0"):
		t.Errorf("what is said of volumes that come later: %q", notes)
	}
}

// Velero before 1.18.3 cannot restore such a backup as a test has to, and that is no fault of the backup.
func TestABackupOfBothMethods(t *testing.T) {
	untouched(t, shop)
	untouched(t, late)
	counts := func(namespace string) v1alpha1.HealthCheck {
		check := stage.CountOrders(stage.Orders)
		check.Name, check.Namespace = check.Name+"-in-"+namespace, namespace
		return check
	}
	rt := cluster.RestoreTest("both", both, shop, late)
	_, report := cluster.AwaitEnd(t, cluster.Start(t, rt, counts(shop), counts(late)))
	s := report.Status
	t.Logf("%s %d, %s: %s\nvolumes %+v", s.Result, s.Score, s.Reason, s.Message, s.Volumes)
	if velero.LeavesContentsOut(versionOf(s.Velero)) {
		stage.Verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonVeleroUnsupported)
		says(t, report, late+": Pod/db-0", "Velero before 1.18.3")
		return
	}
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
	methods := map[string]v1alpha1.VolumeMethod{}
	for _, v := range s.Volumes {
		methods[v.Namespace] = v.Method
	}
	if want := map[string]v1alpha1.VolumeMethod{shop: v1alpha1.VolumeCSISnapshot, late: v1alpha1.VolumeFileSystemBackup}; !cmp.Equal(methods, want) {
		t.Errorf("volumes: %s", cmp.Diff(want, methods))
	}
}

// server fails t unless the report tells which Velero it was, and what was asked otherwise because of that.
func server(t *testing.T, s *v1alpha1.VeleroServer, snapshot bool) {
	t.Helper()
	v := versionOf(s)
	if v == nil || *veleroVersion != "" && s.Version != *veleroVersion {
		t.Fatalf("Velero %+v, want %q", s, *veleroVersion)
	}
	open := snapshot && velero.LeavesContentsOut(v)
	for words, want := range map[string]bool{
		"includeClusterResources is left unset": open,
		"persistentvolumes are named":           !open && velero.FillsOnlyWithVolumes(v),
	} {
		if strings.Contains(s.Note, words) != want {
			t.Errorf("Velero %s is said to need %q; want %q: %t", s.Version, s.Note, words, want)
		}
	}
}

// versionOf returns the version of that server, nil if it is not told.
func versionOf(s *v1alpha1.VeleroServer) *version.Version {
	if s == nil {
		return nil
	}
	return velero.VersionOf("velero:v" + s.Version)
}

func TestWhatACheckReadsWholeIsInTheRecoveryTime(t *testing.T) {
	read := v1alpha1.HealthCheck{Name: "all-data-was-read", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
		PodSelector: map[string]string{"app": "db"}, Container: "postgres", ReadsVolumes: true,
		Command: []string{"sh", "-c", "cat $(find /var/lib/postgresql/data -type f) | wc -c; sleep 4"},
		Expect:  &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: "gt", Value: 10 << 20}},
	}}
	report := restored(t, "read-whole", bySnapshot, shop, stage.CountOrders(stage.Orders), read)
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
	if notes := report.Status.ValidationLevels.RTOCompliance.NotTested; len(notes) > 0 {
		t.Errorf("data that was read is said to come later: %q", notes)
	}
	i := slices.IndexFunc(report.Status.Checks, func(c v1alpha1.CheckStatus) bool { return c.Name == read.Name })
	if i < 0 || !slices.Equal(report.Status.Checks[i].ReadVolumes, []string{shop + ": data-db-0"}) {
		t.Fatalf("checks %+v", report.Status.Checks)
	}
	// Times of the API server are whole seconds, so that two of them may be lost in a part.
	took, parts := report.Status.Checks[i].Duration.Or(0), report.Status.RTO.Parts
	if took < 4*time.Second || parts.Checks.Or(0) < took-2*time.Second || report.Status.RTO.Measured.Or(0) < took-2*time.Second {
		t.Errorf("the check took %v; recovery time %s, parts %+v", took, report.Status.RTO.Measured, parts)
	}
}

func TestASnapshotThatTheStorageHasLostFails(t *testing.T) {
	report := restored(t, "lost", lost, shop, stage.CountOrders(stage.Orders))
	stage.Verdict(t, report, v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed)
	says(t, report, shop+": data-db-0 (pod/db-0): the claim is not bound: its snapshot did not become a volume: ", "snap-")
}

func TestASnapshotWithoutItsDataFails(t *testing.T) {
	report := restored(t, "emptied", emptied, shop, stage.CountOrders(stage.Orders))
	stage.Verdict(t, report, v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed)
	says(t, report, "all-orders-are-back")
}

func TestABackupThatCouldTakeNoSnapshotIsNoProof(t *testing.T) {
	report := restored(t, "classless", classless, shop, stage.CountOrders(stage.Orders))
	stage.Verdict(t, report, v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed)
	says(t, report, shop+": data-db-0 (pod/db-0): no data of this volume is in the backup")
}

// says fails t unless the report tells all of that where it tells what keeps the run from a pass.
func says(t *testing.T, report *v1alpha1.RestoreReport, words ...string) {
	t.Helper()
	told := report.Status.Message + "\n" + strings.Join(report.Status.Caps, "\n")
	for _, w := range words {
		if !strings.Contains(told, w) {
			t.Errorf("the report does not say %q:\n%s", w, told)
		}
	}
}
