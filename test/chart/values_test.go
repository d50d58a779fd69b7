package chart

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/test/plane"
)

func parse(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	all, err := plane.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// defaults returns the values of values.yaml by their path. A part that is an object for users, such as resources, is one value.
func defaults(t *testing.T) values {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	found := values{}
	var walk func(prefix string, at map[string]any)
	walk = func(prefix string, at map[string]any) {
		for key, value := range at {
			if sub, ok := value.(map[string]any); ok && len(sub) > 0 && key != "resources" {
				walk(prefix+key+".", sub)
				continue
			}
			found[prefix+key] = value
		}
	}
	walk("", tree)
	return found
}

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

var large = map[string]any{"requests": map[string]any{"memory": "77Mi"}}

// effects are, of each value, another one, what stands in lines of the chart's objects only then, and what has to be set for it to count.
// Where less is left, what is not there any more stands after a minus.
var effects = map[string]struct {
	to     any
	gives  []string
	beside values
}{
	"veleroNamespace":       {to: "other", gives: []string{`namespace: "other"`, ":other:'", "value: \"other\"", "== 'other'"}},
	"veleroVersion":         {to: "v1.18.3", gives: []string{"- --velero-version=v1.18.3"}},
	"clusterDomain":         {to: "k8s.example.com", gives: []string{"- --cluster-domain=k8s.example.com", "searches: [svc.k8s.example.com]"}},
	"permittedResources":    {to: []string{"b.example.com", "a.example.com", "b.example.com"}, gives: []string{"- --permitted-resources=b.example.com,a.example.com,b.example.com", `expression: "['a.example.com', 'b.example.com']"`}},
	"isolationProof":        {to: "report", gives: []string{"- --isolation-proof=report"}},
	"image.registry":        {to: "mirror.example.com:5000", gives: []string{`image: "mirror.example.com:5000/kymaros/kymaros:v0.1.0"`}},
	"image.repository":      {to: "copies/kymaros", gives: []string{`image: "ghcr.io/copies/kymaros:v0.1.0"`}},
	"image.tag":             {to: "v9.9.9", gives: []string{`image: "ghcr.io/kymaros/kymaros:v9.9.9"`}},
	"image.digest":          {to: digest, gives: []string{`image: "ghcr.io/kymaros/kymaros@` + digest}},
	"image.pullPolicy":      {to: "Always", gives: []string{"imagePullPolicy: Always"}},
	"imagePullSecrets":      {to: []any{map[string]any{"name": "mirror"}}, gives: []string{"imagePullSecrets:"}},
	"nodeSelector":          {to: map[string]any{"pool": "infra"}, gives: []string{"pool: infra"}},
	"tolerations":           {to: []any{map[string]any{"key": "infra", "operator": "Exists"}}, gives: []string{"key: infra"}},
	"crds.enabled":          {to: false, gives: []string{"-kind: CustomResourceDefinition"}},
	"namespace.create":      {to: false, gives: []string{"-name: kymaros-system"}},
	"rbac.readSources":      {to: false, gives: []string{"subjects: []"}},
	"rbac.bindInSandboxes":  {to: false, gives: []string{"rules: []", "- name: KYMAROS_SANDBOX_BINDINGS"}},
	"controller.replicas":   {to: 2, gives: []string{"replicas: 2"}},
	"controller.resources":  {to: large, gives: []string{"memory: 77Mi"}},
	"controller.extraArgs":  {to: []string{"--v=7"}, gives: []string{"- --v=7"}},
	"prober.replicas":       {to: 2, gives: []string{"replicas: 2"}},
	"prober.resources":      {to: large, gives: []string{"memory: 77Mi"}},
	"prober.extraArgs":      {to: []string{"--v=7"}, gives: []string{"- --v=7"}},
	"dns.enabled":           {to: false, gives: []string{"-command: [/kymaros-dns]"}},
	"dns.replicas":          {to: 2, gives: []string{"replicas: 2"}},
	"dns.resources":         {to: large, gives: []string{"memory: 77Mi"}},
	"dns.extraArgs":         {to: []string{"--v=7"}, gives: []string{"- --v=7"}},
	"canary.enabled":        {to: false, gives: []string{"-kind: DaemonSet"}, beside: values{"isolationProof": "off"}},
	"canary.extraArgs":      {to: []string{"--record=192.0.2.1:443"}, gives: []string{"- --record=192.0.2.1:443"}},
	"api.enabled":           {to: false, gives: []string{"-command: [/kymaros-api]"}},
	"api.replicas":          {to: 2, gives: []string{"replicas: 2"}},
	"api.resources":         {to: large, gives: []string{"memory: 77Mi"}},
	"api.extraArgs":         {to: []string{"--v=7"}, gives: []string{"- --v=7"}},
	"api.tlsSecret":         {to: "other", gives: []string{`secretName: "other"`}},
	"notify.enabled":        {to: false, gives: []string{"-command: [/kymaros-notify]"}},
	"notify.replicas":       {to: 2, gives: []string{"replicas: 2"}},
	"notify.resources":      {to: large, gives: []string{"memory: 77Mi"}},
	"notify.extraArgs":      {to: []string{"--v=7"}, gives: []string{"- --v=7"}},
	"notify.secret":         {to: "other", gives: []string{`secretName: "other"`}},
	"notify.configMap":      {to: "other", gives: []string{`name: "other"`}},
	"archive.enabled":       {to: true, gives: []string{"command: [/kymaros-archive]"}},
	"archive.resources":     {to: large, gives: []string{"memory: 77Mi"}, beside: values{"archive.enabled": true}},
	"archive.extraArgs":     {to: []string{"--v=7"}, gives: []string{"- --v=7"}, beside: values{"archive.enabled": true}},
	"archive.bucket.name":   {to: "evidence", gives: []string{"- --s3-bucket=evidence", "-claimName:"}, beside: values{"archive.enabled": true, "archive.bucket.endpoint": "https://s3.example.org"}},
	"archive.bucket.region": {to: "eu-1", gives: []string{"- --s3-region=eu-1"}, beside: bucket},
	"archive.bucket.secret": {to: "other", gives: []string{`secretName: "other"`}, beside: bucket},

	"prober.evidenceKeySecret":          {to: "other", gives: []string{`secretName: "other"`}},
	"archive.bucket.endpoint":           {to: "https://store.example.com", gives: []string{"- --s3-endpoint=https://store.example.com"}, beside: bucket},
	"archive.volume.existingClaim":      {to: "mine", gives: []string{`claimName: "mine"`, "-kind: PersistentVolumeClaim"}, beside: values{"archive.enabled": true}},
	"archive.volume.size":               {to: "1Ti", gives: []string{"storage: 1Ti"}, beside: values{"archive.enabled": true}},
	"archive.volume.storageClass":       {to: "nfs", gives: []string{`storageClassName: "nfs"`}, beside: values{"archive.enabled": true}},
	"archive.volume.fsGroup":            {to: 1000650000, gives: []string{"fsGroup: 1000650000"}, beside: values{"archive.enabled": true}},
	"newbornPods.enabled":               {to: true, gives: []string{"name: kymaros-newborn"}},
	"imageMappings.enabled":             {to: true, gives: []string{"name: kymaros-images"}},
	"monitoring.podMonitor.enabled":     {to: true, gives: []string{"kind: PodMonitor"}},
	"monitoring.serviceMonitor.enabled": {to: true, gives: []string{"kind: ServiceMonitor"}},
	"monitoring.prometheusRule.enabled": {to: true, gives: []string{"kind: PrometheusRule"}},
	"monitoring.dashboards.enabled":     {to: true, gives: []string{"name: kymaros-dashboards"}},
	"monitoring.labels":                 {to: map[string]any{"release": "prometheus"}, gives: []string{"release: prometheus"}, beside: values{"monitoring.podMonitor.enabled": true}},
}

// TestEveryValueIsUsed changes each by itself.
func TestEveryValueIsUsed(t *testing.T) {
	all := defaults(t)
	shipped, err := template(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(effects)) {
		if _, ok := all[path]; !ok {
			t.Errorf("values.yaml has no %s", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		effect, ok := effects[path]
		if !ok {
			t.Errorf("nobody knows what %s of values.yaml is for", path)
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			before, err := shipped, error(nil)
			if effect.beside != nil {
				before, err = template(t, effect.beside)
			}
			if err != nil {
				t.Fatal(err)
			}
			after, err := template(t, effect.beside.with(values{path: effect.to}))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range effect.gives {
				more, fewer := after, before
				if strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "- ") {
					line, more, fewer = line[1:], before, after
				}
				if strings.Count(more, line) <= strings.Count(fewer, line) {
					t.Errorf("%s: %v does not change in how many places %q stands: %d and %d", path, effect.to, line, strings.Count(before, line), strings.Count(after, line))
				}
			}
			if len(effect.gives) == 0 || before == after {
				t.Errorf("%s: %v changes nothing", path, effect.to)
			}
		})
	}
}

// TestAPartsValuesReachThatPartAlone: counted over all manifests, those of another would do as well.
func TestAPartsValuesReachThatPartAlone(t *testing.T) {
	whole := values{"archive.enabled": true}
	before := rendered(t, whole)
	tried := 0
	for path, effect := range effects {
		part, what, _ := strings.Cut(path, ".")
		if part == "canary" || what != "replicas" && what != "resources" && what != "extraArgs" {
			continue
		}
		tried++
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			after := rendered(t, whole.with(values{path: effect.to}))
			for name, o := range after {
				if was, ok := before[name]; !ok || !reflect.DeepEqual(was.Object, o.Object) != (o.GetKind() == "Deployment" && o.GetName() == "kymaros-"+part) {
					t.Errorf("%s: %s was there: %t, and is not as it has to be:\n%v", path, name, ok, o.Object)
				}
			}
			if len(after) != len(before) {
				t.Errorf("%s: %d objects, and %d before", path, len(after), len(before))
			}
		})
	}
	if tried < 15 {
		t.Errorf("only %d values of parts were tried", tried)
	}
}

