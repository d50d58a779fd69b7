package faults

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/test/plane"
)

// Two controllers work at the same time for as long as the one whose lease is gone does not know that it is.
func TestRunsSurviveAStolenLease(t *testing.T) {
	n := writes(t)
	control.end()
	defer func() {
		if err := control.start(); err != nil {
			t.Fatal(err)
		}
	}()
	for range 2 {
		p, err := newProcesses(t.Context(), filepath.Join(scratch, "kymaros-controller"), "--leader-elect=true", "--max-restores=2", "--runs-ahead=2")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
		defer p.end()
	}
	const kind = "lease stolen"
	steal := func(ctx context.Context) (bool, error) {
		// Whoever waits for it takes it at once; whoever had it goes on until it looks.
		stolen := false
		for _, lease := range plane.Halves {
			err := cluster.Kube.CoordinationV1().Leases(plane.SystemNamespace).Delete(ctx, lease, metav1.DeleteOptions{})
			if ignore(err, apierrors.IsNotFound) != nil {
				return stolen, err
			}
			stolen = stolen || err == nil
		}
		return stolen, nil
	}
	var all []*victim
	for _, nth := range []int{4, n / 3, n / 2, 2 * n / 3, n - 4} {
		for range 2 {
			v := newVictim(kind, fmt.Sprintf("after write %d", nth))
			all = append(all, v)
		}
		v := all[len(all)-1]
		v.shot = &shot{match: (*request).writes, nth: nth, do: after(kind, steal)}
	}
	s := stage(t, all...)
	s.begin(t)
	s.verify(t)
}

// ignore returns err unless it is such a one.
func ignore(err error, such func(error) bool) error {
	if such(err) {
		return nil
	}
	return err
}
