package restore

import (
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
)

func veleroPod(container, image string, edits ...func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "velero", GenerateName: container + "-"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: container, Image: image}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	pod.Name = container + strings.Map(func(r rune) rune {
		if r == '/' || r == ':' || r == '@' {
			return '-'
		}
		return r
	}, image)
	for _, e := range edits {
		e(&pod)
	}
	return pod
}

func TestWhichVeleroRuns(t *testing.T) {
	in := func(phase corev1.PodPhase) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Status.Phase = phase }
	}
	going := func(pod *corev1.Pod) {
		pod.DeletionTimestamp, pod.Finalizers = &metav1.Time{Time: now}, []string{"example.com/held"}
	}
	for name, c := range map[string]struct {
		flag string
		pods []corev1.Pod
		want string
	}{
		"the tag of its image says it":            {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.2")}, "1.18.2"},
		"the flag says it":                        {"v1.16.1", []corev1.Pod{veleroPod("velero", "velero@sha256:0123")}, "1.16.1"},
		"the flag counts more than the tag":       {"v1.18.3", []corev1.Pod{veleroPod("velero", "mirror.example/velero:1.2.3")}, "1.18.3"},
		"two servers of one version are one":      {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.2"), veleroPod("velero", "velero/velero:v1.18.2", func(pod *corev1.Pod) { pod.Name = "b" })}, "1.18.2"},
		"one replaces another":                    {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.2"), veleroPod("velero", "velero/velero:v1.18.3")}, ""},
		"one has replaced another":                {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.2", going), veleroPod("velero", "velero/velero:v1.18.3")}, "1.18.3"},
		"one was evicted":                         {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.2", in(corev1.PodFailed)), veleroPod("velero", "velero/velero:v1.18.3")}, "1.18.3"},
		"one has ended":                           {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.2", in(corev1.PodSucceeded)), veleroPod("velero", "velero/velero:v1.18.3")}, "1.18.3"},
		"a node agent is no server":               {"", []corev1.Pod{veleroPod("velero", "velero/velero:v1.18.3"), veleroPod("node-agent", "velero/velero:v1.18.2")}, "1.18.3"},
		"of an image that is a digest nobody can": {"", []corev1.Pod{veleroPod("velero", "velero@sha256:0123")}, ""},
		"without a server nobody can":             {"", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var objects []runtime.Object
			for i := range c.pods {
				objects = append(objects, &c.pods[i])
			}
			r := &Controller{options: Options{VeleroNamespace: "velero", VeleroVersion: c.flag}, kube: fake.NewClientset(objects...)}
			s, err := r.server(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if s.version != nil {
				got = s.version.String()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestARestoreSaysWhatIsRightForTheVeleroThatRuns(t *testing.T) {
	csi := func(b *velerov1.Backup) { b.Status.CSIVolumeSnapshotsAttempted = 2 }
	withSnapshots := backup("nightly", velerov1.BackupPhaseCompleted, time.Hour, csi)
	without := backup("nightly", velerov1.BackupPhaseCompleted, time.Hour)
	all, err := scope.Resources(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	const isFalse, unset, nothing, volumesNamed = "false", "unset", "no Restore", "persistentvolumes are named, for before 1.18.3 Velero fills no volumes of pods otherwise"
	for name, c := range map[string]struct {
		image     string
		backup    *velerov1.Backup
		resources []string
		want      string
		version   string
		says      string // status.restore.velero.note, or the condition
	}{
		"1.15 makes the contents itself":                                  {"velero:v1.15.2", withSnapshots, all, isFalse, "1.15.2", volumesNamed},
		"1.16.1 leaves them out otherwise":                                {"velero:v1.16.1", withSnapshots, all, unset, "1.16.1", "includeClusterResources is left unset"},
		"so does 1.18.2":                                                  {"velero:v1.18.2", withSnapshots, all, unset, "1.18.2", "includeClusterResources is left unset"},
		"1.18.3 does not":                                                 {"velero:v1.18.3", withSnapshots, all, isFalse, "1.18.3", ""},
		"a build of somebody's own may or may not":                        {"velero:v1.18.3-OADP", withSnapshots, all, unset, "1.18.3-OADP", "includeClusterResources is left unset"},
		"a version that nobody knows may or may not":                      {"velero@sha256:0123", withSnapshots, all, unset, "", "the version is not known, for no tag of the image says it (velero@sha256:0123)"},
		"without snapshots nothing is left open":                          {"velero:v1.18.2", without, all, isFalse, "1.18.2", volumesNamed},
		"nor without snapshots and a version":                             {"velero@sha256:0123", without, all, isFalse, "", volumesNamed},
		"nor if the test leaves contents out":                             {"velero:v1.18.2", withSnapshots, []string{"pods", claims}, isFalse, "1.18.2", volumesNamed},
		"without claims nothing is filled":                                {"velero:v1.18.2", without, []string{"pods"}, isFalse, "1.18.2", ""},
		"1.16.0 loses snapshots":                                          {"velero:v1.16.0", withSnapshots, all, nothing, "1.16.0", "Velero's server is 1.16.0, which restores no CSI snapshot without all that belongs to the cluster, and backup nightly has 2; update it"},
		"1.16.0 restores what has none":                                   {"velero:v1.16.0", without, all, isFalse, "1.16.0", volumesNamed},
		"1.16.0 restores all but contents":                                {"velero:v1.16.0", withSnapshots, []string{"pods", claims}, isFalse, "1.16.0", volumesNamed},
		"what is older than the oldest that works is asked for nothing":   {"velero:v1.14.1", without, all, nothing, "1.14.1", "Velero's server is 1.14.1, and Kymaros needs 1.15 or newer"},
		"nor is a build of somebody's own of it":                          {"velero:v1.14.1-OADP", withSnapshots, all, nothing, "1.14.1-OADP", "--velero-version"},
		"a release candidate of the oldest that works is taken as it":     {"velero:v1.15.0-rc.2", without, all, isFalse, "1.15.0-rc.2", volumesNamed},
		"what is newer than all that is known is taken as the newest one": {"velero:v2.1.0", withSnapshots, all, isFalse, "2.1.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := seen{backup: c.backup, resources: c.resources, server: serverOf([]corev1.Pod{veleroPod("velero", c.image)})}
			p := decide(test(), s, now)
			restore := build(test(), p.status, scoped{p.resources, ModifiersName, p.contents}, "velero", now)
			got, says := unset, p.status.Velero.Note
			switch cluster := restore.Spec.IncludeClusterResources; {
			case !p.create:
				got, says = nothing, p.condition.Message
				if p.condition.Status != metav1.ConditionFalse || p.condition.Reason != v1alpha1.ReasonVeleroUnsupported {
					t.Errorf("Restored is %s/%s", p.condition.Status, p.condition.Reason)
				}
			case cluster != nil && *cluster:
				got = "true"
			case cluster != nil:
				got = isFalse
			}
			// What fills volumes of pods must never bring volumes back.
			if named := slices.Contains(restore.Spec.IncludedResources, allVolumes); named && got != isFalse || named != strings.Contains(says, "persistentvolumes are named") {
				t.Errorf("persistentvolumes are named: %v, with includeClusterResources %s, and it says %q", named, got, says)
			}
			if got != c.want || p.status.Velero.Version != c.version {
				t.Errorf("includeClusterResources is %s for version %q, want %s for %q", got, p.status.Velero.Version, c.want, c.version)
			}
			if c.says == "" && says != "" || !strings.Contains(says, c.says) {
				t.Errorf("it says %q, want %q", says, c.says)
			}
			restore.Status.Phase = velerov1.RestorePhaseInProgress
			if followed := decide(test(), seen{restore: restore}, now).status.Velero; p.create && (followed == nil || *followed != *p.status.Velero) {
				t.Errorf("after a restart it is %+v, want %+v", followed, p.status.Velero)
			}
		})
	}
}
