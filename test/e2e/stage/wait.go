package stage

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// interval of polls. Where tests wait, they wait seconds.
const interval = 200 * time.Millisecond

// Poll calls check until it returns nil. After the timeout it returns check's last error.
func Poll(ctx context.Context, timeout time.Duration, check func(ctx context.Context) error) error {
	last := errors.New("never looked")
	err := wait.PollUntilContextTimeout(ctx, interval, timeout, true, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("not within %v: %w", timeout, last)
	}
	return nil
}

// Until calls check until it returns nil, and fails t after the timeout.
func Until(t testing.TB, timeout time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	if err := Poll(t.Context(), timeout, check); err != nil {
		t.Fatal(err)
	}
}
