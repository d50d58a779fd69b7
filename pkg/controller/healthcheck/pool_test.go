package healthcheck

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestChecksThatHangKeepNoOtherTestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{shared: make(chan struct{}, 3), enqueue: func(cache.ObjectName, time.Duration) {}, run: func(ctx context.Context, c v1alpha1.HealthCheck, _ []v1alpha1.SandboxNamespace, _ time.Duration) v1alpha1.CheckStatus {
			if c.Name != "ok" {
				<-ctx.Done()
			}
			return pass(c.Name)
		}}
		defer p.close()
		start := func(test string, deadline time.Duration, checks ...v1alpha1.HealthCheck) cache.ObjectName {
			key := cache.NewObjectName("prod", test)
			p.start(t.Context(), key, &v1alpha1.RunStatus{ID: test, Deadline: metav1.NewTime(time.Now().Add(deadline))}, nil, checks)
			synctest.Wait()
			return key
		}
		var hang []v1alpha1.HealthCheck
		for i := range 8 {
			hang = append(hang, v1alpha1.HealthCheck{Name: fmt.Sprintf("hangs-%d", i)})
		}
		start("a", time.Hour, hang...)
		last := start("b", time.Minute, hang...)
		good := start("good", time.Hour, v1alpha1.HealthCheck{Name: "ok"})
		if got := p.verdicts(good, "good")["ok"]; got.status.Status != v1alpha1.CheckPass {
			t.Errorf("checks of other tests hold all places: %+v", got)
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		var waited int
		for _, v := range p.verdicts(last, "b") {
			if v.status.Status == v1alpha1.CheckUnknown && v.status.Message == "not started before the run's deadline" {
				waited++
			}
		}
		if waited != 7 {
			t.Errorf("%d checks were not started and say that they could not tell, want 7", waited)
		}
	})
}

func TestThatAllChecksHaveEndedIsToldAtOnceAndProgressLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		p := &pool{shared: make(chan struct{}, 3), enqueue: func(_ cache.ObjectName, after time.Duration) { told = append(told, after) },
			run: func(_ context.Context, c v1alpha1.HealthCheck, _ []v1alpha1.SandboxNamespace, _ time.Duration) v1alpha1.CheckStatus {
				if c.Name == "slow" {
					time.Sleep(time.Minute) // of the bubble
				}
				return pass(c.Name)
			}}
		defer p.close()
		p.start(t.Context(), cache.NewObjectName("prod", "shop"), &v1alpha1.RunStatus{ID: "run", Deadline: metav1.NewTime(time.Now().Add(time.Hour))}, nil,
			[]v1alpha1.HealthCheck{{Name: "quick"}, {Name: "slow"}})
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(told) != 2 || told[0] != progress || told[1] != 0 {
			t.Errorf("told after %v, want after %v that one has ended, and at once that both have", told, progress)
		}
	})
}
