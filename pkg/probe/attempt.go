package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Delays between attempts, and between reads that the API server could not serve.
const (
	firstDelay = 250 * time.Millisecond
	maxDelay   = 5 * time.Second
)

// final marks an error that another attempt cannot mend.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

func finalf(format string, args ...any) error { return final{fmt.Errorf(format, args...)} }

// untold marks an error from which nothing is learnt about the application: a stream that was cut off, a node or an API server
// that does not answer. It uses up no attempt.
type untold struct{ error }

func (u untold) Unwrap() error { return u.error }

// maxUntold is how often a check that could not tell is tried again.
const maxUntold = 5

// attempts calls try, each time for at most timeout, until it succeeds, the error is final, n attempts are used up or ctx
// ends. late says what has not happened when the time is up.
func attempts[T any](ctx context.Context, n int32, timeout time.Duration, late string, try func(context.Context) (T, error)) (got T, err error) {
	var last error
	again := maxUntold
	for i, delay := int32(1), firstDelay; ; i, delay = i+1, min(2*delay, maxDelay) {
		if got, err = attempt(ctx, timeout, late, try); err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return got, cut(last)
		}
		last = err
		if again > 0 && errors.As(err, &untold{}) {
			again, i = again-1, i-1
		} else if i >= n || errors.As(err, &final{}) {
			if i > 1 {
				err = fmt.Errorf("%w (attempt %d of %d)", err, i, n)
			}
			return got, err
		}
		if pause(ctx, delay) != nil {
			return got, cut(last)
		}
	}
}

func attempt[T any](ctx context.Context, timeout time.Duration, late string, try func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, err := try(ctx)
	if err != nil && ctx.Err() != nil && !errors.As(err, &told{}) {
		err = fmt.Errorf("%s within %s", late, timeout)
	}
	return got, err
}

// told marks an error that says itself what was missing when the time was up.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// cut is the error of a check that ctx ended, with what its last whole attempt said.
func cut(last error) error {
	if last == nil {
		return errCut
	}
	return fmt.Errorf("%w; the last attempt: %w", errCut, last)
}

// pause waits for d, or returns the error with which ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// read asks the API server until it gives an answer or ctx ends. An API server that is short of breath says nothing about
// the restored application, so it must not cost an attempt.
func read[T any](ctx context.Context, get func(context.Context) (T, error)) (T, error) {
	for delay := firstDelay; ; delay = min(2*delay, maxDelay) {
		got, err := get(ctx)
		if err == nil || answered(err) {
			return got, ours(err)
		}
		if pause(ctx, delay) != nil {
			return got, told{untold{fmt.Errorf("the API server did not answer: %w", err)}}
		}
	}
}

// ours marks the refusal of a right that Kymaros ought to have: one that nobody gave it, or that an API server does not know of yet
// which has just started. The application has no part in it.
func ours(err error) error {
	if apierrors.IsForbidden(err) {
		return untold{err}
	}
	return err
}

// answered tells whether err is what the API server says about what it was asked for. All else, a connection that broke at any moment
// above all, is trouble of the server or of the way to it, which may pass by itself. It has too many names to list them.
func answered(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch code := status.Status().Code; code {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusGone, http.StatusTooManyRequests:
		return false
	default:
		return code < http.StatusInternalServerError
	}
}

// passing tells whether err, of a stream to a pod, is trouble of the API server or of the way to it, which may pass by itself. What
// the node says comes without a status, so here it is the trouble that has to be known.
func passing(err error) bool {
	var lost net.Error
	return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) ||
		errors.As(err, &lost) || utilnet.IsProbableEOF(err)
}
