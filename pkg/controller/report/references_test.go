package report

import (
	"encoding/json"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// dsn is a value of a Secret; none of it but the name of the Service may get out.
const dsn = "pg://app:hunter2@db.data.svc.cluster.local:5432/shop"

// overTwo makes the run of the fixture one over shop, which refers to db.data by a Secret, and data, whose db has a pod that
// is ready.
func overTwo(t *testing.T, f *fixture, pod func(*corev1.Pod)) {
	t.Helper()
	const data = "rp-test-data-bbbbbb"
	back := map[string]string{velerov1.RestoreNameLabel: "kymaros-shop-" + runID, "app": "db"}
	behind := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: data, Name: "db-0", Labels: back},
		Spec:       corev1.PodSpec{DNSPolicy: corev1.DNSNone},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	web := behind.DeepCopy()
	web.Namespace, web.Name = sandbox, "web-1"
	web.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "login"}}}}
	pod(web)
	for _, err := range []error{
		f.kube.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: data, Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: runID,
		}}}),
		f.kube.Tracker().Add(&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: data, Name: "db", Labels: back}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "db"}},
		}),
		f.kube.Tracker().Add(behind), f.kube.Tracker().Add(web),
		f.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: sandbox, Name: "login"}, Data: map[string][]byte{"DSN": []byte(dsn)}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func twoSandboxes(rt *v1alpha1.RestoreTest) {
	rt.Status.Run.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
	rt.Status.Run.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "data"}}
	rt.Status.Sandbox.Namespaces = append(rt.Status.Sandbox.Namespaces, v1alpha1.SandboxNamespace{Source: "data", Name: "rp-test-data-bbbbbb", UID: "data-uid"})
}

func TestReferencesInSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		pod  func(*corev1.Pod)
		want string
	}{
		"are covered when a pod that was restored with our DNS uses them": {func(*corev1.Pod) {}, ": the name leads to"},
		"are not when it has the DNS of the cluster":                      {func(p *corev1.Pod) { p.Spec.DNSPolicy = corev1.DNSClusterFirst }, "get no answer from a DNS: web-1"},
		"are not when a controller made it":                               {func(p *corev1.Pod) { p.Labels = nil }, "get no answer from a DNS: web-1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test(twoSandboxes))
			overTwo(t, f, c.pod)
			f.mustSync(t)
			report := f.reports(t)[0]
			level := report.Status.ValidationLevels.CrossNamespaceDeps
			said := strings.Join(append(level.Tested, level.NotTested...), "\n")
			if !strings.Contains(said, "shop → db.data.svc (Secret/login DSN)") || !strings.Contains(said, c.want) {
				t.Errorf("got %+v, want %q", level, c.want)
			}
			if (level.Status == v1alpha1.LevelPass) != (name == "are covered when a pod that was restored with our DNS uses them") {
				t.Errorf("status %s", level.Status)
			}
			text, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), ":5432") { // digits alone may be those of a digest
				t.Errorf("a value of a Secret is in the report: %s", text)
			}
		})
	}
}

func TestNoSecretIsReadOfANamespaceThatIsNoSandboxOfTheRun(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"production":       nil,
		"of another run":   {v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: "other"},
		"of somebody else": {v1alpha1.LabelRun: runID},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test())
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandbox, Labels: labels}}
			if err := f.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("namespaces"), ns, ""); err != nil {
				t.Fatal(err)
			}
			_, _ = f.sync(t)
			for _, a := range f.kube.Actions() {
				if a.GetResource().Resource == "secrets" {
					t.Errorf("%s secrets in namespace %s", a.GetVerb(), a.GetNamespace())
				}
			}
		})
	}
}
