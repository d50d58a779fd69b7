package coverage

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/volumes"
)

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// verified returns a cluster with a namespace and a volume of which all is proven, changed by each of with.
func verified(with ...func(*Input)) Input {
	began := ago(8 * time.Hour)
	in := Input{
		Namespaces: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "shop", CreationTimestamp: ago(1000 * time.Hour)}}},
		Claims:     []Claim{{Namespace: "shop", Name: "data", Created: now.Add(-1000 * time.Hour)}},
		Schedules:  []*velerov1.Schedule{{ObjectMeta: metav1.ObjectMeta{Name: "nightly"}, Spec: velerov1.ScheduleSpec{Schedule: "0 2 * * *"}}},
		Backups: []*velerov1.Backup{{
			ObjectMeta: metav1.ObjectMeta{Name: "nightly-1"},
			Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &began},
		}},
		Held:  map[string][]volumes.Backed{"nightly-1": {{Kind: "PodVolumeBackup", Namespace: "shop", Claim: "data", Phase: "Completed", Snapshot: "1"}}},
		Tests: []*v1alpha1.RestoreTest{test()},
		Reports: []*v1alpha1.RestoreReport{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-1"},
			Spec:       v1alpha1.RestoreReportSpec{TestRef: "shop"},
			Status: &v1alpha1.RestoreReportStatus{
				Result: v1alpha1.ResultPass, Score: 98, StartedAt: ago(6 * time.Hour), Backup: v1alpha1.Backup{Name: "nightly-1", StartedAt: &began},
				Sandboxes: []v1alpha1.ReportSandbox{{Source: "shop", Name: "rp-1"}},
				Volumes:   []v1alpha1.VolumeReport{{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeFileSystemBackup}},
			},
		}},
		Now: now,
	}
	for _, change := range with {
		change(&in)
	}
	return in
}

func test() *v1alpha1.RestoreTest {
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"},
		Spec:       v1alpha1.RestoreTestSpec{BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}}},
	}
}

