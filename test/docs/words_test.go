package docs

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
)

const api = "pkg/apis/restore/v1alpha1"

// found returns what the first group of a pattern matches.
func found(pattern, text string) sets.Set[string] {
	all := sets.New[string]()
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all.Insert(match[1])
	}
	return all
}

// section returns what stands below a heading of a page, up to the next of its level.
func section(t *testing.T, page, title string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n## "+title+"\n")
	if !ok {
		t.Fatalf("there is no section %q", title)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// differ says what only one of two sets has.
func differ(t *testing.T, what string, have, want sets.Set[string]) {
	t.Helper()
	if missing := want.Difference(have); len(missing) > 0 {
		t.Errorf("%s: not told: %q", what, sets.List(missing))
	}
	if wrong := have.Difference(want); len(wrong) > 0 {
		t.Errorf("%s: told, and not there: %q", what, sets.List(wrong))
	}
}

func TestLabelsAreTold(t *testing.T) {
	want := found(`(?:Label|Annotation|Finalizer)\w*\s+= "([a-z.]*kymaros\.io/[^"]+)"`, read(t, api+"/labels.go"))
	told := sets.New[string]()
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]*) \|`).FindAllStringSubmatch(section(t, read(t, api+"/README.md"), "Labels and annotations"), -1) {
		told = told.Union(found("`([^`]+)`", row[1]))
	}
	differ(t, "labels", told, want)
}

func TestExitCodesAreTold(t *testing.T) {
	_, line, ok := strings.Cut(read(t, "pkg/cli/README.md"), "Exit codes: ")
	if !ok {
		t.Fatal("pkg/cli/README.md does not tell exit codes")
	}
	line, _, _ = strings.Cut(line, "`--help`")
	for code, means := range map[exit.Code]string{exit.Verified: "0 verified", exit.Bad: "1 the backup is bad", exit.Doubtful: "2 partial, stale", exit.Unknown: "3 could not tell"} {
		if !strings.Contains(line, means) || int(code) != int(means[0]-'0') {
			t.Errorf("exit code %d: %q does not say %q", code, line, means)
		}
	}
}

// The examples have every field that there is, and none that there is not.
func TestTheReferenceHasEveryField(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(section(t, read(t, api+"/README.md"), "Fields"), -1)
	examples := []any{&v1alpha1.RestoreTest{}, &v1alpha1.HealthCheckPolicy{}}
	if len(blocks) != len(examples) {
		t.Fatalf("%d examples, want one of a test and one of a policy", len(blocks))
	}
	all, told := sets.New[string](), sets.New[string]()
	for i, into := range examples {
		if err := yaml.UnmarshalStrict([]byte(blocks[i][1]), into); err != nil {
			t.Fatalf("example %d: %v", i, err)
		}
		var given map[string]any
		if err := yaml.Unmarshal([]byte(blocks[i][1]), &given); err != nil {
			t.Fatal(err)
		}
		spec, _ := reflect.TypeOf(into).Elem().FieldByName("Spec")
		fields(spec.Type, given["spec"], all, told)
	}
	differ(t, "fields", told, all)
}

// fields adds to all what fields a type has, and to told those that are in a value of it. It goes by types, for one that is used twice
// need be shown only once.
func fields(of reflect.Type, value any, all, told sets.Set[string]) {
	switch {
	case of.Kind() == reflect.Pointer:
		fields(of.Elem(), value, all, told)
	case of.Kind() == reflect.Slice:
		elements, _ := value.([]any)
		for _, e := range append(elements, nil) {
			fields(of.Elem(), e, all, told)
		}
	case of.Kind() == reflect.Struct && of.PkgPath() == reflect.TypeFor[v1alpha1.RestoreTest]().PkgPath():
		given, _ := value.(map[string]any)
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" { // embedded
				fields(field.Type, value, all, told)
				continue
			}
			key := of.Name() + "." + name
			all.Insert(key)
			if _, ok := given[name]; ok {
				told.Insert(key)
			}
			fields(field.Type, given[name], all, told)
		}
	}
}
