// Package validate checks manifests without a cluster, by the very definitions that the API server uses, and tells what only code
// knows.
package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// Severity of a finding.
type Severity string

// Severities.
const (
	// Error: the API server or the controller refuses it.
	Error Severity = "error"
	// Warning: it is accepted, and is hardly meant so.
	Warning Severity = "warning"
)

// Finding is something wrong in a file.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Object   string   `json:"object,omitempty"`
	Field    string   `json:"field,omitempty"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// Files returns what is wrong with the objects of Kymaros in files and folders, by file and line, and how many objects there are.
func Files(ctx context.Context, paths []string, in io.Reader, now time.Time) (findings []Finding, objects int, err error) {
	kinds, err := definitions()
	if err != nil {
		return nil, 0, err
	}
	documents, findings, err := read(paths, in)
	if err != nil {
		return nil, 0, err
	}
	application := &Application{}
	policies := map[string]*v1alpha1.HealthCheckPolicy{}
	note := func(d document, field string, severity Severity, message string) {
		findings = append(findings, Finding{d.file, d.line(field), d.object.GetKind() + "/" + d.object.GetName(), field, severity, message})
	}
	var sound []document
	for _, d := range documents {
		application.note(d)
		group, version, _ := strings.Cut(d.object.GetAPIVersion(), "/")
		if group != v1alpha1.GroupVersion.Group {
			continue
		}
		objects++
		kind := kinds[d.object.GetKind()]
		switch {
		case version != v1alpha1.GroupVersion.Version:
			note(d, "apiVersion", Error, fmt.Sprintf("there is no %s; write %s", d.object.GetAPIVersion(), v1alpha1.GroupVersion))
			continue
		case kind == nil:
			note(d, "kind", Error, fmt.Sprintf("there is no kind %q; write RestoreTest or HealthCheckPolicy", d.object.GetKind()))
			continue
		}
		errs := kind.check(ctx, d.object)
		for _, e := range errs {
			note(d, e.Field, Error, e.ErrorBody())
		}
		if len(errs) > 0 {
			continue
		}
		sound = append(sound, d)
		if p := (&v1alpha1.HealthCheckPolicy{}); d.object.GetKind() == "HealthCheckPolicy" && runtime.DefaultUnstructuredConverter.FromUnstructured(d.object.Object, p) == nil {
			policies[p.Namespace+"/"+p.Name] = p
		}
	}
	for _, d := range sound {
		var problems []problem
		switch d.object.GetKind() {
		case "RestoreTest":
			rt := &v1alpha1.RestoreTest{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(d.object.Object, rt); err != nil {
				return nil, 0, err
			}
			problems = testProblems(rt, policies, now)
		case "HealthCheckPolicy":
			problems = application.policyProblems(policies[d.object.GetNamespace()+"/"+d.object.GetName()])
		}
		for _, p := range problems {
			note(d, p.field, p.severity, p.message)
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return findings, objects, nil
}

// fieldOf returns the field that an error begins with, textOf what it says of it.
func fieldOf(err error) string {
	head, _, _ := strings.Cut(err.Error(), ": ")
	return head
}

func textOf(err error) string {
	_, text, _ := strings.Cut(err.Error(), ": ")
	return text
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var files []string
	var strict bool
	cmd := client.Command("validate -f FILE...", "Check manifests without a cluster",
		`Checks RestoreTests, HealthCheckPolicies and RestoreReports in files and folders by the definitions that the API server uses, schema and
rules, and by what only code knows: times that never come, durations that contradict each other, checks that no workload or Service in
the same files matches. Other objects are read and not checked.
Exit codes: 0 nothing is wrong, 3 something is (with --strict also if it is only a warning), or a file cannot be read.`,
		"none, it asks no cluster",
		`  kubectl kymaros validate -f backup-tests/
  kustomize build . | kubectl kymaros validate -f - -o github`)
	output.AddFlags(cmd.Flags(), "github")
	cmd.Flags().StringSliceVarP(&files, "filename", "f", nil, "files or folders; - is standard input")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as errors")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		if len(files) == 0 {
			return errors.New("give -f FILE; - is standard input")
		}
		findings, objects, err := Files(cmd.Context(), files, f.IOStreams.In, f.Now())
		if err != nil {
			return err
		}
		switch output.Format {
		case "":
			o, err := f.Out()
			if err != nil {
				return err
			}
			text(o, findings, objects)
		case "github":
			for _, found := range findings {
				_, _ = fmt.Fprintln(f.IOStreams.Out, found.annotation())
			}
		default:
			if findings == nil {
				findings = []Finding{}
			}
			if err := f.Data(output.Format, findings); err != nil {
				return err
			}
		}
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error || strict }) {
			return exit.For(exit.Unknown)
		}
		return nil
	}
	return cmd
}

func text(o *term.Out, findings []Finding, objects int) {
	errs := 0
	for _, f := range findings {
		sign, style := "‼", term.Yellow
		if f.Severity == Error {
			sign, style = "×", term.Red
			errs++
		}
		o.Text(term.Bold, o.Paint(style, ""), "%s %s:%d  %s", sign, f.File, f.Line, f.Object)
		o.Text(style, "    ", "%s", strings.TrimPrefix(f.Field+": ", ": ")+f.Message)
	}
	o.Text(term.Plain, "", "objects: %d, errors: %d, warnings: %d", objects, errs, len(findings)-errs)
}

// annotation returns what GitHub shows beside the line.
func (f Finding) annotation() string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::%s file=%s,line=%d,title=%s::%s", f.Severity, property.Replace(f.File), f.Line, property.Replace(f.Object),
		data.Replace(strings.TrimPrefix(f.Field+": ", ": ")+f.Message))
}
