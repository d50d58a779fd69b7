package server

import (
	"encoding/json"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	chain "github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/server/cached"
)

func TestARecordIsOfWhatIsStored(t *testing.T) {
	report := newReport("n", "shop-1", "shop", v1alpha1.ResultPass, 98, time.Hour)
	report.Status.Evidence = &v1alpha1.Evidence{Sequence: 7}
	report.Status.PodLogs = []v1alpha1.PodLog{{Namespace: "n", PodName: "web-0"}} //nolint:staticcheck // deprecated, and part of what is stored
	report.Hygiene = &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: metav1.NewTime(time.Now().Truncate(time.Second))}
	bubble(t, []runtime.Object{report}, func(t *testing.T, s *scene) {
		const path = "/api/v1/namespaces/n/reports/shop-1/evidence"
		of := func() chain.Record {
			t.Helper()
			body, err := s.stored(t.Context(), "n", "shop-1")
			if err != nil {
				t.Fatal(err)
			}
			var fields map[string]any
			if err := utiljson.Unmarshal(body, &fields); err != nil {
				t.Fatal(err)
			}
			record, err := chain.Of(fields)
			if err != nil {
				t.Fatal(err)
			}
			return record
		}
		got := read[reportRecord](t, s, ofAuditor, path)
		want := of()
		must(t, "digest", got.Digest, want.Verdict)
		must(t, "hygiene", got.Hygiene, want.Hygiene)
		must(t, "record", got.Record, want.Digest())

		// A field of a later version counts, and is handed out.
		before := got.Digest
		s.unknown = `"later":{"n":1}`
		got = read[reportRecord](t, s, ofAuditor, path)
		must(t, "digest with a field of a later version", got.Digest, of().Verdict)
		if got.Digest == before {
			t.Error("a field that this version does not know is not in the digest")
		}
		body, err := json.Marshal(got.Report)
		if err != nil {
			t.Fatal(err)
		}
		var handed map[string]any
		if err := utiljson.Unmarshal(body, &handed); err != nil {
			t.Fatal(err)
		}
		record, err := chain.Of(handed)
		if err != nil {
			t.Fatal(err)
		}
		must(t, "digest of what was handed out", record.Verdict, got.Digest)
	})
}

func TestListsTellWhichTestsReachNobody(t *testing.T) {
	notified := func(status metav1.ConditionStatus, reason string) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) {
			rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionNotified, Status: status, Reason: reason}}
		}
	}
	objects := []runtime.Object{
		newTest("n", "fine", "n", notified(metav1.ConditionTrue, v1alpha1.ReasonDelivered)), newTest("n", "given-up", "n", notified(metav1.ConditionFalse, v1alpha1.ReasonUndeliverable)),
		newTest("n", "muted", "n", notified(metav1.ConditionUnknown, v1alpha1.ReasonSilenced)), newTest("n", "no-channel", "n"),
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		got := map[string]string{}
		for _, item := range read[[]cached.TestItem](t, s, ofAuditor, "/api/v1/tests") {
			got[item.Name] = item.Untold
		}
		must(t, "untold", got["given-up"], v1alpha1.ReasonUndeliverable)
		must(t, "untold", got["fine"]+got["muted"]+got["no-channel"], "")
	})
}
