package chart

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// same fails t for each object that is missing, too much or another.
func same(t *testing.T, want, have objects) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want.and(have))) {
		switch {
		case have[name] == nil:
			t.Errorf("the chart does not give %s", name)
		case want[name] == nil:
			t.Errorf("the chart gives %s, which the manifests do not", name)
		default:
			if diff := cmp.Diff(want[name].Object, have[name].Object); diff != "" {
				t.Errorf("%s is another than in the manifests:\n%s", name, diff)
			}
		}
	}
}

func TestTheDefaultsGiveThePlainManifests(t *testing.T) {
	want := shipped(t)
	if len(want) < 100 {
		t.Fatalf("the manifests have %d objects", len(want))
	}
	same(t, want, rendered(t, nil))
}

// TestVelerosNamespaceIsOneValue: roles, rules for Velero, the fence and the programs, as hack/velero-namespace.sh changes them.
func TestVelerosNamespaceIsOneValue(t *testing.T) {
	same(t, plain(t, "overlays/openshift-adp/*.yaml"), rendered(t, values{"veleroNamespace": "openshift-adp"}))
}

func TestRightsAreThoseOfTheOverlays(t *testing.T) {
	same(t, shipped(t).and(plain(t, "overlays/hardened/rbac.yaml")), rendered(t, values{"rbac.readSources": false}))

	want := shipped(t).and(plain(t, "overlays/seed-rbac/rbac.yaml"))
	controller := want.object(t, "Deployment kymaros-system/kymaros-controller")
	containers, _, _ := unstructured.NestedSlice(controller.Object, "spec", "template", "spec", "containers")
	env := containers[0].(map[string]any) //nolint:forcetypeassert // a container
	env["env"] = append(env["env"].([]any), map[string]any{"name": "KYMAROS_SANDBOX_BINDINGS", "value": "false"})
	if err := unstructured.SetNestedSlice(controller.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	same(t, want, rendered(t, values{"rbac.bindInSandboxes": false}))
}

// bucket is an archive in the bucket of archive/bucket.yaml.
var bucket = values{"archive.enabled": true, "archive.bucket.name": "evidence", "archive.bucket.endpoint": "https://s3.example.org"}

func TestOptionalPartsAreThoseOfTheManifests(t *testing.T) {
	for name, of := range map[string]struct {
		values values
		files  []string
	}{
		"an archive on a volume": {values{"archive.enabled": true}, []string{"archive/access.yaml", "archive/volume.yaml"}},
		"an archive in a bucket": {bucket, []string{"archive/access.yaml", "archive/bucket.yaml"}},
		"new pods":               {values{"newbornPods.enabled": true}, []string{"newborn/pods.yaml"}},
		"images from elsewhere":  {values{"imageMappings.enabled": true}, []string{"mappings/images.yaml"}},
		"alerts":                 {values{"monitoring.prometheusRule.enabled": true}, []string{"monitoring/prometheusrule.yaml"}},
		"the metrics of the API": {values{"monitoring.serviceMonitor.enabled": true}, []string{"monitoring/servicemonitor.yaml", "monitoring/scraper.yaml"}},
		"metrics of the archive": {values{"monitoring.podMonitor.enabled": true, "archive.enabled": true}, []string{"monitoring/podmonitor.yaml", "monitoring/scraper.yaml", "archive/access.yaml", "archive/volume.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			same(t, shipped(t).and(plain(t, of.files...)), rendered(t, of.values))
		})
	}
}

func TestDashboardsAreThoseOfTheManifests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(manifests, "monitoring/Kustomization"))
	if err != nil {
		t.Fatal(err)
	}
	var k struct {
		ConfigMapGenerator []struct {
			Name, Namespace string
			Files           []string
			Options         struct{ Labels, Annotations map[string]string }
		}
	}
	if err := yaml.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	g := k.ConfigMapGenerator[0]
	want := corev1.ConfigMap{Data: map[string]string{}}
	want.APIVersion, want.Kind, want.Name, want.Namespace, want.Labels, want.Annotations = "v1", "ConfigMap", g.Name, g.Namespace, g.Options.Labels, g.Options.Annotations
	for _, file := range g.Files {
		text, err := os.ReadFile(filepath.Join(manifests, "monitoring", file))
		if err != nil {
			t.Fatal(err)
		}
		want.Data[filepath.Base(file)] = string(text)
	}
	body, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(body, &o.Object); err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	same(t, shipped(t).and(named(t, []*unstructured.Unstructured{o})), rendered(t, values{"monitoring.dashboards.enabled": true}))
}

// TestWhatPeopleWouldLoseIsKept: Helm deletes what it does not read this of, and reports with their definitions.
func TestWhatPeopleWouldLoseIsKept(t *testing.T) {
	text, err := template(t, values{"archive.enabled": true})
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, o := range parse(t, text) {
		if o.GetAnnotations()["helm.sh/resource-policy"] == "keep" {
			kept = append(kept, o.GetKind()+" "+o.GetName())
		}
	}
	slices.Sort(kept)
	want := []string{
		"CustomResourceDefinition healthcheckpolicies.restore.kymaros.io", "CustomResourceDefinition restorereports.restore.kymaros.io",
		"CustomResourceDefinition restoretests.restore.kymaros.io", "Namespace kymaros-system", "PersistentVolumeClaim kymaros-archive",
	}
	if !slices.Equal(kept, want) {
		t.Errorf("kept are %q, want %q", kept, want)
	}
}
