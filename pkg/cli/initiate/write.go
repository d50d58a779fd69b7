package initiate

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Objects returns the test and the policy of the plan, in the namespace in which tests are kept.
func (p Plan) Objects(namespace string) (*v1alpha1.RestoreTest, *v1alpha1.HealthCheckPolicy) {
	rt := &v1alpha1.RestoreTest{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreTest"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Namespace, Namespace: namespace}, Spec: p.Test,
	}
	policy := &v1alpha1.HealthCheckPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealthCheckPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Namespace, Namespace: namespace}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{}},
	}
	for _, c := range p.Checks {
		policy.Spec.Checks = append(policy.Spec.Checks, c.HealthCheck)
	}
	return rt, policy
}

// YAML returns both with comments. The policy comes first: the test runs as soon as it is there, with the policy as it is then.
func (p Plan) YAML(namespace string) (string, error) {
	rt, policy := p.Objects(namespace)
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "# Proves that namespace %s comes back from its newest backup. Look through it, fill in what FILL IN says, and apply it:\n#   kubectl kymaros validate -f FILE && kubectl apply -f FILE\n", p.Namespace)
	for _, c := range p.Cannot {
		_, _ = fmt.Fprintf(&b, "# Not tested: %s.\n", c)
	}
	policy.Spec.Checks = nil
	body, err := marshal(policy)
	if err != nil {
		return "", err
	}
	b.WriteString(strings.Replace(body, "  checks: null\n", "", 1))
	if err := p.checks(&b); err != nil {
		return "", err
	}
	if body, err = marshal(rt); err != nil {
		return "", err
	}
	b.WriteString("---\n" + strings.Replace(body, "    cron:", comment("    ", p.Schedule)+"    cron:", 1))
	return b.String(), nil
}

// checks writes those of the policy, each with its comment.
func (p Plan) checks(b *strings.Builder) error {
	if len(p.Checks) == 0 {
		b.WriteString("  # Nothing was found that could be checked. FILL IN: kubectl explain healthcheckpolicy.spec.checks\n  checks: []\n")
		return nil
	}
	b.WriteString("  checks:\n")
	for _, c := range p.Checks {
		one, err := yaml.Marshal([]v1alpha1.HealthCheck{c.HealthCheck})
		if err != nil {
			return err
		}
		b.WriteString(comment("  ", strings.ReplaceAll(c.Comment, "-n NAMESPACE", "-n "+p.Namespace)))
		for line := range strings.Lines(string(one)) {
			b.WriteString("  " + line)
		}
	}
	return nil
}

// comment returns text as lines of comments.
func comment(indent, text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			b.WriteString(indent + "# " + line + "\n")
		}
	}
	return b.String()
}

// marshal returns an object without what it does not say: creationTimestamp and an empty status.
func marshal(o any) (string, error) {
	body, err := yaml.Marshal(o)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := yaml.Unmarshal(body, &fields); err != nil {
		return "", err
	}
	delete(fields, "status")
	if m, ok := fields["metadata"].(map[string]any); ok {
		delete(m, "creationTimestamp")
	}
	if spec, ok := fields["spec"].(map[string]any); ok {
		for _, name := range []string{"resourceQuota"} {
			if sandbox, ok := spec["sandbox"].(map[string]any); ok {
				delete(sandbox, name)
			}
		}
	}
	out, err := yaml.Marshal(fields)
	return string(out), err
}
