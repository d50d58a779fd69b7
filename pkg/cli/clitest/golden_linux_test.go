package clitest

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

var update = flag.Bool("update", false, "write what the verbs print into testdata")

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

func at(d time.Duration) *metav1.Time { t := ago(d); return &t }

// meta of an object that the report controller wrote.
func meta(namespace, name, test string) metav1.ObjectMeta {
	fields, _ := json.Marshal(map[string]any{"f:spec": map[string]any{}, "f:status": map[string]any{}})
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, Labels: map[string]string{v1alpha1.LabelReportTest: test},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kymaros-report", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(string(fields))}},
	}
}

// report of a run of test shop that began then.
func report(name string, began time.Duration, edit func(*v1alpha1.RestoreReportStatus)) *v1alpha1.RestoreReport {
	s := &v1alpha1.RestoreReportStatus{
		Score: 98, Result: v1alpha1.ResultPass, Reason: v1alpha1.ReasonPassed, Message: "the backup was restored into an application that works",
		StartedAt: ago(began), CompletedAt: ago(began - 7*time.Minute), Trigger: v1alpha1.TriggerCron,
		RTO:     v1alpha1.RTO{Measured: "6m12.4s", Target: "15m", WithinSLA: true, Parts: &v1alpha1.RTOParts{Queue: "41s", Restore: "3m12s", VolumeData: "2m8s", Pods: "2m30s", Checks: "30.4s"}},
		Backup:  v1alpha1.Backup{Name: "nightly-20261126020000", Age: "1h0m3s", StartedAt: at(began + time.Hour)},
		Restore: &v1alpha1.RestoreResult{Phase: "Completed", Warnings: 3}, Velero: &v1alpha1.VeleroServer{Version: "v1.18.3"},
		Sandboxes: []v1alpha1.ReportSandbox{{Source: "shop", Name: "rp-test-shop-k3f9a1"}}, NetworkIsolation: v1alpha1.IsolationStrict,
		IsolationProof: v1alpha1.IsolationProven, Fence: v1alpha1.FenceIntact,
		Checks: []v1alpha1.CheckStatus{
			{Name: "web-answers", Status: v1alpha1.CheckPass, Duration: "120ms"},
			{Name: "注文データ", Status: v1alpha1.CheckPass, Duration: "1.3s", Message: "50000 is ge 1000"},
		},
		ValidationLevels: v1alpha1.ValidationLevels{
			RestoreIntegrity:   v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 25, Max: 25, Detail: "Velero's restore is Completed"},
			Completeness:       v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "38 of 38 objects came back"},
			PodStartup:         v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "12 of 12 pods are ready"},
			InternalHealth:     v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "2 of 2 checks passed"},
			CrossNamespaceDeps: v1alpha1.LevelResult{Status: v1alpha1.LevelPartial, Points: 8, Max: 10, Detail: "1 of 5 services is not covered", NotTested: []string{"mail.smtp: Service of another namespace"}},
			RTOCompliance:      v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 5, Max: 5, Detail: "6m12s of 15m"},
		},
		Volumes: []v1alpha1.VolumeReport{
			{Namespace: "shop", Claim: "data-db-0", Method: v1alpha1.VolumeFileSystemBackup, Bytes: 2_254_857_830, Duration: "2m8s", MountedBy: "pod/db-0"},
			{Namespace: "shop", Claim: "cache", Method: v1alpha1.VolumeUnused},
		},
		SideEffects: &v1alpha1.SideEffects{
			Withheld:    []v1alpha1.SideEffect{{Rule: "notRestored", Kind: "Ingress.networking.k8s.io", Count: 2, Names: []string{"shop/web", "shop/admin"}}},
			Neutralised: []v1alpha1.SideEffect{{Rule: "loadBalancer", Kind: "Service", Count: 1, Names: []string{"shop/web"}}},
			NotTested:   []string{"Ingresses: who reaches the application from outside"},
		},
	}
	if edit != nil {
		edit(s)
	}
	r := &v1alpha1.RestoreReport{TypeMeta: typeMeta("RestoreReport"), ObjectMeta: meta("team-web", name, "shop"), Spec: v1alpha1.RestoreReportSpec{TestRef: "shop"}, Status: s}
	r.Hygiene = &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: ago(began - 8*time.Minute)}
	return r
}

func typeMeta(kind string) metav1.TypeMeta {
	version := v1alpha1.GroupVersion.String()
	switch kind {
	case "Namespace", "PersistentVolumeClaim", "Service":
		version = "v1"
	case "Deployment", "StatefulSet":
		version = "apps/v1"
	case "Backup", "Schedule":
		version = velerov1.SchemeGroupVersion.String()
	}
	return metav1.TypeMeta{APIVersion: version, Kind: kind}
}

