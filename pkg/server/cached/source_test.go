package cached

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
)

func TestKindsAreReadAsOthersReadThem(t *testing.T) {
	for name, text := range map[string]string{
		"a report as an API server writes it": `{"apiVersion":"restore.kymaros.io/v1alpha1","kind":"RestoreReport","metadata":{}}`,
		"a report in another order":           `{"kind":"RestoreReport","apiVersion":"restore.kymaros.io/v1alpha1","metadata":{}}`,
		"a list":                              `{"apiVersion":"restore.kymaros.io/v1alpha1","kind":"RestoreReportList","items":[]}`,
		"another version":                     `{"apiVersion":"restore.kymaros.io/v1","kind":"RestoreReport","metadata":{}}`,
		"an event":                            `{"type":"ADDED","object":{"apiVersion":"restore.kymaros.io/v1alpha1","kind":"RestoreReport"}}`,
		"an error":                            `{"kind":"Status","apiVersion":"v1","status":"Failure"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := quickMeta{}.Interpret([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.DefaultMetaFactory.Interpret([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := (quickMeta{}).Interpret([]byte("nothing of the kind")); err == nil {
		t.Error("what is no JSON has a kind")
	}
}
