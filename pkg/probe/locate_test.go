package probe

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestLocate(t *testing.T) {
	box := func(name string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}}
	}
	p := &Prober{kube: fake.NewClientset(box("box-a"), box("box-b"))}
	among := []v1alpha1.SandboxNamespace{{Source: "a", Name: "box-a", UID: "uid"}, {Source: "b", Name: "box-b", UID: "uid"}}
	for name, c := range map[string]struct {
		in   []string
		want string // the sandbox, or a part of the error
	}{
		"the one that has it": {[]string{"box-b"}, "box-b"},
		"none has it":         {nil, "not found in box-a (sandbox of a), box-b (sandbox of b)"},
		"two have it":         {[]string{"box-a", "box-b"}, "set namespace in the check"},
	} {
		t.Run(name, func(t *testing.T) {
			_, sandbox, err := locate(t.Context(), p, among, "Service db", func(_ context.Context, namespace string) (struct{}, bool, error) {
				return struct{}{}, strings.Contains(strings.Join(c.in, " "), namespace), nil
			})
			if err != nil && !strings.Contains(err.Error(), c.want) || err == nil && sandbox.Name != c.want {
				t.Errorf("got %s, %v; want %s", sandbox.Name, err, c.want)
			}
		})
	}
}
