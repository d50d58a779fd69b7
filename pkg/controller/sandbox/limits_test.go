package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
)

// memory returns a container that declares that much memory; empty: nothing.
func memory(request, limit string) corev1.Container {
	declared := func(q string) corev1.ResourceList {
		if q == "" {
			return nil
		}
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(q)}
	}
	return corev1.Container{Resources: corev1.ResourceRequirements{Requests: declared(request), Limits: declared(limit)}}
}

func spec(containers ...corev1.Container) corev1.PodSpec {
	return corev1.PodSpec{Containers: containers}
}

func memoryQuota(memory v1alpha1.Quantity) *v1alpha1.RestoreTest {
	return test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.Sandbox.ResourceQuota.Memory = memory })
}

func TestLimitsAdmitWhatRanInProduction(t *testing.T) {
	bounded := spec(memory("", ""))
	bounded.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("1Gi")}}
	// whole is a pod that requests so much for all its containers.
	whole := func(request string, containers ...corev1.Container) []corev1.PodSpec {
		s := spec(containers...)
		s.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{"memory": resource.MustParse(request)}}
		return []corev1.PodSpec{spec(memory("", "")), s}
	}
	for name, c := range map[string]struct {
		rt         *v1alpha1.RestoreTest
		production []corev1.PodSpec
		limit      string // empty: none
		request    string
	}{
		"a namespace that is gone cannot be asked: no guess": {test(), nil, "", "64Mi"},
		"the usual":                                        {test(), []corev1.PodSpec{spec(memory("", ""))}, "4Gi", "64Mi"},
		"a request without a limit raises it":              {test(), []corev1.PodSpec{spec(memory("8Gi", "")), spec(memory("6Gi", ""))}, "8Gi", "64Mi"},
		"so does that of an init container":                {test(), []corev1.PodSpec{{InitContainers: []corev1.Container{memory("8Gi", "")}}}, "8Gi", "64Mi"},
		"a request with a limit does not":                  {test(), []corev1.PodSpec{spec(memory("8Gi", "9Gi"))}, "4Gi", "64Mi"},
		"a limit of a whole pod would refuse it":           {test(), []corev1.PodSpec{spec(memory("8Gi", "")), bounded}, "", "64Mi"},
		"a request of a whole pod is shared by containers": {test(), whole("20Mi", memory("", ""), memory("", "")), "4Gi", "10Mi"},
		"as far as the others leave something":             {test(), whole("100Mi", memory("90Mi", ""), memory("", ""), memory("", "5Mi")), "4Gi", "5Mi"},
		"or nothing":                                       {test(), whole("90Mi", memory("90Mi", ""), memory("", "")), "4Gi", "0"},
		"one that says all lowers nothing":                 {test(), whole("20Mi", memory("20Mi", "")), "4Gi", "64Mi"},
		"nor does one that is large":                       {test(), whole("8Ei", memory("", "")), "4Gi", "64Mi"},
		"a limit of a whole pod is its request":            {test(), []corev1.PodSpec{{Resources: &corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("8Mi")}}, Containers: []corev1.Container{memory("", "")}}}, "", "8Mi"},
		"the quota bounds it, asked or not":                {memoryQuota("1Gi"), nil, "1Gi", "64Mi"},
		"a quota below the usual request bounds that too":  {memoryQuota("32Mi"), nil, "32Mi", "32Mi"},
	} {
		t.Run(name, func(t *testing.T) {
			item := limits(c.rt, box, c.rt.Status.Run.Spec.Sandbox.ResourceQuota, c.production).Spec.Limits[0]
			got, ok := item.Default["memory"]
			if ok != (c.limit != "") || ok && got.Cmp(resource.MustParse(c.limit)) != 0 {
				t.Errorf("limit %v, want %s", got.String(), c.limit)
			}
			if got := item.DefaultRequest["memory"]; got.Cmp(resource.MustParse(c.request)) != 0 {
				t.Errorf("request %v, want %s", got.String(), c.request)
			}
			if len(item.Min)+len(item.Max)+len(item.MaxLimitRequestRatio) > 0 {
				t.Error("a bound would refuse pods that ran in production")
			}
		})
	}
}

// A container as the API server has it after defaults: a limit alone is the request too, then come those of the LimitRange.
func defaulted(c corev1.Container, item corev1.LimitRangeItem) (request, limit resource.Quantity, limited bool) {
	limit, limited = c.Resources.Limits["memory"]
	request, requested := c.Resources.Requests["memory"]
	if !requested && limited {
		request, requested = limit, true
	}
	if !limited {
		limit, limited = item.Default["memory"]
	}
	if !requested {
		request = item.DefaultRequest["memory"]
	}
	return request, limit, limited
}