// TestValuesReachEveryPod: an image from somewhere else, and what it takes to get it, is of no use in most pods.
func TestValuesReachEveryPod(t *testing.T) {
	pods := 0
	for name, o := range rendered(t, bucket.with(values{
		"image.digest": digest, "image.pullPolicy": "Always", "imagePullSecrets": []any{map[string]any{"name": "mirror"}},
		"nodeSelector": map[string]any{"pool": "infra"}, "tolerations": []any{map[string]any{"operator": "Exists"}},
	})) {
		spec, ok, _ := unstructured.NestedMap(o.Object, "spec", "template", "spec")
		if !ok {
			continue
		}
		pods++
		var containers []any
		for _, key := range []string{"initContainers", "containers"} {
			some, _, _ := unstructured.NestedSlice(spec, key)
			containers = append(containers, some...)
		}
		for _, c := range containers {
			c := c.(map[string]any) //nolint:forcetypeassert // a container
			if c["image"] != "ghcr.io/kymaros/kymaros@"+digest || c["imagePullPolicy"] != "Always" {
				t.Errorf("%s: container %v has image %v and pull policy %v", name, c["name"], c["image"], c["imagePullPolicy"])
			}
		}
		if spec["imagePullSecrets"] == nil {
			t.Errorf("%s has no pull secret", name)
		}
		selector, _, _ := unstructured.NestedStringMap(spec, "nodeSelector")
		tolerations, _, _ := unstructured.NestedSlice(spec, "tolerations")
		if everywhere := o.GetKind() == "DaemonSet"; selector["kubernetes.io/os"] != "linux" || (selector["pool"] == "infra") == everywhere || len(tolerations) != 1 {
			t.Errorf("%s is placed by %v, and stands %v", name, selector, tolerations)
		}
	}
	if pods < 10 {
		t.Errorf("%d workloads", pods)
	}
}

