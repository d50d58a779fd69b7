package schedule

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

func TestAFenceThatCannotBeLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		required bool
		starts   bool
	}{
		"holds runs up where it is required":   {true, false},
		"holds none up where nobody wants one": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test()
			rt.Status.Run = join(rt, v1alpha1.TriggerCron, time.Now(), time.Now())
			client := fake.NewClientset(rt)
			factory := externalversions.NewSharedInformerFactory(client, 0)
			away := errors.New("dial tcp 10.0.0.1:34567: the API server is away")
			schedule, err := New(t.Context(), Options{RequireFence: c.required, MaxRestores: 1}, client, factory.Restore().V1alpha1().RestoreTests(),
				factory.Velero().V1(), func(context.Context) (string, error) { return "", away }, record.NewFakeRecorder(10))
			if err != nil {
				t.Fatal(err)
			}
			factory.StartWithContext(t.Context())
			factory.WaitForCacheSync(t.Context().Done())
			if _, err = schedule.sync(t.Context(), theLine); c.starts != (err == nil) || err != nil && !errors.Is(err, away) {
				t.Fatalf("sync: %v", err)
			}
			now, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if run := now.Status.Run; run.StartTime.IsZero() == c.starts || c.starts && run.Fence != v1alpha1.FenceNotIntact {
				t.Errorf("run %+v", run)
			}
			if c.starts {
				return
			}
			// What is due and does not start says why, in words that stay the same.
			scheduled := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionScheduled)
			if scheduled == nil || scheduled.Reason != v1alpha1.ReasonFenceNotIntact || !strings.Contains(scheduled.Message, "log of the controller") || strings.Contains(scheduled.Message, "34567") {
				t.Errorf("condition %+v", scheduled)
			}
		})
	}
}
