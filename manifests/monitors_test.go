package manifests

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// object has what a monitor, and what it looks for, are read for here.
type object struct {
	Kind     string
	Metadata metav1.ObjectMeta
	Spec     struct {
		Template corev1.PodTemplateSpec // of a workload
		Ports    []corev1.ServicePort   // of a Service
		Selector metav1.LabelSelector   // of a monitor

		PodMetricsEndpoints, Endpoints []endpoint
	}
}

type endpoint struct {
	Port, Path    string
	HonorLabels   bool
	Authorization *struct {
		Credentials corev1.SecretKeySelector
	}
}

func objects(t *testing.T, files ...string) (all []object) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var o object
			// A Service's selector is no LabelSelector, and none is read of it.
			if err := yaml.Unmarshal(document, &o); err == nil {
				all = append(all, o)
			}
		}
	}
	return all
}

// TestMonitorsFindWhatTheyLookFor: a monitor with a label or a port that nobody has is silent, and so are all alerts then.
func TestMonitorsFindWhatTheyLookFor(t *testing.T) {
	shipped, err := filepath.Glob("[0-9]*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	installed := objects(t, append(shipped, "archive/volume.yaml")...)
	monitors := objects(t, "monitoring/podmonitor.yaml", "monitoring/servicemonitor.yaml")
	if len(monitors) != 4 {
		t.Fatalf("%d monitors", len(monitors))
	}
	for _, m := range monitors {
		selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range append(m.Spec.PodMetricsEndpoints, m.Spec.Endpoints...) {
			found := 0
			for _, o := range installed {
				namespace, of, ports := o.Metadata.Namespace, o.Metadata.Labels, []string{}
				for _, p := range o.Spec.Ports {
					ports = append(ports, p.Name)
				}
				if m.Kind == "PodMonitor" {
					of, ports = o.Spec.Template.Labels, nil
					for _, c := range o.Spec.Template.Spec.Containers {
						for _, p := range c.Ports {
							ports = append(ports, p.Name)
						}
					}
				}
				if namespace == m.Metadata.Namespace && selector.Matches(labels.Set(of)) && slices.Contains(ports, e.Port) {
					found++
				}
			}
			if found != 1 || e.Path != "/metrics" {
				t.Errorf("%s %s finds %d with port %s, and asks for %s", m.Kind, m.Metadata.Name, found, e.Port, e.Path)
			}
			// What has tests in its labels is told to who may get it, and keeps their namespaces.
			if name := m.Metadata.Name; name == "kymaros-controller" && !e.HonorLabels {
				t.Errorf("%s calls the namespace of a test exported_namespace", name)
			} else if (name == "kymaros-controller" || name == "kymaros-api") && (e.Authorization == nil || e.Authorization.Credentials.Name != "kymaros-scraper" || e.Authorization.Credentials.Key != "token") {
				t.Errorf("%s shows no token of kymaros-scraper", name)
			}
		}
	}
}
