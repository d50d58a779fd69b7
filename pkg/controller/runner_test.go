package controller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2/ktesting"
)

var key = cache.NewObjectName("team", "shop")

// calls runs a Runner in a bubble for a while, and returns when its sync was called, since the start.
func calls(t *testing.T, sync SyncFunc, a time.Duration) []time.Duration {
	var at []time.Duration
	synctest.Test(t, func(t *testing.T) {
		_, ctx := ktesting.NewTestContext(t)
		ctx, cancel := context.WithCancel(ctx)
		queue := NewQueue(t.Name())
		start := time.Now()
		r := Runner{Name: t.Name(), Queue: queue, Sync: func(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
			at = append(at, time.Since(start))
			return sync(ctx, key)
		}}
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		queue.Add(key)
		time.Sleep(a) // of the bubble's time
		cancel()
		<-done
	})
	return at
}

func TestRunnerLooksAgainWhenAsked(t *testing.T) {
	n := 0
	at := calls(t, func(context.Context, cache.ObjectName) (time.Duration, error) {
		if n++; n == 1 {
			return time.Hour, nil
		}
		return 0, nil
	}, 24*time.Hour)
	if len(at) != 2 || at[0] != 0 || at[1] != time.Hour {
		t.Errorf("synced after %v, want after 0 and 1h", at)
	}
}

func TestRunnerRetriesErrorsEverMoreSlowly(t *testing.T) {
	for name, err := range map[string]error{
		"any error":  errors.New("x"),
		"a conflict": apierrors.NewConflict(schema.GroupResource{}, "x", errors.New("old")),
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			at := calls(t, func(context.Context, cache.ObjectName) (time.Duration, error) {
				if n++; n <= 3 {
					return 0, err
				}
				return 0, nil
			}, time.Hour)
			if len(at) != 4 || !(at[2]-at[1] > at[1]-at[0] && at[3]-at[2] > at[2]-at[1]) {
				t.Errorf("synced after %v, want four times, each later than the last", at)
			}
		})
	}
}

func TestRunnerForgetsAnErrorThatPassed(t *testing.T) {
	n := 0
	at := calls(t, func(context.Context, cache.ObjectName) (time.Duration, error) {
		switch n++; n {
		case 1, 2, 3, 5:
			return 0, errors.New("x")
		case 4:
			return time.Minute, nil
		}
		return 0, nil
	}, time.Hour)
	if len(at) != 6 || at[5]-at[4] != at[1]-at[0] {
		t.Errorf("synced after %v: the delay after the fifth must be that after the first", at)
	}
}

func TestRunnerLetsASyncFinish(t *testing.T) {
	finished := false
	calls(t, func(ctx context.Context, _ cache.ObjectName) (time.Duration, error) {
		select {
		case <-time.After(10 * time.Second):
			finished = true
		case <-ctx.Done():
		}
		return 0, nil
	}, time.Second)
	if !finished {
		t.Error("the sync was cut off by the shutdown")
	}
}

func TestRunnerSurvivesAPanic(t *testing.T) {
	n := 0
	at := calls(t, func(context.Context, cache.ObjectName) (time.Duration, error) {
		if n++; n == 1 {
			panic("one bad object")
		}
		return 0, nil
	}, time.Hour)
	if len(at) != 2 {
		t.Errorf("synced after %v, want a second try", at)
	}
}
