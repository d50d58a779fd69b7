// Package mappings tells what the mappings of a test did to what came back: storage classes, image registries and node selectors. It
// is pure: no client, no clock.
package mappings

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/velero"
)

// mapped counts what the mappings of a test did to the objects of its sandboxes, and what they should have done and did not. Each
// that was changed is marked with what it was changed from.
type mapped struct {
	want           *v1alpha1.Mappings
	changed, still map[mapping]int32
}

type mapping struct {
	kind v1alpha1.MappingKind
	from string
}

func newMapped(scope *v1alpha1.RestoreScope) mapped {
	m := mapped{want: &v1alpha1.Mappings{}, changed: map[mapping]int32{}, still: map[mapping]int32{}}
	if scope != nil && scope.Mappings != nil {
		m.want = scope.Mappings
	}
	return m
}

// claim takes note of a claim that came back.
func (m *mapped) claim(pvc *corev1.PersistentVolumeClaim) {
	for _, c := range m.want.StorageClasses {
		m.count(mapping{v1alpha1.MappingStorageClass, string(c.From)}, pvc.Annotations[v1alpha1.AnnotationMappedClass] == string(c.From),
			pvc.Spec.StorageClassName != nil && *pvc.Spec.StorageClassName == string(c.From))
	}
}

// pod takes note of a pod of a sandbox. restored: it came back, and was not made by a controller.
func (m *mapped) pod(pod *corev1.Pod, restored bool) {
	for i, n := range m.want.NodeSelectors {
		value, asks := pod.Spec.NodeSelector[n.From.Key]
		m.count(mapping{v1alpha1.MappingNodeSelector, n.From.String()}, pod.Annotations[fmt.Sprintf("%s%d", v1alpha1.AnnotationMappedSelector, i)] == n.From.String(),
			restored && asks && value == n.From.Value)
	}
	if len(m.want.ImageRegistries) == 0 {
		return
	}
	from := sets.New(strings.Split(pod.Annotations[v1alpha1.AnnotationMappedImages], ",")...)
	images := imagesOf(&pod.Spec)
	for _, r := range m.want.ImageRegistries {
		stays := false
		for _, image := range images {
			stays = stays || m.registry(image) == r.From
		}
		m.count(mapping{v1alpha1.MappingImageRegistry, string(r.From)}, from.Has(string(r.From)), len(pod.Annotations[v1alpha1.AnnotationMappedImages]) == 0 && stays)
	}
}

func (m *mapped) count(key mapping, changed, still bool) {
	switch {
	case changed:
		m.changed[key]++
	case still:
		m.still[key]++
	}
}

// registry returns the mapping of registries that fits an image: the longest. "" if none does.
func (m *mapped) registry(image string) (from v1alpha1.ImagePrefix) {
	for _, r := range m.want.ImageRegistries {
		if len(r.From) > len(from) && strings.HasPrefix(image, string(r.From)+"/") {
			from = r.From
		}
	}
	return from
}

// imagesOf returns the images of a pod with their registries, but those of Velero's own container and ours.
func imagesOf(spec *corev1.PodSpec) []string {
	var all []string
	for _, c := range spec.InitContainers {
		if !velero.Waits(c.Name) && c.Name != names.GateContainer {
			all = append(all, withRegistry(c.Image))
		}
	}
	for _, c := range spec.Containers {
		all = append(all, withRegistry(c.Image))
	}
	return all
}

// withRegistry is how the node reads an image, and the policy of manifests/mappings.
func withRegistry(image string) string {
	first, _, path := strings.Cut(image, "/")
	switch {
	case !path:
		return "docker.io/library/" + image
	case strings.ContainsAny(first, ".:") || first == "localhost":
		return image
	}
	return "docker.io/" + image
}

// results tells of each mapping, in the order of the test. looked: the objects of the sandboxes could be read.
func (m *mapped) results(looked bool) []v1alpha1.MappingResult {
	var all []v1alpha1.MappingResult
	add := func(kind v1alpha1.MappingKind, from, to, objects, remedy string) {
		r := v1alpha1.MappingResult{Kind: kind, From: from, To: to}
		if looked {
			key := mapping{kind, from}
			r.Objects = new(m.changed[key])
			if left := m.still[key]; left > 0 {
				r.Note = fmt.Sprintf("%d %s stayed as they were: %s", left, objects, remedy)
			}
		}
		all = append(all, r)
	}
	for _, c := range m.want.StorageClasses {
		add(v1alpha1.MappingStorageClass, string(c.From), string(c.To), "claims", "somebody changed the rules while the run went on, or Velero could not apply them; see its log")
	}
	for _, r := range m.want.ImageRegistries {
		add(v1alpha1.MappingImageRegistry, string(r.From), string(r.To), "pods", "apply manifests/mappings/images.yaml, which needs Kubernetes 1.36")
	}
	for _, n := range m.want.NodeSelectors {
		to := ""
		if n.To != nil {
			to = n.To.String()
		}
		add(v1alpha1.MappingNodeSelector, n.From.String(), to, "pods", "somebody changed the rules while the run went on, or Velero could not apply them; see its log")
	}
	return all
}
