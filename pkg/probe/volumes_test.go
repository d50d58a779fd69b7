package probe

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestACheckThatReadsVolumesNamesThoseOfItsContainer(t *testing.T) {
	holder := pod("web-0", corev1.ConditionTrue)
	for _, name := range []string{"logs", "data", "raw", "part", "side", "unused"} {
		holder.Spec.Volumes = append(holder.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name + "-0"},
		}})
	}
	holder.Spec.Volumes = append(holder.Spec.Volumes, corev1.Volume{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	holder.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "logs"}, {Name: "data"}, {Name: "data", SubPath: "etc"}, {Name: "part", SubPath: "var"}, {Name: "cache"}}
	holder.Spec.Containers[0].VolumeDevices = []corev1.VolumeDevice{{Name: "raw"}}
	holder.Spec.Containers[1].VolumeMounts = []corev1.VolumeMount{{Name: "side"}}

	for name, tt := range map[string]struct {
		check v1alpha1.ExecCheck
		fails error
		want  []string
	}{
		"whole, of its container":      {v1alpha1.ExecCheck{ReadsVolumes: true}, nil, []string{"shop: data-0", "shop: logs-0", "shop: raw-0"}},
		"of another container":         {v1alpha1.ExecCheck{ReadsVolumes: true, Container: "side"}, nil, []string{"shop: side-0"}},
		"with what its output says":    {v1alpha1.ExecCheck{ReadsVolumes: true, Container: "side", Expect: &v1alpha1.Expectation{Equals: new("")}}, nil, []string{"shop: side-0"}},
		"none, as it does not say so":  {v1alpha1.ExecCheck{}, nil, nil},
		"none, as the command failed":  {v1alpha1.ExecCheck{ReadsVolumes: true}, errors.New("broken"), nil},
		"none, as the output is other": {v1alpha1.ExecCheck{ReadsVolumes: true, Expect: &v1alpha1.Expectation{Equals: new("x")}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Prober{kube: fake.NewClientset(namespace("sandbox-1"), holder), dial: answers, exec: func(context.Context, string, string, string, []string, io.Writer) error {
				return tt.fails
			}}
			tt.check.PodSelector = map[string]string{"app": "web"}
			if diff := cmp.Diff(tt.want, p.Run(t.Context(), v1alpha1.HealthCheck{Exec: &tt.check}, shop, 0).ReadVolumes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
