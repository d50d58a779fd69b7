package doctor

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/manifests"
)

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// crds compares the definitions of the cluster with those of this command.
func (g gatherer) crds(ctx context.Context) error {
	text, err := manifests.CRDs()
	if err != nil {
		return err
	}
	g.CRDs = map[string]string{}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		want := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &want.Object); err != nil {
			return err
		}
		have, err := g.objects.Resource(crds).Get(ctx, want.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			g.CRDs[want.GetName()] = missing
		case err != nil:
			return err
		case !equality.Semantic.DeepEqual(schemaOf(want), schemaOf(have)):
			g.CRDs[want.GetName()] = "is not that of this version"
		default:
			g.CRDs[want.GetName()] = ""
		}
	}
	return nil
}

// schemaOf returns the schema of a definition as JSON would have it: numbers of both sides are of one type.
func schemaOf(crd *unstructured.Unstructured) any {
	all, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if len(all) == 0 {
		return nil
	}
	first, _ := all[0].(map[string]any)
	body, err := yaml.Marshal(first["schema"])
	if err != nil {
		return nil
	}
	return string(body)
}
