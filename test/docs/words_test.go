package docs

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
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

// The two examples have every field that there is, and none that there is not.
func TestTheReferenceHasEveryField(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(section(t, read(t, api+"/README.md"), "Fields"), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples, want one of a test and one of a policy", len(blocks))
	}
	for i, into := range []any{&v1alpha1.RestoreTest{}, &v1alpha1.HealthCheckPolicy{}} {
		if err := yaml.UnmarshalStrict([]byte(blocks[i][1]), into); err != nil {
			t.Fatalf("example %d: %v", i, err)
		}
		spec := reflect.ValueOf(into).Elem().FieldByName("Spec")
		told := sets.New[string]()
		told.Insert(untold(spec, "spec")...)
		for name, why := range leftOut {
			if told.Has(name) {
				told.Delete(name)
			} else if strings.HasPrefix(name, []string{"spec.", "spec.checks"}[i]) && i == 0 && !strings.HasPrefix(name, "spec.checks") {
				t.Errorf("%s is told now, so it need not be left out: %s", name, why)
			}
		}
		if len(told) > 0 {
			t.Errorf("example %d leaves out %q", i, sets.List(told))
		}
	}
}

// leftOut are fields that the examples do not show, and why.
var leftOut = map[string]string{}

// untold returns the fields that are empty in each of the values that an example gives.
func untold(v reflect.Value, at string) []string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return []string{at}
		}
		return untold(v.Elem(), at)
	case reflect.Slice:
		if v.Len() == 0 {
			return []string{at}
		}
		// A field is told if one of the elements has it.
		counts := map[string]int{}
		for i := range v.Len() {
			for _, name := range untold(v.Index(i), at+"[]") {
				counts[name]++
			}
		}
		maps.DeleteFunc(counts, func(_ string, n int) bool { return n < v.Len() })
		return slices.Sorted(maps.Keys(counts))
	case reflect.Struct:
		if v.Type().PkgPath() != reflect.TypeFor[v1alpha1.RestoreTest]().PkgPath() {
			break
		}
		var all []string
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			all = append(all, untold(v.Field(i), at+"."+name)...)
		}
		return all
	}
	if v.IsZero() && v.Kind() != reflect.Bool {
		return []string{at}
	}
	return nil
}