func TestANamespaceIsVerifiedOnlyIfAllOfItIsProven(t *testing.T) {
	later := func(result v1alpha1.Result, trigger v1alpha1.Trigger) func(*Input) {
		return func(in *Input) {
			r := in.Reports[0].DeepCopy()
			r.Name, r.Status.Result, r.Status.Reason, r.Status.Trigger, r.Status.StartedAt = "shop-2", result, "Why", trigger, ago(time.Hour)
			in.Reports = append(in.Reports, r)
		}
	}
	for sentence, c := range map[string]struct {
		change func(*Input)
		want   State
		volume VolumeState
		why    string
	}{
		"all is proven":        {func(*Input) {}, Verified, Proven, ""},
		"nothing is backed up": {func(in *Input) { in.Backups, in.Reports = nil, nil }, Unprotected, NoData, "there is no Backup"},
		"the backup is of other namespaces": {func(in *Input) {
			in.Backups[0].Spec.IncludedNamespaces, in.Reports = []string{"web-*"}, nil
		}, Unprotected, NoData, "does not hold namespace"},
		"neither a schedule nor a backup takes it": {func(in *Input) {
			in.Backups[0].Spec.IncludedNamespaces, in.Schedules, in.Reports = []string{"web-*"}, nil, nil
		}, Unprotected, NoData, "no schedule and no backup of Velero takes it"},
		"a pattern of the backup means the namespace": {func(in *Input) { in.Backups[0].Spec.IncludedNamespaces = []string{"sh*"} }, Verified, Proven, ""},
		"its location is gone": {func(in *Input) {
			in.Backups[0].Spec.StorageLocation, in.Locations = "s3", map[string]string{"s3": "is Unavailable"}
		}, Unprotected, NoData, "which is Unavailable"},
		"no test restores it":          {func(in *Input) { in.Tests, in.Reports = nil, nil }, Unproven, InBackup, "no test restores it"},
		"its test has not run":         {func(in *Input) { in.Reports = nil }, Unproven, InBackup, "no report that is kept"},
		"its test was inconclusive":    {func(in *Input) { in.Reports[0].Status.Result = v1alpha1.ResultInconclusive }, Unproven, InBackup, "no report that is kept"},
		"its test is partial":          {func(in *Input) { in.Reports[0].Status.Result = v1alpha1.ResultPartial }, Unproven, InBackup, "no report that is kept"},
		"the newest run failed":        {later(v1alpha1.ResultFail, v1alpha1.TriggerCron), Failed, Proven, "report shop-2: Why"},
		"an older backup failed":       {later(v1alpha1.ResultFail, v1alpha1.TriggerSearch), Verified, Proven, ""},
		"the newest run shows nothing": {later(v1alpha1.ResultInconclusive, v1alpha1.TriggerCron), Verified, Proven, ""},
		"only an older backup restores": {func(in *Input) {
			later(v1alpha1.ResultFail, v1alpha1.TriggerCron)(in)
			later(v1alpha1.ResultPass, v1alpha1.TriggerSearch)(in)
		}, Failed, Proven, "report shop-2"},
		"its volume is in no backup": {func(in *Input) {
			in.Held["nightly-1"], in.Reports[0].Status.Volumes = nil, nil
		}, Partial, NoData, "data is in no backup with its data"},
		"its volume was proven, and the newest backup lacks it": {func(in *Input) { in.Held["nightly-1"] = nil }, Partial, NoData, "data is in no backup with its data"},
		"its volume holds nothing, by the report": {func(in *Input) {
			in.Held["nightly-1"], in.Reports[0].Status.Volumes[0].Method = nil, v1alpha1.VolumeEmptyInProduction
		}, Verified, Proven, ""},
		"its volume came back from another's storage": {func(in *Input) { in.Reports[0].Status.Volumes[0].SharedWith = []string{"pv-1"} }, Partial, InBackup, "data is in the backup, not proven"},
		"its volume is in the backup by its pod": {func(in *Input) {
			in.Held["nightly-1"] = []volumes.Backed{{Namespace: "shop", Pod: "db-0", Volume: "v", Phase: "Completed"}}
			in.Mounts = []volumes.Mount{{Namespace: "shop", Pod: "db-0", Volume: "v", Claim: "data"}}
			in.Reports = nil
		}, Unproven, InBackup, "no report"},
		"its volume was not backed up to the end": {func(in *Input) {
			in.Held["nightly-1"][0].Phase, in.Reports = "Failed", nil
		}, Unproven, NoData, "no report"},
		"its volume may be among the snapshots": {func(in *Input) {
			in.Held["nightly-1"], in.Reports, in.Backups[0].Status.CSIVolumeSnapshotsCompleted = nil, nil, 1
		}, Unproven, Unclear, "no report"},
		"nobody may look at the volumes of the backup": {func(in *Input) { in.Held, in.Reports = nil, nil }, Unproven, Unclear, "no report"},
		"a label leaves its volume out": {func(in *Input) {
			in.Claims[0].Labels = map[string]string{velerov1.ExcludeFromBackupLabel: "true"}
		}, Partial, LeftOut, "left out of backups by a label"},
		"its volume is younger than the backup": {func(in *Input) { in.Claims[0].Created = now.Add(-time.Minute) }, Partial, TooNew, "younger than the backup"},
		"its volume is not bound":               {func(in *Input) { in.Claims[0].Pending = true }, Verified, Nothing, ""},
		"the backup leaves out Secrets":         {func(in *Input) { in.Backups[0].Spec.ExcludedResources = []string{"secrets"} }, Partial, Proven, "the backup leaves out secrets"},
		"the test restores only some of it": {func(in *Input) {
			in.Tests[0].Spec.BackupSource.LabelSelector = map[string]string{"tier": "web"}
		}, Partial, Proven, "only what some labels select"},
		"the test leaves out kinds": {func(in *Input) {
			in.Tests[0].Spec.Restore = &v1alpha1.RestoreScope{ExcludedResources: []v1alpha1.ResourceName{"secrets"}}
		}, Partial, Proven, "leaves out some kinds"},
		"not all was looked at":       {func(in *Input) { in.Unseen = []string{"its volumes were not looked at"} }, Partial, Proven, "its volumes were not looked at"},
		"the proof is old":            {func(in *Input) { in.MaxAge = time.Hour }, Stale, Proven, "proven 6h0m0s ago, and 1h0m0s is accepted"},
		"the proof is not too old":    {func(in *Input) { in.MaxAge = 7 * time.Hour }, Verified, Proven, ""},
		"the namespace was made anew": {func(in *Input) { in.Namespaces[0].CreationTimestamp = ago(time.Minute) }, Unprotected, NoData, "is older than namespace"},
		"it was, and that is accepted": {func(in *Input) {
			in.Namespaces[0].CreationTimestamp = ago(time.Minute)
			in.Tests[0].Spec.BackupSource.AllowOlderThanNamespace = true
		}, Verified, Proven, ""},
		"it is left out on purpose": {func(in *Input) {
			in.Namespaces[0].Annotations = map[string]string{v1alpha1.AnnotationCoverage: "ignore: rebuilt from git"}
		}, Ignored, Proven, "rebuilt from git"},
		"another value leaves nothing out": {func(in *Input) { in.Namespaces[0].Annotations = map[string]string{v1alpha1.AnnotationCoverage: "yes"} }, Verified, Proven, ""},
	} {
		in := verified(c.change)
		all := Of(in)
		if len(all) != 1 || len(all[0].Volumes) != 1 {
			t.Errorf("%s: %+v", sentence, all)
			continue
		}
		got := all[0]
		if got.State != c.want || !strings.Contains(got.Why, c.why) || c.why == "" && got.Why != "" {
			t.Errorf("%s: %s %q, want %s %q", sentence, got.State, got.Why, c.want, c.why)
		}
		if got.Volumes[0].State != c.volume {
			t.Errorf("%s: volume %s, want %s", sentence, got.Volumes[0].State, c.volume)
		}
	}
}

