package manifests

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestNoPodOfOursFixesItsUser: OpenShift gives each namespace users and groups of its own, and lets no pod in that names another. It gives
// the group of a volume too; archive/volume.yaml, which cannot do without one elsewhere, says so.
func TestNoPodOfOursFixesItsUser(t *testing.T) {
	pods := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var o struct {
				Kind string
				Spec struct {
					Template corev1.PodTemplateSpec
				}
			}
			if err := yaml.Unmarshal(document, &o); err != nil || len(o.Spec.Template.Spec.Containers) == 0 {
				continue // a list, or no workload
			}
			pods++
			spec := &o.Spec.Template.Spec
			own := spec.SecurityContext
			if own == nil || own.RunAsNonRoot == nil || !*own.RunAsNonRoot {
				t.Errorf("%s: a %s may run as root", path, o.Kind)
				continue
			}
			if own.RunAsUser != nil || own.RunAsGroup != nil || len(own.SupplementalGroups) > 0 || own.SELinuxOptions != nil {
				t.Errorf("%s: a %s fixes its user, group or SELinux level", path, o.Kind)
			}
			if own.FSGroup != nil && !strings.Contains(string(document), "OpenShift gives a group by itself: leave both lines out there.\n        fsGroup:") {
				t.Errorf("%s: a %s fixes the group of its volumes, and does not say that OpenShift takes none", path, o.Kind)
			}
			for _, c := range append(spec.InitContainers, spec.Containers...) {
				if s := c.SecurityContext; s != nil && (s.RunAsUser != nil || s.RunAsGroup != nil || s.SELinuxOptions != nil) {
					t.Errorf("%s: container %s of a %s fixes its user, group or SELinux level", path, c.Name, o.Kind)
				}
			}
		}
		return nil
	})
	if err != nil || pods < 15 {
		t.Errorf("%d workloads were found: %v", pods, err)
	}
}
