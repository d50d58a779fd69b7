package integration

import (
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/test/audit"
)

// places stand for whose namespaces there are. In each there is a RestoreTest, a report, a pod, a policy, a quota and a ConfigMap
// for the rows below to act on; fencePlaces makes them.
var places = []struct{ name, namespace string }{
	{"production", "fence-production"}, {"Velero's namespace", "velero"}, {"kube-system", "kube-system"}, {"our own namespace", "kymaros-system"},
	{"the sandbox of another run", "fence-stranger"}, {"a sandbox", "fence-sandbox"},
}

func isSandbox(namespace string) bool {
	return namespace == "fence-sandbox" || namespace == "fence-stranger"
}

// placed is what is there in each place under one name.
const placed = "fence-placed"

// grantRows: every verb that each of our ServiceAccounts holds, tried in each place. Reads no admission can refuse: their rows show
// how far they go.
func grantRows() []row {
	grants, err := audit.GrantsIn(filepath.Join(root, "manifests"))
	if err != nil {
		panic(err)
	}
	optional, err := audit.GrantsIn(filepath.Join(root, "manifests/archive"))
	if err != nil {
		panic(err)
	}
	grants = append(grants, optional...)
	actors := map[string]actor{"kymaros-controller": theController, "kymaros-prober": theProber, "kymaros-dns": theDNS, "kymaros-canary-guide": theGuide, "kymaros-api": theAPI, "kymaros-notify": theNotify, "kymaros-archive": theArchive}
	var all []row
	seen := sets.New[string]()
	for _, g := range grants {
		who, ok := actors[g.Account]
		if !ok {
			panic("no actor for " + g.Account)
		}
		resource, sub := resourceOf(g.Resource)
		if reviews.Has(resource.Resource) {
			continue // questions, which admission never sees
		}
		for _, place := range places {
			names := strings.Split(g.Names, ",")
			if resource.Resource == "namespaces" || clusterScoped.Has(resource.Resource) {
				names = names[:1]
			}
			for _, name := range names {
				do, by, ok := granted(g.Verb, resource, sub, place.namespace, name)
				if ok && who == theProber && sub == "status" && resource == restoretests {
					do.body = "{status: {health: {runID: a}}}"
				}
				if ok && who == theProber && resource == namespaces && g.Verb == "patch" && place.namespace != "fence-stranger" { // which has no finalizers
					by = "kymaros-writes-prober"
				}
				if ok && who == theProber && resource == downloads && g.Verb == "create" {
					do.body = with(downloadRequest, "{metadata: {name: kymaros-inventory-prober}}")
				}
				if ok && who == theNotify && sub == "status" { // of which it may change less than the controller
					do.body = "{status: {notifications: {runID: a}}}"
				}
				label := fmt.Sprintf("%s: %s %s %s in %s", g.Account, g.Verb, g.Resource, name, place.name)
				if !ok || seen.Has(label) {
					continue
				}
				seen.Insert(label)
				all = append(all, row{label, who, do, by, !holds(g, place.namespace) && !elsewhere(grants, g, place.namespace)})
			}
		}
	}
	return all
}

// holds tells whether a grant holds in one of the places. The scene has bound what the controller binds in sandboxes, in one of them and for
// one of those whom it lets in.
func holds(g audit.Grant, namespace string) bool {
	return g.Namespace == "" || g.Namespace == namespace || g.Namespace == audit.Sandbox && namespace == "fence-sandbox" && g.Account == "kymaros-prober"
}

// elsewhere tells whether another grant of the same lets it happen in that namespace.
func elsewhere(grants []audit.Grant, g audit.Grant, namespace string) bool {
	for _, other := range grants {
		if other.Account == g.Account && other.Verb == g.Verb && other.Resource == g.Resource && holds(other, namespace) && other.Names == "" {
			return true
		}
	}
	return false
}

var (
	reviews       = sets.New("tokenreviews", "subjectaccessreviews")
	clusterScoped = sets.New("persistentvolumes", "storageclasses", "priorityclasses", "validatingadmissionpolicies", "validatingadmissionpolicybindings", "volumesnapshotcontents",
		"clusterrolebindings")
)

// versions of groups other than v1.
var versions = map[string]string{"restore.kymaros.io": "v1alpha1"}

