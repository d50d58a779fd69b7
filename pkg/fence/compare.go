package fence

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// differences tells, sorted, what is missing of want in have, or is another there.
func differences(want, have fence) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(want.policies)) {
		spec, found := have.policies[name]
		switch {
		case !found:
			all = append(all, fmt.Sprintf("ValidatingAdmissionPolicy %s is missing", name))
		case !equal(want.policies[name], spec):
			all = append(all, changed(name, want.policies[name], spec))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want.bindings)) {
		spec, found := have.bindings[name]
		switch {
		case !found:
			all = append(all, fmt.Sprintf("ValidatingAdmissionPolicyBinding %s is missing", name))
		case !equality.Semantic.DeepEqual(sorted(want.bindings[name]), sorted(spec)):
			all = append(all, fmt.Sprintf("ValidatingAdmissionPolicyBinding %s was changed", name))
		}
	}
	return all
}

func equal(a, b admissionv1.ValidatingAdmissionPolicySpec) bool {
	return equality.Semantic.DeepEqual(canonical(a), canonical(b))
}

// canonical returns a spec as the API server stores it, without the messages, for their words decide nothing, and without blank lines:
// kubectl apply -k puts some into expressions of several lines. No literal of ours goes over lines, so they decide nothing either.
func canonical(spec admissionv1.ValidatingAdmissionPolicySpec) admissionv1.ValidatingAdmissionPolicySpec {
	spec = *spec.DeepCopy()
	setDefault(&spec.FailurePolicy, admissionv1.Fail)
	if m := spec.MatchConstraints; m != nil {
		setDefault(&m.MatchPolicy, admissionv1.Equivalent)
		setDefault(&m.NamespaceSelector, metav1.LabelSelector{})
		setDefault(&m.ObjectSelector, metav1.LabelSelector{})
		for _, rules := range [][]admissionv1.NamedRuleWithOperations{m.ResourceRules, m.ExcludeResourceRules} {
			for i := range rules {
				setDefault(&rules[i].Scope, admissionv1.AllScopes)
			}
		}
	}
	for i := range spec.Variables {
		spec.Variables[i].Expression = dense(spec.Variables[i].Expression)
	}
	for i := range spec.MatchConditions {
		spec.MatchConditions[i].Expression = dense(spec.MatchConditions[i].Expression)
	}
	for i := range spec.Validations {
		spec.Validations[i].Expression = dense(spec.Validations[i].Expression)
	}
	if all, ok := permitted(spec); ok {
		permit(&spec, all)
	}
	for i := range spec.Validations {
		spec.Validations[i].Message, spec.Validations[i].MessageExpression = "", ""
	}
	return spec
}

// dense returns an expression without blank lines.
func dense(expression string) string { return blank.ReplaceAllString(expression, "\n") }

var blank = regexp.MustCompile(`\n+`)

// sorted returns a spec with its actions, which are a set, in one order.
func sorted(spec admissionv1.ValidatingAdmissionPolicyBindingSpec) admissionv1.ValidatingAdmissionPolicyBindingSpec {
	spec.ValidationActions = slices.Sorted(slices.Values(spec.ValidationActions))
	return spec
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