// TestTheSchemaKnowsEveryValue, and no other. It wants each, for helm upgrade --reuse-values has none that is new, which would fail later,
// in words of templates, or not at all.
func TestTheSchemaKnowsEveryValue(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	type schema struct {
		Properties           map[string]json.RawMessage
		AdditionalProperties any
		Required             []string
	}
	found := map[string]bool{}
	var walk func(prefix string, text []byte)
	walk = func(prefix string, text []byte) {
		var s schema
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", prefix, err)
		}
		if len(s.Properties) == 0 {
			found[prefix] = true
			return
		}
		if s.AdditionalProperties != false {
			t.Errorf("%q takes values that nobody reads", prefix)
		}
		want := slices.Sorted(maps.Keys(s.Properties))
		want = slices.DeleteFunc(want, func(key string) bool { return key == "global" }) // of a chart that has this one in it
		if slices.Sort(s.Required); !slices.Equal(s.Required, want) {
			t.Errorf("%q requires %q, want %q", prefix, s.Required, want)
		}
		for key, sub := range s.Properties {
			walk(strings.TrimPrefix(prefix+"."+key, "."), sub)
		}
	}
	walk("", text)
	delete(found, "global")
	for path := range defaults(t) {
		if !found[path] {
			t.Errorf("values.schema.json does not know %s", path)
		}
		delete(found, path)
	}
	for path := range found {
		t.Errorf("values.schema.json knows %s, which values.yaml does not have", path)
	}
}

