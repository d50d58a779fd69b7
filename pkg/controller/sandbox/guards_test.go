package sandbox

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
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
			ns := guards.Namespace(rt, box)
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
			for key, want := range guards.Namespace(rt, box).Labels {
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
			ns := guards.Namespace(rt, box)
			change(ns)
			kube := fake.NewClientset(ns)
			var s seen
			if (&Controller{kube: kube}).watchLabels(rt, ns, &s); len(s.violations) > 0 || len(s.repairs) > 0 {
				t.Errorf("%v, %d repairs", s.violations, len(s.repairs))
			}
		})
	}
}

// Cleanup finds sandboxes by our label: one that lost it before it was ready would stay for ever.
func TestASandboxThatLosesOurLabelWhileItIsMadeGetsItBack(t *testing.T) {
	rt := test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: box.Source, SandboxName: box.Name}}
	})
	for name, c := range map[string]struct {
		change  func(*corev1.Namespace)
		verdict bool
	}{
		"it is of this run":          {func(*corev1.Namespace) {}, false},
		"it is of another run":       {func(ns *corev1.Namespace) { ns.Labels[v1alpha1.LabelRun] = "other" }, true},
		"nobody of us has marked it": {func(ns *corev1.Namespace) { ns.Finalizers = nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			ns := guards.Namespace(rt, box)
			delete(ns.Labels, v1alpha1.LabelManagedBy)
			c.change(ns)
			kube := fake.NewClientset(ns)
			labelled := informers.NewSharedInformerFactory(kube, 0)
			controller := Controller{
				kube:       kube,
				namespaces: labelled.Core().V1().Namespaces().Lister(),
				policies:   labelled.Networking().V1().NetworkPolicies().Lister(),
				quotas:     labelled.Core().V1().ResourceQuotas().Lister(),
			}
			s, err := controller.ensure(t.Context(), rt, false)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.putBack(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, err := kube.CoreV1().Namespaces().Get(t.Context(), box.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if put := now.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy; put == c.verdict || (s.verdict != nil) != c.verdict {
				t.Errorf("put back %v, verdict %v", put, s.verdict)
			}
			if !c.verdict && len(s.violations) != 1 {
				t.Errorf("violations %q, want one", s.violations)
			}
		})
	}
}
