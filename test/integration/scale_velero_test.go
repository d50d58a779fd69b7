package integration

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// slowVelero restores for a fleet, one at a time as Velero does.
type slowVelero struct {
	stop func()

	mu       sync.Mutex
	restores []span
}

// span is when the Restore of a test began and ended.
type span struct {
	test         string
	began, ended time.Time
}

func startSlowVelero(b *testing.B, c *fleet, delay time.Duration) *slowVelero {
	b.Helper()
	for i := range c.tests {
		name := fmt.Sprintf("t-%04d", i)
		heldRestores.Store(name, true)
		heldRestores.Store(name+neverReady, true)
	}
	ctx, cancel := context.WithCancel(context.Background())
	v := &slowVelero{}
	line := make(chan *velerov1.Restore, 2*c.tests)
	factory := externalversions.NewSharedInformerFactoryWithOptions(kymaros, 0, externalversions.WithNamespace(veleroNamespace))
	_, _ = factory.Velero().V1().Restores().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		if r, ok := obj.(*velerov1.Restore); ok && r.Spec.BackupName == c.source && r.Status.Phase == "" {
			line <- r
		}
	}})
	factory.Start(ctx.Done())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-line:
				if err := v.restore(ctx, r, delay); err != nil && ctx.Err() == nil {
					fmt.Fprintf(os.Stderr, "integration: slow Velero: %v\n", err)
				}
			}
		}
	})
	v.stop = func() { cancel(); factory.Shutdown(); wg.Wait() }
	return v
}

func (v *slowVelero) restore(ctx context.Context, r *velerov1.Restore, delay time.Duration) error {
	began := time.Now()
	if err := setPhase(ctx, r.Name, velerov1.RestorePhaseInProgress); err != nil {
		return err
	}
	becomes := "ready"
	if strings.HasSuffix(r.Labels[v1alpha1.LabelTest], neverReady) {
		becomes = "never"
	}
	for _, sandbox := range r.Spec.NamespaceMapping {
		labels := map[string]string{velerov1.RestoreNameLabel: r.Name, velerov1.BackupNameLabel: r.Spec.BackupName}
		if err := cluster.CreateApplicationThat(ctx, becomes, sandbox, labels); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(began.Add(delay))):
	}
	err := setPhase(ctx, r.Name, velerov1.RestorePhaseCompleted)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.restores = append(v.restores, span{r.Labels[v1alpha1.LabelTest], began, time.Now()})
	return err
}

// busy is how long Velero was at work, which no line can be shorter than.
func (v *slowVelero) busy() (sum time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.restores {
		sum += s.ended.Sub(s.began)
	}
	return sum
}

// ends are when the Restore of each test ended.
func (v *slowVelero) ends() map[string]time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := map[string]time.Time{}
	for _, s := range v.restores {
		all[s.test] = s.ended
	}
	return all
}

func (v *slowVelero) lastEnd() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.restores) == 0 {
		return time.Time{}
	}
	return v.restores[len(v.restores)-1].ended
}

// gaps are the times in which Velero had nothing to do, between one Restore and the next.
func (v *slowVelero) gaps() []time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []time.Duration
	for i := 1; i < len(v.restores); i++ {
		all = append(all, v.restores[i].began.Sub(v.restores[i-1].ended))
	}
	return all
}
