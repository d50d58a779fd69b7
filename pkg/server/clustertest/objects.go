package clustertest

import (
	"fmt"
	"iter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

// NewTest is a RestoreTest that restores one source.
func NewTest(ns, name, source string, change ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ns, Name: name, Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "applied"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: source}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *"},
		},
	}
	for _, f := range change {
		f(rt)
	}
	return rt
}

// NewReport is a RestoreReport that the controller wrote, of a run that ended some time ago.
func NewReport(ns, name, test string, result v1alpha1.Result, score int32, ago time.Duration) *v1alpha1.RestoreReport {
	ended := metav1.NewTime(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-ago)) // where the time of a bubble begins
	return &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, CreationTimestamp: ended, ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)},
			{Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
		}},
		Spec: v1alpha1.RestoreReportSpec{TestRef: test, RunID: name},
		Status: &v1alpha1.RestoreReportStatus{
			Score: score, Result: result, Message: "what " + ns + " has to say of " + test, StartedAt: ended, CompletedAt: ended,
			RTO: v1alpha1.RTO{Measured: "90s", Target: "15m", WithinSLA: true}, Backup: v1alpha1.Backup{Name: ns + "-nightly", Age: "1h"},
			PodLogs: []v1alpha1.PodLog{{PodName: "db-0", Namespace: ns}}, Events: []v1alpha1.ReportEvent{{Type: "Normal", Reason: "Pulled"}}, //nolint:staticcheck // deprecated, and not to be shown
		},
	}
}

// NewPolicy is a HealthCheckPolicy with one check.
func NewPolicy(ns, name string) *v1alpha1.HealthCheckPolicy {
	return &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{{Name: "rows"}}}}
}

// Team is what one namespace has. The test shop, its report shop-1 and the policy shop are in every one.
func Team(ns string) []runtime.Object {
	soon := metav1.NewTime(time.Date(2000, 1, 1, 3, 0, 0, 0, time.UTC))
	return []runtime.Object{
		NewTest(ns, "shop", ns+"-source", func(rt *v1alpha1.RestoreTest) {
			rt.Status = v1alpha1.RestoreTestStatus{Phase: v1alpha1.PhaseCompleted, LastResult: v1alpha1.ResultPass, LastScore: new(int32(98)), NextRunAt: &soon}
			rt.Spec.Notifications = &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{{Type: "slack", Channel: "#" + ns, WebhookSecretRef: "slack"}}}
		}),
		NewTest(ns, ns+"-ledger", ns+"-source"),
		NewReport(ns, "shop-1", "shop", v1alpha1.ResultFail, 40, 2*time.Hour),
		NewReport(ns, "shop-2", "shop", v1alpha1.ResultPass, 98, time.Hour),
		NewReport(ns, ns+"-only", ns+"-ledger", v1alpha1.ResultFail, 10, 3*time.Hour),
		NewPolicy(ns, "shop"), NewPolicy(ns, ns+"-policy"),
	}
}

// Fleet is 1,000 tests with 30 reports each, in 100 namespaces.
func Fleet() iter.Seq[runtime.Object] {
	results := []v1alpha1.Result{v1alpha1.ResultPass, v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail}
	return func(yield func(runtime.Object) bool) {
		for i := range 1000 {
			ns, test := fmt.Sprintf("team-%02d", i%100), fmt.Sprintf("app-%03d", i)
			if !yield(NewTest(ns, test, ns)) {
				return
			}
			for j := range 30 {
				report := NewReport(ns, fmt.Sprintf("%s-%02d", test, j), test, results[(i+j)%4], int32(60+j), time.Duration(j)*24*time.Hour+time.Duration(i)*time.Second)
				report.Status.Message = fmt.Sprintf("12 of 12 pods ready, 8 of 8 checks passed; %d rows counted in the database of %s.", i*j, test)
				if !yield(report) {
					return
				}
			}
		}
	}
}
