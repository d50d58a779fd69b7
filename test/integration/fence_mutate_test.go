package integration

import (
	"flag"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var mutateFence = flag.Bool("mutate-fence", false, "with TestTheFence: take every part of the fence away, one at a time, and fail for each that no row misses")

// part is a validation or a match condition of a policy.
type part struct {
	policy *unstructured.Unstructured
	list   string // its field in the spec
	index  int
}

// everyPartOfTheFenceIsNeeded takes validations and match conditions away, one at a time. It prints which row misses each.
func everyPartOfTheFenceIsNeeded(t *testing.T) {
	manifests, err := readManifests(fenceFile)
	if err != nil {
		t.Fatal(err)
	}
	all := rows()
	changes := 1
	put := func(policies ...*unstructured.Unstructured) {
		for _, p := range policies {
			if err := apply(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		changes++
		inForce(t, changes)
	}
	fmt.Println("| policy | without | first row that misses it |\n| --- | --- | --- |")
	last := manifests[0]
	for _, p := range parts(manifests) {
		put(last, p.without())
		last = p.policy
		red, err := failing(t.Context(), all, true, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(red) == 0 {
			t.Errorf("policy %s: no row misses %s", p.policy.GetName(), p)
			continue
		}
		fmt.Printf("| %s | %s | %s |\n", p.policy.GetName(), p, red[0])
	}
	put(last)
	tryAll(t, true, true)
}

func parts(manifests []*unstructured.Unstructured) []part {
	var all []part
	for _, o := range manifests {
		if o.GetKind() != "ValidatingAdmissionPolicy" {
			continue
		}
		for _, list := range []string{"validations", "matchConditions"} {
			items, _, _ := unstructured.NestedSlice(o.Object, "spec", list)
			for i := range items {
				all = append(all, part{o, list, i})
			}
		}
	}
	return all
}

// without returns the policy without the part. A policy must have a validation: the last one leaves one that refuses nothing.
func (p part) without() *unstructured.Unstructured {
	o := p.policy.DeepCopy()
	items, _, _ := unstructured.NestedSlice(o.Object, "spec", p.list)
	items = slices.Delete(items, p.index, p.index+1)
	if len(items) == 0 && p.list == "validations" {
		items = []any{map[string]any{"expression": "true"}}
	}
	if err := unstructured.SetNestedSlice(o.Object, items, "spec", p.list); err != nil {
		panic(err)
	}
	return o
}

// String tells the part by its place and what it says.
func (p part) String() string {
	items, _, _ := unstructured.NestedSlice(p.policy.Object, "spec", p.list)
	item, _ := items[p.index].(map[string]any)
	for _, field := range []string{"name", "message", "messageExpression"} {
		if s, ok := item[field].(string); ok {
			return fmt.Sprintf("%s[%d] %q", p.list, p.index, s)
		}
	}
	return fmt.Sprintf("%s[%d]", p.list, p.index)
}
