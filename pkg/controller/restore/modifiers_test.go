package restore

import (
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
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

// shipped returns the ConfigMap in a file of the manifests.
func shipped(t *testing.T, file string) *corev1.ConfigMap {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "manifests", file))
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
	static, group := shipped(t, "20-modifiers.yaml"), shipped(t, "25-group-modifiers.yaml")
	got, err := address(group.Data["rules.yaml"], "10.96.0.53")
	if err != nil {
		t.Fatal(err)
	}
	before, after := rulesOf(t, static.Data), rulesOf(t, map[string]string{"rules.yaml": got})
	if diff := cmp.Diff(before, after[:len(after)-1]); diff != "" {
		t.Errorf("the shipped rules (-want +got):\n%s", diff)
	}
	added := after[len(after)-1]
	if diff := cmp.Diff(map[string]any{"groupResource": "pods"}, added.Conditions); diff != "" || len(added.Patches) > 0 || len(added.MergePatches) != 1 {
		t.Errorf("rule %+v must be one merge patch on pods, and nothing else", added)
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(added.MergePatches[0]["patchData"].(string)), &pod); err != nil {
		t.Fatal(err)
	}
	want := corev1.PodSpec{DNSPolicy: corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{
		Nameservers: []string{"10.96.0.53"}, Searches: []string{"svc.cluster.local"}, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("1")}},
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
	good, group := shipped(t, "20-modifiers.yaml"), shipped(t, "25-group-modifiers.yaml")
	// changed is the ConfigMap of group, with something else in it.
	changed := func(old, new string) *corev1.ConfigMap {
		cm := group.DeepCopy()
		text := strings.Replace(cm.Data["rules.yaml"], old, new, 1)
		if text == cm.Data["rules.yaml"] {
			t.Fatalf("nothing has %q", old)
		}
		cm.Data["rules.yaml"] = text
		return cm
	}
	unshipped := func(old, new string) []runtime.Object {
		return []runtime.Object{good, dns("10.96.0.53"), changed(old, new)}
	}
	twoKeys := group.DeepCopy()
	twoKeys.Data["more.yaml"] = "x"
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
		"group fills the address in":     {v1alpha1.IsolationGroup, []runtime.Object{good, dns("10.96.0.53"), group}, GroupModifiersName, "", "update"},
		"and one of IPv6":                {v1alpha1.IsolationGroup, []runtime.Object{good, dns("fd00::53"), group}, GroupModifiersName, "", "update"},
		"and replaces what is old":       {v1alpha1.IsolationGroup, unshipped("0.0.0.0", "10.96.0.52"), GroupModifiersName, "", "update"},
		"a rule that was changed":        {v1alpha1.IsolationGroup, unshipped("suspend: true", "suspend: false"), "", "manifests/25-group-modifiers.yaml", ""},
		"other conditions":               {v1alpha1.IsolationGroup, unshipped("groupResource: \"**\"", "groupResource: pods"), "", "are not those of", ""},
		"another domain":                 {v1alpha1.IsolationGroup, unshipped("svc.cluster.local", "svc.example.com"), "", "--cluster-domain", ""},
		"a second nameserver":            {v1alpha1.IsolationGroup, unshipped("dnsPolicy: None", "nameservers: []"), "", "does not have one", ""},
		"something else in the last":     {v1alpha1.IsolationGroup, unshipped("dnsPolicy: None", "dnsPolicy: None\n        hostNetwork: true"), "", "one nameserver", ""},
		"the last rule for another kind": {v1alpha1.IsolationGroup, unshipped("instead of two.\n- conditions: {groupResource: pods}", "instead of two.\n- conditions: {groupResource: secrets}"), "", "one nameserver", ""},
		"a further key":                  {v1alpha1.IsolationGroup, []runtime.Object{good, dns("10.96.0.53"), twoKeys}, "", "2 keys", ""},
		"without the rules nothing goes": {v1alpha1.IsolationGroup, []runtime.Object{dns("10.96.0.53")}, "", "velero/kymaros-sandbox-modifiers is missing", ""},
		"without the Service neither":    {v1alpha1.IsolationGroup, []runtime.Object{good}, "", "system/kymaros-dns is missing", ""},
		"nor without its address":        {v1alpha1.IsolationGroup, []runtime.Object{good, dns("None")}, "", "manifests/40-dns.yaml", ""},
		"nor with two keys":              {v1alpha1.IsolationGroup, []runtime.Object{static(map[string]string{"a": "", "b": ""}), dns("10.96.0.53")}, "", "2 keys", ""},
		"nor without rules in it":        {v1alpha1.IsolationGroup, []runtime.Object{static(map[string]string{"a": "version: v1"}), dns("10.96.0.53")}, "", "no rules", ""},
		"nor with what Velero refuses":   {v1alpha1.IsolationGroup, []runtime.Object{static(map[string]string{"a": "rules: []"}), dns("10.96.0.53")}, "", "manifests/20-modifiers.yaml", ""},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(c.objects...)
			controller := Controller{kube: kube, client: kymarosfake.NewClientset(), options: Options{VeleroNamespace: "velero", SystemNamespace: "system", ClusterDomain: "cluster.local", RequireFence: true}}
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
			service, _ := kube.CoreV1().Services("system").Get(t.Context(), "kymaros-dns", metav1.GetOptions{})
			if err != nil || made.Data["rules.yaml"] != strings.Replace(group.Data["rules.yaml"], "0.0.0.0", service.Spec.ClusterIP, 1) {
				t.Errorf("ConfigMap %v, %v", made, err)
			}
			kube.ClearActions()
			if _, err := controller.modifiers(t.Context(), rt); err != nil || len(kube.Actions()) != 3 {
				t.Errorf("what is as it should be was written again: %v, %v", kube.Actions(), err)
			}
		})
	}
}
