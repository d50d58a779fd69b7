package controller

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTogetherWaitsForAllAndTellsOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := errors.New("first"), errors.New("second")
		after := func(d time.Duration, err error) func() error {
			return func() error { time.Sleep(d); return err }
		}
		began := time.Now()
		if err := Together(after(time.Second, nil), after(3*time.Second, first), after(2*time.Second, second)); !errors.Is(err, first) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %s", took)
		}
		if err := Together(); err != nil {
			t.Error(err)
		}
	})
}
