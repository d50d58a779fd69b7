// Package cases runs field cases: applications as people run them, each the smallest form of a public report, with the
// right verdict written down, from deployment to cleanup on a real cluster with the real Velero.
//
// A file of testdata is a case, and holds all that there is about it: first a document of kind Case, then the objects of the
// application, its backups, policies and RestoreTests. To add one, copy the nearest.
package cases

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

//go:embed testdata
var files embed.FS

// Case is the first document of a file.
type Case struct {
	Kind string `json:"kind"`
	// Source names the public reports.
	Source []string `json:"source"`
	// Story is what happened there, and why the verdict is right.
	Story string `json:"story"`
	// Quick cases are few, for every run of all tests.
	Quick bool `json:"quick,omitempty"`
	// WholeNode cases ask for most of the node's memory, and run one after another.
	WholeNode bool `json:"wholeNode,omitempty"`

	// Setup is run before the backups are made. "ready", which waits for all workloads, is what an empty one does. Scripts are
	// for bash; see prelude for what they can call.
	Setup string `json:"setup,omitempty"`
	// BetweenBackups is run after each backup but the last.
	BetweenBackups string `json:"betweenBackups,omitempty"`
	// AfterBackup is run when all backups are made.
	AfterBackup string `json:"afterBackup,omitempty"`
	// Meanwhile is run beside the tests. What it does not get done is a failure of the case: production was held up.
	Meanwhile string `json:"meanwhile,omitempty"`
	// CleanUp is run before everything is deleted.
	CleanUp string `json:"cleanUp,omitempty"`

	// Alike is set when all tests must come to the same result.
	Alike bool `json:"alike,omitempty"`
	// Tests holds what is right for each RestoreTest of the file, by its name.
	Tests map[string]Right `json:"tests"`
}

// Right is what a run must come to.
type Right struct {
	// Result lists the results that are true: pass, partial, fail, inconclusive.
	Result []string `json:"result"`
	// Reason and NeverReason bound the reason of the report, if given.
	Reason      []string `json:"reason,omitempty"`
	NeverReason []string `json:"neverReason,omitempty"`
	// Says are regular expressions, each of which must match a text of the report or of a condition, whatever the case of the
	// letters; none of NeverSays may.
	Says      []Pattern `json:"says,omitempty"`
	NeverSays []Pattern `json:"neverSays,omitempty"`
	// CleanedUpWithin is how long after the report nothing of the run may be left; 3m if it is not given.
	CleanedUpWithin Span `json:"cleanedUpWithin,omitzero"`
	// VeleroFreeWithin is how long after its start Velero may be busy with the restore; not looked at if it is not given.
	VeleroFreeWithin Span `json:"veleroFreeWithin,omitzero"`
}

// Pattern is a regular expression.
type Pattern struct{ *regexp.Regexp }

// UnmarshalText compiles the expression.
func (p *Pattern) UnmarshalText(text []byte) (err error) {
	p.Regexp, err = regexp.Compile("(?i)" + string(text))
	return err
}

func (p Pattern) String() string { return strings.TrimPrefix(p.Regexp.String(), "(?i)") }

// Span is a length of time.
type Span struct{ time.Duration }

// UnmarshalText reads it as Go writes it.
func (s *Span) UnmarshalText(text []byte) (err error) {
	s.Duration, err = time.ParseDuration(string(text))
	return err
}

// Run is a case with all its objects, under names that no other run has.
type Run struct {
	Case
	// Name is that of the file.
	Name string
	// NS is the namespace of the application.
	NS string

	App, Backups, RestoreTests []*unstructured.Unstructured
}

// Names of all cases, in order.
func Names() ([]string, error) {
	found, err := files.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range found {
		if name, ok := strings.CutSuffix(f.Name(), ".yaml"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// Load reads a case. Its names end with the suffix, and its RestoreTests are in that namespace.
func Load(name, suffix, tests string) (*Run, error) {
	number, _, _ := strings.Cut(name, "-")
	r := &Run{Name: name, NS: "case-" + number + "-" + suffix}
	file, err := template.New(name+".yaml").Option("missingkey=error").ParseFS(files, "testdata/shared/*.yaml", "testdata/"+name+".yaml")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := file.Execute(&text, map[string]string{"NS": r.NS, "Suffix": suffix}); err != nil {
		return nil, err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(&text))
	for first := true; ; first = false {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err == nil && first {
			err = yaml.UnmarshalStrict(document, &r.Case)
		} else if err == nil {
			err = r.add(document, tests)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// clusterScoped are the kinds of testdata that are in no namespace.
var clusterScoped = map[string]bool{
	"Namespace": true, "PersistentVolume": true, "StorageClass": true,
	"MutatingAdmissionPolicy": true, "MutatingAdmissionPolicyBinding": true,
}

// add puts an object where it belongs, into a namespace if the file names none.
func (r *Run) add(document []byte, tests string) error {
	o := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(document, &o.Object); err != nil {
		return fmt.Errorf("%w\n%s", err, document)
	}
	namespace := r.NS
	switch o.GetKind() {
	case "Backup":
		namespace = "velero"
		r.Backups = append(r.Backups, o)
	case "RestoreTest":
		namespace = tests
		r.RestoreTests = append(r.RestoreTests, o)
	case "HealthCheckPolicy":
		namespace = tests
		r.App = append(r.App, o)
	default:
		r.App = append(r.App, o)
	}
	if o.GetNamespace() == "" && !clusterScoped[o.GetKind()] {
		o.SetNamespace(namespace)
	}
	return nil
}

// Namespaces are those of the application, the first of all its own.
func (r *Run) Namespaces() []string {
	all := []string{r.NS}
	for _, o := range r.App {
		if o.GetKind() == "Namespace" && o.GetName() != r.NS {
			all = append(all, o.GetName())
		}
	}
	return all
}
