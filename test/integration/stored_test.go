package integration

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// storedBeforeValidation stores RestoreTests that the API server refuses today, and returns them by name.
func storedBeforeValidation(t *testing.T) map[string]*v1alpha1.RestoreTest {
	t.Helper()
	definitions, err := readManifests(filepath.Join(root, "manifests/crds/*restoretests.yaml"))
	if err != nil || len(definitions) != 1 {
		t.Fatalf("%d definitions: %v", len(definitions), err)
	}
	lax := definitions[0].DeepCopy()
	withoutRules(lax.Object)
	if err := apply(t.Context(), lax); err != nil {
		t.Fatal(err)
	}
	restored := false
	strict := func() {
		if !restored {
			restored = true
			if err := apply(context.WithoutCancel(t.Context()), definitions[0]); err != nil {
				t.Error(err)
			}
		}
	}
	defer strict()

	ns, all := newNamespace(t, "stored-before"), map[string]*v1alpha1.RestoreTest{}
	var o *unstructured.Unstructured
	for name, change := range map[string]string{
		"stored-ttl":  "spec: {suspend: false, sandbox: {ttl: 1d}}",
		"stored-cron": "spec: {suspend: false, schedule: {cron: CRON_TZ=Europe/Brussels}}",
	} {
		o = object(t, validTest)
		merge(o.Object, object(t, change).Object)
		o.SetName(name)
		// The API server takes a moment to notice a changed definition.
		eventually(t, stepTimeout, func(ctx context.Context) error { return create(ctx, ns, o) })
		all[name] = &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	}
	strict()
	o.SetName("stored-after")
	eventually(t, stepTimeout, func(ctx context.Context) error {
		if err := create(ctx, ns, o, metav1.DryRunAll); !apierrors.IsInvalid(err) {
			return fmt.Errorf("validation is not back: %w", err)
		}
		return nil
	})
	return all
}

// withoutRules takes all CEL rules out of a schema.
func withoutRules(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		delete(s, "x-kubernetes-validations")
		for _, part := range s {
			withoutRules(part)
		}
	case []any:
		for _, part := range s {
			withoutRules(part)
		}
	}
}
