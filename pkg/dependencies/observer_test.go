package dependencies

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// What shop says of db.data, and what stands behind that name.
func TestAnObserverFindsWhatRefersAndWhatIsThere(t *testing.T) {
	spec := func() corev1.PodSpec {
		return corev1.PodSpec{DNSPolicy: corev1.DNSNone, Containers: []corev1.Container{{Env: []corev1.EnvVar{{Name: "DB", Value: "db.data.svc"}}}}}
	}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name, velerov1.RestoreNameLabel: "restore"}}
	}
	pod := func(name string, change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: meta(name), Spec: corev1.PodSpec{DNSPolicy: corev1.DNSNone}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
		if change != nil {
			change(p)
		}
		return p
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	template := corev1.PodTemplateSpec{Spec: spec()}
	deployment := &appsv1.Deployment{ObjectMeta: meta("web"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}}
	for name, c := range map[string]struct {
		refers metav1.Object
		behind *corev1.Pod
		found  int
		says   string
	}{
		"a Deployment":  {refers: deployment, behind: pod("db", nil), found: 1, says: "leads to the Service"},
		"a StatefulSet": {refers: &appsv1.StatefulSet{ObjectMeta: meta("web"), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}}, behind: pod("db", nil), found: 1, says: "leads to the Service"},
		"a bare pod":    {refers: pod("web", func(p *corev1.Pod) { p.Spec = spec() }), behind: pod("db", nil), found: 1, says: "leads to the Service"},
		"a pod says what its owner": {refers: pod("web", func(p *corev1.Pod) {
			p.Spec, p.OwnerReferences = spec(), []metav1.OwnerReference{{Controller: new(true)}}
		}), behind: pod("db", nil)},
		"a ConfigMap":                  {refers: &corev1.ConfigMap{ObjectMeta: meta("web"), Data: map[string]string{"db": "db.data.svc"}}, behind: pod("db", nil), found: 1, says: "leads to the Service"},
		"a Secret":                     {refers: &corev1.Secret{ObjectMeta: meta("web"), Data: map[string][]byte{"db": []byte("db.data.svc")}}, behind: pod("db", nil), found: 1, says: "leads to the Service"},
		"a pod that is not ready":      {refers: deployment, behind: pod("db", func(p *corev1.Pod) { p.Status.Conditions = nil }), found: 1, says: "nothing behind it is ready"},
		"a pod that is being deleted":  {refers: deployment, behind: pod("db", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }), found: 1, says: "nothing behind it is ready"},
		"a pod that has ended":         {refers: deployment, behind: pod("db", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), found: 1, says: "nothing behind it is ready"},
		"metadata alone says nothing,": {refers: &metav1.PartialObjectMetadata{ObjectMeta: meta("web")}, behind: pod("db", nil)},
	} {
		o := NewObserver(Finder{Sources: []string{"shop", "data"}}, "restore", v1alpha1.IsolationGroup)
		o.Source("shop", schema.GroupKind{}, c.refers) // production does not count
		o.Sandbox("shop", schema.GroupKind{}, c.refers)
		o.Sandbox("shop", schema.GroupKind{}, pod("web", nil))
		o.Sandbox("data", schema.GroupKind{}, c.behind)
		o.Sandbox("data", schema.GroupKind{}, &corev1.Service{ObjectMeta: meta("db"), Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "db"}}})
		r := o.Result()
		if said := strings.Join(append(r.Tested, r.Untested...), "\n"); r.Found != c.found || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d found: %s", name, r.Found, said)
		}
	}
}
