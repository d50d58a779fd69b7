package mappings

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestEachMappingIsToldWithWhatItDid(t *testing.T) {
	m := newMapped(&v1alpha1.RestoreScope{Mappings: &v1alpha1.Mappings{
		StorageClasses:  []v1alpha1.StorageClassMapping{{From: "gp3", To: "local"}, {From: "io2", To: "local"}},
		ImageRegistries: []v1alpha1.ImageRegistryMapping{{From: "docker.io/library", To: "mirror.example/base"}, {From: "docker.io", To: "mirror.example"}},
		NodeSelectors: []v1alpha1.NodeSelectorMapping{
			{From: v1alpha1.NodeLabel{Key: "zone", Value: "a"}, To: &v1alpha1.NodeLabel{Key: "zone", Value: "b"}}, {From: v1alpha1.NodeLabel{Key: "gpu", Value: "yes"}},
		},
	}})
	claim := func(class, from string) *corev1.PersistentVolumeClaim {
		pvc := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class}}
		if from != "" {
			pvc.Annotations = map[string]string{v1alpha1.AnnotationMappedClass: from}
		}
		return pvc
	}
	for _, pvc := range []*corev1.PersistentVolumeClaim{claim("local", "gp3"), claim("local", "gp3"), claim("local", ""), claim("io2", ""), {}} {
		m.claim(pvc)
	}
	pod := func(annotations, selector map[string]string, images ...string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}, Spec: corev1.PodSpec{NodeSelector: selector,
			InitContainers: []corev1.Container{{Name: "restore-wait", Image: "velero/velero:v1.18.3"}}}}
		for _, image := range images {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Image: image})
		}
		return p
	}
	m.pod(pod(map[string]string{v1alpha1.AnnotationMappedSelector + "0": "zone=a", v1alpha1.AnnotationMappedImages: "docker.io/library,docker.io"},
		map[string]string{"zone": "b"}, "mirror.example/base/nginx:1", "mirror.example/a/b"), true)
	m.pod(pod(nil, map[string]string{"gpu": "yes"}, "quay.io/a/b"), true)
	m.pod(pod(nil, map[string]string{"gpu": "yes"}, "nginx"), false)
	count := func(n int32) *int32 { return &n }
	want := []v1alpha1.MappingResult{
		{Kind: v1alpha1.MappingStorageClass, From: "gp3", To: "local", Objects: count(2)},
		{Kind: v1alpha1.MappingStorageClass, From: "io2", To: "local", Objects: count(0),
			Note: "1 claims stayed as they were: somebody changed the rules while the run went on, or Velero could not apply them; see its log"},
		{Kind: v1alpha1.MappingImageRegistry, From: "docker.io/library", To: "mirror.example/base", Objects: count(1),
			Note: "1 pods stayed as they were: apply manifests/mappings/images.yaml, which needs Kubernetes 1.36"},
		{Kind: v1alpha1.MappingImageRegistry, From: "docker.io", To: "mirror.example", Objects: count(1)},
		{Kind: v1alpha1.MappingNodeSelector, From: "zone=a", To: "zone=b", Objects: count(1)},
		{Kind: v1alpha1.MappingNodeSelector, From: "gpu=yes", Objects: count(0),
			Note: "1 pods stayed as they were: somebody changed the rules while the run went on, or Velero could not apply them; see its log"},
	}
	if diff := cmp.Diff(want, m.results(true)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, r := range m.results(false) {
		if r.Objects != nil || r.Note != "" {
			t.Errorf("nobody looked, and it says %+v", r)
		}
	}
	if none := newMapped(nil); none.results(true) != nil {
		t.Error("a test that maps nothing has results")
	}
}

func TestTheRegistryOfAnImage(t *testing.T) {
	for image, want := range map[string]string{
		"nginx": "docker.io/library/nginx", "nginx:1.27": "docker.io/library/nginx:1.27", "bitnami/redis": "docker.io/bitnami/redis",
		"quay.io/a/b": "quay.io/a/b", "registry:5000/a": "registry:5000/a", "localhost/a": "localhost/a",
	} {
		if got := withRegistry(image); got != want {
			t.Errorf("%s: got %s, want %s", image, got, want)
		}
	}
}

func TestAPodThatAControllerMadeIsNotHeldToItsNode(t *testing.T) {
	scope := &v1alpha1.RestoreScope{Mappings: &v1alpha1.Mappings{NodeSelectors: []v1alpha1.NodeSelectorMapping{{From: v1alpha1.NodeLabel{Key: "gpu", Value: "yes"}}}}}
	for restore, want := range map[string]bool{"restore": true, "other": false, "": false} {
		o := NewObserver("restore", scope)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{velerov1.RestoreNameLabel: restore}}, Spec: corev1.PodSpec{NodeSelector: map[string]string{"gpu": "yes"}}}
		o.Sandbox("shop", schema.GroupKind{Kind: "Pod"}, pod)
		o.Source("shop", schema.GroupKind{Kind: "Pod"}, pod) // production is as it was
		if got := o.Result()[0]; (got.Note == "1 pods stayed as they were: somebody changed the rules while the run went on, or Velero could not apply them; see its log") != want {
			t.Errorf("of restore %q: %+v", restore, got)
		}
	}
	if got := Uncounted(scope)[0]; got.Objects != nil || got.From != "gpu=yes" {
		t.Errorf("uncounted: %+v", got)
	}
}
