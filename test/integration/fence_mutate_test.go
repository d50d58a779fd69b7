package integration

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var mutateFence = flag.String("mutate-fence", "", "with TestTheFence: take every part of the fence whose policy's name begins so away, and widen everything in it that names something, one at a time; "+
	"fail for each that no row misses. kymaros-: all")

// mutant is a policy of which something was taken away, or matches more than it should.
type mutant struct {
	policy  *unstructured.Unstructured // as it is shipped
	changed *unstructured.Unstructured
	what    string
}

// everyPartOfTheFenceIsNeeded tries the matrix with each mutant in force, one at a time. It prints which row misses what was there.
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
	for _, m := range mutants(manifests) {
		put(last, m.changed)
		last = m.policy
		// Those that the policy refuses come first: most mutants are found by one of them.
		first := slices.DeleteFunc(slices.Clone(all), func(r row) bool { return !slices.Contains(strings.Split(r.by, " or "), m.policy.GetName()) })
		red, err := failing(t.Context(), first, true, true)
		if err == nil && len(red) == 0 {
			red, err = failing(t.Context(), all, true, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(red) == 0 {
			t.Errorf("policy %s: no row misses %s", m.policy.GetName(), m.what)
			continue
		}
		fmt.Printf("| %s | %s | %s |\n", m.policy.GetName(), m.what, red[0])
	}
	put(last)
	tryAll(t, true, true)
}

// mutants of the policies whose names begin as the flag says.
func mutants(manifests []*unstructured.Unstructured) []mutant {
	var all []mutant
	for _, o := range manifests {
		if o.GetKind() != "ValidatingAdmissionPolicy" || !strings.HasPrefix(o.GetName(), *mutateFence) {
			continue
		}
		for _, list := range []string{"validations", "matchConditions", "variables"} {
			items, _, _ := unstructured.NestedSlice(o.Object, "spec", list)
			for i := range items {
				if list != "variables" { // others need it
					all = append(all, mutant{o, without(o, list, i), describe(o, list, i)})
				}
				all = append(all, widened(o, list, i)...)
			}
		}
	}
	return all
}

// without returns the policy without one of its parts. A policy must have a validation: the last one leaves one that refuses nothing.
func without(policy *unstructured.Unstructured, list string, index int) *unstructured.Unstructured {
	o := policy.DeepCopy()
	items, _, _ := unstructured.NestedSlice(o.Object, "spec", list)
	items = slices.Delete(items, index, index+1)
	if len(items) == 0 && list == "validations" {
		items = []any{map[string]any{"expression": "true"}}
	}
	if err := unstructured.SetNestedSlice(o.Object, items, "spec", list); err != nil {
		panic(err)
	}
	return o
}

// named are the names in an expression: what follows is compared with them. Each becomes what everything is.
var named = []struct {
	of *regexp.Regexp
	is string
}{
	{regexp.MustCompile(`\.(startsWith|endsWith|contains|matches)\('[^']+'\)`), ".$1('')"},
	{regexp.MustCompile(` == '[^']*'`), " != 'whatever'"},
	{regexp.MustCompile(` in \[\s*'[^']*'(,\s*'[^']*')*\s*\]`), " != 'whatever'"},
	{regexp.MustCompile(` in variables\.[a-zA-Z]+`), " != 'whatever'"},
}

// equivalent are widened parts that change nothing, each with the reason.
var equivalent = map[string]string{
	`kymaros-writes-own variables[3] "mapped", wider at "== 'configmaps'"`: "nothing else has that key with those lines in it",
	`kymaros-writes-prober validations[0] "kymaros fence: kymaros-prober sets the label kymaros.io/guarded of a sandbox, and no other label of any namespace", wider at "== 'kymaros'"`: "of another namespace kymaros-anchor refuses it",
	`kymaros-anchor matchConditions[0] "has-our-labels", wider at ".startsWith('kymaros.io/')" the second time`:                                                                         "of a namespace that has none of our labels and gets none, nothing is asked",
}

// widened returns the policy with each name in an expression replaced by anything, one at a time: an exemption must not be wider
// than what needs it, and a rule not narrower.
func widened(policy *unstructured.Unstructured, list string, index int) []mutant {
	items, _, _ := unstructured.NestedSlice(policy.Object, "spec", list)
	item, _ := items[index].(map[string]any)
	expression, _ := item["expression"].(string)
	var all []mutant
	times := map[string]int{}
	for _, n := range named {
		for _, at := range n.of.FindAllStringSubmatchIndex(expression, -1) {
			what := fmt.Sprintf("%s, wider at %q", describe(policy, list, index), strings.TrimSpace(expression[at[0]:at[1]]))
			if times[what]++; times[what] == 2 {
				what += " the second time"
			}
			if _, known := equivalent[policy.GetName()+" "+what]; known {
				continue
			}
			o := policy.DeepCopy()
			items, _, _ := unstructured.NestedSlice(o.Object, "spec", list)
			items[index].(map[string]any)["expression"] = expression[:at[0]] + string(n.of.ExpandString(nil, n.is, expression, at)) + expression[at[1]:]
			if err := unstructured.SetNestedSlice(o.Object, items, "spec", list); err != nil {
				panic(err)
			}
			all = append(all, mutant{policy, o, what})
		}
	}
	return all
}

// describe tells a part by its place and what it says.
func describe(policy *unstructured.Unstructured, list string, index int) string {
	items, _, _ := unstructured.NestedSlice(policy.Object, "spec", list)
	item, _ := items[index].(map[string]any)
	for _, field := range []string{"name", "message", "messageExpression"} {
		if s, ok := item[field].(string); ok {
			return fmt.Sprintf("%s[%d] %q", list, index, s)
		}
	}
	return fmt.Sprintf("%s[%d]", list, index)
}
