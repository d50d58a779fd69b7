package sandbox

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/guards"
)

// claims returns claims that request that much.
func claims(requests ...string) []corev1.PersistentVolumeClaim {
	var all []corev1.PersistentVolumeClaim
	for _, request := range requests {
		all = append(all, corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(request)},
		}}})
	}
	return all
}

func TestASandboxGetsWhatItsTestAFlagOrProductionSays(t *testing.T) {
	type quota = v1alpha1.SandboxQuota
	pods := func(specs ...corev1.PodSpec) production { return production{pods: specs} }
	asked := func(replicas int32, spec corev1.PodSpec) production {
		return production{templates: []template{{spec, replicas}}}
	}
	large := spec(memory("8Gi", ""))
	sidecar := memory("3Gi", "")
	sidecar.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	small := quota{CPU: "1", Memory: "1Gi", Storage: "1Gi"}
	var many []corev1.PodSpec
	for range 40 {
		many = append(many, spec(memory("", "")))
	}
	for name, c := range map[string]struct {
		given quota
		p     production
		want  quota
	}{
		"nothing is known of a namespace that is gone":   {quota{}, production{}, quota{}},
		"what is given bounds it all the same":           {quota{Memory: "1Gi"}, production{}, quota{Memory: "1Gi"}},
		"what is given counts, whatever production says": {small, production{pods: []corev1.PodSpec{large}, claims: claims("50Gi")}, small},
		"twice what runs":              {quota{}, pods(large, large), quota{CPU: "2", Memory: "32Gi"}},
		"a tiny application can start": {quota{}, pods(spec(memory("8Mi", ""))), quota{CPU: "2", Memory: "4Gi"}},
		"pods that request nothing get the usual, and each waits for its restore": {quota{}, pods(many...), quota{CPU: "8", Memory: "10Gi"}},
		"a limit alone is a request":              {quota{}, asked(1, spec(memory("", "8Gi"))), quota{CPU: "2", Memory: "16Gi"}},
		"workloads ask for more than runs":        {quota{}, production{pods: []corev1.PodSpec{large}, templates: []template{{large, 3}}}, quota{CPU: "2", Memory: "48Gi"}},
		"more runs than workloads ask for":        {quota{}, production{pods: []corev1.PodSpec{large, large, large}, templates: []template{{large, 1}}}, quota{CPU: "2", Memory: "48Gi"}},
		"what is scaled to zero may be back":      {quota{}, asked(0, large), quota{CPU: "2", Memory: "16Gi"}},
		"an init container runs before, not with": {quota{}, pods(corev1.PodSpec{InitContainers: []corev1.Container{memory("6Gi", "")}, Containers: large.Containers}), quota{CPU: "2", Memory: "16Gi"}},
		"but a sidecar runs with":                 {quota{}, pods(corev1.PodSpec{InitContainers: []corev1.Container{sidecar}, Containers: large.Containers}), quota{CPU: "2", Memory: "22Gi"}},
		"twice what the claims request":           {quota{}, production{claims: claims("50Gi", "10Gi")}, quota{Storage: "120Gi"}},
		"a tiny claim fits, and another":          {quota{}, production{claims: claims("8Mi")}, quota{Storage: "10Gi"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allotted(c.given, c.p); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTheFlagIsTheLimitOfWhatDeclaresNone(t *testing.T) {
	kube := fake.NewClientset()
	c := Controller{kube: kube, bounds: bounds.Bounds{Memory: resource.MustParse("1Gi")}}
	sandbox := box
	if err := c.measure(t.Context(), test(), &sandbox); err != nil {
		t.Fatal(err)
	}
	if want := (v1alpha1.SandboxQuota{Memory: "1Gi"}); sandbox.Quota != want {
		t.Errorf("quota %+v, want %+v", sandbox.Quota, want)
	}
	made, err := kube.CoreV1().LimitRanges(box.Name).Get(t.Context(), guards.LimitsName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if limit := made.Spec.Limits[0].Default[corev1.ResourceMemory]; limit.String() != "1Gi" {
		t.Errorf("limit %s", limit.String())
	}
}

// What was found at the start counts: production and flags may change while a run is under way.
func TestTheQuotaStaysAsItWasFound(t *testing.T) {
	found := v1alpha1.SandboxQuota{CPU: "8", Memory: "32Gi"}
	of := func(run string) *v1alpha1.RestoreTest {
		return test(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: run, Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: "sbx", Quota: found}}}
		})
	}
	sandbox := planned(of("run"))[0]
	if sandbox.Quota != found {
		t.Fatalf("quota %+v, want %+v", sandbox.Quota, found)
	}
	hard := guards.Quota(of("run"), sandbox).Spec.Hard
	if q := hard[corev1.ResourceRequestsMemory]; q.String() != "32Gi" {
		t.Errorf("hard %v", hard)
	}
	if _, bounded := hard[corev1.ResourceRequestsStorage]; bounded {
		t.Errorf("storage is bounded although nothing is known of it: %v", hard)
	}
	if got := planned(of("another"))[0].Quota; got != (v1alpha1.SandboxQuota{}) {
		t.Errorf("that of another run counts: %+v", got)
	}
	// A run of an older version goes on with the quota of its test.
	old := memoryQuota("1Gi")
	if q := guards.Quota(old, box).Spec.Hard[corev1.ResourceRequestsMemory]; q.String() != "1Gi" {
		t.Errorf("memory %s, want 1Gi", q.String())
	}
}
