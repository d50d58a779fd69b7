package report

import (
	"context"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubefake "k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// withBackup changes the backup as the controller sees it.
func withBackup(t *testing.T, f *fixture, spec velerov1.BackupSpec) {
	t.Helper()
	b := backup()
	b.Spec = spec
	if err := f.factory.Velero().V1().Backups().Informer().GetIndexer().Update(b); err != nil {
		t.Fatal(err)
	}
}

// inCluster replaces all that the API server holds, but what metadata is read of in production.
func inCluster(f *fixture, objects ...runtime.Object) {
	f.kube = kubefake.NewClientset(append(objects,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandbox, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: runID}}})...)
	f.Controller.kube, f.looker.Kube = f.kube, f.kube
}

// inProduction replaces what metadata is read of.
func inProduction(f *fixture, objects ...runtime.Object) {
	scheme := metadatafake.NewTestScheme()
	_ = metav1.AddMetaToScheme(scheme)
	f.metadata = metadatafake.NewSimpleMetadataClient(scheme, objects...)
	f.looker.Metadata = f.metadata
}

func restored(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: sandbox, Name: name, Labels: map[string]string{velerov1.RestoreNameLabel: "kymaros-shop-" + runID}}
}

// noPods takes the pods out of the run: nothing that was restored asks for one.
func noPods(rt *v1alpha1.RestoreTest) { rt.Status.Health.Pods = v1alpha1.PodCount{} }

// Production runs a StatefulSet with a volume; somebody has narrowed the backup to Secrets and ConfigMaps.
func TestABackupWithoutAnyWorkloadNeverPasses(t *testing.T) {
	f := newFixture(t, test(noPods))
	withBackup(t, f, velerov1.BackupSpec{IncludedResources: []string{"secrets", "configmaps"}})
	inCluster(f,
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", CreationTimestamp: old}},
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data-db-0", CreationTimestamp: old}},
		&corev1.ConfigMap{ObjectMeta: restored("db")}, &corev1.Secret{ObjectMeta: restored("db")})
	f.mustSync(t)
	r := f.reports(t)[0].Status
	equal(t, "result", r.Result, v1alpha1.ResultPartial)
	equal(t, "reason", r.Reason, "WorkloadsNotInBackup")
	equal(t, "left out", r.Completeness.LeftOut, []string{"1 of 1 StatefulSets", "1 of 1 Services", "1 of 1 PersistentVolumeClaims"})
	equal(t, "detail", r.ValidationLevels.Completeness.Detail, "1 of 1 objects came back, Secrets not counted")
}

// Those of production nobody reads: which there ought to be only the list of the backup tells.
func TestSecretsAreComparedWithTheList(t *testing.T) {
	for name, tt := range map[string]struct {
		list    map[string][]string // none: it cannot be read
		change  func(*v1alpha1.RestoreTest)
		secrets string
		says    string // under notTested
		result  v1alpha1.Result
	}{
		"all that it names are back":            {list: map[string][]string{"v1/Secret": {"shop/db"}}, secrets: "1/1", says: "those of production are not read", result: v1alpha1.ResultPass},
		"one that it names is not":              {list: map[string][]string{"v1/Secret": {"shop/db", "shop/lost"}}, secrets: "1/2", says: "those of production are not read", result: v1alpha1.ResultPartial},
		"a token that the cluster makes is not": {list: map[string][]string{"v1/Secret": {"shop/db", "shop/app-token-x2v4z"}}, secrets: "1/1", says: "those of production are not read", result: v1alpha1.ResultPass},
		"of another namespace":                  {list: map[string][]string{"v1/Secret": {"shop/db", "other/lost"}}, secrets: "1/1", says: "those of production are not read", result: v1alpha1.ResultPass},
		"there is no list":                      {says: "could not be read: nobody gives out lists here", result: v1alpha1.ResultPass},
		"the test selects by labels": {
			list: map[string][]string{"v1/Secret": {"shop/db", "shop/lost"}},
			change: func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Spec.BackupSource.LabelSelector = map[string]string{"app": "shop"}
			},
			says: "selects by labels", result: v1alpha1.ResultPass,
		},
	} {
		t.Run(name, func(t *testing.T) {
			change := tt.change
			if change == nil {
				change = func(*v1alpha1.RestoreTest) {}
			}
			f := newFixture(t, test(change))
			if tt.list != nil {
				for kind, names := range map[string]string{"apps/v1/StatefulSet": "shop/db", "v1/Service": "shop/db", "v1/ConfigMap": "shop/db", "v1/PersistentVolumeClaim": "shop/data-db-0"} {
					tt.list[kind] = []string{names}
				}
				lists(t, f, velerov1.BackupSpec{}, tt.list)
			}
			f.mustSync(t)
			r := f.reports(t)[0].Status
			equal(t, "secrets", r.Completeness.Secrets, tt.secrets)
			equal(t, "result", r.Result, tt.result)
			if untested := strings.Join(r.ValidationLevels.Completeness.NotTested, "\n"); !strings.Contains(untested, tt.says) {
				t.Errorf("not tested: %q, want %q", untested, tt.says)
			}
			for _, a := range f.metadata.Actions() {
				if a.GetResource().Resource == "secrets" {
					t.Errorf("%s secrets in namespace %s", a.GetVerb(), a.GetNamespace())
				}
			}
		})
	}
}

