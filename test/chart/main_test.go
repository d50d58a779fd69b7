// Package chart tests manifests/chart with the real Helm: that it gives what the plain manifests give, that each value has its effect, and
// that a release is installed, upgraded and uninstalled on a control plane.
package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/test/plane"
)

const (
	root      = "../.."
	manifests = root + "/manifests"
	chart     = manifests + "/chart"
	// release and namespace are those of README.md.
	release, namespace = "kymaros", "kymaros-system"
	// newest is the version of Helm that renders.
	newest = "4"
)

// helms holds the program of each version, built when it is first asked for.
var helms = struct {
	sync.Mutex
	programs map[string]string
}{programs: map[string]string{}}

// helm returns the program of a version, such as 4.
func helm(t *testing.T, version string) string {
	t.Helper()
	helms.Lock()
	defer helms.Unlock()
	if helms.programs[version] == "" {
		cmd := exec.Command(filepath.Join(root, "test/cluster/run.sh"), "helm", version)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("Helm %s: %v", version, err)
		}
		helms.programs[version] = strings.TrimSpace(string(out))
	}
	return helms.programs[version]
}

// run returns what a program says, or its error with that.
func run(program string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(program), args[0], err, out.String(), errs.String())
	}
	return out.String(), nil
}

// values are some by their path, such as image.tag.
type values map[string]any

// with returns v and more.
func (v values) with(more values) values {
	all := values{}
	for _, some := range []values{v, more} {
		maps.Copy(all, some)
	}
	return all
}

// tree is v as a file has it.
func (v values) tree() map[string]any {
	top := map[string]any{}
	for path, value := range v {
		at := top
		keys := strings.Split(path, ".")
		for _, key := range keys[:len(keys)-1] {
			if at[key] == nil {
				at[key] = map[string]any{}
			}
			at = at[key].(map[string]any) //nolint:forcetypeassert // paths of one tree
		}
		at[keys[len(keys)-1]] = value
	}
	return top
}

// file writes v where Helm can read it. No name of a test may have a comma: --values splits there.
func (v values) file(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(v.tree())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "values.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// template renders the chart.
func template(t *testing.T, v values, more ...string) (string, error) {
	t.Helper()
	return run(helm(t, newest), append([]string{"template", release, chart, "--namespace", namespace, "--values", v.file(t)}, more...)...)
}

// objects are some by kind, namespace and name.
type objects map[string]*unstructured.Unstructured

func named(t *testing.T, all []*unstructured.Unstructured) objects {
	t.Helper()
	found := objects{}
	for _, o := range all {
		// What Helm alone reads.
		annotations := o.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		if len(annotations) == 0 {
			annotations = nil
		}
		o.SetAnnotations(annotations)
		key := fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
		if found[key] != nil {
			t.Fatalf("%s is there twice", key)
		}
		found[key] = o
	}
	return found
}

// rendered returns the objects that the chart gives.
func rendered(t *testing.T, v values) objects {
	t.Helper()
	text, err := template(t, v)
	if err != nil {
		t.Fatal(err)
	}
	all, err := plane.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return named(t, all)
}

// plain returns the objects in files of manifests.
func plain(t *testing.T, files ...string) objects {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, file := range files {
		some, err := plane.ReadManifests(filepath.Join(manifests, file))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return named(t, all)
}

// shipped are the files that kubectl apply -k manifests installs; hack/verify-manifests.sh holds its Kustomization to them.
func shipped(t *testing.T) objects {
	t.Helper()
	return plain(t, "crds/*.yaml", "[0-9]*.yaml", "fence/*.yaml")
}

// and returns o with others, which take the place of those with the same name.
func (o objects) and(others objects) objects {
	all := objects{}
	for _, some := range []objects{o, others} {
		maps.Copy(all, some)
	}
	return all
}

// object returns one of o.
func (o objects) object(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	if o[name] == nil {
		t.Fatalf("there is no %s", name)
	}
	return o[name]
}