func TestAProofNamesItsReport(t *testing.T) {
	got := Of(verified())[0]
	for _, p := range []*Proof{got.Proof, got.Volumes[0].Proof} {
		if p == nil || p.Report != "shop-1" || p.Namespace != "team" || p.Backup != "nightly-1" || !p.Time.Time.Equal(now.Add(-6*time.Hour)) || p.Score != 98 {
			t.Errorf("%+v", p)
		}
	}
	if got.Backup != "nightly-1" || len(got.Schedules) != 1 || got.Schedules[0] != "nightly (0 2 * * *)" || got.Tests[0] != "team/shop" {
		t.Errorf("%+v", got)
	}
	if proven, total := got.ProvenVolumes(); proven != 1 || total != 1 {
		t.Errorf("%d/%d volumes", proven, total)
	}
}

func TestAPausedScheduleSaysSoAndAnotherIsNotNamed(t *testing.T) {
	in := verified(func(in *Input) {
		in.Schedules[0].Spec.Paused = true
		in.Schedules = append(in.Schedules, &velerov1.Schedule{
			ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: velerov1.ScheduleSpec{Template: velerov1.BackupSpec{IncludedNamespaces: []string{"web"}}},
		})
	})
	if got := Of(in)[0].Schedules; len(got) != 1 || got[0] != "nightly (0 2 * * *), paused" {
		t.Errorf("%v", got)
	}
}

func TestTheWorstNamespacesComeFirstAndSandboxesNotAtAll(t *testing.T) {
	in := verified(func(in *Input) {
		add := func(name string, labels map[string]string) {
			in.Namespaces = append(in.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, CreationTimestamp: ago(1000 * time.Hour)}})
		}
		add("kube-system", nil)
		add("vault", nil)
		add("cache", nil)
		add("rp-test-shop-abcdef", map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
		in.Namespaces = append(in.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "going", DeletionTimestamp: &metav1.Time{Time: now}}})
		in.Backups[0].Spec.ExcludedNamespaces = []string{"vault"}
	})
	var got []string
	for _, n := range Of(in) {
		got = append(got, n.Name+" "+string(n.State))
	}
	if want := "vault Unprotected, cache Unproven, shop Verified, kube-system Ignored"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
