package integration

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"github.com/kymaros/kymaros/test/plane"
)

// poll is how often a condition is looked at.
const poll = 50 * time.Millisecond

var crdResource = plane.CRDResource

func isEstablished(crd *unstructured.Unstructured) bool { return plane.IsEstablished(crd) }

func installCanaries(ctx context.Context) error { return cluster.InstallCanaries(ctx) }

func applyFiles(ctx context.Context, pattern string) error { return cluster.ApplyFiles(ctx, pattern) }

func readManifests(pattern string) ([]*unstructured.Unstructured, error) {
	return plane.ReadManifests(pattern)
}

func parse(body []byte) ([]*unstructured.Unstructured, error) { return plane.Parse(body) }

func apply(ctx context.Context, o *unstructured.Unstructured) error { return cluster.Apply(ctx, o) }

func resourceFor(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	return cluster.ResourceFor(o)
}

// eventually waits until check succeeds and fails t with its last error if that takes too long.
func eventually(t *testing.T, timeout time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	plane.Eventually(t, poll, timeout, check)
}

// steadily fails t as soon as check fails within the time.
func steadily(t *testing.T, during time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	var failed error
	err := wait.PollUntilContextTimeout(t.Context(), poll, during, true, func(ctx context.Context) (bool, error) {
		if err := check(ctx); err != nil && ctx.Err() == nil {
			failed = err
			return true, nil
		}
		return false, nil
	})
	if failed != nil {
		t.Fatal(failed)
	}
	if t.Context().Err() != nil {
		t.Fatal(err)
	}
}
