package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func class(value int32, policy *corev1.PreemptionPolicy) *schedulingv1.PriorityClass {
	return &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "kymaros-sandbox"}, Value: value, PreemptionPolicy: policy}
}

func TestOnlyAClassThatPreemptsNobodyIsFit(t *testing.T) {
	for name, c := range map[string]struct {
		class *schedulingv1.PriorityClass
		says  string // empty: fit
	}{
		"that of the manifests":            {class(-1000, new(corev1.PreemptNever)), ""},
		"none":                             {nil, "does not exist"},
		"one that is not negative":         {class(0, new(corev1.PreemptNever)), "value 0"},
		"one that preempts":                {class(-1, new(corev1.PreemptLowerPriority)), "preemptionPolicy"},
		"one that preempts without a word": {class(-1, nil), "preemptionPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			got := unfit(c.class)
			if (got == nil) != (c.says == "") {
				t.Fatalf("got %v", got)
			}
			if got != nil && (got.reason != v1alpha1.ReasonRejected || !strings.Contains(got.message, c.says) || !strings.Contains(got.message, "manifests/15-priorityclass.yaml")) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func volume(class string, change ...func(*corev1.PersistentVolume)) corev1.PersistentVolume {
	v := corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{StorageClassName: class}, Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable}}
	for _, c := range change {
		c(&v)
	}
	return v
}

func TestStaticClassesAreThoseWithAFreeVolume(t *testing.T) {
	in := func(phase corev1.PersistentVolumePhase) func(*corev1.PersistentVolume) {
		return func(v *corev1.PersistentVolume) { v.Status.Phase = phase }
	}
	claimed := func(uid types.UID) func(*corev1.PersistentVolume) {
		return func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "shop", Name: "data", UID: uid}
		}
	}
	for name, c := range map[string]struct {
		volumes []corev1.PersistentVolume
		want    []string
	}{
		"one that is available":                {[]corev1.PersistentVolume{volume("nfs")}, []string{"nfs"}},
		"one that waits for a claim of a name": {[]corev1.PersistentVolume{volume("nfs", claimed(""))}, []string{"nfs"}},
		"one that was just made":               {[]corev1.PersistentVolume{volume("a", in(corev1.VolumePending)), volume("b", in(""))}, []string{"a", "b"}},
		"each class once, sorted":              {[]corev1.PersistentVolume{volume("nfs"), volume("hand"), volume("nfs")}, []string{"hand", "nfs"}},
		"the annotation of old": {[]corev1.PersistentVolume{volume("", func(v *corev1.PersistentVolume) {
			v.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: "old"}
		})}, []string{"old"}},
		"none without a class: no quota can tell such claims":     {[]corev1.PersistentVolume{volume("")}, nil},
		"none that is bound, was bound, or is made for its claim": {[]corev1.PersistentVolume{volume("a", in(corev1.VolumeBound)), volume("b", in(corev1.VolumeReleased)), volume("c", in(corev1.VolumeFailed)), volume("d", claimed("uid"))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, staticClasses(c.volumes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrepare(t *testing.T) {
	free := volume("nfs")
	free.Name = "by-hand"
	fit := class(-1000, new(corev1.PreemptNever))
	forbidden := apierrors.NewForbidden(schedulingv1.Resource("priorityclasses"), "kymaros-sandbox", errors.New("no"))
	for name, c := range map[string]struct {
		objects []runtime.Object
		fails   error
		verdict string
		classes []string
		err     bool
	}{
		"all is well":                     {objects: []runtime.Object{fit}},
		"somebody's volume is free":       {objects: []runtime.Object{fit, &free}, classes: []string{"nfs"}},
		"the class is missing":            {verdict: "15-priorityclass.yaml"},
		"the class may not be read":       {fails: forbidden, verdict: "10-rbac.yaml"},
		"the API server has a bad moment": {fails: errors.New("connection refused"), err: true},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(c.objects...)
			if c.fails != nil {
				kube.PrependReactor("get", "priorityclasses", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.fails })
			}
			s, err := (&Controller{kube: kube}).prepare(t.Context(), test())
			if (err != nil) != c.err {
				t.Fatal(err)
			}
			if (s.verdict != nil) != (c.verdict != "") || s.verdict != nil && !strings.Contains(s.verdict.message, c.verdict) {
				t.Errorf("verdict %+v, want %q", s.verdict, c.verdict)
			}
			if diff := cmp.Diff(c.classes, s.staticClasses); diff != "" {
				t.Error(diff)
			}
			if len(s.namespaces) != 2 {
				t.Errorf("sandboxes that are planned: %v", s.namespaces)
			}
		})
	}
}
