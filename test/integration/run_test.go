package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	kymaroscontroller "github.com/kymaros/kymaros/pkg/controller"
)

// source creates a namespace of production with the application that the fake Velero restores.
func source(t *testing.T, name string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := createApplication(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
}

// policy creates a HealthCheckPolicy that the restored application passes.
func policy(t testing.TB, namespace, name string) {
	t.Helper()
	p := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.HealthCheckPolicySpec{
		Checks: []v1alpha1.HealthCheck{
			{Name: "pods", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 1}},
			{Name: "objects", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{
				Resources: []v1alpha1.ResourceReference{{Kind: "Secret", Name: "web"}, {Kind: "ConfigMap", Name: "web"}, {Kind: "Deployment", Name: "web"}},
			}},
		},
	}}
	if _, err := kymaros.RestoreV1alpha1().HealthCheckPolicies(namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// goodRun runs a test of a good backup, with production beside it, and checks that it passes.
func goodRun(t *testing.T, name string) (*v1alpha1.RestoreTest, *v1alpha1.RestoreReport) {
	t.Helper()
	ns := newNamespace(t, name)
	source(t, "src-"+name)
	policy(t, ns, "web")
	backup(t, name, "src-"+name)
	rt, report := awaitEnd(t, createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) {
		rt.Spec.HealthChecks.PolicyRef = "web"
		rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: "5m"}
	})))
	if report.Status.Result != v1alpha1.ResultPass || report.Status.Score != 100 {
		t.Errorf("result %s, score %d, want pass, 100; %s; caps %q", report.Status.Result, report.Status.Score, report.Status.Message, report.Status.Caps)
	}
	return rt, report
}

func TestARunOfAGoodBackupPassesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "good"
	rt, report := goodRun(t, name)
	if report.Status.Backup.Name != name {
		t.Errorf("report names backup %q", report.Status.Backup.Name)
	}
	if rt.Status.Phase != v1alpha1.PhaseCompleted || rt.Status.LastReportRef != report.Name || rt.Status.LastResult != v1alpha1.ResultPass {
		t.Errorf("the test says phase %s, report %q, result %s", rt.Status.Phase, rt.Status.LastReportRef, rt.Status.LastResult)
	}

	type row struct{ Type, Status, Reason, Message string }
	want := []row{
		{v1alpha1.ConditionScheduled, "True", v1alpha1.ReasonNextRunPlanned, "next run at"},
		{v1alpha1.ConditionSandboxReady, "True", v1alpha1.ReasonGuarded, "network isolation strict"},
		{v1alpha1.ConditionRestored, "True", v1alpha1.ReasonCompleted, "Velero restored backup " + name},
		{v1alpha1.ConditionHealthChecked, "True", v1alpha1.ReasonPassed, "all 1 pods ready, 2 of 2 checks passed"},
		{v1alpha1.ConditionReported, "True", v1alpha1.ReasonReportWritten, "pass, score 100: report " + report.Name},
		{v1alpha1.ConditionCleanedUp, "True", v1alpha1.ReasonNothingLeft, "no namespace, volume or Restore of the run is left"},
	}
	var got []row
	for i, c := range rt.Status.Conditions {
		message := c.Message
		if i < len(want) && strings.Contains(message, want[i].Message) {
			message = want[i].Message
		}
		got = append(got, row{c.Type, string(c.Status), c.Reason, message})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions, in the order of kubectl describe (-want +got):\n%s", diff)
	}
	onlyTransitions(t, rt)
	if body, err := json.Marshal([]any{rt, report, events(t, rt)}); err != nil || strings.Contains(string(body), secretValue) {
		t.Errorf("the value of a Secret is in status, report or events (%v)", err)
	}
}