// resourceOf reads a resource as package audit writes it: pods/exec, deployments.apps, restoretests.restore.kymaros.io/status.
func resourceOf(name string) (schema.GroupVersionResource, string) {
	name, sub, _ := strings.Cut(name, "/")
	resource, group, _ := strings.Cut(name, ".")
	version := "v1"
	if v := versions[group]; v != "" {
		version = v
	}
	if resource == "datadownloads" || resource == "datauploads" {
		version = "v2alpha1"
	}
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}, sub
}

// granted returns the attempt of a verb in a place and the policy that refuses it. ok is false for what other rows try in every
// place by themselves.
func granted(verb string, resource schema.GroupVersionResource, sub, namespace, name string) (do attempt, by string, ok bool) {
	if clusterScoped.Has(resource.Resource) {
		namespace = ""
	}
	switch verb {
	case "list", "watch":
		if resource.Resource == "namespaces" {
			namespace = ""
		}
		return attempt{verb: verb, resource: resource, namespace: namespace, name: name}, "", true
	case "get":
		if resource.Resource == "namespaces" {
			return attempt{verb: verb, resource: resource, name: namespace}, "", name == "" || name == namespace
		}
		if name == "" {
			name = placed
		}
		return attempt{verb: verb, resource: resource, namespace: namespace, name: name}, "", true
	}
	return writes(verb, resource, sub, namespace)
}

// writes are the writes of our ServiceAccounts. Names are those of fencePlaces.
func writes(verb string, resource schema.GroupVersionResource, sub, namespace string) (do attempt, by string, ok bool) {
	what := namespace + "/" + placed
	guard := "kymaros-writes-sandboxes"
	if isSandbox(namespace) {
		guard = ""
	}
	asks := "kymaros-writes-velero"
	if namespace == "velero" {
		asks = ""
	}
	switch strings.TrimSuffix(verb+" "+resource.Resource+"/"+sub, "/") {
	case "patch networkpolicies":
		return patches(resource, what, labels("a: b")), guard, true
	case "create networkpolicies":
		return creates(resource, namespace, policyBody("fence-new", "{}")), guard, true
	case "patch resourcequotas":
		return patches(resource, what, labels("a: b")), guard, true
	case "create resourcequotas":
		return creates(resource, namespace, "{apiVersion: v1, kind: ResourceQuota, metadata: {name: fence-new}, spec: {hard: {count/widgets.fence.example.com: '7'}}}"), guard, true
	case "create limitranges":
		return creates(resource, namespace, "{apiVersion: v1, kind: LimitRange, metadata: {name: fence-new}, spec: {limits: [{type: Container, default: {cpu: '1'}}]}}"), guard, true
	case "create pods/exec", "create pods/portforward":
		return connects(sub, what), guard, true
	case "deletecollection pods":
		return deletesAll(resource, namespace), guard, true
	case "patch namespaces":
		if isSandbox(namespace) {
			return patches(resource, namespace, "{metadata: {finalizers: null}}"), finalizersOf(namespace), true
		}
		return patches(resource, namespace, labels("fence: a")), "kymaros-writes-namespaces", true
	case "delete namespaces":
		if isSandbox(namespace) {
			return deletes(resource, namespace), "", true
		}
		return deletes(resource, namespace), "kymaros-writes-namespaces", namespace != "kube-system" // which the API server keeps itself
	case "patch restoretests":
		return patches(resource, what, "{metadata: {finalizers: [kymaros.io/sandbox-cleanup]}}"), "", true
	case "patch restoretests/status":
		return patches(resource, what, "{status: {phase: Idle}}").on("status"), "", true
	case "create restorereports":
		return creates(resource, namespace, "{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, metadata: {name: fence-new}, spec: {testRef: shop}}"), "", true
	case "patch restorereports":
		return patches(resource, what, "{hygiene: {status: clean, cleanedAt: 2026-01-01T00:00:00Z}}"), "", true
	case "update restorereports/status":
		return patches(resource, what, "{}").on("status").put(), "", true
	case "delete restorereports":
		return deletes(resource, what), "", true
	case "create events":
		return creates(resource, namespace, "{apiVersion: v1, kind: Event, metadata: {name: fence-new}, involvedObject: {apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, namespace: "+namespace+", name: shop}}"), "", true
	case "create restores":
		return creates(resource, namespace, goodRestore), asks, true
	case "create downloadrequests":
		return creates(resource, namespace, downloadRequest), asks, true
	}
	return attempt{}, "", false
}

// finalizersOf names the policy that refuses to take all finalizers off a sandbox: that of fence-sandbox has one of others.
func finalizersOf(namespace string) string {
	if namespace == "fence-sandbox" {
		return "kymaros-writes-namespaces"
	}
	return ""
}