func TestLimitsRefuseNoContainer(t *testing.T) {
	restoreWait := memory("128Mi", "128Mi") // what Velero puts into a pod whose volumes it fills, unless it is told otherwise
	for name, c := range map[string]struct {
		rt         *v1alpha1.RestoreTest
		production []corev1.PodSpec
		container  corev1.Container
	}{
		"Velero's restore-wait":                           {test(), nil, restoreWait},
		"Velero's restore-wait in a tiny quota":           {memoryQuota("32Mi"), nil, restoreWait},
		"one that declares nothing":                       {memoryQuota("32Mi"), nil, memory("", "")},
		"a small limit alone":                             {test(), nil, memory("", "16Mi")},
		"an overcommitted limit":                          {memoryQuota("1Gi"), nil, memory("16Mi", "64Gi")},
		"a large request of a namespace that is gone":     {test(), nil, memory("64Gi", "")},
		"a large request of production":                   {test(), []corev1.PodSpec{spec(memory("64Gi", ""))}, memory("64Gi", "")},
		"a request of all that the quota has":             {memoryQuota("8Gi"), nil, memory("8Gi", "")},
		"a large request beside others that have a limit": {test(), []corev1.PodSpec{spec(memory("1Gi", "2Gi"), memory("64Gi", ""))}, memory("64Gi", "")},
	} {
		t.Run(name, func(t *testing.T) {
			request, limit, limited := defaulted(c.container, limits(c.rt, box, c.rt.Status.Run.Spec.Sandbox.ResourceQuota, c.production).Spec.Limits[0])
			if limited && request.Cmp(limit) > 0 {
				t.Errorf("request %s above limit %s: the API server refuses it", request.String(), limit.String())
			}
		})
	}
}

func TestLimitsKnowWhatDoesNotRunNow(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "x"}
	template := func(request string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{Spec: spec(memory(request, ""))}
	}
	kube := fake.NewClientset(
		&corev1.Pod{ObjectMeta: meta, Spec: spec(memory("1Gi", ""))},
		&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Template: template("2Gi")}},
		&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Template: template("3Gi")}},
		&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "x"}, Spec: appsv1.StatefulSetSpec{Template: template("9Gi")}},
	)
	p, err := (&Controller{kube: kube}).look(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.all() {
		request := s.Containers[0].Resources.Requests["memory"]
		got = append(got, request.String())
	}
	if diff := cmp.Diff([]string{"1Gi", "2Gi", "3Gi"}, got); diff != "" {
		t.Error(diff)
	}
	for _, a := range kube.Actions() {
		if list, ok := a.(clienttesting.ListActionImpl); !ok || list.ListOptions.ResourceVersion != "0" {
			t.Errorf("production is not read from the cache: %v", a)
		}
	}
}

func TestTheStatusTellsTheLimitsOfContainersThatDeclareNone(t *testing.T) {
	for name, c := range map[string]struct {
		rt         *v1alpha1.RestoreTest
		production []runtime.Object
		want       v1alpha1.SandboxLimits
	}{
		"a namespace that is gone: none": {test(), nil, v1alpha1.SandboxLimits{}},
		"the usual":                      {test(), []runtime.Object{&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: box.Source, Name: "x"}, Spec: spec(memory("", ""))}}, v1alpha1.SandboxLimits{CPU: "2", Memory: "4Gi"}},
		"the quota":                      {memoryQuota("1Gi"), nil, v1alpha1.SandboxLimits{Memory: "1Gi"}},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(c.production...)
			sandbox := box
			if err := (&Controller{kube: kube}).measure(t.Context(), c.rt, &sandbox); err != nil {
				t.Fatal(err)
			}
			made, err := kube.CoreV1().LimitRanges(box.Name).Get(t.Context(), guards.LimitsName, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]v1alpha1.SandboxLimits{"status": sandbox.Limits, "LimitRange": told(made)}
			c.rt.Status.Sandbox = fragment(c.rt, seen{namespaces: []v1alpha1.SandboxNamespace{sandbox}}, now).Sandbox
			got["next look"] = planned(c.rt)[0].Limits
			for where, limits := range got {
				if limits != c.want {
					t.Errorf("%s: %+v, want %+v", where, limits, c.want)
				}
			}
		})
	}
}
