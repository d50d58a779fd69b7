// Package fuzz makes random requests as somebody would who has stolen the token of the controller: each begins as one that the
// controller makes itself, and says a few things otherwise. The same seed makes the same requests. It asks nobody.
package fuzz

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Sandbox is a namespace that stands for another one in a run.
type Sandbox struct{ Name, Run, Source string }

// World holds the names that requests are about. All lists but those of volumes and snapshots have at least one.
type World struct {
	// Velero and System are the namespaces of Velero and of the controller, Team one with RestoreTests of the name Test.
	Velero, System, Team, Test string
	Backups                    []string
	Sandboxes                  []Sandbox
	// Outside are namespaces that exist and are no sandboxes, Absent names of none.
	Outside, Absent []string
	// Volumes and Snapshots are PersistentVolumes and VolumeSnapshotContents, whosever they are.
	Volumes, Snapshots []string
	// Placed is the name of what exists in every namespace: a pod, a NetworkPolicy, a ResourceQuota.
	Placed string
	// Tag is in the names of all that is created.
	Tag string
}

// Request is one request, to be made as the controller.
type Request struct {
	// Verb is create, patch (a merge patch), apply (server-side, by force), update, delete or connect.
	Verb                 string
	Resource             schema.GroupVersionResource
	Sub, Namespace, Name string
	// Body is the object or the patch. Of an update there is Edit instead, which changes what there is.
	Body map[string]any
	Edit func(object map[string]any)
	// What tells what is otherwise than the controller would have it.
	What []string
}

// String tells the request as somebody would repeat it.
func (r Request) String() string {
	var body string
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			panic(err)
		}
		body = "\n\t" + string(text)
	}
	resource := r.Resource.GroupResource().String()
	if r.Sub != "" {
		resource += "/" + r.Sub
	}
	return fmt.Sprintf("%s %s %s/%s: %s%s", r.Verb, resource, r.Namespace, r.Name, strings.Join(r.What, "; "), body)
}

// Generator makes requests. It is for one goroutine.
type Generator struct {
	World
	*rand.Rand
	n    int      // requests so far
	made []string // namespaces that were asked for, whether or not there are any
}

// New returns the generator of that seed.
func New(seed uint64, world World) *Generator {
	return &Generator{World: world, Rand: rand.New(rand.NewPCG(seed, seed))}
}

// Next returns a request of any kind.
func (g *Generator) Next() Request {
	switch n := g.IntN(100); {
	case n < 32:
		return g.Restore()
	case n < 42:
		return g.modifiers()
	case n < 56:
		return g.volume()
	case n < 70:
		return g.namespace()
	case n < 84:
		return g.guard()
	case n < 89:
		return g.connect()
	case n < 92:
		return g.delete()
	}
	return g.own()
}

// change says one thing otherwise, and tells what.
type change func(g *Generator, o map[string]any) string

// alter makes up to three of the changes, and of some requests none.
func (g *Generator) alter(o map[string]any, all []change) []string {
	var what []string
	if g.oneIn(10) {
		return what
	}
	for range 1 + g.IntN(3) {
		if w := pick(g, all)(g, o); w != "" {
			what = append(what, w)
		}
	}
	return what
}

// name returns one that nothing has had.
func (g *Generator) name(prefix string) string {
	g.n++
	return fmt.Sprintf("%s%s-%d", prefix, g.Tag, g.n)
}

// anywhere returns the name of a namespace: of a sandbox, of what is none, or of nothing.
func (g *Generator) anywhere() string {
	switch g.IntN(5) {
	case 0, 1:
		return pick(g, g.Sandboxes).Name
	case 2:
		if len(g.made) > 0 {
			return pick(g, g.made)
		}
	case 3:
		return pick(g, g.Absent)
	}
	return pick(g, g.Outside)
}

// inside returns the name of a sandbox, and as often of any namespace.
func (g *Generator) inside() string {
	if g.oneIn(2) {
		return g.anywhere()
	}
	return pick(g, g.Sandboxes).Name
}

func (g *Generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *Generator, from []T) T { return from[g.IntN(len(from))] }

// oneOf is pick of strings that are known beforehand.
func oneOf(g *Generator, from ...string) string { return pick(g, from) }

// set puts a value where it belongs, whatever another change has put in its way.
func set(o map[string]any, value any, path ...string) {
	for _, field := range path[:len(path)-1] {
		inner, ok := o[field].(map[string]any)
		if !ok {
			inner = map[string]any{}
			o[field] = inner
		}
		o = inner
	}
	o[path[len(path)-1]] = runtime.DeepCopyJSONValue(value)
}

func unset(o map[string]any, path ...string) { unstructured.RemoveNestedField(o, path...) }

// sets returns the change that sets a field to one of the values.
func sets(values []any, path ...string) change {
	return func(g *Generator, o map[string]any) string {
		v := pick(g, values)
		set(o, v, path...)
		return fmt.Sprintf("%s: %v", strings.Join(path, "."), v)
	}
}

func at(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

// foreign is an owner that does not exist.
var foreign = []any{map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "11111111-1111-1111-1111-111111111111"}}

// metadata are changes of what every object has. Finalizers are not among them: objects of the tests must go.
var metadata = []change{
	sets([]any{"b", "kymaros", "velero"}, "metadata", "labels", "fuzz"),
	sets([]any{"kymaros", "other"}, "metadata", "labels", "kymaros.io/managed-by"),
	sets([]any{"a", "kymaros"}, "metadata", "labels", "velero.io/restore-name"),
	sets([]any{"", "true"}, "metadata", "labels", "velero.io/plugin-config"),
	sets([]any{"RestoreItemAction"}, "metadata", "labels", "velero.io/change-image-name"),
	sets([]any{"now"}, "metadata", "annotations", "kymaros.io/run-requested"),
	sets([]any{"b"}, "metadata", "annotations", "fuzz"),
	sets([]any{foreign}, "metadata", "ownerReferences"),
}
