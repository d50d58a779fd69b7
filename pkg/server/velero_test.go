package server

import (
	"errors"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

func TestWhatThereIsOfVelero(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		must(t, "without Velero", read[provider](t, s, ofAdmin, "/api/v1/config/provider"), provider{Provider: "velero", Status: "not found", Namespace: "velero"})

		in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "velero", Name: name} }
		began := metav1.NewTime(s.now().Add(-90 * time.Minute))
		for _, o := range []runtime.Object{
			&velerov1.BackupStorageLocation{ObjectMeta: in("hub"), Spec: velerov1.BackupStorageLocationSpec{Default: true}},
			&velerov1.Schedule{ObjectMeta: in("nightly")},
			&velerov1.Backup{ObjectMeta: in("nightly-1"), Status: velerov1.BackupStatus{StartTimestamp: &began}},
			&velerov1.Backup{ObjectMeta: in("nightly-2")},
		} {
			if err := s.theirs.Tracker().Add(o); err != nil {
				t.Fatal(err)
			}
		}
		server := func(name, image string) *corev1.Pod {
			return &corev1.Pod{ObjectMeta: in(name), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "velero", Image: image}}}}
		}
		if err := s.Kube.Tracker().Add(server("velero-1", "registry.example.com/velero/velero:v1.18.3")); err != nil {
			t.Fatal(err)
		}
		want := provider{
			Provider: "velero", Status: "connected", Namespace: "velero", Version: "v1.18.3", DefaultBSL: "hub",
			BackupCount: 2, ScheduleCount: 1, LastBackupAge: "1h 30m 0s", LastBackupName: "nightly-1",
		}
		got := read[provider](t, s, ofAdmin, "/api/v1/config/provider")
		must(t, "with it", got, want)

		if err := s.Kube.Tracker().Add(server("velero-2", "registry.example.com/velero/velero:v1.17.0")); err != nil {
			t.Fatal(err)
		}
		must(t, "the version while one replaces another", read[provider](t, s, ofAdmin, "/api/v1/config/provider").Version, "")
		s.Kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(corev1.Resource("pods"), "", errors.New("no"))
		})
		if got := read[provider](t, s, ofAdmin, "/api/v1/config/provider"); got.Status != "connected" || got.Version != "" {
			t.Errorf("who may not list pods is told %+v", got)
		}
	})
}
