package restore

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

var elsewhere = &v1alpha1.Mappings{
	StorageClasses: []v1alpha1.StorageClassMapping{{From: "gp3", To: "local-path"}, {From: "1", To: "a.b-c"}},
	NodeSelectors: []v1alpha1.NodeSelectorMapping{
		{From: v1alpha1.NodeLabel{Key: "node.kubernetes.io/instance-type", Value: "m5.large"}, To: &v1alpha1.NodeLabel{Key: "pool", Value: "big"}},
		{From: v1alpha1.NodeLabel{Key: "zone", Value: "true"}, To: &v1alpha1.NodeLabel{Key: "zone", Value: "b"}},
		{From: v1alpha1.NodeLabel{Key: "gpu", Value: ""}},
	},
}

func TestMappingRules(t *testing.T) {
	want := []rule{
		{map[string]any{"groupResource": "persistentvolumeclaims", "matches": []any{map[string]any{"path": "/spec/storageClassName", "value": `"gp3"`}}}, nil,
			[]map[string]any{{"patchData": `{"metadata":{"annotations":{"kymaros.io/mapped-storage-class":"gp3"}},"spec":{"storageClassName":"local-path"}}`}}},
		{map[string]any{"groupResource": "persistentvolumeclaims", "matches": []any{map[string]any{"path": "/spec/storageClassName", "value": `"1"`}}}, nil,
			[]map[string]any{{"patchData": `{"metadata":{"annotations":{"kymaros.io/mapped-storage-class":"1"}},"spec":{"storageClassName":"a.b-c"}}`}}},
		{map[string]any{"groupResource": "pods", "matches": []any{map[string]any{"path": "/spec/nodeSelector/node.kubernetes.io~1instance-type", "value": `"m5.large"`}}}, nil,
			[]map[string]any{{"patchData": `{"metadata":{"annotations":{"kymaros.io/mapped-node-selector-0":"node.kubernetes.io/instance-type=m5.large"}},"spec":{"nodeSelector":{"node.kubernetes.io/instance-type":null,"pool":"big"}}}`}}},
		{map[string]any{"groupResource": "pods", "matches": []any{map[string]any{"path": "/spec/nodeSelector/zone", "value": `"true"`}}}, nil,
			[]map[string]any{{"patchData": `{"metadata":{"annotations":{"kymaros.io/mapped-node-selector-1":"zone=true"}},"spec":{"nodeSelector":{"zone":"b"}}}`}}},
		{map[string]any{"groupResource": "pods", "matches": []any{map[string]any{"path": "/spec/nodeSelector/gpu", "value": `""`}}}, nil,
			[]map[string]any{{"patchData": `{"metadata":{"annotations":{"kymaros.io/mapped-node-selector-2":"gpu="}},"spec":{"nodeSelector":{"gpu":null}}}`}}},
	}
	for _, file := range []string{"20-modifiers.yaml", "25-group-modifiers.yaml"} {
		text := shipped(t, file).Data["rules.yaml"]
		mapped, err := withMappings(text, mappingRules(elsewhere))
		if err != nil {
			t.Fatal(err)
		}
		before, after := rulesOf(t, map[string]string{"rules.yaml": text}), rulesOf(t, map[string]string{"rules.yaml": mapped})
		var added []rule
		for _, r := range after {
			if !containsRule(before, r) {
				added = append(added, r)
			}
		}
		if diff := cmp.Diff(want, added); diff != "" || len(after) != len(before)+len(want) {
			t.Errorf("%s: %d rules, then %d (-want +got):\n%s", file, len(before), len(after), diff)
		}
		if back, err := withMappings(mapped, ""); err != nil || back != text {
			t.Errorf("%s is not as it was once nothing is mapped any more: %v", file, err)
		}
	}
}

func containsRule(all []rule, r rule) bool {
	for _, have := range all {
		if cmp.Equal(have, r) {
			return true
		}
	}
	return false
}