func TestNothingComparedIsNotEverything(t *testing.T) {
	f := newFixture(t, test())
	if err := f.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("namespaces"), "", "shop"); err != nil {
		t.Fatal(err)
	}
	f.mustSync(t)
	equal(t, "message", f.reports(t)[0].Status.Message, "1 of 1 pods are ready, 1 of 1 checks passed; whether everything came back was not compared: "+
		"not applicable: no source namespace exists here, and there is no list of the backup to compare with.")
}

// In another cluster there is nothing to compare with but the list of the backup.
func TestANamespaceThatDoesNotExistHereIsComparedWithTheList(t *testing.T) {
	f := newFixture(t, test())
	if err := f.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("namespaces"), "", "shop"); err != nil {
		t.Fatal(err)
	}
	lists(t, f, velerov1.BackupSpec{}, map[string][]string{"v1/Secret": {"shop/db", "shop/lost"}, "v1/ConfigMap": {"shop/kube-root-ca.crt"}})
	f.mustSync(t)
	r := f.reports(t)[0].Status
	equal(t, "missing", r.Completeness.Missing, []string{"shop: Secret/lost"})
	equal(t, "result", r.Result == v1alpha1.ResultPass, false)
}

func TestWhatALeanNamespaceHolds(t *testing.T) {
	for name, came := range map[string]runtime.Object{
		"a bare pod":               &corev1.Pod{ObjectMeta: restored("one"), Spec: corev1.PodSpec{PriorityClassName: "kymaros-sandbox"}},
		"a claim":                  &corev1.PersistentVolumeClaim{ObjectMeta: restored("data")},
		"a CronJob":                &batchv1.CronJob{ObjectMeta: restored("dump"), Spec: batchv1.CronJobSpec{Suspend: new(true)}},
		"an account of its own":    nil,
		"the account of every one": nil,
	} {
		t.Run(name+" came back", func(t *testing.T) {
			f := newFixture(t, test(noPods))
			account := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: restored("default")}
			switch {
			case came != nil:
				inCluster(f, came)
				inProduction(f)
			default:
				if name == "an account of its own" {
					account.Name = "app"
				}
				inCluster(f)
				inProduction(f, account)
			}
			f.mustSync(t)
			empty := strings.Contains(strings.Join(f.reports(t)[0].Status.Caps, ";"), "nothing came back of source namespace shop")
			equal(t, "called empty", empty, name == "the account of every one")
		})
	}
}

// lists says what the backup holds of namespace shop.
func lists(t *testing.T, f *fixture, spec velerov1.BackupSpec, names map[string][]string) {
	t.Helper()
	holds := sideeffects.Inventory{}
	for kind, all := range names {
		version, kind := kind[:strings.LastIndex(kind, "/")], kind[strings.LastIndex(kind, "/")+1:]
		holds[schema.FromAPIVersionAndKind(version, kind).GroupKind()] = all
	}
	f.lists = inventory.New(func(context.Context, *v1alpha1.RestoreTest, *velerov1.Backup, []string) (sideeffects.Inventory, error) {
		return holds, nil
	})
	withBackup(t, f, spec)
}

