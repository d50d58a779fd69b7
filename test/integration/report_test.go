package integration

import (
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestAReportCannotBeChangedOnceWritten(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t, "immutable")
	client := kymaros.RestoreV1alpha1().RestoreReports(ns)
	report, err := client.Create(t.Context(), &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Name: "report"}, Spec: v1alpha1.RestoreReportSpec{TestRef: "shop", RunID: "1"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Status != nil {
		t.Fatalf("a new report has a status: %+v", report.Status)
	}
	tested := v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 1, Max: 1}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	report.Status = &v1alpha1.RestoreReportStatus{
		Score: 42, Result: v1alpha1.ResultFail, StartedAt: now, CompletedAt: now, RTO: v1alpha1.RTO{Measured: "1m0s"},
		Backup: v1alpha1.Backup{Name: "b", Age: "1h0m0s"},
		ValidationLevels: v1alpha1.ValidationLevels{RestoreIntegrity: tested, Completeness: tested, PodStartup: tested,
			InternalHealth: tested, CrossNamespaceDeps: tested, RTOCompliance: tested},
	}
	if _, err := client.UpdateStatus(t.Context(), report, metav1.UpdateOptions{}); err != nil {
		t.Fatalf("the status cannot be written once: %v", err)
	}

	for name, row := range map[string]struct {
		patch       string
		subresource []string
	}{
		"the score":                {`{"status":{"score":100}}`, []string{"status"}},
		"the result":               {`{"status":{"result":"pass"}}`, []string{"status"}},
		"a level":                  {`{"status":{"validationLevels":{"internalHealth":{"points":0}}}}`, []string{"status"}},
		"a new field":              {`{"status":{"message":"all is well"}}`, []string{"status"}},
		"the whole status":         {`{"status":null}`, []string{"status"}},
		"the test it is about":     {`{"spec":{"testRef":"other"}}`, nil},
		"the run it is about":      {`{"spec":{"runID":"2"}}`, nil},
		"the run, by forgetting":   {`{"spec":{"runID":null}}`, nil},
		"the whole specification":  {`{"spec":null}`, nil},
		"the status, from the top": {`{"spec":{"testRef":"other"},"status":{"score":100}}`, nil},
	} {
		t.Run("no change of "+name, func(t *testing.T) {
			_, err := client.Patch(t.Context(), report.Name, types.MergePatchType, []byte(row.patch), metav1.PatchOptions{}, row.subresource...)
			if !apierrors.IsInvalid(err) {
				t.Fatalf("got %v, want it refused as invalid", err)
			}
			if row.patch != `{"spec":null}` && !strings.Contains(err.Error(), "a report cannot be changed once written") {
				t.Errorf("the message does not say why: %v", err)
			}
		})
	}
	// Through the main resource a status is ignored, not written.
	if _, err := client.Patch(t.Context(), report.Name, types.MergePatchType, []byte(`{"status":{"score":100}}`), metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
	marks := `{"metadata":{"labels":{"audited":"yes"},"annotations":{"by":"somebody"}}}`
	marked, err := client.Patch(t.Context(), report.Name, types.MergePatchType, []byte(marks), metav1.PatchOptions{})
	if err != nil {
		t.Fatalf("labels and annotations cannot be changed: %v", err)
	}
	if marked.Labels["audited"] != "yes" || marked.Annotations["by"] != "somebody" || marked.Status == nil || marked.Status.Score != 42 {
		t.Errorf("after all that the report is %+v", marked)
	}
}
