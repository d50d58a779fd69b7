package healthcheck

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func claim(namespace, name, request string) corev1.PersistentVolumeClaim {
	return corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: new("fast"), Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(request)},
		}},
	}
}

func TestClaimsThatTheQuotaHasNoRoomFor(t *testing.T) {
	type claims = []corev1.PersistentVolumeClaim
	source := claims{claim("shop", "data", "20Gi"), claim("shop", "logs", "2Gi")}
	for name, c := range map[string]struct {
		quota string
		here  claims
		want  map[string]string
	}{
		"one that is larger than all of it":   {"10Gi", nil, map[string]string{"data": "requested: requests.storage=20Gi, limited: requests.storage=10Gi"}},
		"one that is larger than the rest":    {"21Gi", claims{claim("sbx", "data", "20Gi")}, map[string]string{"logs": "requested: requests.storage=2Gi, limited: requests.storage=21Gi"}},
		"one that fits was not refused":       {"22Gi", claims{claim("sbx", "data", "20Gi")}, map[string]string{}},
		"nor were those that are there":       {"10Gi", claims{claim("sbx", "data", "9Gi"), claim("sbx", "logs", "1Gi")}, map[string]string{}},
		"one that production has no more may": {"10Gi", claims{claim("sbx", "data", "9Gi"), claim("sbx", "logs", "1Gi"), claim("sbx", "old", "1Gi")}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, noRoom(resource.MustParse(c.quota), source, c.here)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAClaimBeyondTheQuotaIsLookedForWhenItMayHaveBeenRefused(t *testing.T) {
	waits := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0"}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: `0/1 nodes are available: persistentvolumeclaim "data" not found`,
	}}}}
	data := claim("shop", "data", "20Gi")
	for name, c := range map[string]struct {
		reason string
		quota  v1alpha1.Quantity
		pods   []*corev1.Pod
		found  bool
	}{
		"it was refused":                     {v1alpha1.ReasonPartiallyFailed, "10Gi", []*corev1.Pod{waits}, true},
		"Velero restored all of the backup":  {v1alpha1.ReasonCompleted, "10Gi", []*corev1.Pod{waits}, false},
		"nothing bounds claims":              {v1alpha1.ReasonPartiallyFailed, "", []*corev1.Pod{waits}, false},
		"no pod waits for a claim":           {v1alpha1.ReasonPartiallyFailed, "10Gi", []*corev1.Pod{{}}, false},
		"the quota had room, so it was else": {v1alpha1.ReasonPartiallyFailed, "20Gi", []*corev1.Pod{waits}, false},
	} {
		t.Run(name, func(t *testing.T) {
			rt := &v1alpha1.RestoreTest{Status: v1alpha1.RestoreTestStatus{
				Run: &v1alpha1.RunStatus{ID: "run"}, Restore: &v1alpha1.RestoreStatus{RunID: "run"},
				Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{
					{Source: "shop", Name: "sbx", Quota: v1alpha1.SandboxQuota{Storage: c.quota}},
				}},
				Conditions: []metav1.Condition{{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: c.reason}},
			}}
			kube := fake.NewClientset(&data)
			in := contents{source: "shop", pods: c.pods}
			if err := (&Controller{watches: &watches{kube: kube}}).lookForRefused(t.Context(), rt, &in); err != nil {
				t.Fatal(err)
			}
			got := assess([]contents{in})
			if (len(got.blocked) > 0) != c.found {
				t.Fatalf("blocked %q", got.blocked)
			}
			if text := blockedText(got.blocked); c.found && (!strings.Contains(text, "sandbox.resourceQuota.storage") || !strings.Contains(text, "--max-sandbox-storage")) {
				t.Errorf("no remedy: %s", text)
			}
		})
	}
}

// TestAClaimWithoutAClassWasRefusedWhereThereIsNoDefault also where nothing bounds claims.
func TestAClaimWithoutAClassWasRefusedWhereThereIsNoDefault(t *testing.T) {
	waits := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0"}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: `0/1 nodes are available: persistentvolumeclaim "data" not found`,
	}}}}
	class := func(name string, annotations map[string]string) *storagev1.StorageClass {
		return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}}
	}
	fast, standard := class("fast", nil), class("standard", map[string]string{"storageclass.kubernetes.io/is-default-class": "true"})
	for name, c := range map[string]struct {
		claimed *string // class
		reason  string
		class   *storagev1.StorageClass
		refused bool
	}{
		"one that says nothing":           {nil, v1alpha1.ReasonPartiallyFailed, fast, true},
		"one that wants a volume by hand": {new(string), v1alpha1.ReasonPartiallyFailed, fast, true},
		"the default class gives it one":  {new(string), v1alpha1.ReasonPartiallyFailed, standard, false},
		"one that has a class":            {&fast.Name, v1alpha1.ReasonPartiallyFailed, fast, false},
		"Velero restored all there was":   {new(string), v1alpha1.ReasonCompleted, fast, false},
	} {
		t.Run(name, func(t *testing.T) {
			rt := &v1alpha1.RestoreTest{Status: v1alpha1.RestoreTestStatus{
				Run: &v1alpha1.RunStatus{ID: "run"}, Restore: &v1alpha1.RestoreStatus{RunID: "run"},
				Sandbox:    &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: "sbx"}}},
				Conditions: []metav1.Condition{{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: c.reason}},
			}}
			data := claim("shop", "data", "20Gi")
			data.Spec.StorageClassName = c.claimed
			in := contents{source: "shop", pods: []*corev1.Pod{waits}}
			if err := (&Controller{watches: &watches{kube: fake.NewClientset(&data, c.class)}}).lookForRefused(t.Context(), rt, &in); err != nil {
				t.Fatal(err)
			}
			got := assess([]contents{in})
			if (len(got.blocked) > 0) != c.refused {
				t.Fatalf("blocked %q", got.blocked)
			}
			if text := blockedText(got.blocked); c.refused && (!strings.Contains(text, "claim data is missing") || !strings.Contains(text, "give the cluster a default storage class")) {
				t.Errorf("no remedy: %s", text)
			}
		})
	}
}