func failed(s *v1alpha1.RestoreReportStatus) {
	s.Result, s.Reason, s.Score = v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed, 61
	s.Message = "check 注文データ failed: 812 is not ge 1000"
	s.RTO.Measured, s.RTO.WithinSLA, s.RTO.Parts.Checks = "0s", false, ""
	s.Checks[1].Status, s.Checks[1].Message = v1alpha1.CheckFail, "812 is not ge 1000"
	s.ValidationLevels.InternalHealth = v1alpha1.LevelResult{Status: v1alpha1.LevelFail, Points: 10, Max: 20, Detail: "1 of 2 checks passed"}
	s.Caps = []string{"check 注文データ failed"}
	s.Backup.Name = "nightly-20261125020000"
}

func testOf(name string, edit func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{TypeMeta: typeMeta("RestoreTest"), ObjectMeta: metav1.ObjectMeta{Namespace: "team-web", Name: name}}
	rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: name}}
	rt.Spec.Schedule.Cron = "0 3 * * *"
	rt.Status.NextRunAt = at(-17 * time.Hour)
	if edit != nil {
		edit(rt)
	}
	return rt
}

// scene is a cluster with a test that passes, one that fails and one that was never run.
func scene() []runtime.Object {
	shop := testOf("shop", func(rt *v1alpha1.RestoreTest) {
		rt.Status.LastResult, rt.Status.LastScore, rt.Status.LastRunAt, rt.Status.LastReportRef = v1alpha1.ResultPass, new(int32(98)), at(7*time.Hour-7*time.Minute), "shop-20261126-030000"
		rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "nightly-20261126020000", BackupTime: at(8 * time.Hour), Time: ago(7 * time.Hour), Report: "shop-20261126-030000"}
		rt.Status.Run = &v1alpha1.RunStatus{ID: "r1", StartTime: ago(7 * time.Hour), ScheduledTime: ago(7 * time.Hour)}
		rt.Status.Report = &v1alpha1.ReportStatus{RunID: "r1", Name: "shop-20261126-030000", Result: v1alpha1.ResultPass}
		rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: "r1", StartTime: at(7 * time.Hour)}
		rt.Status.Health = &v1alpha1.HealthStatus{RunID: "r1", CompletionTime: at(7*time.Hour - 372*time.Second)}
		rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "r1"}
		rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNothingLeft}}
	})
	billing := testOf("billing-and-invoices-of-all-regions", func(rt *v1alpha1.RestoreTest) {
		rt.Status.LastResult, rt.Status.LastScore, rt.Status.LastRunAt, rt.Status.LastReportRef = v1alpha1.ResultFail, new(int32(61)), at(6*time.Hour), "billing-1"
		rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "nightly-20261124020000", BackupTime: at(56 * time.Hour), Time: ago(55 * time.Hour)}
	})
	waiting := testOf("在庫", func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run = &v1alpha1.RunStatus{ID: "r2", ScheduledTime: ago(time.Minute), Trigger: v1alpha1.TriggerRequested}
	})
	backup := &velerov1.Backup{TypeMeta: typeMeta("Backup"), ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "nightly-20261126020000"}}
	backup.Spec.ExcludedNamespaces = []string{"vault"}
	backup.Status.Phase, backup.Status.StartTimestamp = velerov1.BackupPhaseCompleted, at(8*time.Hour)
	schedule := &velerov1.Schedule{TypeMeta: typeMeta("Schedule"), ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "nightly"}}
	schedule.Spec.Schedule, schedule.Spec.Template.ExcludedNamespaces = "0 2 * * *", []string{"vault"}
	all := []runtime.Object{shop, billing, waiting, backup, schedule,
		report("shop-20261126-030000", 7*time.Hour, nil),
		report("shop-20261125-030000", 31*time.Hour, failed),
		report("shop-20261124-030000", 55*time.Hour, func(s *v1alpha1.RestoreReportStatus) { s.RTO.Measured, s.Score = "4m2s", 96 }),
	}
	for _, name := range []string{"shop", "vault", "kube-system"} {
		all = append(all, &corev1.Namespace{TypeMeta: typeMeta("Namespace"), ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(9000 * time.Hour)}})
	}
	all = append(all, &corev1.PersistentVolumeClaim{
		TypeMeta: typeMeta("PersistentVolumeClaim"), ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "photo-library", CreationTimestamp: ago(9000 * time.Hour)},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	})
	return all
}

