package restore

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// shipped returns the ConfigMap of the manifests.
func shipped(t *testing.T) *corev1.ConfigMap {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "manifests", "20-modifiers.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cm := &corev1.ConfigMap{}
	if err := yaml.UnmarshalStrict(text, cm); err != nil {
		t.Fatal(err)
	}
	return cm
}

// rule as Velero reads it.
type rule struct {
	Conditions   map[string]any
	Patches      []map[string]any `json:",omitempty"`
	MergePatches []map[string]any `json:",omitempty"`
}

func rulesOf(t *testing.T, data map[string]string) []rule {
	t.Helper()
	if len(data) != 1 {
		t.Fatalf("%d keys, Velero wants one", len(data))
	}
	var all struct {
		Version               string
		ResourceModifierRules []rule
	}
	for _, text := range data {
		if err := yaml.UnmarshalStrict([]byte(text), &all); err != nil || all.Version != "v1" {
			t.Fatalf("version %q, %v", all.Version, err)
		}
	}
	return all.ResourceModifierRules
}

func TestGroupRulesAreTheShippedOnesAndOneMore(t *testing.T) {
	static := shipped(t)
	key, all, err := parse(static.Data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := groupRules(all, "10.96.0.53", "k8s.example.com")
	if err != nil {
		t.Fatal(err)
	}
	before, after := rulesOf(t, static.Data), rulesOf(t, map[string]string{key: got})
	if diff := cmp.Diff(before, after[:len(after)-1]); diff != "" {
		t.Errorf("the shipped rules (-want +got):\n%s", diff)
	}
	added := after[len(after)-1]
	if diff := cmp.Diff(map[string]any{"groupResource": "pods"}, added.Conditions); diff != "" || len(added.Patches) > 0 || len(added.MergePatches) != 1 {
		t.Errorf("rule %+v must be one merge patch on pods, and nothing else", added)
	}
	var pod corev1.Pod
	patch := json.NewDecoder(strings.NewReader(added.MergePatches[0]["patchData"].(string)))
	patch.DisallowUnknownFields()
	if err := patch.Decode(&pod); err != nil {
		t.Fatal(err)
	}
	want := corev1.PodSpec{DNSPolicy: corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{
		Nameservers: []string{"10.96.0.53"}, Searches: []string{"svc.k8s.example.com"}, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("1")}},
	}}
	if diff := cmp.Diff(want, pod.Spec); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
}

func TestModifiers(t *testing.T) {
	dns := func(ip string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "kymaros-dns"}, Spec: corev1.ServiceSpec{ClusterIP: ip}}
	}
	static := func(data map[string]string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: ModifiersName}, Data: data}
	}
	stale := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: GroupModifiersName}, Data: map[string]string{"old.yaml": "x"}}
	good := shipped(t)
	for name, c := range map[string]struct {
		isolation v1alpha1.NetworkIsolation
		objects   []runtime.Object
		want      string
		message   string
		writes    string
	}{
		"strict takes them as they are":  {v1alpha1.IsolationStrict, []runtime.Object{good}, ModifiersName, "", ""},
		"the default is strict":          {"", []runtime.Object{good}, ModifiersName, "", ""},
		"strict needs them too":          {v1alpha1.IsolationStrict, nil, "", "velero/kymaros-sandbox-modifiers is missing", ""},
		"and not emptied":                {v1alpha1.IsolationStrict, []runtime.Object{static(map[string]string{"a": "version: v1"})}, "", "no rules", ""},
		"group does not make its own":    {v1alpha1.IsolationGroup, []runtime.Object{good, dns("10.96.0.53")}, "", "velero/kymaros-group-modifiers is missing", ""},
		"group refreshes what is old":    {v1alpha1.IsolationGroup, []runtime.Object{good, dns("10.96.0.53"), stale}, GroupModifiersName, "", "update"},
		"without the rules nothing goes": {v1alpha1.IsolationGroup, []runtime.Object{dns("10.96.0.53")}, "", "velero/kymaros-sandbox-modifiers is missing", ""},
		"without the Service neither":    {v1alpha1.IsolationGroup, []runtime.Object{good}, "", "system/kymaros-dns is missing", ""},
		"nor without its address":        {v1alpha1.IsolationGroup, []runtime.Object{good, dns("None")}, "", "manifests/40-dns.yaml", ""},
		"nor with two keys":              {v1alpha1.IsolationGroup, []runtime.Object{static(map[string]string{"a": "", "b": ""}), dns("10.96.0.53")}, "", "2 keys", ""},
		"nor without rules in it":        {v1alpha1.IsolationGroup, []runtime.Object{static(map[string]string{"a": "version: v1"}), dns("10.96.0.53")}, "", "no rules", ""},
		"nor with what Velero refuses":   {v1alpha1.IsolationGroup, []runtime.Object{static(map[string]string{"a": "rules: []"}), dns("10.96.0.53")}, "", "manifests/20-modifiers.yaml", ""},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(c.objects...)
			controller := Controller{kube: kube, options: Options{VeleroNamespace: "velero", SystemNamespace: "system", ClusterDomain: "cluster.local"}}
			rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.Sandbox.NetworkIsolation = c.isolation })
			got, err := controller.modifiers(t.Context(), rt)
			var missing modifiersError
			if errors.As(err, &missing) != (c.message != "") || err != nil && !strings.Contains(err.Error(), c.message) || got != c.want {
				t.Fatalf("got %q, %v; want %q, %q", got, err, c.want, c.message)
			}
			writes := ""
			for _, a := range kube.Actions() {
				if a.GetVerb() != "get" {
					writes += a.GetVerb()
				}
			}
			if writes != c.writes || c.isolation != v1alpha1.IsolationGroup && len(kube.Actions()) != 1 {
				t.Errorf("requests %v, want to %q", kube.Actions(), c.writes)
			}
			if got != GroupModifiersName {
				return
			}
			made, err := kube.CoreV1().ConfigMaps("velero").Get(t.Context(), got, metav1.GetOptions{})
			if err != nil || len(rulesOf(t, made.Data)) != len(rulesOf(t, good.Data))+1 {
				t.Errorf("ConfigMap %v, %v", made, err)
			}
			kube.ClearActions()
			if _, err := controller.modifiers(t.Context(), rt); err != nil || len(kube.Actions()) != 3 {
				t.Errorf("what is as it should be was written again: %v, %v", kube.Actions(), err)
			}
		})
	}
}
