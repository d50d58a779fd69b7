// Package zoo makes objects that are legal and odd, each in another way: what a backup of a real cluster may hold, and what Velero,
// our resource modifiers and our fence have to take. It is pure; its test takes them through the real ones.
package zoo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// Animal is an object of a zoo.
type Animal struct {
	Resource schema.GroupVersionResource
	// Odd says what is, in words that no other of its kind has.
	Odd    string
	Object *unstructured.Unstructured
	// Kept tells why it does not come back in a sandbox: part of the message by which it is refused there. It is "" for what comes
	// back, and Left for what is not asked for.
	Kept string
}

// Left out are kinds that are never restored into a sandbox.
const Left = "left out"

func (a Animal) String() string {
	return fmt.Sprintf("%s %q", a.Resource.GroupResource(), a.Odd)
}

// shape is one way to be odd.
type shape struct {
	odd string
	// patch is a JSON merge patch on the base of the kind, and with is one before it.
	patch, with string
	// kept is Animal.Kept.
	kept string
}

// kind is a table of shapes.
type kind struct {
	resource schema.GroupVersionResource
	base     string
	kept     string
	shapes   []shape
}

// In returns the animals of one namespace. suffix ends the names of all that is in none.
func In(suffix string) ([]Animal, error) { return build(namespaced(), suffix) }

// Wet returns pods that run, and what they keep their data in, for another namespace.
func Wet(suffix string) ([]Animal, error) { return build([]kind{wetClaims, wetPods}, suffix) }

// Beside returns what they need that is in no namespace, in three parts: what is there all the time, what is gone when they are
// backed up, and the volumes that some of them are bound to.
func Beside(suffix, namespace string) (there, gone, volumes []Animal, err error) {
	if there, err = build(present, suffix); err != nil {
		return nil, nil, nil, err
	}
	if gone, err = build(absent, suffix); err != nil {
		return nil, nil, nil, err
	}
	volumes, err = build([]kind{persistentVolumes}, suffix)
	for _, v := range volumes {
		if _, claimed, _ := unstructured.NestedString(v.Object.Object, "spec", "claimRef", "name"); claimed && err == nil {
			err = unstructured.SetNestedField(v.Object.Object, namespace, "spec", "claimRef", "namespace")
		}
	}
	return there, gone, volumes, err
}

func namespaced() []kind {
	return slices.Concat(
		[]kind{claims, otherClaims, pods, gatelessPods, services, statefulSets, deployments, replicaSets, cronJobs, revisions},
		[]kind{configMaps, secrets, serviceAccounts}, leftOut)
}

func build(kinds []kind, suffix string) ([]Animal, error) {
	var all []Animal
	for _, k := range kinds {
		for i, s := range k.shapes {
			object, err := parse(k.base, suffix)
			if err != nil {
				return nil, fmt.Errorf("base of %s: %w", k.resource.Resource, err)
			}
			for _, text := range []string{s.with, s.patch} {
				patch, err := parse(text, suffix)
				if err != nil {
					return nil, fmt.Errorf("%s %q: %w", k.resource.Resource, s.odd, err)
				}
				merge(object, patch)
			}
			o := &unstructured.Unstructured{Object: object}
			if o.GetName() == "" {
				o.SetName(fmt.Sprintf("z%02d-%s", i, slug(s.odd)))
			}
			kept := s.kept
			if kept == "" {
				kept = k.kept
			}
			all = append(all, Animal{Resource: k.resource, Odd: s.odd, Object: o, Kept: kept})
		}
	}
	return all, nil
}

func parse(text, suffix string) (map[string]any, error) {
	var object map[string]any
	err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "ZOO", suffix)), &object)
	return object, err
}

// merge does what a JSON merge patch does.
func merge(into, patch map[string]any) {
	for key, value := range patch {
		have, both := into[key].(map[string]any)
		more, object := value.(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case both && object:
			merge(have, more)
		default:
			into[key] = value
		}
	}
}

