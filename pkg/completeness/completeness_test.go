package completeness

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var began = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

func object(change func(*metav1.PartialObjectMetadata)) *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: "one", CreationTimestamp: metav1.NewTime(began.Add(-time.Hour)), Labels: map[string]string{"app": "shop"},
	}}
	if change != nil {
		change(o)
	}
	return o
}

func TestExpects(t *testing.T) {
	app := func(value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": value}}
	}
	tests := map[string]struct {
		kind     Kind
		change   func(*metav1.PartialObjectMetadata)
		backup   *velerov1.BackupSpec
		labels   map[string]string
		excluded []v1alpha1.ResourceName
		want     Expectation
	}{
		"an object older than the backup is expected":                   {kind: Secret, want: Expected},
		"an object made after the backup began is not":                  {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.CreationTimestamp = metav1.NewTime(began.Add(time.Second)) }},
		"an object made in the second in which the backup began is not": {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.CreationTimestamp = metav1.NewTime(began) }},
		"an object that is being deleted is not":                        {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.DeletionTimestamp = &o.CreationTimestamp }},
		"an object that is excluded from backups is left out":           {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.Labels[velerov1.ExcludeFromBackupLabel] = "true" }, want: LeftOut},
		"an object that says it is not excluded is expected":            {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.Labels[velerov1.ExcludeFromBackupLabel] = "false" }, want: Expected},
		"the token Secret of a ServiceAccount is not":                   {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.Annotations = map[string]string{tokenAnnotation: "default"} }},
		"the CA that the cluster publishes is not":                      {kind: ConfigMap, change: func(o *metav1.PartialObjectMetadata) { o.Name = "kube-root-ca.crt" }},
		"OpenShift's CA is not":                                         {kind: ConfigMap, change: func(o *metav1.PartialObjectMetadata) { o.Name = "openshift-service-ca.crt" }},
		"a Secret by the name of the CA is expected":                    {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.Name = "kube-root-ca.crt" }, want: Expected},
		"the lock of a leader is not":                                   {kind: ConfigMap, change: func(o *metav1.PartialObjectMetadata) { o.Annotations = map[string]string{leaderAnnotation: "{}"} }},
		"the Secret of a Helm release is expected":                      {kind: Secret, change: func(o *metav1.PartialObjectMetadata) { o.Name = "sh.helm.release.v1.shop.v1" }, want: Expected},
		"an object without the labels that the test restores is not":    {kind: Secret, labels: map[string]string{"app": "other"}},
		"an object with them is expected":                               {kind: Secret, labels: map[string]string{"app": "shop"}, want: Expected},
		"a kind that the backup does not include is left out":           {kind: Secret, backup: &velerov1.BackupSpec{IncludedResources: []string{"deployments"}}, want: LeftOut},
		"a kind that it includes by a short name is expected":           {kind: PersistentVolumeClaim, backup: &velerov1.BackupSpec{IncludedResources: []string{"pvc"}}, want: Expected},
		"a kind that it includes with its group is expected":            {kind: Deployment, backup: &velerov1.BackupSpec{IncludedResources: []string{"Deployments.apps"}}, want: Expected},
		"a kind of another group is left out":                           {kind: Service, backup: &velerov1.BackupSpec{IncludedResources: []string{"services.serving.knative.dev"}}, want: LeftOut},
		"a kind that the test leaves out is not":                        {kind: Secret, excluded: []v1alpha1.ResourceName{"secrets"}},
		"a kind beside the one that the test leaves out is expected":    {kind: Secret, excluded: []v1alpha1.ResourceName{"deployments.apps"}, want: Expected},
		"an object with a label of Jobs is left out by the restore":     {kind: ConfigMap, change: func(o *metav1.PartialObjectMetadata) { o.Labels["job-name"] = "x" }},
		"the claim of an ephemeral volume is not": {kind: PersistentVolumeClaim, change: func(o *metav1.PartialObjectMetadata) {
			o.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Controller: new(true)}}
		}},
		"the claim that a StatefulSet owns is expected": {kind: PersistentVolumeClaim, change: func(o *metav1.PartialObjectMetadata) {
			o.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Controller: new(true)}}
		}, want: Expected},
		"a star includes all kinds":                                         {kind: Service, backup: &velerov1.BackupSpec{IncludedResources: []string{"*"}}, want: Expected},
		"a kind that the backup excludes is left out":                       {kind: Secret, backup: &velerov1.BackupSpec{ExcludedResources: []string{"secrets"}}, want: LeftOut},
		"a kind that is excluded among those of namespaces is left out":     {kind: Secret, backup: &velerov1.BackupSpec{ExcludedNamespaceScopedResources: []string{"secrets"}}, want: LeftOut},
		"a kind that is not included among those of namespaces is left out": {kind: Secret, backup: &velerov1.BackupSpec{IncludedNamespaceScopedResources: []string{"configmaps"}}, want: LeftOut},
		"an object that the backup selects is expected":                     {kind: Secret, backup: &velerov1.BackupSpec{LabelSelector: app("shop")}, want: Expected},
		"an object that the backup does not select is left out":             {kind: Secret, backup: &velerov1.BackupSpec{LabelSelector: app("other")}, want: LeftOut},
		"an object that one of several selectors takes is expected":         {kind: Secret, backup: &velerov1.BackupSpec{OrLabelSelectors: []*metav1.LabelSelector{app("other"), app("shop")}}, want: Expected},
		"an object that none of several selectors takes is left out":        {kind: Secret, backup: &velerov1.BackupSpec{OrLabelSelectors: []*metav1.LabelSelector{app("a"), app("b")}}, want: LeftOut},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := NewFilter(began, test.backup, &v1alpha1.RestoreTestSpec{
				BackupSource: v1alpha1.BackupSource{LabelSelector: test.labels}, Restore: &v1alpha1.RestoreScope{ExcludedResources: test.excluded},
			}, "r")
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Expects(test.kind, object(test.change)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestAFilterOfNothingExpectsNothing(t *testing.T) {
	if got := (Filter{}).Expects(Secret, object(nil)); got != Ignored {
		t.Errorf("got %v", got)
	}
}

func TestSelectorThatCannotBeRead(t *testing.T) {
	bad := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Maybe"}}}
	if _, err := NewFilter(began, &velerov1.BackupSpec{LabelSelector: bad}, &v1alpha1.RestoreTestSpec{}, "r"); err == nil {
		t.Error("no error")
	}
}

func TestRestored(t *testing.T) {
	f, err := NewFilter(began, nil, &v1alpha1.RestoreTestSpec{}, "kymaros-shop-1")
	if err != nil {
		t.Fatal(err)
	}
	foreign := object(nil)
	ours := object(func(o *metav1.PartialObjectMetadata) { o.Labels[velerov1.RestoreNameLabel] = "kymaros-shop-1" })
	if f.Restored(PersistentVolumeClaim, foreign) {
		t.Error("a claim that a StatefulSet made anew counts as restored")
	}
	if !f.Restored(PersistentVolumeClaim, ours) {
		t.Error("a claim of our Restore does not count as restored")
	}
	if !f.Restored(Secret, foreign) {
		t.Error("a Secret that was there before the restore does not count")
	}
}

func namesOf(kind Kind, names ...string) Names {
	n := Names{}
	for _, name := range names {
		n.Add(kind, name)
	}
	return n
}

func TestCompare(t *testing.T) {
	t.Run("a surplus of one kind does not make up for a missing object of another", func(t *testing.T) {
		have := namesOf(ConfigMap, "a", "b", "c")
		have.Add(Secret, "other")
		got := Compare([]Namespace{{Source: "shop", Want: namesOf(Secret, "db"), Have: have}})
		want := Result{Found: 0, Expected: 1, Report: v1alpha1.Completeness{
			Deployments: "0/0", StatefulSets: "0/0", Services: "0/0", Secrets: "0/1", ConfigMaps: "0/0", PVCs: "0/0",
			Missing: []string{"shop: Secret/db"},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("all namespaces count, each with its own names", func(t *testing.T) {
		got := Compare([]Namespace{
			{Source: "shop", Want: namesOf(Deployment, "api", "web"), Have: namesOf(Deployment, "web")},
			{Source: "data", Want: namesOf(Deployment, "api"), Have: namesOf(Deployment, "api")},
		})
		if got.Found != 2 || got.Expected != 3 || got.Report.Deployments != "2/3" {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff([]string{"shop: Deployment/api"}, got.Report.Missing); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
	})
	t.Run("no more than 100 missing objects are named, and all are counted", func(t *testing.T) {
		want := Names{}
		for i := range 150 {
			want.Add(ConfigMap, fmt.Sprintf("c%03d", i))
		}
		got := Compare([]Namespace{{Source: "shop", Want: want, Have: Names{}}})
		if len(got.Report.Missing) != 100 || got.Report.ConfigMaps != "0/150" || got.Expected != 150 {
			t.Errorf("got %d named, %s, %d expected", len(got.Report.Missing), got.Report.ConfigMaps, got.Expected)
		}
	})
	t.Run("a kind that could not be read counts for nothing", func(t *testing.T) {
		wanted := namesOf(Secret, "db")
		wanted.Add(ConfigMap, "pages")
		got := Compare([]Namespace{{Source: "shop", Want: wanted, Have: namesOf(ConfigMap, "pages")}}, Secret)
		want := Result{Found: 1, Expected: 1, Report: v1alpha1.Completeness{
			Deployments: "0/0", StatefulSets: "0/0", Services: "0/0", ConfigMaps: "1/1", PVCs: "0/0",
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("what the backup leaves out is named by kind, and not compared", func(t *testing.T) {
		ns := NewNamespace("shop")
		ns.Note(Secret, "db", Expected)
		ns.Note(Deployment, "web", Expected)
		ns.Note(Deployment, "api", LeftOut)
		ns.Note(ConfigMap, "young", Ignored)
		ns.Note(PersistentVolumeClaim, "data", LeftOut)
		ns.Have = namesOf(Deployment, "web")
		ns.Have.Add(Secret, "db")
		got := Compare([]Namespace{*ns})
		want := Result{Found: 2, Expected: 2, Report: v1alpha1.Completeness{
			Deployments: "1/1", StatefulSets: "0/0", Services: "0/0", Secrets: "1/1", ConfigMaps: "0/0", PVCs: "0/0",
			LeftOut: []string{"1 of 2 Deployments", "1 of 1 PersistentVolumeClaims"},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("nothing to compare leaves the report empty", func(t *testing.T) {
		if diff := cmp.Diff(Result{}, Compare(nil)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Backups of users that were Completed, and without what runs.
func TestUnsaved(t *testing.T) {
	app := func(labels map[string]string) map[Kind]*metav1.PartialObjectMetadata {
		all := map[Kind]*metav1.PartialObjectMetadata{}
		for _, kind := range []Kind{Deployment, Service, ConfigMap, PersistentVolumeClaim} {
			all[kind] = object(func(o *metav1.PartialObjectMetadata) { o.Labels = labels })
		}
		return all
	}
	nginx := &metav1.LabelSelector{MatchLabels: map[string]string{"run": "nginx"}}
	for name, test := range map[string]struct {
		backup  velerov1.BackupSpec
		objects map[Kind]*metav1.PartialObjectMetadata
		unsaved bool
		left    []string
	}{
		"a backup of everything": {objects: app(nil)},
		// https://github.com/velero-io/velero/issues/6800: the label is on the pods, and not on their Deployment.
		"a selector that takes the pods of a Deployment, and not the Deployment": {
			backup:  velerov1.BackupSpec{LabelSelector: nginx},
			objects: map[Kind]*metav1.PartialObjectMetadata{Deployment: object(nil), Service: object(func(o *metav1.PartialObjectMetadata) { o.Labels = nginx.MatchLabels })},
			unsaved: true, left: []string{"1 of 1 Deployments"},
		},
		// https://github.com/velero-io/velero/issues/4575: the same, and the selector of a release.
		"one of several selectors that no workload has": {
			backup: velerov1.BackupSpec{OrLabelSelectors: []*metav1.LabelSelector{nginx, {MatchLabels: map[string]string{"app": "x"}}}}, objects: app(nil),
			unsaved: true, left: []string{"1 of 1 Deployments", "1 of 1 Services", "1 of 1 ConfigMaps", "1 of 1 PersistentVolumeClaims"},
		},
		// https://github.com/velero-io/velero/issues/6266, https://github.com/velero-io/velero/issues/2169
		"a backup of volumes only": {
			backup: velerov1.BackupSpec{IncludedResources: []string{"pvc", "pv"}}, objects: app(nil),
			unsaved: true, left: []string{"1 of 1 Deployments", "1 of 1 Services", "1 of 1 ConfigMaps"},
		},
		// https://github.com/velero-io/velero/issues/2497
		"a backup without configuration": {
			backup: velerov1.BackupSpec{ExcludedResources: []string{"ConfigMap", "secrets"}}, objects: app(nil), left: []string{"1 of 1 ConfigMaps"},
		},
		"a backup without any kind of a namespace": {
			backup: velerov1.BackupSpec{ExcludedNamespaceScopedResources: []string{"*"}}, objects: app(nil),
			unsaved: true, left: []string{"1 of 1 Deployments", "1 of 1 Services", "1 of 1 ConfigMaps", "1 of 1 PersistentVolumeClaims"},
		},
		"a namespace of claims has nothing that runs": {
			backup: velerov1.BackupSpec{IncludedResources: []string{"secrets"}}, objects: map[Kind]*metav1.PartialObjectMetadata{PersistentVolumeClaim: object(nil)},
			left: []string{"1 of 1 PersistentVolumeClaims"},
		},
		"a bare pod runs too": {
			backup: velerov1.BackupSpec{IncludedResources: []string{"secrets"}}, objects: map[Kind]*metav1.PartialObjectMetadata{Pod: object(nil)}, unsaved: true,
		},
		"a workload that is left out beside one that is not": {
			backup:  velerov1.BackupSpec{LabelSelector: nginx},
			objects: map[Kind]*metav1.PartialObjectMetadata{Deployment: object(nil), StatefulSet: object(func(o *metav1.PartialObjectMetadata) { o.Labels = nginx.MatchLabels })},
			left:    []string{"1 of 1 Deployments"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := NewFilter(began, &test.backup, &v1alpha1.RestoreTestSpec{}, "r")
			if err != nil {
				t.Fatal(err)
			}
			ns := NewNamespace("shop")
			for kind, o := range test.objects {
				ns.Note(kind, o.Name, f.Expects(kind, o))
			}
			got := Compare([]Namespace{*ns})
			if diff := cmp.Diff(test.left, got.Report.LeftOut); diff != "" || (len(got.Unsaved) > 0) != test.unsaved {
				t.Errorf("unsaved %q, want %t; left out (-want +got):\n%s", got.Unsaved, test.unsaved, diff)
			}
		})
	}
}

func TestSettle(t *testing.T) {
	ns := NewNamespace("shop")
	ns.Note(Deployment, "web", Expected)
	ns.Note(StatefulSet, "db", Expected)
	ns.Note(Secret, "db", LeftOut)
	ns.Note(Pod, "bare", Expected)
	// https://github.com/velero-io/velero/issues/9566: Completed, and nothing of the namespace is in it.
	nothing := *ns
	nothing.Settle(func(Kind, string) bool { return false })
	if got := Compare([]Namespace{nothing}); got.Expected != 0 || len(got.Unsaved) != 1 {
		t.Errorf("of a backup that holds nothing: %+v", got)
	}
	ns.Settle(func(kind Kind, _ string) bool { return kind == Secret || kind == Deployment })
	want := &Namespace{Source: "shop", Want: namesOf(Deployment, "web"), Left: namesOf(StatefulSet, "db"), Have: Names{}}
	want.Want.Add(Secret, "db")
	want.Left.Add(Pod, "bare")
	if diff := cmp.Diff(want, ns); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResources(t *testing.T) {
	got := map[Kind]string{}
	for _, kind := range Kinds {
		got[kind] = kind.Resource().GroupResource().String()
	}
	want := map[Kind]string{
		Deployment: "deployments.apps", StatefulSet: "statefulsets.apps", Service: "services", Secret: "secrets",
		ConfigMap: "configmaps", PersistentVolumeClaim: "persistentvolumeclaims",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWhatTheListOfABackupHoldsIsWanted where there is no namespace to compare with.
func TestWhatTheListOfABackupHoldsIsWanted(t *testing.T) {
	spec := &v1alpha1.RestoreTestSpec{Restore: &v1alpha1.RestoreScope{ExcludedResources: []v1alpha1.ResourceName{"services"}}}
	f, err := NewFilter(began, nil, spec, "kymaros-shop")
	if err != nil || !f.ByName() {
		t.Fatalf("%v, by name: %t", err, f.ByName())
	}
	ns := NewNamespace("shop")
	ns.Want.Add(Secret, "noted")
	ns.List(f, func(kind Kind) []string {
		return map[Kind][]string{
			Secret: {"db", "default-token-x7k2p", "sh.helm.release.v1.shop.v1"}, ConfigMap: {"web", "kube-root-ca.crt"}, Service: {"web"}, PersistentVolumeClaim: {"data"},
		}[kind]
	})
	want := Names{}
	for kind, names := range map[Kind][]string{Secret: {"db", "sh.helm.release.v1.shop.v1"}, ConfigMap: {"web"}, PersistentVolumeClaim: {"data"}} {
		for _, name := range names {
			want.Add(kind, name)
		}
	}
	if diff := cmp.Diff(want, ns.Want); diff != "" || !ns.Listed {
		t.Errorf("listed %t; wanted (-want +got):\n%s", ns.Listed, diff)
	}
	spec.BackupSource.LabelSelector = map[string]string{"app": "shop"}
	if f, err := NewFilter(began, nil, spec, "kymaros-shop"); err != nil || f.ByName() {
		t.Errorf("%v: a list has no labels, and the test selects by them", err)
	}
	if (Filter{}).ByName() {
		t.Error("the zero filter compares nothing")
	}
}
