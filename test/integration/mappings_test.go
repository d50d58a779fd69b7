package integration

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// TestMappingsReachVeleroAndAreTold has the controller for itself: while Velero leaves Restores alone that go by the same rules, as
// other tests have it do, these are not changed.
func TestMappingsReachVeleroAndAreTold(t *testing.T) {
	alone(t)
	configMaps := kube.CoreV1().ConfigMaps(veleroNamespace)
	// This cluster has no default storage class.
	const rules = "kymaros-sandbox-no-class"
	shipped := []string{"manifests/27-no-class-modifiers.yaml"}
	mapsImages := since(t, "1.36") // which has MutatingAdmissionPolicies
	if mapsImages {
		shipped = append(shipped, "manifests/mappings/*.yaml")
	}
	for _, files := range shipped {
		if err := applyFiles(t.Context(), filepath.Join(root, files)); err != nil {
			t.Fatal(err)
		}
	}
	rt, r := inSandbox(t, "mapped", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Restore = &v1alpha1.RestoreScope{Mappings: &v1alpha1.Mappings{
			StorageClasses:  []v1alpha1.StorageClassMapping{{From: "gp3", To: "local-path"}},
			ImageRegistries: []v1alpha1.ImageRegistryMapping{{From: "docker.io", To: "mirror.example"}, {From: "registry.old.example/team", To: "mirror.example/t"}},
			NodeSelectors:   []v1alpha1.NodeSelectorMapping{{From: v1alpha1.NodeLabel{Key: "example.com/zone", Value: "a"}}},
		}}
	})
	if m := r.Spec.ResourceModifier; m == nil || m.Name != rules {
		t.Fatalf("the Restore has the rules of %+v", m)
	}
	cm, err := configMaps.Get(t.Context(), rules, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`value: '"gp3"'`, `"storageClassName":"local-path"`, `/spec/nodeSelector/example.com~1zone`} {
		if !strings.Contains(cm.Data["rules.yaml"], want) {
			t.Errorf("the rules do not say %s", want)
		}
	}
	// What Velero makes of the backup by these rules.
	sandbox := rt.Status.SandboxNamespace
	class := "local-path"
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data", Labels: map[string]string{velerov1.RestoreNameLabel: r.Name}, Annotations: map[string]string{v1alpha1.AnnotationMappedClass: "gp3"}},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: oneGi}, StorageClassName: &class,
		},
	}
	if _, err := kube.CoreV1().PersistentVolumeClaims(sandbox).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var pod *corev1.Pod
	eventually(t, stepTimeout, func(ctx context.Context) (err error) { // the policy counts a moment after it was made
		pod, err = kube.CoreV1().Pods(sandbox).Create(ctx, imagesPod(r.Name), metav1.CreateOptions{})
		if err == nil && mapsImages && pod.Annotations[v1alpha1.AnnotationMappedImages] == "" {
			err = fmt.Errorf("its images are not mapped: %v", pod.Annotations)
			_ = kube.CoreV1().Pods(sandbox).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
		}
		return err
	})
	t.Run("a policy maps images", func(t *testing.T) {
		if !mapsImages {
			t.Skip("the API server is older than Kubernetes 1.36, and has no MutatingAdmissionPolicies: the report has to say so")
		}
		imagesAreMapped(t, pod)
	})
	finish(t, r)
	_, report := awaitEnd(t, rt)
	told := map[string]int32{}
	for _, m := range report.Status.Mappings {
		if m.Objects == nil {
			t.Errorf("mapping %+v says nothing of objects", m)
			continue
		}
		told[m.From] = *m.Objects
		if m.Kind != v1alpha1.MappingImageRegistry {
			continue
		}
		if mapped := *m.Objects > 0; mapped != mapsImages || mapped == strings.Contains(m.Note, "needs Kubernetes 1.36") {
			t.Errorf("policies map images: %t; the report says %+v", mapsImages, m)
		}
	}
	if told["gp3"] != 1 || told["example.com/zone=a"] != 0 || len(told) != 4 {
		t.Errorf("the report says %+v", report.Status.Mappings)
	}

	// The next test maps nothing, and the rules are as they were shipped.
	next, r := inSandbox(t, "mapped-no-more")
	if cm, err = configMaps.Get(t.Context(), rules, metav1.GetOptions{}); err != nil || strings.Contains(cm.Data["rules.yaml"], "gp3") {
		t.Errorf("the rules of the run before are left: %v", err)
	}
	finish(t, r)
	awaitEnd(t, next)
}

// imagesAreMapped looks at what became of imagesPod.
func imagesAreMapped(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	want := map[string]string{
		"short": "mirror.example/library/nginx:1.27", "team": "mirror.example/t/web@sha256:" + strings.Repeat("a", 64), "other": "registry.old.example/teams/web:1",
		"setup": "mirror.example/bitnami/redis", "restore-wait": "velero/velero:v1.18.3",
	}
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		if c.Image != want[c.Name] {
			t.Errorf("container %s has image %s, want %s", c.Name, c.Image, want[c.Name])
		}
	}
}

// imagesPod is a pod with images of every kind that came back by a Restore.
func imagesPod(restore string) *corev1.Pod {
	container := func(name, image string) corev1.Container {
		return corev1.Container{Name: name, Image: image, Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{}}}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "images", Labels: map[string]string{velerov1.RestoreNameLabel: restore, "becomes": "ready"}},
		Spec: corev1.PodSpec{
			PriorityClassName: "kymaros-sandbox",
			InitContainers:    []corev1.Container{container("restore-wait", "velero/velero:v1.18.3"), container("setup", "bitnami/redis")},
			Containers: []corev1.Container{
				container("short", "nginx:1.27"), container("team", "registry.old.example/team/web@sha256:"+strings.Repeat("a", 64)), container("other", "registry.old.example/teams/web:1"),
			},
		},
	}
}

// TestABackupOfAnotherCluster plays a second cluster: the backup began before this one existed, and an image of it is nowhere here.
func TestABackupOfAnotherCluster(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "elsewhere"
	holdRestores(t, name)
	rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PodReadyTimeout = "5s" })
	began := metav1.NewTime(time.Now().Add(-100 * 24 * time.Hour).Truncate(time.Second))
	if _, err := kymaros.VeleroV1().Backups(veleroNamespace).Create(t.Context(), &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: veleroNamespace, Name: name},
		Spec:       velerov1.BackupSpec{IncludedNamespaces: sources(rt)},
		Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &began, CompletionTimestamp: &began},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	rt = createTest(t, rt)
	r := restoreOf(t, rt)
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	pod := imagesPod(r.Name)
	pod.Spec.InitContainers = nil
	delete(pod.Labels, "becomes")
	pods := kube.CoreV1().Pods(rt.Status.SandboxNamespace)
	pod, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = corev1.PodPending
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "short", Image: "nginx:1.27", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}},
	}}
	if _, err := pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	phase(t, r, velerov1.RestorePhaseCompleted)
	rt = await(t, rt, v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonClusterLacks)
	_, report := awaitEnd(t, rt)
	s := report.Status
	if s.Segregation == nil || s.Segregation.Cluster != v1alpha1.ClusterOther || !strings.Contains(s.Segregation.Basis, "before this cluster existed") {
		t.Errorf("segregation %+v", s.Segregation)
	}
	if s.Result != v1alpha1.ResultInconclusive || s.Reason != v1alpha1.ReasonClusterLacks || !strings.Contains(s.Message, "image nginx:1.27 of container short was not pulled") {
		t.Errorf("%s (%s): %s", s.Result, s.Reason, s.Message)
	}
}