// slug is the beginning of text as a name.
func slug(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	return strings.Trim(text[:min(len(text), 24)], "-")
}

// long is a name of that many characters, which labels with a limit of 63 cannot hold: parts of it may be that long.
func long(length int) string {
	return strings.Repeat("abcdefghi-", length/10+1)[:length-1] + "z"
}

// many is a flow mapping of so many keys with that value.
func many(count int, key, value string) string {
	parts := make([]string, count)
	for i := range parts {
		parts[i] = fmt.Sprintf("%q: %q", fmt.Sprintf(key, i), value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// list is a flow sequence of so many entries made from format, which gets the number of each.
func list(count int, format string) string {
	parts := make([]string, count)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// each crosses shapes with further patches, by their sentences, in order of those.
func each(shapes []shape, with map[string]string) []shape {
	var all []shape
	for _, s := range shapes {
		for _, odd := range slices.Sorted(maps.Keys(with)) {
			all = append(all, shape{odd: odd + ", " + s.odd, patch: s.patch, with: with[odd], kept: s.kept})
		}
	}
	return all
}

// longest is how long the name of an object may be that Velero can restore: it unpacks each into a file, with ".json" behind the name, and a
// backup with one more letter in one name comes back without anything.
const longest = 250

// heavy are those that cost Velero time: it writes an object out for each of our rules. They are for the kinds that most rules are about.
var heavy = []shape{
	{odd: "three hundred labels", patch: `{metadata: {labels: ` + many(300, "example.com/label-%03d", strings.Repeat("v", 63)) + `}}`},
	{odd: "two thousand annotations", patch: `{metadata: {annotations: ` + many(2000, "example.com/annotation-%04d", "value") + `}}`},
	{odd: "an annotation of 200 kB", patch: `{metadata: {annotations: {example.com/large: ` + strings.Repeat("0123456789", 20_000) + `}}}`},
}

// metadata are oddities of any kind; names: also those of names that not all kinds may have.
func metadata(names bool) []shape {
	shapes := []shape{
		{odd: "a name of one letter", patch: `{metadata: {name: a}}`},
		{odd: "a label without a value", patch: `{metadata: {labels: {empty: "", example.com/empty: ""}}}`},
		{odd: "annotations of all scripts", patch: `{metadata: {annotations: {"example.com/text": "žluťoučký 猫 🐈‍⬛ \u2028 \u0007 \u202eodd", "example.com/json": '{"a": null, "b": "\n"}', "empty": ""}}}`},
		{odd: "labels that look like other types", patch: `{metadata: {labels: {a: "null", b: "true", c: "0", d: "1e3", e: "no"}, annotations: {a: "null", "a.b/c": "{}", d: "[]"}}}`},
		{odd: "a finalizer of nobody", patch: `{metadata: {finalizers: [example.com/nobody]}}`},
		{odd: "an owner of a kind that is gone", patch: `{metadata: {ownerReferences: [{apiVersion: gone.example.com/v1, kind: Gone, name: gone, uid: 7d7e0a5c-0000-4000-8000-000000000000, controller: true, blockOwnerDeletion: true}]}}`},
		{odd: "labels of Velero's own", patch: `{metadata: {labels: {velero.io/restore-name: kymaros-other-run, velero.io/backup-name: other}, annotations: {velero.io/csi-volumesnapshot-class: gone}}}`},
		{odd: "labels of ours", patch: `{metadata: {labels: {kymaros.io/managed-by: kymaros, kymaros.io/run: other, kymaros.io/test: other}}}`},
	}
	if names {
		shapes = append(shapes,
			shape{odd: "the longest name that Velero can unpack", patch: `{metadata: {name: ` + long(longest) + `}}`},
			shape{odd: "a name of digits and dots", patch: `{metadata: {name: "0.1.2"}}`})
	}
	return shapes
}