// TestTheFenceKnowsEveryMapping reads the pattern out of the policy: what the CRD admits, the fence has to let through.
func TestTheFenceKnowsEveryMapping(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "manifests", "fence", "controller.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`variables\.parts\[1\]\[0\]\.matches\('(.*)'\)\n`).FindSubmatch(text)
	if found == nil {
		t.Fatal("no policy looks at what is mapped")
	}
	pattern := regexp.MustCompile(strings.NewReplacer(`\'`, `'`, `\n`, "\n").Replace(string(found[1])))
	if rules := mappingRules(elsewhere); !pattern.MatchString(rules) || !pattern.MatchString("") {
		t.Errorf("the fence refuses\n%s", rules)
	}
	if pattern.MatchString(mappingRules(elsewhere) + "- {}\n") {
		t.Error("the fence lets any rule through")
	}
}

func TestMappingsAreWrittenWhenNoRestoreReadsThem(t *testing.T) {
	restore := func(phase velerov1.RestorePhase, labels map[string]string) *velerov1.Restore {
		return &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "kymaros-other", Labels: labels},
			Spec:   velerov1.RestoreSpec{ResourceModifier: &corev1.TypedLocalObjectReference{Kind: "ConfigMap", Name: ModifiersName}},
			Status: velerov1.RestoreStatus{Phase: phase}}
	}
	own := map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	otherRules := restore("", own)
	otherRules.Spec.ResourceModifier.Name = GroupModifiersName
	old := shipped(t, "20-modifiers.yaml")
	before, after, _ := withoutMappings(old.Data["rules.yaml"])
	old.Data["rules.yaml"] = before + after
	for name, c := range map[string]struct {
		mappings *v1alpha1.Mappings
		rules    *corev1.ConfigMap
		restore  *velerov1.Restore
		written  bool
		message  string
	}{
		"no mappings, nothing to write":           {nil, shipped(t, "20-modifiers.yaml"), restore("", own), false, ""},
		"nobody reads them":                       {elsewhere, shipped(t, "20-modifiers.yaml"), restore(velerov1.RestorePhaseInProgress, own), true, ""},
		"one of others does not count":            {elsewhere, shipped(t, "20-modifiers.yaml"), restore("", nil), true, ""},
		"one of ours is new":                      {elsewhere, shipped(t, "20-modifiers.yaml"), restore(velerov1.RestorePhaseNew, own), false, "has yet to read"},
		"one of ours goes by other rules":         {elsewhere, shipped(t, "20-modifiers.yaml"), otherRules, true, ""},
		"one of ours was not seen yet":            {elsewhere, shipped(t, "20-modifiers.yaml"), restore("", own), false, "has yet to read"},
		"rules of before, without a place":        {elsewhere, old, restore(velerov1.RestorePhaseCompleted, own), false, "no place for spec.restore.mappings"},
		"rules of before are enough without them": {nil, old, restore("", own), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(c.rules.DeepCopy())
			controller := Controller{kube: kube, client: kymarosfake.NewClientset(c.restore), options: Options{VeleroNamespace: "velero", RequireFence: true}}
			rt := test(func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Spec.Restore = &v1alpha1.RestoreScope{Mappings: c.mappings}
			})
			_, err := controller.modifiers(t.Context(), rt)
			if (err != nil) != (c.message != "") || err != nil && !strings.Contains(err.Error(), c.message) {
				t.Fatalf("error %v, want %q", err, c.message)
			}
			have, _ := kube.CoreV1().ConfigMaps("velero").Get(t.Context(), ModifiersName, metav1.GetOptions{})
			if written := have.Data["rules.yaml"] != c.rules.Data["rules.yaml"]; written != c.written {
				t.Errorf("written %t, want %t", written, c.written)
			}
			if !strings.Contains(c.message, "yet") {
				return
			}
			if refused, ok := refusal(metav1.Condition{}, "nightly", err); !ok || refused.Status != metav1.ConditionUnknown || refused.Reason != v1alpha1.ReasonQueued {
				t.Errorf("Restored would be %+v", refused)
			}
		})
	}
}
