package guards

import (
	"cmp"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Namespace returns that of a sandbox.
func Namespace(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *corev1.Namespace {
	level := rt.Status.Run.Spec.Sandbox.PodSecurity
	if level == "" {
		level = v1alpha1.PodSecurityBaseline
	}
	ns := &corev1.Namespace{ObjectMeta: Meta(rt, sandbox, sandbox.Name)}
	ns.Namespace = ""
	ns.Finalizers = []string{v1alpha1.Finalizer}
	ns.Annotations[v1alpha1.AnnotationSource] = sandbox.Source
	if registries := imageRegistries(rt.Status.Run.Spec.Restore); registries != "" {
		ns.Annotations[v1alpha1.AnnotationImageRegistries] = registries
	}
	ns.Labels[velerov1.ExcludeFromBackupLabel] = "true"
	ns.Labels["pod-security.kubernetes.io/enforce"] = string(level)
	ns.Labels["pod-security.kubernetes.io/enforce-version"] = "latest"
	return ns
}

// imageRegistries is what the policy of manifests/mappings reads: the first that fits an image counts there.
func imageRegistries(scope *v1alpha1.RestoreScope) string {
	if scope == nil || scope.Mappings == nil {
		return ""
	}
	all := slices.SortedFunc(slices.Values(scope.Mappings.ImageRegistries), func(a, b v1alpha1.ImageRegistryMapping) int {
		return cmp.Or(cmp.Compare(len(b.From), len(a.From)), cmp.Compare(a.From, b.From))
	})
	var pairs []string
	for _, m := range all {
		pairs = append(pairs, string(m.From)+"="+string(m.To))
	}
	return strings.Join(pairs, ",")
}
