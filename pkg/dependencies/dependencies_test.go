package dependencies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestText(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"a name with svc":                                     {"db.data.svc", []string{"db.data.svc"}},
		"a fully qualified name in a URL":                     {"postgres://app:secret@db.data.svc.cluster.local:5432/shop", []string{"db.data.svc.cluster.local"}},
		"a name with a final dot":                             {"db.data.svc.cluster.local.", []string{"db.data.svc.cluster.local"}},
		"the name of a pod behind a headless Service":         {"db-0.db.data.svc", []string{"db.data.svc"}},
		"several names":                                       {"a.data.svc,b.data.svc:80 c.other.svc", []string{"a.data.svc", "b.data.svc", "c.other.svc"}},
		"upper case":                                          {"DB.Data.SVC", []string{"db.data.svc"}},
		"the same name twice":                                 {"db.data.svc db.data.svc", []string{"db.data.svc"}},
		"its own namespace is no reference to another":        {"db.shop.svc.cluster.local db.shop:5432", nil},
		"the API server is no reference":                      {"https://kubernetes.default.svc", nil},
		"a short name with a port, of a namespace of the run": {"db.data:5432", []string{"db.data"}},
		"a short name with a port, of any other":              {"example.com:443", nil},
		"a short name without a port could be a file":         {"db.data", nil},
		"a host on the internet that ends like a namespace":   {"www.db.data:80", nil},
		"a host that only begins like one of ours":            {"api.company.svc.example.com", nil},
		"a custom cluster domain, of a namespace of the run":  {"db.data.svc.k8s.corp:5432", []string{"db.data.svc.k8s.corp"}},
		"a word that begins with svc":                         {"foo.bar.svcx", nil},
		"nothing":                                             {"", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range (Finder{Sources: []string{"shop", "data"}}).Text("shop", "x", test.text) {
				got = append(got, r.Host)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	f := Finder{Sources: []string{"shop", "data"}}
	spec := &corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "wait", Command: []string{"nc", "-z", "db.data.svc", "5432"}}},
		Containers:     []corev1.Container{{Name: "web", Env: []corev1.EnvVar{{Name: "DB", Value: "pg://u:hunter2@db.data.svc/x"}}}},
	}
	var got []Reference
	got = append(got, f.PodSpec("shop", "Deployment/web", spec)...)
	got = append(got, f.ConfigMap("shop", &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "conf"}, Data: map[string]string{"app.yaml": "cache: redis.data:6379\npassword: hunter2"},
	})...)
	external := func(name, host string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: host},
		}
	}
	got = append(got, f.Service("shop", external("alias", "db.data.svc.cluster.local"))...)
	got = append(got, f.Service("shop", external("rds", "db.example.com"))...)
	got = append(got, f.Service("shop", external("self", "db.shop.svc"))...)
	got = append(got, f.Service("shop", &corev1.Service{})...)
	want := []Reference{
		{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc", Place: "Deployment/web args of wait"},
		{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc", Place: "Deployment/web env DB"},
		{From: "shop", Service: "redis", Namespace: "data", Host: "redis.data", Place: "ConfigMap/conf app.yaml"},
		{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc.cluster.local", Place: "Service/alias externalName"},
		{From: "shop", Host: "db.example.com", Place: "Service/rds externalName"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(got), "hunter2") {
		t.Error("a value got out")
	}
}

func TestCover(t *testing.T) {
	ref := Reference{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc", Place: "Deployment/web env DB"}
	entry := "shop → db.data.svc (Deployment/web env DB)"
	services := map[string]sets.Set[string]{"shop": nil, "data": sets.New("db")}
	outside := Reference{From: "shop", Service: "x", Namespace: "other", Host: "x.other.svc", Place: "p"}
	tests := map[string]struct {
		refs      []Reference
		services  map[string]sets.Set[string]
		isolation v1alpha1.NetworkIsolation
		want      Result
	}{
		"a Service that came back in a sandbox of the group is covered, its connection is not": {
			refs: []Reference{ref}, services: services, isolation: v1alpha1.IsolationGroup,
			want: Result{Covered: 1, Found: 1, Tested: []string{entry + ": the Service came back"},
				Untested: []string{"connections between the sandboxes: names of other namespaces still mean the originals"}},
		},
		"under strict isolation nothing is covered": {
			refs: []Reference{ref}, services: services, isolation: v1alpha1.IsolationStrict,
			want: Result{Found: 1, Untested: []string{entry + ": networkIsolation strict keeps the sandboxes apart"}},
		},
		"a Service that did not come back is not covered": {
			refs: []Reference{ref}, services: map[string]sets.Set[string]{"data": nil}, isolation: v1alpha1.IsolationGroup,
			want: Result{Found: 1, Untested: []string{entry + ": no Service db came back in the sandbox of data"}},
		},
		"a namespace outside of the run is not covered": {
			refs: []Reference{outside}, services: services, isolation: v1alpha1.IsolationGroup,
			want: Result{Found: 1, Untested: []string{"shop → x.other.svc (p): not part of this test"}},
		},
		"the same reference counts once": {
			refs: []Reference{outside, outside}, services: services,
			want: Result{Found: 1, Untested: []string{"shop → x.other.svc (p): not part of this test"}},
		},
		"no reference": {want: Result{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Cover(test.refs, test.services, test.isolation)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCoverNamesNoMoreThanAReportHolds(t *testing.T) {
	var refs []Reference
	for i := range 70 {
		refs = append(refs, Reference{From: "shop", Host: fmt.Sprintf("h%02d", i), Place: "p"})
	}
	got := Cover(refs, nil, v1alpha1.IsolationGroup)
	if got.Found != 70 || len(got.Untested) != 51 || got.Untested[50] != "and 20 more" {
		t.Errorf("found %d, named %d: %q", got.Found, len(got.Untested), got.Untested[len(got.Untested)-1])
	}
}