// onlyTransitions checks that the events of rt, whose run went well, tell once that it began and how it ended.
func onlyTransitions(t *testing.T, rt *v1alpha1.RestoreTest) {
	t.Helper()
	count := map[string]int32{}
	for _, e := range events(t, rt) {
		what := fmt.Sprintf("%s %s by %s", e.Type, e.Reason, e.Source.Component)
		count[what] += max(e.Count, 1)
		if e.Message == "" {
			t.Errorf("event %s says nothing", what)
		}
	}
	want := map[string]int32{"Normal RunStarted by kymaros-schedule": 1, "Normal ReportWritten by kymaros-report": 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestARunWithoutHealthChecksIsNeverMoreThanPartial(t *testing.T) {
	t.Parallel()
	shared(t)
	source(t, "src-unchecked")
	rt, report := awaitEnd(t, begin(t, "unchecked"))
	if report.Status.Result != v1alpha1.ResultPartial {
		t.Errorf("result %s, want partial; %s", report.Status.Result, report.Status.Message)
	}
	if rt.Status.Phase != v1alpha1.PhaseCompleted {
		t.Errorf("phase %s, want Completed", rt.Status.Phase)
	}
}

func TestARequestStartsAnotherRunAndOldReportsGo(t *testing.T) {
	t.Parallel()
	shared(t)
	source(t, "src-again")
	first, _ := awaitEnd(t, begin(t, "again", func(rt *v1alpha1.RestoreTest) { rt.Spec.HistoryLimit = new(int32(1)) }))

	request := []byte(`{"metadata":{"annotations":{"kymaros.io/run-requested":"now"}},"spec":{"suspend":true}}`)
	_, err := kymaros.RestoreV1alpha1().RestoreTests(first.Namespace).Patch(t.Context(), first.Name, types.MergePatchType, request, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	awaitThat(t, first, func(rt *v1alpha1.RestoreTest) error {
		if rt.Status.Run.ID == first.Status.Run.ID {
			return errors.New("no other run began; " + story(rt))
		}
		return nil
	})
	second, report := awaitEnd(t, first)
	if run := second.Status.Run; run.Trigger != v1alpha1.TriggerRequested || report.Spec.RunID != run.ID {
		t.Errorf("the run was started by %s, and the report that is left is of run %s, want Requested and %s", run.Trigger, report.Spec.RunID, run.ID)
	}
	if second.Status.SandboxNamespace == first.Status.SandboxNamespace || second.Status.RestoreID == first.Status.RestoreID {
		t.Errorf("two runs share sandbox %s or Restore %s", second.Status.SandboxNamespace, second.Status.RestoreID)
	}
	if c := second.Status.Conditions[0]; c.Type != v1alpha1.ConditionScheduled || c.Reason != v1alpha1.ReasonSuspended {
		t.Errorf("afterwards the suspended test says: %s", story(second))
	}
}

func TestEveryFieldOfStatusHasOneManager(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "owners"
	rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	backup(t, name, "src-"+name)
	rt, _ = awaitEnd(t, createTest(t, rt))

	// As in the protocol of pkg/controller.
	want := map[string]string{
		"Scheduled": kymaroscontroller.Schedule, "SandboxReady": kymaroscontroller.Sandbox, "Restored": kymaroscontroller.Restore,
		"HealthChecked": kymaroscontroller.HealthCheck, "Reported": kymaroscontroller.Report, "CleanedUp": kymaroscontroller.Cleanup,
		"phase": kymaroscontroller.Schedule, "run": kymaroscontroller.Schedule, "nextRunAt": kymaroscontroller.Schedule,
		"sandbox": kymaroscontroller.Sandbox, "sandboxNamespace": kymaroscontroller.Sandbox, "sandboxNamespaces": kymaroscontroller.Sandbox,
		"restore": kymaroscontroller.Restore, "restoreID": kymaroscontroller.Restore, "restoreIDs": kymaroscontroller.Restore,
		"health": kymaroscontroller.HealthCheck,
		"report": kymaroscontroller.Report, "lastRunAt": kymaroscontroller.Report, "lastScore": kymaroscontroller.Report,
		"lastResult": kymaroscontroller.Report, "lastReportRef": kymaroscontroller.Report, "lastVerified": kymaroscontroller.Report, "lastRun": kymaroscontroller.Report,
		"cleanup": kymaroscontroller.Cleanup,
	}
	for name, controller := range want {
		want[name] = kymaroscontroller.FieldManager(controller)
	}
	got := map[string]string{}
	for _, entry := range rt.ManagedFields {
		if entry.Subresource != "status" {
			continue
		}
		for _, field := range statusFields(t, entry.FieldsV1.GetRawBytes()) {
			if got[field] != "" {
				entry.Manager = got[field] + " and " + entry.Manager
			}
			got[field] = entry.Manager
		}
		if entry.Operation != metav1.ManagedFieldsOperationApply {
			t.Errorf("%s writes status by %s, want Apply", entry.Manager, entry.Operation)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("managers of conditions and fields (-want +got):\n%s", diff)
	}
}

// statusFields returns the types of conditions and the names of top-level fields of status in a set of managed fields.
func statusFields(t *testing.T, raw []byte) []string {
	t.Helper()
	var set struct {
		Status map[string]json.RawMessage `json:"f:status"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	var all []string
	for key, value := range set.Status {
		if key != "f:conditions" {
			all = append(all, strings.TrimPrefix(key, "f:"))
			continue
		}
		var conditions map[string]json.RawMessage
		if err := json.Unmarshal(value, &conditions); err != nil {
			t.Fatal(err)
		}
		for key := range conditions {
			var which struct{ Type string }
			if err := json.Unmarshal([]byte(strings.TrimPrefix(key, "k:")), &which); err == nil && which.Type != "" {
				all = append(all, which.Type)
			}
		}
	}
	return all
}
