package restore

import (
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/scope"
)

// scoped is what is restored and how it is changed on the way.
type scoped struct {
	// resources are the kinds that are named.
	resources []string
	// modifiers is the ConfigMap with the rules.
	modifiers string
	// contents: with contents of CSI snapshots, for a Velero that takes them for what belongs to the whole cluster. All else that
	// does stays out even so: the namespaces are named, and of the resources.
	contents bool
}

// build returns the Velero Restore of rt's run into its sandboxes, of which there is at least one. Every source namespace is
// named and mapped: one that is not would be restored into production.
func build(rt *v1alpha1.RestoreTest, status v1alpha1.RestoreStatus, what scoped, veleroNamespace string, now time.Time) *velerov1.Restore {
	run, sandboxes := rt.Status.Run, rt.Status.Sandbox.Namespaces
	mapping := map[string]string{}
	var sources []string
	for _, ns := range sandboxes {
		sources = append(sources, ns.Source)
		mapping[ns.Source] = ns.Name
	}
	left := max(run.Deadline.Sub(now), time.Minute).Round(time.Second)
	annotations := names.Annotations(rt)
	// Velero does nothing else while it waits for the data of a volume, four hours if nobody says otherwise.
	annotations[velerov1.PodVolumeOperationTimeoutAnnotation] = left.String()
	annotations[v1alpha1.AnnotationBackupPhase] = status.BackupPhase
	annotations[v1alpha1.AnnotationBackupChoice] = asText(status.BackupChoice)
	annotations[v1alpha1.AnnotationVelero] = asText(status.Velero)
	annotations[v1alpha1.AnnotationLocation] = asText(status.Location)
	annotations[v1alpha1.AnnotationSegregation] = asText(status.Segregation)
	if status.BackupTime != nil {
		annotations[v1alpha1.AnnotationBackupTime] = status.BackupTime.UTC().Format(time.RFC3339)
	}
	cluster := new(false)
	if what.contents {
		cluster = nil
	}
	return &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   veleroNamespace,
			Name:        names.Restore(rt.Name, run.ID),
			Labels:      names.Labels(rt, sandboxes[0].Name),
			Annotations: annotations,
		},
		Spec: velerov1.RestoreSpec{
			BackupName:              status.BackupName,
			IncludedNamespaces:      sources,
			NamespaceMapping:        mapping,
			IncludedResources:       what.resources,
			IncludeClusterResources: cluster,
			ExistingResourcePolicy:  velerov1.PolicyTypeNone,
			LabelSelector:           selector(run.Spec.BackupSource.LabelSelector),
			ItemOperationTimeout:    metav1.Duration{Duration: left},
			ResourceModifier:        &corev1.TypedLocalObjectReference{Kind: "ConfigMap", Name: what.modifiers},
		},
	}
}

// selector takes what the test selects and what has its controller with it.
func selector(labels map[string]string) *metav1.LabelSelector {
	s := &metav1.LabelSelector{MatchLabels: labels}
	for _, key := range scope.Unowned {
		s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist})
	}
	return s
}
