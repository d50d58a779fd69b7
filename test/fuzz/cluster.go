package fuzz

import (
	"fmt"
	"slices"
	"strings"
)

var (
	namespaces = at("", "v1", "namespaces")
	volumes    = at("", "v1", "persistentvolumes")
)

// namespace returns a random write of a namespace.
func (g *Generator) namespace() Request {
	switch g.IntN(6) {
	case 0, 1, 2:
		name := g.name("made-")
		g.made = append(g.made, name)
		run := pick(g, g.Sandboxes).Run
		o := map[string]any{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{
				"name": name, "finalizers": []any{"kymaros.io/sandbox-cleanup"},
				"annotations": map[string]any{"kymaros.io/source-namespace": pick(g, g.Sandboxes).Source, "kymaros.io/restoretest": g.Team + "/" + g.Test},
				"labels": map[string]any{
					"kymaros.io/managed-by": "kymaros", "kymaros.io/run": run, "kymaros.io/group": run, "kymaros.io/test": g.Test,
					"velero.io/exclude-from-backup": "true", "pod-security.kubernetes.io/enforce": "baseline",
				},
			},
		}
		return creates(namespaces, o, g.alter(o, newNamespaceChanges))
	case 3:
		// Only what the fuzz has made is deleted: without its sandboxes, requests would be about nothing.
		name := pick(g, slices.Concat(g.Outside, g.Absent, g.made, g.made))
		return Request{Verb: "delete", Resource: namespaces, Name: name}
	}
	name, patch := g.anywhere(), map[string]any{}
	r := Request{Verb: "patch", Resource: namespaces, Name: name, Body: patch, What: g.alter(patch, namespaceChanges)}
	if g.oneIn(8) {
		r.Sub = oneOf(g, "status", "finalize")
	}
	return r
}

var newNamespaceChanges = slices.Concat(metadata, []change{
	func(g *Generator, o map[string]any) string {
		name := oneOf(g, g.name("kube-"), g.name("openshift-"), g.anywhere(), pick(g, g.Absent))
		set(o, name, "metadata", "name")
		return "called " + name
	},
	func(g *Generator, o map[string]any) string {
		label := oneOf(g, "kymaros.io/managed-by", "kymaros.io/run", "velero.io/exclude-from-backup", "pod-security.kubernetes.io/enforce")
		unset(o, "metadata", "labels", label)
		return "without " + label
	},
	sets([]any{"privileged", "baseline", "restricted"}, "metadata", "labels", "pod-security.kubernetes.io/enforce"),
	sets([]any{"v1.20", "latest"}, "metadata", "labels", "pod-security.kubernetes.io/enforce-version"),
	sets([]any{"", "other", "20260101-000000-aaaaaa"}, "metadata", "labels", "kymaros.io/run"),
	sets([]any{"velero", "kube-system"}, "metadata", "labels", "kubernetes.io/metadata.name"),
	sets([]any{"enabled"}, "metadata", "labels", "istio-injection"),
	sets([]any{[]any{}, []any{"kymaros.io/sandbox-cleanup", "example.com/other"}}, "metadata", "finalizers"),
	sets([]any{[]any{"kubernetes"}, []any{}}, "spec", "finalizers"),
	func(g *Generator, o map[string]any) string {
		source := g.anywhere()
		set(o, source, "metadata", "annotations", "kymaros.io/source-namespace")
		return "for " + source
	},
})

var namespaceChanges = slices.Concat(metadata, []change{
	sets([]any{nil, []any{}, []any{"kymaros.io/sandbox-cleanup"}, []any{"example.com/other"}}, "metadata", "finalizers"),
	sets([]any{nil, []any{}}, "metadata", "finalizers"),
	sets([]any{nil}, "metadata", "labels"),
	sets([]any{nil, "privileged", "baseline"}, "metadata", "labels", "pod-security.kubernetes.io/enforce"),
	sets([]any{nil, "other"}, "metadata", "labels", "kymaros.io/run"),
	sets([]any{nil, "kube-system"}, "metadata", "labels", "kymaros.io/group"),
	sets([]any{nil, "kube-system"}, "metadata", "annotations", "kymaros.io/source-namespace"),
	sets([]any{nil, "false"}, "metadata", "labels", "velero.io/exclude-from-backup"),
})

