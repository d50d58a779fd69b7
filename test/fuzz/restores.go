package fuzz

import (
	"fmt"
	"slices"
)

// Kinds are those that a Restore of ours may name: a list of its own, so that a change of the product's is noticed.
var Kinds = []string{
	"pods", "services", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims", "replicasets.apps", "controllerrevisions.apps",
	"deployments.apps", "statefulsets.apps", "cronjobs.batch", "volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io",
}

// never are kinds that a Restore may not name, and other names of some that it may: Velero understands them.
var never = []string{
	"*", "**", "", "pod", "po", "Pods", "pods.", "pods.v1", "pods.", "cm", "configmap", "svc", "sa", "pvc", "secret", "deployments", "deploy", "deployment.apps", "deployments.app",
	"deployments.extensions", "rs", "sts", "jobs.batch", "job", "cronjobs", "cj", "netpol", "networkpolicies.networking.k8s.io", "ingresses.networking.k8s.io", "ing",
	"roles.rbac.authorization.k8s.io", "rolebindings", "clusterrolebindings.rbac.authorization.k8s.io", "persistentvolumes", "pv", "namespaces", "ns", "endpoints",
	"resourcequotas", "limitranges", "customresourcedefinitions.apiextensions.k8s.io", "restores.velero.io", "backups.velero.io", "restoretests.restore.kymaros.io",
	"kustomizations.kustomize.toolkit.fluxcd.io", "applications.argoproj.io", "certificates.cert-manager.io", "pods,secrets", " pods", "daemonsets.apps", "events",
}

// extra are fields of the spec that no Restore of ours has.
var extra = []change{
	sets([]any{true, false}, "spec", "restorePVs"),
	sets([]any{true, false}, "spec", "preserveNodePorts"),
	sets([]any{"daily", ""}, "spec", "scheduleName"),
	sets([]any{map[string]any{"includedResources": []any{"*"}}, map[string]any{}}, "spec", "restoreStatus"),
	sets([]any{[]any{map[string]any{"matchLabels": map[string]any{"a": "b"}}}}, "spec", "orLabelSelectors"),
	sets([]any{map[string]any{"parallelFilesDownload": int64(2)}}, "spec", "uploaderConfig"),
	sets([]any{true, "x"}, "spec", "surprise"),
}

// Restore returns a random Restore.
func (g *Generator) Restore() Request {
	run := pick(g, g.Sandboxes).Run
	boxes := slices.DeleteFunc(slices.Clone(g.Sandboxes), func(s Sandbox) bool { return s.Run != run })
	g.Shuffle(len(boxes), func(i, j int) { boxes[i], boxes[j] = boxes[j], boxes[i] })
	var sources []any
	mapping := map[string]any{}
	for _, s := range boxes[:1+g.IntN(len(boxes))] {
		sources = append(sources, s.Source)
		mapping[s.Source] = s.Name
	}
	o := map[string]any{
		"apiVersion": "velero.io/v1", "kind": "Restore",
		"metadata": map[string]any{
			"name": g.name("kymaros-"), "namespace": g.Velero,
			"labels": map[string]any{
				"kymaros.io/managed-by": "kymaros", "kymaros.io/run": run, "kymaros.io/group": run,
				"kymaros.io/test": g.Test, "kymaros.io/test-namespace": boxes[0].Name,
			},
		},
		"spec": map[string]any{
			"backupName": g.Backups[0], "includedNamespaces": sources, "namespaceMapping": mapping, "includedResources": g.kinds(),
			"includeClusterResources": false, "existingResourcePolicy": "none", "itemOperationTimeout": "1m0s", "hooks": map[string]any{},
			"resourceModifier": map[string]any{"kind": "ConfigMap", "name": "kymaros-sandbox-modifiers"},
		},
	}
	what := g.alter(o, restoreChanges)
	return creates(at("velero.io", "v1", "restores"), o, what)
}

// creates takes namespace and name from the object.
func creates(resource schemaResource, o map[string]any, what []string) Request {
	return Request{Verb: "create", Resource: resource, Namespace: text(o, "metadata", "namespace"), Name: text(o, "metadata", "name"), Body: o, What: what}
}

func (g *Generator) kinds() []any {
	var all []any
	for _, i := range g.Perm(len(Kinds))[:1+g.IntN(len(Kinds))] {
		all = append(all, Kinds[i])
	}
	return all
}

