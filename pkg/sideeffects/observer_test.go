package sideeffects

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
)

// What a backup holds of a namespace of which nothing came back.
func TestOnlyWithheld(t *testing.T) {
	kinds := func(all ...string) Inventory {
		i := Inventory{{Kind: "Namespace"}: {"shop"}}
		for _, one := range all {
			kind, name, _ := strings.Cut(one, "/")
			gk := schema.ParseGroupKind(kind)
			i[gk] = append(i[gk], "shop/"+name)
		}
		return i
	}
	for name, test := range map[string]struct {
		holds Inventory
		want  bool
	}{
		"no list":                     {nil, false},
		"nothing at all":              {kinds(), false},
		"of another namespace only":   {Inventory{{Group: "batch", Kind: "Job"}: {"shop-2/x"}}, false},
		"Jobs and their pods":         {kinds("Job.batch/import", "Pod/import-1", "ServiceAccount/default", "ConfigMap/kube-root-ca.crt"), true},
		"custom resources":            {kinds("Cluster.postgresql.cnpg.io/db"), true},
		"a Deployment":                {kinds("Deployment.apps/web", "Job.batch/import"), false},
		"a pod that nothing withheld": {kinds("Pod/bare"), false},
		"a ConfigMap of its own":      {kinds("ConfigMap/settings"), false},
	} {
		s := Seen{Unowned: sets.New("shop/import-1")}
		if got := s.OnlyWithheld("shop", test.holds); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

func TestWhatCameBackIsWhatTheRestoreBrought(t *testing.T) {
	marked := func(kind schema.GroupKind, name, restore string) Seen {
		o := NewObserver("restore")
		o.Sandbox("shop", kind, &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Name: name, Finalizers: []string{"x.example.com/hold"}, Labels: map[string]string{velerov1.RestoreNameLabel: restore},
		}})
		return o.Result()
	}
	account := schema.GroupKind{Kind: "ServiceAccount"}
	for name, c := range map[string]struct {
		seen       Seen
		back, left bool
	}{
		"a ConfigMap":                         {marked(schema.GroupKind{Kind: "ConfigMap"}, "settings", "restore"), true, true},
		"one of another restore":              {marked(schema.GroupKind{Kind: "ConfigMap"}, "settings", "other"), false, false},
		"one that was made later":             {marked(schema.GroupKind{Kind: "ConfigMap"}, "settings", ""), false, false},
		"an account of its own":               {marked(account, "app", "restore"), true, true},
		"the account that every one has":      {marked(account, "default", "restore"), false, true},
		"a Deployment of that account's name": {marked(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "default", "restore"), true, true},
	} {
		if c.seen.Back.Has("shop") != c.back || (len(c.seen.Ledger.Violations()) > 0) != c.left {
			t.Errorf("%s: back %v, violations %v", name, c.seen.Back, c.seen.Ledger.Violations())
		}
	}
}

func TestPodsThatEveryTestLeavesOut(t *testing.T) {
	o := NewObserver("restore")
	for name, label := range map[string]string{"import-1": "job-name", "agent": "pod-template-generation", "web": "app"} {
		o.Source("shop", schema.GroupKind{Kind: "Pod"}, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{label: "x"}}})
	}
	if got := o.Result().Unowned; !got.Equal(sets.New("shop/import-1", "shop/agent")) {
		t.Errorf("%v", got)
	}
}