// TestNonsenseIsRefusedWithTheNameOfTheValue, by the schema, or in words where two values do not go together.
func TestNonsenseIsRefusedWithTheNameOfTheValue(t *testing.T) {
	for _, of := range []struct {
		values values
		names  string
	}{
		{values{"veleroNamespace": "Velero"}, "veleroNamespace"},
		{values{"veleroNamespace": "kymaros-system"}, "veleroNamespace"},
		{values{"veleroNamespace": "x' || true || 'x"}, "veleroNamespace"},
		{values{"veleroVersion": "1.18"}, "veleroVersion"},
		{values{"clusterDomain": "cluster local"}, "clusterDomain"},
		{values{"permittedResources": []string{"Certificate"}}, "permittedResources"},
		{values{"permittedResources": []string{"x']"}}, "permittedResources"},
		{values{"isolationProof": "maybe"}, "isolationProof"},
		{values{"canary.enabled": false}, "isolationProof"},
		{values{"image.digest": "v0.1.0"}, "image/digest"},
		{values{"image.tag": "a tag"}, "image/tag"},
		{values{"image.pullPolicy": "Sometimes"}, "image/pullPolicy"},
		{values{"image": "ghcr.io/kymaros/kymaros"}, "image"},
		{values{"imagePullSecrets": []string{"mirror"}}, "imagePullSecrets"},
		{values{"tolerations": []any{map[string]any{"keys": "x"}}}, "tolerations"},
		{values{"crds.enabled": "no"}, "crds/enabled"},
		{values{"controller.replicas": -1}, "controller/replicas"},
		{values{"controller.resources": map[string]any{"limit": map[string]any{}}}, "controller/resources"},
		{values{"controller.extraArgs": []string{"v=4"}}, "controller/extraArgs"},
		{values{"api.tlsSecret": ""}, "api/tlsSecret"},
		{values{"archive.volume.size": "much"}, "archive/volume/size"},
		{values{"archive.enabled": true, "archive.bucket.name": "evidence"}, "archive.bucket.endpoint"},
		{values{"archive.bucket.endpoint": "s3.example.org"}, "archive/bucket/endpoint"},
		{values{"monitoring.enabled": true}, "monitoring"},
		{values{"velero.namespace": "velero"}, "velero"},
		{values{"imageMappings": nil}, "missing property 'imageMappings'"},
		{values{"archive.bucket.secret": nil}, "missing property 'secret'"},
	} {
		if out, err := template(t, of.values); err == nil {
			t.Errorf("%v is taken", of.values)
		} else if !strings.Contains(err.Error(), of.names) || out != "" {
			t.Errorf("%v: %v", of.values, err)
		}
	}
}

func TestAReleaseElsewhereIsRefusedInWords(t *testing.T) {
	_, err := run(helm(t, newest), "template", release, chart, "--namespace", "default")
	if err == nil || !strings.Contains(err.Error(), `give --namespace kymaros-system`) {
		t.Errorf("got %v", err)
	}
}

// TestOffNeedsNoQuotes: YAML reads it as false.
func TestOffNeedsNoQuotes(t *testing.T) {
	text, err := template(t, nil, "--set", "isolationProof=off,canary.enabled=false")
	if err != nil || strings.Count(text, "- --isolation-proof=off\n") != 2 {
		t.Errorf("not both halves look for no proof: %v", err)
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte("isolationProof: off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err = template(t, nil, "--values", file); err != nil || strings.Count(text, "- --isolation-proof=off\n") != 2 {
		t.Errorf("not both halves look for no proof: %v", err)
	}
}

func TestTheLinterFindsNothing(t *testing.T) {
	out, err := run(helm(t, newest), "lint", chart, "--strict", "--namespace", namespace)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
