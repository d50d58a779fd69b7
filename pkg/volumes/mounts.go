package volumes

import (
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// restoreHooks is how the annotations of a pod begin that have Velero do something when it restores the pod.
var restoreHooks = []string{"post.hook.restore.velero.io/", "init.hook.restore.velero.io/"}

// Mount is a claim that a pod names, in a sandbox or in production.
type Mount struct {
	Namespace, Pod string
	// Volume is the name of the volume in the pod.
	Volume, Claim string
	// Owner is the controller of the pod, "Job/import"; empty for a bare pod.
	Owner string
	// Idle tells that no container mounts the volume.
	Idle bool
	// Ephemeral tells that the claim comes and goes with the pod.
	Ephemeral bool
	// Excluded says what of the pod keeps the volume out of file-system backups, Chosen tells that an annotation takes it in.
	Excluded string
	Chosen   bool
	// Hook tells that the pod has a restore hook.
	Hook bool
}

// MountsOf returns the claims that pod names.
func MountsOf(pod *corev1.Pod) []Mount {
	var all []Mount
	for _, v := range pod.Spec.Volumes {
		m := Mount{
			Namespace: pod.Namespace, Pod: pod.Name, Volume: v.Name, Idle: idle(&pod.Spec, v.Name),
			Chosen: named(pod, velerov1.VolumesToBackupAnnotation, v.Name),
			Hook:   hooked(pod.Annotations),
		}
		switch {
		case v.PersistentVolumeClaim != nil:
			m.Claim = v.PersistentVolumeClaim.ClaimName
		case v.Ephemeral != nil:
			m.Claim, m.Ephemeral = pod.Name+"-"+v.Name, true
		default:
			continue
		}
		if owner := metav1.GetControllerOf(pod); owner != nil {
			m.Owner = owner.Kind + "/" + owner.Name
		}
		switch {
		case named(pod, velerov1.VolumesToExcludeAnnotation, v.Name):
			m.Excluded = "annotation " + velerov1.VolumesToExcludeAnnotation
		case pod.Labels[velerov1.ExcludeFromBackupLabel] == "true":
			m.Excluded = "label " + velerov1.ExcludeFromBackupLabel
		}
		all = append(all, m)
	}
	return all
}

func named(pod *corev1.Pod, annotation, volume string) bool {
	return slices.Contains(strings.Split(pod.Annotations[annotation], ","), volume)
}

func hooked(annotations map[string]string) bool {
	for key := range annotations {
		if slices.ContainsFunc(restoreHooks, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			return true
		}
	}
	return false
}

// idle tells whether no container of a pod mounts a volume, and Velero therefore does not read it.
func idle(pod *corev1.PodSpec, volume string) bool {
	return !slices.ContainsFunc(slices.Concat(pod.InitContainers, pod.Containers), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume }) ||
			slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == volume })
	})
}

// Workload is something that makes pods, and the claims that they use.
type Workload struct {
	Source, Name string // "StatefulSet/db"
	Claims       []string
	// Templates are how the names of the claims begin that a StatefulSet makes; a number ends them.
	Templates []string
}

// WorkloadOf returns the claims that pods of a template name. Templates are of a StatefulSet of that name.
func WorkloadOf(source, kind, name string, pod *corev1.PodSpec, templates ...corev1.PersistentVolumeClaim) Workload {
	w := Workload{Source: source, Name: kind + "/" + name}
	for _, v := range pod.Volumes {
		if v.PersistentVolumeClaim != nil {
			w.Claims = append(w.Claims, v.PersistentVolumeClaim.ClaimName)
		}
	}
	for _, t := range templates {
		w.Templates = append(w.Templates, t.Name+"-"+name+"-")
	}
	return w
}

func (w Workload) names(c Claim) bool {
	return w.Source == c.Source && (slices.Contains(w.Claims, c.Name) || slices.ContainsFunc(w.Templates, func(prefix string) bool {
		number, ok := strings.CutPrefix(c.Name, prefix)
		return ok && number != "" && strings.Trim(number, "0123456789") == ""
	}))
}
