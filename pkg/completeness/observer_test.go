package completeness

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// observed is what an Observer of namespace shop makes of ConfigMaps a and b of production, of which a came back, with what is known of
// the backup.
func observed(t *testing.T, selector map[string]string, holds Holdings, gone bool) Seen {
	t.Helper()
	f, err := NewFilter(began, nil, &v1alpha1.RestoreTestSpec{BackupSource: v1alpha1.BackupSource{LabelSelector: selector}}, "restore")
	if err != nil {
		t.Fatal(err)
	}
	o := NewObserver(f, "shop")
	named := func(name string) *metav1.PartialObjectMetadata {
		return object(func(m *metav1.PartialObjectMetadata) { m.Name = name })
	}
	for _, name := range []string{"a", "b"} {
		if !gone {
			o.Source("shop", ConfigMap.GroupKind(), named(name))
		}
	}
	o.Source("shop", schema.GroupKind{Kind: "ServiceAccount"}, named("a")) // nobody compares them
	o.Sandbox("shop", ConfigMap.GroupKind(), named("a"))
	o.Sandbox("shop", schema.GroupKind{Kind: "ServiceAccount"}, named("a"))
	if gone {
		o.Gone("shop")
	}
	o.Holds(holds)
	return o.Result()
}

func TestWhatIsComparedFollowsWhatTheBackupHolds(t *testing.T) {
	app := map[string]string{"app": "shop"}
	holds := func(names ...string) Holdings {
		h := Holdings{Names: map[schema.GroupKind][]string{}}
		for _, name := range names {
			kind, name, _ := strings.Cut(name, " ")
			h.Names[schema.GroupKind{Kind: kind}] = append(h.Names[schema.GroupKind{Kind: kind}], name)
		}
		return h
	}
	without := velero.Policy{IncludeExcludePolicy: velero.Lists{Excluded: []string{"configmaps"}}}
	for name, c := range map[string]struct {
		selector map[string]string
		holds    Holdings
		gone     bool
		compared int
		missing  []string
		leftOut  []string
		unnamed  string // within it
		unknown  string
	}{
		"all of production, by its list":    {holds: holds("ConfigMap shop/a", "ConfigMap shop/b"), compared: 1, missing: []string{"shop: ConfigMap/b"}},
		"without what its list lacks":       {holds: holds("ConfigMap shop/a"), compared: 1, leftOut: []string{"1 of 2 ConfigMaps"}},
		"and with Secrets that it names":    {holds: holds("ConfigMap shop/a", "ConfigMap shop/b", "Secret shop/s", "Secret other/t"), compared: 1, missing: []string{"shop: ConfigMap/b", "shop: Secret/s"}},
		"but for a test that selects":       {selector: app, holds: holds("ConfigMap shop/a", "ConfigMap shop/b", "Secret shop/s"), compared: 1, missing: []string{"shop: ConfigMap/b"}, unnamed: "selects by labels"},
		"without a list, all of production": {holds: Holdings{NotListed: "no answer"}, compared: 1, missing: []string{"shop: ConfigMap/b"}, unnamed: "no answer"},
		"but what its policy leaves out":    {holds: Holdings{NotListed: "no answer", Policy: without, PolicyName: "rules"}, compared: 1, leftOut: []string{"2 of 2 ConfigMaps"}, unnamed: "no answer"},
		"which may not be known": {
			holds: Holdings{NotListed: "no answer", PolicyName: "rules", PolicyUnread: "not there"}, compared: 1, missing: []string{"shop: ConfigMap/b"}, unnamed: "no answer",
			unknown: "what resource policy rules leaves out of the backup is not known: not there; and without the list of the backup nobody knows: no answer",
		},
		"of a namespace that is gone its list":           {gone: true, holds: holds("ConfigMap shop/a", "ConfigMap shop/c"), compared: 1, missing: []string{"shop: ConfigMap/c"}},
		"which says nothing to a test that selects":      {gone: true, selector: app, holds: holds("ConfigMap shop/a")},
		"without a list of one that is gone is nothing":  {gone: true, holds: Holdings{NotListed: "no answer"}},
		"one whose name only begins like ours is not it": {gone: true, holds: holds("ConfigMap shop-2/c"), compared: 1},
	} {
		s := observed(t, c.selector, c.holds, c.gone)
		r := Compare(s.Namespaces)
		if diff := cmp.Diff(c.missing, r.Report.Missing); diff != "" || len(s.Namespaces) != c.compared {
			t.Errorf("%s: %d namespaces compared, missing (-want +got):\n%s", name, len(s.Namespaces), diff)
		}
		if diff := cmp.Diff(c.leftOut, r.Report.LeftOut); diff != "" {
			t.Errorf("%s: left out (-want +got):\n%s", name, diff)
		}
		if (c.unnamed == "") != (s.SecretsUnnamed == "") || !strings.Contains(s.SecretsUnnamed, c.unnamed) || s.Unknown != c.unknown {
			t.Errorf("%s: Secrets %q, unknown %q", name, s.SecretsUnnamed, s.Unknown)
		}
	}
}

func TestWithoutAFilterNothingIsCompared(t *testing.T) {
	o := NewObserver(Filter{}, "shop")
	o.Source("shop", ConfigMap.GroupKind(), object(nil))
	if s := o.Result(); len(s.Namespaces) != 0 || s.SecretsUnnamed != "" || s.Unknown != "" {
		t.Errorf("%+v", s)
	}
}

func TestPodsThatNothingElseMakesCountAsWhatRuns(t *testing.T) {
	f, err := NewFilter(began, nil, &v1alpha1.RestoreTestSpec{}, "restore")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*corev1.Pod)
		want   bool
	}{
		"a bare one":          {func(*corev1.Pod) {}, true},
		"one of a workload":   {func(p *corev1.Pod) { p.OwnerReferences = []metav1.OwnerReference{{Controller: new(true)}} }, false},
		"one that is done":    {func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, false},
		"one that failed":     {func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, false},
		"one that is younger": {func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(began) }, false},
	} {
		o := NewObserver(f, "shop")
		pod := &corev1.Pod{ObjectMeta: object(nil).ObjectMeta}
		c.change(pod)
		o.Source("shop", Pod.GroupKind(), pod)
		o.Holds(Holdings{Names: map[schema.GroupKind][]string{}})
		if got := len(Compare(o.Result().Namespaces).Unsaved) == 1; got != c.want {
			t.Errorf("%s that is in no backup: unsaved %t", name, got)
		}
	}
}
