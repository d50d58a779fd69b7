package fence

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// permittedVariable is the variable of a policy that holds what --permitted-resources adds to what is restored. An administrator
// writes it into the manifests beside the flag.
const permittedVariable = "permitted"

// resources is a CEL list of quoted names, as people write it.
var resources = regexp.MustCompile(`^\s*\[\s*((["'])[a-z0-9.-]+["']\s*(,\s*["'][a-z0-9.-]+["']\s*)*)?,?\s*\]\s*$`)

// permit puts the resources where a policy has the variable.
func permit(spec *admissionv1.ValidatingAdmissionPolicySpec, all []string) {
	for i := range spec.Variables {
		if spec.Variables[i].Name == permittedVariable {
			spec.Variables[i].Expression = list(all)
		}
	}
}

// list returns names as a CEL list, each once, sorted.
func list(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	quoted := make([]string, 0, len(names))
	for _, name := range slices.Compact(names) {
		quoted = append(quoted, "'"+name+"'")
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// permitted returns the resources that a policy permits. ok is false if it has no such variable, or something else in it.
func permitted(spec admissionv1.ValidatingAdmissionPolicySpec) (all []string, ok bool) {
	for _, v := range spec.Variables {
		if v.Name == permittedVariable && resources.MatchString(v.Expression) {
			return strings.FieldsFunc(v.Expression, func(r rune) bool { return strings.ContainsRune("[]'\", \t\r\n", r) }), true
		}
	}
	return nil, false
}

// changed says that a policy is another than it should be. That only the resources differ is a mistake that people make.
func changed(name string, want, have admissionv1.ValidatingAdmissionPolicySpec) string {
	should, _ := permitted(want)
	has, ok := permitted(have)
	if same := *have.DeepCopy(); ok {
		if permit(&same, should); equal(want, same) {
			return fmt.Sprintf("ValidatingAdmissionPolicy %s permits %s, and the flag --permitted-resources says %s: make them the same", name, list(has), list(should))
		}
	}
	return fmt.Sprintf("ValidatingAdmissionPolicy %s was changed", name)
}
