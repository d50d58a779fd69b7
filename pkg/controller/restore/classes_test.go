package restore

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// noClassModifiers returns the ConfigMaps of manifests/27-no-class-modifiers.yaml, by name.
func noClassModifiers(t *testing.T) map[string]*corev1.ConfigMap {
	t.Helper()
	text, err := os.ReadFile("../../../manifests/27-no-class-modifiers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*corev1.ConfigMap{}
	for document := range strings.SplitSeq("\n"+string(text), "\n---") {
		cm := &corev1.ConfigMap{}
		if err := yaml.UnmarshalStrict([]byte(document+"\n"), cm); err != nil {
			t.Fatal(err)
		}
		all[cm.Name] = cm
	}
	return all
}

func TestNoClaimReachesVeleroWithoutAClass(t *testing.T) {
	class := func(name, key string) *storagev1.StorageClass {
		return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{key: "true"}}}
	}
	for name, c := range map[string]struct {
		fence     bool
		isolation v1alpha1.NetworkIsolation
		classes   []*storagev1.StorageClass
		want      string
	}{
		"the fence refuses such claims":              {true, v1alpha1.IsolationStrict, nil, ModifiersName},
		"there is a default class":                   {false, v1alpha1.IsolationStrict, []*storagev1.StorageClass{class("a", "b"), class("c", "storageclass.kubernetes.io/is-default-class")}, ModifiersName},
		"there is one by the older annotation":       {false, v1alpha1.IsolationStrict, []*storagev1.StorageClass{class("c", "storageclass.beta.kubernetes.io/is-default-class")}, ModifiersName},
		"there is none":                              {false, v1alpha1.IsolationStrict, []*storagev1.StorageClass{class("a", "b")}, SandboxNoClassName},
		"there is none for group":                    {false, v1alpha1.IsolationGroup, nil, GroupNoClassName},
		"there is a default class, for group":        {false, v1alpha1.IsolationGroup, []*storagev1.StorageClass{class("c", "storageclass.kubernetes.io/is-default-class")}, GroupModifiersName},
		"the fence refuses such claims in group too": {true, v1alpha1.IsolationGroup, nil, GroupModifiersName},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []runtime.Object{
				shipped(t, "20-modifiers.yaml"), shipped(t, "25-group-modifiers.yaml"),
				&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: DNSName}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.53"}},
			}
			for _, cm := range noClassModifiers(t) {
				objects = append(objects, cm)
			}
			for _, class := range c.classes {
				objects = append(objects, class)
			}
			controller := Controller{kube: fake.NewClientset(objects...), client: kymarosfake.NewClientset(), options: Options{
				VeleroNamespace: "velero", SystemNamespace: "system", ClusterDomain: "cluster.local", RequireFence: c.fence,
			}}
			rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.Sandbox.NetworkIsolation = c.isolation })
			if got, err := controller.modifiers(t.Context(), rt); err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestWithoutADefaultClassClaimsGetOneThatNobodyServes: those of the empty class and those that name none.
func TestWithoutADefaultClassClaimsGetOneThatNobodyServes(t *testing.T) {
	for name, cm := range noClassModifiers(t) {
		got := map[string]string{}
		for _, r := range rulesOf(t, cm.Data) {
			for _, patch := range r.MergePatches {
				var claim corev1.PersistentVolumeClaim
				if r.Conditions["groupResource"] != "persistentvolumeclaims" || yaml.Unmarshal([]byte(patch["patchData"].(string)), &claim) != nil {
					continue
				}
				matches, _ := r.Conditions["matches"].([]any)
				if claim.Spec.StorageClassName == nil || len(matches) != 1 {
					continue
				}
				match := matches[0].(map[string]any)
				got[match["path"].(string)+"="+match["value"].(string)] = *claim.Spec.StorageClassName
			}
		}
		want := map[string]string{"/spec/storageClassName=": names.NoClass, "/spec/storageClassName=null": names.NoClass}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	text, err := os.ReadFile("../../../manifests/17-storageclass.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var class storagev1.StorageClass
	if err := yaml.UnmarshalStrict(text, &class); err != nil {
		t.Fatal(err)
	}
	if class.Name != names.NoClass || class.Provisioner != "kubernetes.io/no-provisioner" || class.VolumeBindingMode == nil ||
		*class.VolumeBindingMode != storagev1.VolumeBindingWaitForFirstConsumer || volumes.DefaultClass(&class) {
		t.Errorf("the class is %+v", class)
	}
}
