package schedule

import (
	"context"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/testutil"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

func TestTheMetricsTellOfATurnThatIsMissed(t *testing.T) {
	late := named("late", inLineSince(time.Now().Add(-25*time.Hour)))
	client := fake.NewClientset(late, foreignRestore(velerov1.RestorePhaseInProgress))
	factory := externalversions.NewSharedInformerFactory(client, 0)
	schedule, err := New(t.Context(), Options{VeleroNamespace: "velero", MaxRestores: 1, StalledAfter: 48 * time.Hour}, client, factory.Restore().V1alpha1().RestoreTests(),
		factory.Velero().V1(), func(context.Context) (string, error) { return "", nil }, record.NewFakeRecorder(100))
	if err != nil {
		t.Fatal(err)
	}
	factory.StartWithContext(t.Context())
	factory.WaitForCacheSync(t.Context().Done())
	if _, err := schedule.sync(t.Context(), cache.MetaObjectToName(late)); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`
# HELP kymaros_missed_turns_total [ALPHA] Number of runs that had no turn within spec.schedule.startingDeadlineSeconds.
# TYPE kymaros_missed_turns_total counter
kymaros_missed_turns_total{namespace="TEAM",test="late"} 1
`, "TEAM", late.Namespace)
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), "kymaros_missed_turns_total"); err != nil {
		t.Error(err)
	}
}
