package integration

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	klabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
)

// phaseTimes are when each condition of each test of a fleet was first seen to say what ends a phase. They are those of an informer, so
// each is late by the moment that a watch takes.
type phaseTimes struct {
	tests listers.RestoreTestNamespaceLister

	mu   sync.Mutex
	seen map[string]map[string]time.Time // by test and mark
}

// marks tell what of a test is taken down.
var marks = map[string]func(*v1alpha1.RestoreTest) bool{
	"turn": func(rt *v1alpha1.RestoreTest) bool { return conditions.Began(rt) },
	"guarded": func(rt *v1alpha1.RestoreTest) bool {
		return conditions.Is(rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue)
	},
	"restored": func(rt *v1alpha1.RestoreTest) bool {
		return conditions.Is(rt, v1alpha1.ConditionRestored, metav1.ConditionTrue)
	},
	"checked": func(rt *v1alpha1.RestoreTest) bool {
		return conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionHealthChecked))
	},
	"reported": func(rt *v1alpha1.RestoreTest) bool {
		return conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue)
	},
	"clearing": func(rt *v1alpha1.RestoreTest) bool {
		c := conditions.ForRun(rt, v1alpha1.ConditionCleanedUp)
		return c != nil && c.Reason != v1alpha1.ReasonWaiting
	},
}

// watchPhases looks at the tests of a fleet until the benchmark ends.
func watchPhases(b *testing.B, namespace string) *phaseTimes {
	b.Helper()
	p := &phaseTimes{seen: map[string]map[string]time.Time{}}
	ctx, cancel := context.WithCancel(context.Background())
	factory := externalversions.NewSharedInformerFactoryWithOptions(kymaros, 0, externalversions.WithNamespace(namespace))
	tests := factory.Restore().V1alpha1().RestoreTests()
	p.tests = tests.Lister().RestoreTests(namespace)
	_, err := tests.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    p.note,
		UpdateFunc: func(_, now any) { p.note(now) },
	})
	if err != nil {
		b.Fatal(err)
	}
	factory.Start(ctx.Done())
	b.Cleanup(func() { cancel(); factory.Shutdown() })
	factory.WaitForCacheSync(ctx.Done())
	return p
}

func (p *phaseTimes) note(obj any) {
	rt, ok := obj.(*v1alpha1.RestoreTest)
	if !ok {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for mark, reached := range marks {
		if p.seen[rt.Name] == nil {
			p.seen[rt.Name] = map[string]time.Time{}
		}
		if p.seen[rt.Name][mark].IsZero() && reached(rt) {
			p.seen[rt.Name][mark] = now
		}
	}
}

// all returns the tests as they are.
func (p *phaseTimes) all() ([]*v1alpha1.RestoreTest, error) {
	return p.tests.List(klabels.Everything())
}

// own returns what each phase takes by itself, in every test that passed: restored is when Velero had ended the Restore of a test.
func (p *phaseTimes) own(restored map[string]time.Time) map[string][]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string][]time.Duration{}
	for _, test := range slices.Sorted(maps.Keys(restored)) {
		at := p.seen[test]
		if len(at) < len(marks) {
			continue
		}
		all["sandbox"] = append(all["sandbox"], at["guarded"].Sub(at["turn"]))
		all["restore"] = append(all["restore"], max(at["restored"].Sub(restored[test]), 0))
		all["checks"] = append(all["checks"], at["checked"].Sub(at["restored"]))
		all["report"] = append(all["report"], at["reported"].Sub(at["checked"]))
		all["cleanup"] = append(all["cleanup"], at["clearing"].Sub(at["reported"]))
	}
	return all
}