func policyOf(f *fixture, t *testing.T, text string) *corev1.TypedLocalObjectReference {
	t.Helper()
	if err := f.kube.Tracker().Add(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: velero, Name: "rules"}, Data: map[string]string{"rules.yaml": text}}); err != nil {
		t.Fatal(err)
	}
	return &corev1.TypedLocalObjectReference{Kind: "configmap", Name: "rules"}
}

func TestWhatTheBackupLeavesOut(t *testing.T) {
	all := map[string][]string{
		"apps/v1/StatefulSet": {"shop/db"}, "v1/Secret": {"shop/db"}, "v1/ConfigMap": {"shop/db", "shop/kube-root-ca.crt"}, "v1/Service": {"shop/db"},
		"v1/PersistentVolumeClaim": {"shop/data-db-0"},
	}
	without := func(kind string) map[string][]string {
		some := map[string][]string{}
		for k, v := range all {
			if k != kind {
				some[k] = v
			}
		}
		return some
	}
	onlySecrets := velerov1.BackupSpec{IncludedResources: []string{"secrets"}}
	for name, tt := range map[string]struct {
		spec   velerov1.BackupSpec
		list   map[string][]string // none: it cannot be read
		policy string
		result v1alpha1.Result
		left   []string
		detail string
	}{
		"nothing, as its list says": {list: all, result: v1alpha1.ResultPass, detail: "5 of 5 objects came back"},
		"what its list does not name, whatever its filters say": {
			list: without("v1/ConfigMap"), result: v1alpha1.ResultPass, left: []string{"1 of 1 ConfigMaps"}, detail: "4 of 4 objects came back",
		},
		"nothing that its list names, whatever its filters say": {spec: onlySecrets, list: all, result: v1alpha1.ResultPass, detail: "5 of 5 objects came back"},
		"all that runs, as its list says": {
			list: without("apps/v1/StatefulSet"), result: v1alpha1.ResultPartial, left: []string{"1 of 1 StatefulSets"}, detail: "4 of 4 objects came back",
		},
		"everything, as its list says": {
			list: map[string][]string{}, result: v1alpha1.ResultPartial, detail: "not applicable: the backup leaves out everything that is compared",
			left: []string{"1 of 1 StatefulSets", "1 of 1 Services", "1 of 1 ConfigMaps", "1 of 1 PersistentVolumeClaims"},
		},
		"what its policy leaves out, without a list": {
			policy: "includeExcludePolicy: {excludedNamespaceScopedResources: [configmaps]}", result: v1alpha1.ResultPass, left: []string{"1 of 1 ConfigMaps"}, detail: "3 of 3 objects came back, Secrets not counted",
		},
		"what its policy takes alone, without a list": {
			policy: "includeExcludePolicy: {includedNamespaceScopedResources: [secrets, statefulsets.apps]}", result: v1alpha1.ResultPass, detail: "1 of 1 objects came back, Secrets not counted",
			left: []string{"1 of 1 Services", "1 of 1 ConfigMaps", "1 of 1 PersistentVolumeClaims"},
		},
		"nobody knows what, without a list": {
			policy: "namespacedFilterPolicies: [{namespaces: [shop]}]", result: v1alpha1.ResultPartial,
			detail: "what resource policy rules leaves out of the backup is not known: it chooses objects of single namespaces; and without the list of the backup nobody knows: " +
				"nobody gives out lists here",
		},
		"its list knows more than its policy": {
			list: all, policy: "namespacedFilterPolicies: [{namespaces: [shop]}]", result: v1alpha1.ResultPass, detail: "5 of 5 objects came back",
		},
		"a policy that cannot be read is said": {
			policy: "- x", result: v1alpha1.ResultPartial, detail: "what resource policy rules leaves out of the backup is not known",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test())
			if tt.policy != "" {
				tt.spec.ResourcePolicy = policyOf(f, t, tt.policy)
			}
			if tt.list != nil {
				lists(t, f, tt.spec, tt.list)
			} else {
				withBackup(t, f, tt.spec)
			}
			f.mustSync(t)
			r := f.reports(t)[0].Status
			equal(t, "result", r.Result, tt.result)
			equal(t, "left out", r.Completeness.LeftOut, tt.left)
			if got := r.ValidationLevels.Completeness.Detail; !strings.HasPrefix(got, tt.detail) {
				t.Errorf("detail %q, want %q", got, tt.detail)
			}
		})
	}
}