// restoreChanges: what leads elsewhere stands here more often, for it matters most.
var restoreChanges = slices.Concat([]change{
	retarget, retarget, retarget, retarget, retarget, swap, swap, further, further, unmapped, sourceOnly, nearKind, nearKind, nearKind, ofRun, ofRun,
	func(g *Generator, o map[string]any) string { return pick(g, extra)(g, o) },
	func(g *Generator, o map[string]any) string { return pick(g, metadata)(g, o) },
	func(g *Generator, o map[string]any) string {
		set(o, pick(g, g.Backups), "spec", "backupName")
		return "another backup"
	},
	func(g *Generator, o map[string]any) string {
		set(o, g.kinds(), "spec", "includedResources")
		return "other kinds"
	},
	func(g *Generator, o map[string]any) string {
		ns := g.anywhere()
		set(o, ns, "metadata", "namespace")
		return "in namespace " + ns
	},
	func(g *Generator, o map[string]any) string {
		name := g.name(oneOf(g, "", "kymaros", "nightly-", "velero-"))
		set(o, name, "metadata", "name")
		return "called " + name
	},
	// Harmless ones.
	sets([]any{map[string]any{"matchLabels": map[string]any{"app": "web"}}, map[string]any{}}, "spec", "labelSelector"),
	sets([]any{[]any{"secrets"}, []any{"*"}, []any{}}, "spec", "excludedResources"),
	sets([]any{[]any{"kube-system"}, []any{"*"}, []any{}}, "spec", "excludedNamespaces"),
	sets([]any{"kymaros-group-modifiers", "kymaros-sandbox-modifiers"}, "spec", "resourceModifier", "name"),
	sets([]any{"configmap", "ConfigMap", "Secret", "configMaps"}, "spec", "resourceModifier", "kind"),
	sets([]any{"30s", "4h0m0s"}, "spec", "itemOperationTimeout"),
	// And others.
	sets([]any{"mine", "kymaros-sandbox-modifiers ", "kymaros-Sandbox-modifiers", ""}, "spec", "resourceModifier", "name"),
	sets([]any{map[string]any{}}, "spec", "resourceModifier"),
	sets([]any{"", "update", "none", "None"}, "spec", "existingResourcePolicy"),
	sets([]any{true, false}, "spec", "includeClusterResources"),
	sets([]any{map[string]any{"resources": []any{map[string]any{"name": "a", "postHooks": []any{map[string]any{"exec": map[string]any{"command": []any{"true"}}}}}}},
		map[string]any{"resources": []any{}}}, "spec", "hooks"),
	func(g *Generator, o map[string]any) string {
		field := oneOf(g, "includeClusterResources", "existingResourcePolicy", "resourceModifier", "includedResources", "includedNamespaces", "namespaceMapping", "backupName")
		unset(o, "spec", field)
		return "no " + field
	},
})

// retarget maps a source to another namespace.
func retarget(g *Generator, o map[string]any) string {
	mapping := mappingOf(o)
	source, ok := someKey(g, mapping)
	if !ok {
		return ""
	}
	target := g.anywhere()
	switch g.IntN(8) {
	case 0:
		target = oneOf(g, "", " ", "*", target+" ", source, "Kube-System")
	case 1:
		target = pick(g, g.Sandboxes).Source
	}
	mapping[source] = target
	return fmt.Sprintf("%s to %q", source, target)
}

// swap has two sources change places.
func swap(g *Generator, o map[string]any) string {
	mapping := mappingOf(o)
	a, ok := someKey(g, mapping)
	if !ok {
		return ""
	}
	b, _ := someKey(g, mapping)
	mapping[a], mapping[b] = mapping[b], mapping[a]
	return fmt.Sprintf("%s and %s change places", a, b)
}

// further adds a source with its target.
func further(g *Generator, o map[string]any) string {
	source, target := oneOf(g, g.anywhere(), pick(g, g.Sandboxes).Source), g.anywhere()
	sources := sourcesOf(o)
	if !slices.Contains(sources, any(source)) {
		sources = append(sources, source)
	}
	set(o, sources, "spec", "includedNamespaces")
	mappingOf(o)[source] = target
	return fmt.Sprintf("also %s to %s", source, target)
}

func unmapped(g *Generator, o map[string]any) string {
	mapping := mappingOf(o)
	source, ok := someKey(g, mapping)
	if !ok {
		return ""
	}
	delete(mapping, source)
	return "no target for " + source
}

func sourceOnly(g *Generator, o map[string]any) string {
	source := oneOf(g, "*", "", "kube-*", "?", g.anywhere())
	set(o, append(sourcesOf(o), source), "spec", "includedNamespaces")
	return fmt.Sprintf("also source %q", source)
}

func nearKind(g *Generator, o map[string]any) string {
	kinds, _ := o["spec"].(map[string]any)["includedResources"].([]any)
	kind := pick(g, never)
	kinds = append(slices.Clone(kinds), kind)
	g.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	set(o, kinds, "spec", "includedResources")
	return fmt.Sprintf("kind %q", kind)
}

// ofRun gives the Restore to another run, or to none.
func ofRun(g *Generator, o map[string]any) string {
	run := oneOf(g, pick(g, g.Sandboxes).Run, pick(g, g.Sandboxes).Run, "", "none")
	set(o, run, "metadata", "labels", "kymaros.io/run")
	return fmt.Sprintf("run %q", run)
}