func TestGoldenOutput(t *testing.T) {
	server := Serve(t, scene()...)
	for _, verb := range []struct {
		name string
		args []string
		code exit.Code
	}{
		{"get", []string{"get", "-A"}, 0},
		{"get-wide", []string{"get", "-A", "-o", "wide"}, 0},
		{"report", []string{"report", "shop", "-n", "team-web"}, 0},
		{"report-failed", []string{"report", "shop-20261125-030000", "-n", "team-web"}, 1},
		{"report-markdown", []string{"report", "shop-20261125-030000", "-n", "team-web", "-o", "markdown"}, 1},
		{"report-junit", []string{"report", "shop-20261125-030000", "-n", "team-web", "-o", "junit"}, 1},
		{"report-html", []string{"report", "shop-20261125-030000", "-n", "team-web", "-o", "html"}, 1},
		{"history", []string{"history", "shop", "-n", "team-web"}, 0},
		{"compare", []string{"compare", "shop-20261124-030000", "shop-20261125-030000", "-n", "team-web"}, 2},
		{"last-good", []string{"last-good", "shop", "-n", "team-web"}, 0},
		{"gate", []string{"gate", "-A", "--max-age", "24h"}, 1},
		{"coverage", []string{"coverage", "--volumes"}, 2},
		{"cleanup", []string{"cleanup"}, 0},
		{"doctor", []string{"doctor"}, 2},
		{"help-doctor", []string{"doctor", "--help"}, 0},
		{"help-dashboard", []string{"dashboard", "--help"}, 0},
		{"explain", []string{"explain", "VolumeUnproven"}, 0},
		{"help", []string{"--help"}, 0},
		{"help-run", []string{"run", "--help"}, 0},
	} {
		for _, columns := range []int{0, 80, 200} {
			a := Run(t, server, now, columns, map[string]string{"TERM": "xterm"}, verb.args...)
			if a.Code != verb.code || a.Err != "" {
				t.Errorf("%s: exit code %d, want %d; %s", verb.name, a.Code, verb.code, a.Err)
			}
			golden(t, fmt.Sprintf("%s.%d", verb.name, columns), a.Out)
			if columns > 0 && strings.HasPrefix(verb.name, "report-") && verb.name != "report-failed" || strings.HasPrefix(verb.name, "help") {
				continue // for machines, or cobra's
			}
			fits(t, verb.name, columns, a.Out)
		}
	}
}

// fits fails if a line takes more than the columns of a terminal, or a pipe gets what only a terminal understands.
func fits(t *testing.T, name string, columns int, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = plain(line)
		if columns > 0 && term.Cells(line) > columns && !strings.HasPrefix(line, "velero restore create") {
			t.Errorf("%s: of %d columns, a line takes %d: %q", name, columns, term.Cells(line), line)
		}
	}
	if columns == 0 && strings.Contains(out, "\x1b") {
		t.Errorf("%s: a pipe gets codes of a terminal", name)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is another (go test ./pkg/cli/clitest -update, and look at the difference):\n%s", file, got)
	}
}

// plain returns a line without codes and its end.
func plain(line string) string {
	for {
		begin := strings.Index(line, "\x1b[")
		if begin < 0 {
			return strings.TrimRight(line, "\n")
		}
		end := strings.IndexAny(line[begin:], "mAK") // of a style, of moves up and of clearing a line
		line = line[:begin] + line[begin+end+1:]
	}
}

func TestColoursFollowFlagAndEnvironment(t *testing.T) {
	server := Serve(t, scene()...)
	for sentence, c := range map[string]struct {
		columns int
		env     map[string]string
		args    []string
		want    bool
	}{
		"a terminal":                   {80, map[string]string{"TERM": "xterm"}, nil, true},
		"a terminal, with NO_COLOR":    {80, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, nil, false},
		"a dumb terminal":              {80, map[string]string{"TERM": "dumb"}, nil, false},
		"a terminal, --color=never":    {80, map[string]string{"TERM": "xterm"}, []string{"--color=never"}, false},
		"a pipe":                       {0, nil, nil, false},
		"a pipe, --color=always":       {0, nil, []string{"--color=always"}, true},
		"NO_COLOR, and --color=always": {0, map[string]string{"NO_COLOR": "1"}, []string{"--color=always"}, true},
	} {
		a := Run(t, server, now, c.columns, c.env, append([]string{"get", "-A"}, c.args...)...)
		if strings.Contains(a.Out, "\x1b[") != c.want {
			t.Errorf("%s: %q", sentence, a.Out)
		}
	}
}

// BenchmarkList lists 1,000 tests that have 30 reports each.
func BenchmarkList(b *testing.B) {
	var all []runtime.Object
	for i := range 1000 {
		rt := scene()[0].(*v1alpha1.RestoreTest).DeepCopy()
		rt.Name = fmt.Sprintf("test-%04d", i)
		all = append(all, rt)
	}
	for i := range 30 {
		all = append(all, report(fmt.Sprintf("shop-%02d", i), time.Duration(i)*24*time.Hour, nil))
	}
	server := Serve(b, all...)
	for b.Loop() {
		if a := Run(b, server, now, 0, nil, "get", "-A"); strings.Count(a.Out, "\n") < 1000 {
			b.Fatal(a)
		}
		if a := Run(b, server, now, 0, nil, "history", "shop", "-n", "team-web", "--limit", "0"); strings.Count(a.Out, "\n") < 31 {
			b.Fatal(a)
		}
	}
}
