package sandbox

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestLabelsOfASandboxArePutBack(t *testing.T) {
	for name, change := range map[string]func(*corev1.Namespace){
		"Pod Security is lowered":   func(ns *corev1.Namespace) { ns.Labels["pod-security.kubernetes.io/enforce"] = "privileged" },
		"it joins another group":    func(ns *corev1.Namespace) { ns.Labels[v1alpha1.LabelGroup] = "other" },
		"it goes with a namesake's": func(ns *corev1.Namespace) { ns.Labels[v1alpha1.LabelRestoreTestNamespace] = "other" },
		"backups would take it":     func(ns *corev1.Namespace) { delete(ns.Labels, "velero.io/exclude-from-backup") },
		"cleanup would not know it": func(ns *corev1.Namespace) { delete(ns.Labels, v1alpha1.LabelManagedBy) },
	} {
		t.Run(name, func(t *testing.T) {
			rt := test()
			ns := namespace(rt, box)
			change(ns)
			kube := fake.NewClientset(ns)
			c := Controller{kube: kube}
			var s seen
			c.watchLabels(rt, ns, &s)
			if err := s.putBack(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(s.violations) != 1 {
				t.Errorf("violations: %v, want one", s.violations)
			}
			got, err := kube.CoreV1().Namespaces().Get(t.Context(), box.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range namespace(rt, box).Labels {
				if got.Labels[key] != want {
					t.Errorf("label %s is %q, want %q", key, got.Labels[key], want)
				}
			}
		})
	}
}

func TestWhatIsNoChangeOfLabels(t *testing.T) {
	for name, change := range map[string]func(*corev1.Namespace){
		"others add some": func(ns *corev1.Namespace) { ns.Labels["kubernetes.io/metadata.name"] = ns.Name },
		"an older version, from before an upgrade, gave one less": func(ns *corev1.Namespace) { delete(ns.Labels, v1alpha1.LabelRestoreTestNamespace) },
	} {
		t.Run(name, func(t *testing.T) {
			rt := test()
			ns := namespace(rt, box)
			change(ns)
			kube := fake.NewClientset(ns)
			var s seen
			if (&Controller{kube: kube}).watchLabels(rt, ns, &s); len(s.violations) > 0 || len(s.repairs) > 0 {
				t.Errorf("%v, %d repairs", s.violations, len(s.repairs))
			}
		})
	}
}
