package fence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Namespaces as the manifests have them.
const (
	shippedSystem = "kymaros-system"
	shippedVelero = "velero"
)

// fence is what is compared, by name. The binding of a policy has its name.
type fence struct {
	policies map[string]admissionv1.ValidatingAdmissionPolicySpec
	bindings map[string]admissionv1.ValidatingAdmissionPolicyBindingSpec
}

// parse reads manifests, for our namespace and Velero's, and with what else tests may restore.
func parse(text []byte, system, velero string, permitted []string) (fence, error) {
	text = []byte(strings.NewReplacer(
		shippedSystem, system,
		"'"+shippedVelero+"'", "'"+velero+"'",
		":"+shippedVelero+":", ":"+velero+":",
	).Replace(string(text)))
	f := fence{map[string]admissionv1.ValidatingAdmissionPolicySpec{}, map[string]admissionv1.ValidatingAdmissionPolicyBindingSpec{}}
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer documents.Close()
	buffer := make([]byte, len(text))
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		if err := f.add(buffer[:n], permitted); err != nil {
			return f, fmt.Errorf("manifests/fence: %w", err)
		}
	}
}

func (f *fence) add(document []byte, permitted []string) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "ValidatingAdmissionPolicy":
		var p admissionv1.ValidatingAdmissionPolicy
		err := yaml.UnmarshalStrict(document, &p)
		permit(&p.Spec, permitted)
		f.policies[p.Name] = p.Spec
		return err
	case "ValidatingAdmissionPolicyBinding":
		var b admissionv1.ValidatingAdmissionPolicyBinding
		err := yaml.UnmarshalStrict(document, &b)
		f.bindings[b.Name] = b.Spec
		return err
	}
	return fmt.Errorf("no place for a %s", kind.Kind)
}