// volume returns a random write of a PersistentVolume.
func (g *Generator) volume() Request {
	name := pick(g, g.Volumes)
	if g.oneIn(20) {
		return Request{Verb: "delete", Resource: volumes, Name: name}
	}
	patch := map[string]any{"spec": map[string]any{"persistentVolumeReclaimPolicy": oneOf(g, "Retain", "Delete")}}
	r := Request{Verb: "patch", Resource: volumes, Name: name, Body: patch, What: []string{"reclaim policy"}}
	if !g.oneIn(3) {
		r.What = append(r.What, g.alter(patch, volumeChanges)...)
	}
	if g.oneIn(15) {
		r.Sub = "status"
	}
	return r
}

var volumeChanges = slices.Concat(metadata, []change{
	sets([]any{"Recycle", "delete", "Retain", nil}, "spec", "persistentVolumeReclaimPolicy"),
	sets([]any{nil, []any{}, []any{"kymaros.io/sandbox-cleanup"}}, "metadata", "finalizers"),
	sets([]any{nil}, "metadata", "annotations"),
	sets([]any{"2Gi", "1Mi"}, "spec", "capacity", "storage"),
	sets([]any{[]any{"ReadWriteMany"}, []any{"ReadOnlyMany"}}, "spec", "accessModes"),
	sets([]any{[]any{"ro"}}, "spec", "mountOptions"),
	sets([]any{"other", "", nil}, "spec", "storageClassName"),
	sets([]any{"/etc"}, "spec", "hostPath", "path"),
	sets([]any{"Block"}, "spec", "volumeMode"),
	sets([]any{nil}, "spec", "claimRef"),
	sets([]any{nil, "11111111-1111-1111-1111-111111111111"}, "spec", "claimRef", "uid"),
	sets([]any{"Available", "Failed", "Released"}, "status", "phase"),
	func(g *Generator, o map[string]any) string {
		ns := g.anywhere()
		set(o, ns, "spec", "claimRef", "namespace")
		return "claim in " + ns
	},
})

// delete returns a request to delete something that is not the controller's, or is.
func (g *Generator) delete() Request {
	if len(g.Snapshots) > 0 && g.oneIn(2) {
		return Request{Verb: "delete", Resource: at("snapshot.storage.k8s.io", "v1", "volumesnapshotcontents"), Name: pick(g, g.Snapshots)}
	}
	of := pick(g, []schemaResource{
		at("velero.io", "v1", "restores"), at("velero.io", "v1", "downloadrequests"), at("restore.kymaros.io", "v1alpha1", "restorereports"),
		at("", "v1", "configmaps"), at("", "v1", "secrets"), at("networking.k8s.io", "v1", "networkpolicies"), at("", "v1", "resourcequotas"), at("", "v1", "pods"),
	})
	r := Request{Verb: "delete", Resource: of, Namespace: g.anywhere(), Name: g.Placed}
	if strings.HasSuffix(of.Group, "velero.io") {
		r.Namespace = g.Velero
		r.Name = oneOf(g, g.Placed, "kymaros-"+g.Placed, fmt.Sprintf("kymaros-%s-%d", g.Tag, 1+g.IntN(g.n+1)), "kymaros-inventory")
	}
	return r
}

// connect returns a request to run something in a pod, or to reach a port of it.
func (g *Generator) connect() Request {
	return Request{Verb: "connect", Resource: at("", "v1", "pods"), Sub: oneOf(g, "exec", "exec", "portforward", "portforward", "attach", "proxy"), Namespace: g.inside(), Name: g.Placed}
}
