package look

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// Place is where objects of a run are.
type Place int

// Places.
const (
	// Source is a source namespace: production.
	Source Place = iota
	// Sandbox is what was restored of it.
	Sandbox
)

// Kinds of the table.
var (
	Pod                   = schema.GroupKind{Kind: "Pod"}
	Deployment            = schema.GroupKind{Group: "apps", Kind: "Deployment"}
	StatefulSet           = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	ReplicaSet            = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	ControllerRevision    = schema.GroupKind{Group: "apps", Kind: "ControllerRevision"}
	Service               = schema.GroupKind{Kind: "Service"}
	ConfigMap             = schema.GroupKind{Kind: "ConfigMap"}
	Secret                = schema.GroupKind{Kind: "Secret"}
	ServiceAccount        = schema.GroupKind{Kind: "ServiceAccount"}
	PersistentVolumeClaim = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	CronJob               = schema.GroupKind{Group: "batch", Kind: "CronJob"}
)

// row is a kind that is listed in a place of every namespace of a run.
type row struct {
	place Place
	kind  schema.GroupKind
	// resource is the kind as the API serves it, in version v1.
	resource string
	// whole asks for the whole object; without it only metadata is asked for.
	whole func(kube kubernetes.Interface, namespace string) list
	// large kinds are read in short pages: one object may be as large as the API server stores any.
	large bool
	// cached are kinds that are read from the API server's cache: nobody has a use for the very last one, and production's etcd
	// no use for the request.
	cached bool
	// in is how the place is named if the list fails.
	in string
	// topics cannot be told if it fails.
	topics []Topic
}

// How places are named.
const inSandbox, inNamespace = "in sandbox", "in namespace"

// table is all that is listed in the namespaces of a run. Of each kind and place there is one row, whoever needs it. In production
// nobody lists Secrets, and of ConfigMaps only metadata; in sandboxes both are read with their values, for the names of Services in them.
// The order is that in which failures are told: of two that concern a topic the first is named.
var table = []row{
	{place: Sandbox, kind: Pod, resource: "pods", whole: pods, in: inSandbox, topics: []Topic{Volumes, Dependencies, SideEffects}},
	{place: Sandbox, kind: Deployment, resource: "deployments", whole: deployments, in: inSandbox, topics: []Topic{Completeness, Dependencies, SideEffects}},
	{place: Sandbox, kind: StatefulSet, resource: "statefulsets", whole: statefulSets, in: inSandbox, topics: []Topic{Completeness, Dependencies, SideEffects}},
	{place: Sandbox, kind: Service, resource: "services", whole: services, in: inSandbox, topics: []Topic{Completeness, Dependencies, SideEffects}},
	{place: Sandbox, kind: ConfigMap, resource: "configmaps", whole: configMaps, large: true, in: inSandbox, topics: []Topic{Completeness, Dependencies, SideEffects}},
	{place: Sandbox, kind: PersistentVolumeClaim, resource: "persistentvolumeclaims", whole: claims, in: inSandbox, topics: []Topic{Completeness, Volumes, SideEffects}},
	{place: Sandbox, kind: CronJob, resource: "cronjobs", whole: cronJobs, in: inNamespace, topics: []Topic{SideEffects}},
	{place: Sandbox, kind: ServiceAccount, resource: "serviceaccounts", in: inNamespace, topics: []Topic{SideEffects}},
	{place: Sandbox, kind: ReplicaSet, resource: "replicasets", in: inNamespace, topics: []Topic{SideEffects}},
	{place: Sandbox, kind: ControllerRevision, resource: "controllerrevisions", in: inNamespace, topics: []Topic{SideEffects}},
	{place: Sandbox, kind: Secret, resource: "secrets", whole: secrets, large: true, in: inSandbox, topics: []Topic{Completeness, Dependencies}},

	{place: Source, kind: Deployment, resource: "deployments", in: inNamespace, topics: []Topic{Completeness}},
	{place: Source, kind: StatefulSet, resource: "statefulsets", in: inNamespace, topics: []Topic{Completeness}},
	// Of these two the metadata does not tell whether they would act.
	{place: Source, kind: Service, resource: "services", whole: services, in: inNamespace, topics: []Topic{Completeness}},
	{place: Source, kind: ConfigMap, resource: "configmaps", in: inNamespace, topics: []Topic{Completeness}},
	{place: Source, kind: PersistentVolumeClaim, resource: "persistentvolumeclaims", whole: claims, in: inNamespace, topics: []Topic{Completeness}},
	{place: Source, kind: CronJob, resource: "cronjobs", whole: cronJobs, in: inNamespace},
	{place: Source, kind: ServiceAccount, resource: "serviceaccounts", in: inNamespace},
	{place: Source, kind: Pod, resource: "pods", whole: pods, cached: true, in: inNamespace},
}

