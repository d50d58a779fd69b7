package fuzz

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type schemaResource = schema.GroupVersionResource

// Wrong tells what a Restore that was accepted may not say; nothing if all is well. existing has the namespaces that exist: those
// that are no sandboxes with nil.
func Wrong(restore *unstructured.Unstructured, existing map[string]*Sandbox) []string {
	var wrong []string
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	o := restore.Object
	run := restore.GetLabels()["kymaros.io/run"]
	if run == "" {
		note("it is of no run")
	}
	sources, mapping := sourcesOf(o), mappingOf(o)
	if len(sources) == 0 {
		note("it names no source: that is all of them")
	}
	for _, source := range sources {
		if name, ok := source.(string); !ok || mapping[name] == nil || mapping[name] == "" {
			note("source %v is mapped to nothing: that is itself", source)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(mapping)) {
		target, _ := mapping[source].(string)
		box, exists := existing[target]
		switch {
		case !exists:
		case box == nil:
			note("it maps %s to %s, which is no sandbox", source, target)
		case box.Run != run:
			note("it maps %s to %s, which is of run %q, and says that it is of %q", source, target, box.Run, run)
		case box.Source != source:
			note("it maps %s to %s, which stands for %s", source, target, box.Source)
		}
	}
	kinds, _, _ := unstructured.NestedSlice(o, "spec", "includedResources")
	if len(kinds) == 0 {
		note("it names no kinds: that is all of them")
	}
	cluster, closed, _ := unstructured.NestedBool(o, "spec", "includeClusterResources")
	for _, kind := range kinds {
		// Velero before 1.18.3 fills volumes of pods only if that is named, and restores none where it is closed.
		if kind == "persistentvolumes" && closed && !cluster {
			continue
		}
		if name, ok := kind.(string); !ok || !slices.Contains(Kinds, name) {
			note("it restores %v", kind)
		}
	}
	if modifiers := text(o, "spec", "resourceModifier", "name"); modifiers != "kymaros-sandbox-modifiers" && modifiers != "kymaros-group-modifiers" {
		note("its modifiers are %q", modifiers)
	}
	if cluster || !closed && !slices.Contains(kinds, any("volumesnapshotcontents.snapshot.storage.k8s.io")) {
		note("it restores what belongs to the whole cluster")
	}
	if policy := text(o, "spec", "existingResourcePolicy"); policy != "" && policy != "none" {
		note("it changes what exists: %s", policy)
	}
	if hooks, _, _ := unstructured.NestedSlice(o, "spec", "hooks", "resources"); len(hooks) > 0 {
		note("it runs commands")
	}
	return wrong
}

// Targets are the namespaces that the Restore maps to.
func Targets(restore *unstructured.Unstructured) []string {
	var all []string
	for _, target := range mappingOf(restore.Object) {
		if name, ok := target.(string); ok && name != "" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// SandboxOf returns what a namespace is a sandbox for, or nil.
func SandboxOf(name string, labels, annotations map[string]string) *Sandbox {
	if labels["kymaros.io/managed-by"] != "kymaros" {
		return nil
	}
	return &Sandbox{Name: name, Run: labels["kymaros.io/run"], Source: annotations["kymaros.io/source-namespace"]}
}

// mappingOf returns the mapping itself, or an empty one that belongs to nothing.
func mappingOf(o map[string]any) map[string]any {
	spec, _ := o["spec"].(map[string]any)
	mapping, _ := spec["namespaceMapping"].(map[string]any)
	if mapping == nil {
		mapping = map[string]any{}
	}
	return mapping
}

func sourcesOf(o map[string]any) []any {
	spec, _ := o["spec"].(map[string]any)
	sources, _ := spec["includedNamespaces"].([]any)
	return slices.Clone(sources)
}

// someKey returns a key of m, the same for the same seed.
func someKey(g *Generator, m map[string]any) (string, bool) {
	keys := slices.Sorted(maps.Keys(m))
	if len(keys) == 0 {
		return "", false
	}
	return pick(g, keys), true
}

func text(o map[string]any, path ...string) string {
	s, _, _ := unstructured.NestedString(o, path...)
	return s
}
