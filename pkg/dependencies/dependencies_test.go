package dependencies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
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
		"a custom cluster domain, of any namespace":           {"db.other.svc.k8s.example:5432", []string{"db.other.svc.k8s.example"}},
		"the usual domain, of any namespace":                  {"db.other.svc.cluster.local:5432", []string{"db.other.svc.cluster.local"}},
		"a word that begins with svc":                         {"foo.bar.svcx", nil},
		"nothing":                                             {"", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range (Finder{Sources: []string{"shop", "data"}, Domain: "k8s.example"}).Text("shop", "x", test.text) {
				got = append(got, r.Host)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	f := Finder{Sources: []string{"shop", "data"}, Domain: "k8s.example"}
	spec := &corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "wait", Command: []string{"nc", "-z", "db.data.svc", "5432"}}},
		Containers:     []corev1.Container{{Name: "web", Env: []corev1.EnvVar{{Name: "DB", Value: "pg://u:hunter2@db.data.svc/x"}, {Name: "API_URL", Value: "https://u:hunter2@api.example.com/"}}}},
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
		{From: "shop", Host: "api.example.com", Place: "Deployment/web env API_URL"},
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

func TestAHostWithoutAPort(t *testing.T) {
	f := Finder{Sources: []string{"shop", "data"}, Domain: "k8s.example"}
	for name, c := range map[string]struct {
		key, value string
		want       []string
	}{
		"a key that says host":             {"DB_HOST", "db.data", []string{"db.data"}},
		"a key that says server":           {"spring.mail.server", "Mail.Data", []string{"mail.data"}},
		"a key that says nothing":          {"FILE", "db.data", nil},
		"a namespace that is not restored": {"DB_HOST", "db.other", nil},
		"the own namespace":                {"DB_HOST", "db.shop", nil},
		"a longer name":                    {"DB_HOST", "www.db.data", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range f.short("shop", "env", c.key, c.value) {
				got = append(got, r.Host)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExternal(t *testing.T) {
	for name, test := range map[string]struct {
		key, text string
		want      []string
	}{
		"the host of a URL":                         {"", "https://api.payment.example.com/v1?x=y", []string{"api.payment.example.com"}},
		"with a user, a password and a port":        {"", "smtp://app:hunter2@mail.example.com:587", []string{"mail.example.com"}},
		"a password with an @":                      {"", "pg://app:hun@ter2.org@db.example.com/x", []string{"db.example.com"}},
		"a password with a slash tells nothing":     {"", "pg://app.user:123/hunter2@db.example.com/x", nil},
		"several hosts":                             {"", "mongodb://u:p@a.example.com:27017,b.example.com/x", []string{"a.example.com", "b.example.com"}},
		"in the midst of text, once":                {"", "see <https://a.example.com>, (http://A.example.com).", []string{"a.example.com"}},
		"a key that says host":                      {"SMTP_HOST", " mail.example.com:25\n", []string{"mail.example.com"}},
		"a key that says URL":                       {"auth_url", "login.example.com", []string{"login.example.com"}},
		"a key that says nothing":                   {"SERVER", "mail.example.com", nil},
		"a key that says host, with more than that": {"DB_HOST", "app:hunter2@db.example.com", nil},
		"an address by number":                      {"DB_HOST", "10.0.0.1 http://192.168.1.1/", nil},
		"one label":                                 {"DB_HOST", "db", nil},
		"a Service":                                 {"DB_HOST", "db.data.svc.cluster.local", nil},
		"a Service in a URL":                        {"", "http://db.data.svc:80/ http://db.data/ http://x.other.svc", nil},
		"this machine":                              {"", "http://localhost:80/ http://my.localhost http://printer.local", nil},
		"a file":                                    {"", "main.conf app.example.com", nil},
		"a comment":                                 {"nginx.conf", "# http://nginx.org/en/docs\n  // see https://example.com\nlisten 80;", nil},
		"a schema":                                  {"", `<beans xmlns="http://www.springframework.org/schema/beans">`, nil},
		"a host that is followed by what no URL has in it": {"", `{"url":"https://a.example.com"}`, []string{"a.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := (Finder{Sources: []string{"shop", "data"}, Domain: "k8s.example"}).external(test.key, test.text)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsGiveBackNamesOfServicesOnly(t *testing.T) {
	secret := func(kind corev1.SecretType, data map[string]string) *corev1.Secret {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Type: kind, Data: map[string][]byte{}}
		for key, value := range data {
			s.Data[key] = []byte(value)
		}
		return s
	}
	for name, test := range map[string]struct {
		secret *corev1.Secret
		want   []Reference
	}{
		"a Service": {
			secret("", map[string]string{"DSN": "pg://app:hunter2@db-0.db.data.svc.cluster.local:5432/shop"}),
			[]Reference{{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc", Place: "Secret/s DSN"}},
		},
		"what follows a Service could be anything": {
			secret("", map[string]string{"DSN": "db.data.svc.hunter2.hunter2"}),
			[]Reference{{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc", Place: "Secret/s DSN"}},
		},
		"a short name could be a user": {
			secret("", map[string]string{"LOGIN": "john.data:12345"}),
			[]Reference{{From: "shop", Service: "john", Namespace: "data", Host: "john.data", Place: "Secret/s LOGIN", Unsure: true}},
		},
		"a host elsewhere is not told": {
			secret("", map[string]string{"SMTP_URL": "smtp://hunter2.example.com"}),
			[]Reference{{From: "shop", Place: "Secret/s SMTP_URL"}},
		},
		"nothing":             {secret("", map[string]string{"password": "hunter2"}), nil},
		"a registry":          {secret(corev1.SecretTypeDockerConfigJson, map[string]string{".dockerconfigjson": `{"auths":{"https://r.example.com":{}}}`}), nil},
		"bytes":               {secret("", map[string]string{"key": "\xff\xfe\x00"}), nil},
		"of its own, nothing": {secret("", map[string]string{"DSN": "pg://db.shop.svc"}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := (Finder{Sources: []string{"shop", "data"}, Domain: "k8s.example"}).Secret("shop", test.secret)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(got), "hunter2") {
				t.Errorf("a part of a value got out: %v", got)
			}
		})
	}
}

// world is a run over shop and data: web, cron and a pod of nobody in shop, db with a pod in data.
func world(edits ...func(shop, data *Sandbox)) map[string]*Sandbox {
	selector := func(app string) labels.Selector { return labels.SelectorFromSet(labels.Set{"app": app}) }
	pod := func(name, app string, uses ...string) Pod {
		return Pod{Name: name, Labels: map[string]string{"app": app}, Ready: true, Answered: true, Uses: sets.New(uses...)}
	}
	shop := &Sandbox{
		Workloads: map[string]labels.Selector{"Deployment/web": selector("web"), "Deployment/cron": selector("cron"), "Deployment/none": selector("none")},
		Pods:      []Pod{pod("web-1", "web", "Secret/login"), pod("cron-1", "cron"), pod("alone", "")},
	}
	data := &Sandbox{
		Services: map[string]Service{"db": {Selector: map[string]string{"app": "db"}}, "bare": {}, "alias": {Selector: map[string]string{"app": "db"}, Alias: true}},
		Pods:     []Pod{pod("db-0", "db")},
	}
	for _, e := range edits {
		e(shop, data)
	}
	return map[string]*Sandbox{"shop": shop, "data": data}
}

func TestCover(t *testing.T) {
	to := func(service, place string) Reference {
		return Reference{From: "shop", Service: service, Namespace: "data", Host: service + ".data.svc", Place: place}
	}
	late := func(name string) func(shop, data *Sandbox) {
		return func(shop, data *Sandbox) {
			for _, s := range []*Sandbox{shop, data} {
				for i := range s.Pods {
					if s.Pods[i].Name == name {
						s.Pods[i].Answered = false
					}
				}
			}
		}
	}
	const place = "Deployment/web env DB"
	for name, test := range map[string]struct {
		ref       Reference
		sandboxes map[string]*Sandbox
		strict    bool
		// missing is empty if the reference is covered.
		missing string
		late    string
	}{
		"a name that leads to a ready pod":                 {ref: to("db", place), sandboxes: world()},
		"under strict isolation nothing":                   {ref: to("db", place), sandboxes: world(), strict: true, missing: "networkIsolation strict keeps the sandboxes apart"},
		"a Service that did not come back":                 {ref: to("x", place), sandboxes: world(), missing: "no Service x came back in the sandbox of data"},
		"a namespace outside of the run":                   {ref: Reference{From: "shop", Service: "x", Namespace: "other", Host: "x.data.svc", Place: place}, sandboxes: world(), missing: "not part of this test"},
		"a Service without pods":                           {ref: to("bare", place), sandboxes: world(), missing: "the Service came back, but nothing behind it is ready"},
		"a Service whose pods are not ready":               {ref: to("db", place), sandboxes: world(func(_, data *Sandbox) { data.Pods[0].Ready = false }), missing: "the Service came back, but nothing behind it is ready"},
		"a Service whose pods are others":                  {ref: to("db", place), sandboxes: world(func(_, data *Sandbox) { data.Pods[0].Labels = nil }), missing: "the Service came back, but nothing behind it is ready"},
		"an alias there":                                   {ref: to("alias", place), sandboxes: world(), missing: "the Service came back, but a Service of type ExternalName is not answered in a sandbox"},
		"an alias here":                                    {ref: to("db", "Service/db externalName"), sandboxes: world(), missing: "the Service came back, but a Service of type ExternalName is not answered in a sandbox"},
		"a pod of the workload that asks another DNS":      {ref: to("db", place), sandboxes: world(late("web-1")), missing: "the Service came back, but pods that use it get no answer from a DNS: web-1", late: "shop/web-1"},
		"a pod of another workload that does":              {ref: to("db", place), sandboxes: world(late("cron-1")), late: "shop/cron-1"},
		"a pod of the other side that does":                {ref: to("db", place), sandboxes: world(late("db-0")), late: "data/db-0"},
		"a pod that reads the Secret":                      {ref: to("db", "Secret/login DSN"), sandboxes: world(late("web-1")), missing: "the Service came back, but pods that use it get no answer from a DNS: web-1", late: "shop/web-1"},
		"a pod that does not read the Secret":              {ref: to("db", "Secret/login DSN"), sandboxes: world(late("cron-1")), late: "shop/cron-1"},
		"a Secret that no pod mentions could be any's":     {ref: to("db", "Secret/other DSN"), sandboxes: world(late("cron-1")), missing: "the Service came back, but pods that use it get no answer from a DNS: cron-1", late: "shop/cron-1"},
		"a pod of nobody":                                  {ref: to("db", "Pod/alone env DB"), sandboxes: world(late("alone")), missing: "the Service came back, but pods that use it get no answer from a DNS: alone", late: "shop/alone"},
		"a workload without pods: those of the namespace":  {ref: to("db", "Deployment/none env DB"), sandboxes: world(late("web-1")), missing: "the Service came back, but pods that use it get no answer from a DNS: web-1", late: "shop/web-1"},
		"a namespace without pods":                         {ref: to("db", place), sandboxes: world(func(shop, _ *Sandbox) { shop.Pods = nil }), missing: "the Service came back, but no pod that would use it"},
		"what a Secret may mean by a Service that is back": {ref: Reference{From: "shop", Service: "db", Namespace: "data", Host: "db.data.svc", Place: "Secret/login DSN", Unsure: true}, sandboxes: world()},
	} {
		t.Run(name, func(t *testing.T) {
			isolation := v1alpha1.IsolationGroup
			if test.strict {
				isolation = v1alpha1.IsolationStrict
			}
			entry := fmt.Sprintf("shop → %s.data.svc (%s): ", test.ref.Service, test.ref.Place)
			want := Result{Found: 1, Covered: 1, Tested: []string{entry + "the name leads to the Service that came back, and to a ready pod behind it"}}
			if test.missing != "" {
				want = Result{Found: 1, Untested: []string{entry + test.missing}}
			}
			if test.late != "" {
				want.Untested = append(want.Untested, "names of other namespaces in pods that a controller made after the restore: they use the cluster's DNS, which the sandbox keeps out of reach: "+test.late)
			}
			got := Cover([]Reference{test.ref, test.ref}, test.sandboxes, isolation)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsOutsideIsNamedAndCostsNothing(t *testing.T) {
	got := Cover([]Reference{
		{From: "shop", Host: "api.example.com", Place: "ConfigMap/c API_URL"},
		{From: "shop", Place: "Secret/s SMTP_URL"},
		{From: "shop", Service: "john", Namespace: "data", Host: "john.data", Place: "Secret/s LOGIN", Unsure: true},
		{From: "shop", Service: "john", Namespace: "other", Host: "john.other", Place: "Secret/s LOGIN", Unsure: true},
	}, world(), v1alpha1.IsolationGroup)
	want := Result{Untested: []string{
		"shop → a host that is not shown (Secret/s SMTP_URL): outside of the cluster, out of reach for a sandbox",
		"shop → api.example.com (ConfigMap/c API_URL): outside of the cluster, out of reach for a sandbox",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUses(t *testing.T) {
	object := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	spec := &corev1.PodSpec{
		InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: object("a")}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: object("b")}},
		}}},
		Containers: []corev1.Container{{Env: []corev1.EnvVar{
			{Name: "PLAIN"},
			{ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: object("c")}}},
			{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: object("d")}}},
		}}},
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: object("e")}}},
			{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "f"}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: object("g")}}, {Secret: &corev1.SecretProjection{LocalObjectReference: object("h")}},
			}}}},
			{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
	want := []string{"ConfigMap/a", "ConfigMap/c", "ConfigMap/e", "ConfigMap/g", "Secret/b", "Secret/d", "Secret/f", "Secret/h"}
	if diff := cmp.Diff(want, sets.List(Uses(spec))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCoverNamesNoMoreThanAReportHolds(t *testing.T) {
	var refs []Reference
	for i := range 70 {
		refs = append(refs, Reference{From: "shop", Service: "x", Namespace: "other", Host: fmt.Sprintf("h%02d", i), Place: "p"})
	}
	got := Cover(refs, nil, v1alpha1.IsolationGroup)
	if got.Found != 70 || len(got.Untested) != 51 || got.Untested[50] != "and 20 more" {
		t.Errorf("found %d, named %d: %q", got.Found, len(got.Untested), got.Untested[len(got.Untested)-1])
	}
}
