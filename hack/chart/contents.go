package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// contents are the generated files of the chart.
type contents struct {
	manifests string            // directory
	files     map[string][]byte // by name in the chart
	sources   []string          // manifests, by name in their directory
	folder    string            // of dashboards in Grafana, and
	labels    map[string]string // their labels
}

// kustomization has the fields that are read of one.
type kustomization struct {
	Resources          []string
	ConfigMapGenerator []struct {
		Files   []string
		Options struct{ Labels, Annotations map[string]string }
	} `yaml:"configMapGenerator"`
}

// optional are the manifests beside those that the Kustomizations list.
var optional = []string{
	"archive/access.yaml", "archive/volume.yaml", "archive/bucket.yaml", "newborn/pods.yaml", "mappings/images.yaml", "overlays/seed-rbac/rbac.yaml",
}

func newContents(manifests string) (*contents, error) {
	c := &contents{manifests: manifests, files: map[string][]byte{}}
	var base, monitoring kustomization
	for name, into := range map[string]*kustomization{"Kustomization": &base, "monitoring/Kustomization": &monitoring} {
		text, err := os.ReadFile(filepath.Join(manifests, name))
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(base.Resources) == 0 || len(monitoring.Resources) == 0 || len(monitoring.ConfigMapGenerator) != 1 {
		return nil, errors.New("a Kustomization lists nothing, or monitoring/Kustomization not one ConfigMap")
	}
	c.sources = slices.Clone(base.Resources)
	for _, name := range monitoring.Resources {
		c.sources = append(c.sources, path.Join("monitoring", name))
	}
	c.sources = append(c.sources, optional...)
	dashboards := monitoring.ConfigMapGenerator[0]
	c.labels, c.folder = dashboards.Options.Labels, dashboards.Options.Annotations["grafana_folder"]
	for _, name := range dashboards.Files {
		text, err := os.ReadFile(filepath.Join(manifests, "monitoring", name))
		if err != nil {
			return nil, err
		}
		c.files[path.Join("dashboards", path.Base(name))] = text
	}
	return c, nil
}

// templates makes one of each manifest, with the changes of values.go, each of which must find what it changes.
func (c *contents) templates() error {
	used := map[string]int{}
	for _, name := range c.sources {
		text, err := os.ReadFile(filepath.Join(c.manifests, name))
		if err != nil {
			return err
		}
		documents, err := read(name, text)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		fmt.Fprintf(&out, "{{- /* Made by hack/update-chart.sh from manifests/%s: edit that. */ -}}\n", name)
		for _, d := range documents {
			for _, ch := range changes {
				n, err := ch.do(d)
				if err != nil {
					return fmt.Errorf("%s: %s %s: %s: %w", name, d.kind, d.name, ch.what, err)
				}
				used[ch.what] += n
			}
			if d.dropped {
				continue
			}
			if err := d.write(&out); err != nil {
				return fmt.Errorf("%s: %s %s: %w", name, d.kind, d.name, err)
			}
		}
		c.files[path.Join("templates/manifests", templateName(name))] = out.Bytes()
	}
	for _, ch := range changes {
		if used[ch.what] == 0 {
			return fmt.Errorf("nothing in manifests has %s any more: see hack/chart/values.go", ch.what)
		}
	}
	return nil
}

// templateName is without the numbers that order manifests: Helm has an order of its own.
func templateName(name string) string {
	dir, file := path.Split(name)
	return path.Join(strings.TrimPrefix(dir, "overlays/"), strings.TrimLeft(file, "0123456789-"))
}

// dashboards makes what a generator of monitoring/Kustomization makes.
func (c *contents) dashboards() error {
	labels, err := yaml.Marshal(c.labels)
	if err != nil {
		return err
	}
	c.files["templates/manifests/monitoring/dashboards.yaml"] = fmt.Appendf(nil, `{{- /* Made by hack/update-chart.sh from manifests/monitoring/Kustomization: edit that. */ -}}
{{- if .Values.monitoring.dashboards.enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: kymaros-dashboards
  namespace: kymaros-system
  labels:
%s  annotations:
    grafana_folder: %s
data:
  {{- range $file, $_ := .Files.Glob "dashboards/*.json" }}
  {{ base $file }}: {{ $.Files.Get $file | quote }}
  {{- end }}
{{- end }}
`, indent(string(labels), 4), c.folder)
	return nil
}

func indent(text string, by int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.Repeat(" ", by) + line)
	}
	return out.String()
}

// read returns the documents of a manifest, without comments.
func read(file string, text []byte) ([]*document, error) {
	var all []*document
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		d, err := newDocument(file, &node)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
}
