package report

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/sideeffects"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// listed is a kind of which metadata is listed.
type listed struct {
	schema.GroupKind
	resource string
}

var (
	serviceAccount     = listed{schema.GroupKind{Kind: "ServiceAccount"}, "serviceaccounts"}
	replicaSet         = listed{schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, "replicasets"}
	controllerRevision = listed{schema.GroupKind{Group: "apps", Kind: "ControllerRevision"}, "controllerrevisions"}

	podKind     = schema.GroupKind{Kind: "Pod"}
	secretKind  = schema.GroupKind{Kind: "Secret"}
	cronJobKind = schema.GroupKind{Group: "batch", Kind: "CronJob"}
)

// acting looks up what else of a source namespace would act in a sandbox, beside pods.
func (l *look) acting(source string) {
	note := func(kind schema.GroupKind, o metav1.Object) {
		l.note(func() { l.seen.ledger.Production(source, kind, o) })
	}
	l.others(source, note, []listed{serviceAccount})
}

// neutralised looks up what else came back in the sandbox for source.
func (l *look) neutralised(source, sandbox string) {
	note := func(kind schema.GroupKind, o metav1.Object) {
		if sideeffects.Back(o, l.restore) {
			l.note(func() {
				l.seen.ledger.Sandbox(source, kind, o)
				if kind != serviceAccount.GroupKind || o.GetName() != "default" { // Velero adds to the one that is there
					l.seen.back.Insert(source)
				}
				if c, ok := o.(*batchv1.CronJob); ok {
					l.seen.workloads = append(l.seen.workloads, volumes.WorkloadOf(source, "CronJob", c.Name, &c.Spec.JobTemplate.Spec.Template.Spec))
				}
			})
		}
	}
	l.others(sandbox, note, []listed{serviceAccount, replicaSet, controllerRevision}, topicSideEffects)
}

// others hands CronJobs, and the metadata of kinds, to note.
func (l *look) others(namespace string, note func(schema.GroupKind, metav1.Object), kinds []listed, topics ...topic) {
	l.add("cronjobs in namespace "+namespace, func(ctx context.Context) error {
		return each(ctx, l.c.kube.BatchV1().CronJobs(namespace).List, func(o *batchv1.CronJob) { note(cronJobKind, o) })
	}, topics...)
	for _, kind := range kinds {
		client := l.c.metadata.Resource(schema.GroupVersionResource{Group: kind.Group, Version: "v1", Resource: kind.resource}).Namespace(namespace)
		l.add(kind.resource+" in namespace "+namespace, func(ctx context.Context) error {
			return each(ctx, client.List, func(o *metav1.PartialObjectMetadata) { note(kind.GroupKind, o) })
		}, topics...)
	}
}