func pods(kube kubernetes.Interface, ns string) list { return as(kube.CoreV1().Pods(ns).List) }
func deployments(kube kubernetes.Interface, ns string) list {
	return as(kube.AppsV1().Deployments(ns).List)
}
func statefulSets(kube kubernetes.Interface, ns string) list {
	return as(kube.AppsV1().StatefulSets(ns).List)
}
func services(kube kubernetes.Interface, ns string) list { return as(kube.CoreV1().Services(ns).List) }
func configMaps(kube kubernetes.Interface, ns string) list {
	return as(kube.CoreV1().ConfigMaps(ns).List)
}
func secrets(kube kubernetes.Interface, ns string) list { return as(kube.CoreV1().Secrets(ns).List) }
func claims(kube kubernetes.Interface, ns string) list {
	return as(kube.CoreV1().PersistentVolumeClaims(ns).List)
}
func cronJobs(kube kubernetes.Interface, ns string) list { return as(kube.BatchV1().CronJobs(ns).List) }

// Table returns the lists of all rows in all namespaces of the run.
func (l *Look) Table() (all []Request) {
	for _, ns := range l.run.Namespaces {
		source, sandbox := newNamespace(ns.Source), newNamespace(ns.Name)
		for _, r := range table {
			if r.place == Sandbox {
				all = append(all, l.sandbox(ns.Source, sandbox, r))
			}
		}
		all = append(all, l.exists(source))
		for _, r := range table {
			if r.place == Source {
				all = append(all, l.source(source, r))
			}
		}
	}
	return all
}

// sandbox lists a row in the sandbox for source.
func (l *Look) sandbox(source string, in *namespace, r row) Request {
	return Request{what: fmt.Sprintf("%s %s %s", r.resource, r.in, in.name), topics: r.topics, decided: r.kind == Secret, do: func(ctx context.Context) error {
		if r.kind == Secret { // their values are looked into: not of a namespace that somebody has put into the status
			if err := l.ours(ctx, in); err != nil {
				return err
			}
		}
		return l.list(ctx, source, in.name, r, func(to Observer, o metav1.Object) { to.Sandbox(source, r.kind, o) })
	}}
}

// source lists a row in a source namespace.
func (l *Look) source(in *namespace, r row) Request {
	return Request{what: fmt.Sprintf("%s %s %s", r.resource, r.in, in.name), topics: r.topics, do: func(ctx context.Context) error {
		if _, err := in.get(ctx, l.k.Kube); apierrors.IsNotFound(err) {
			l.note(func() { l.read[listed{r.place, r.kind, in.name}] = true })
			return nil // nothing is in it
		}
		return l.list(ctx, in.name, in.name, r, func(to Observer, o metav1.Object) { to.Source(in.name, r.kind, o) })
	}}
}

// list hands all objects of a row in a namespace to the observers.
func (l *Look) list(ctx context.Context, source, namespace string, r row, hand func(Observer, metav1.Object)) error {
	var pages list
	if r.whole != nil {
		pages = r.whole(l.k.Kube, namespace)
	} else {
		resource := schema.GroupVersionResource{Group: r.kind.Group, Version: "v1", Resource: r.resource}
		pages = as(l.k.Metadata.Resource(resource).Namespace(namespace).List)
	}
	if r.large {
		pages = pages.short()
	}
	if r.cached {
		pages = pages.at("0")
	}
	err := each(ctx, pages, func(o metav1.Object) { l.hand(func(to Observer) { hand(to, o) }) })
	if err == nil {
		l.note(func() { l.read[listed{r.place, r.kind, source}] = true })
	}
	return err
}
