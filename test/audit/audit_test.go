package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
)

const system = "kymaros-system"

// line is an event of the log, as the API server writes it.
func line(at, user, verb, ref, decision string) string {
	if ref != "" {
		ref = `"objectRef":{` + ref + `},`
	}
	return `{"kind":"Event","verb":"` + verb + `","user":{"username":"` + user + `"},` + ref +
		`"requestReceivedTimestamp":"2026-01-02T03:04:` + at + `.000000Z","annotations":{"authorization.k8s.io/decision":"` + decision + `"}}` + "\n"
}

func TestOnlyTheTryByWebSocketMayBeDenied(t *testing.T) {
	for what, want := range map[Request]int{
		{Verb: "get", Resource: "pods/exec", Forbidden: true}:           0,
		{Verb: "get", Resource: "pods/portforward", Forbidden: true}:    0,
		{Verb: "create", Resource: "pods/exec", Forbidden: true}:        1,
		{Verb: "get", Resource: "pods/log", Forbidden: true}:            1,
		{Verb: "create", Resource: "pods/portforward", Forbidden: true}: 1,
	} {
		if got := Forbidden([]Request{what}); len(got) != want {
			t.Errorf("%s: got %v, want %d", what, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	const ours = "system:serviceaccount:kymaros-system:kymaros-controller"
	streamed := strings.Replace(line("08", ours, "watch", `"resource":"pods"`, "allow"), `"verb"`, `"requestURI":"/api/v1/pods?sendInitialEvents=true&watch=true","verb"`, 1)
	log := line("05", ours, "get", `"resource":"pods","namespace":"a","name":"p"`, "allow") +
		line("04", ours, "get", `"resource":"nodes"`, "allow") + // before
		line("05", "system:serviceaccount:kymaros-system-2:x", "get", `"resource":"pods"`, "allow") +
		line("05", "admin", "get", `"resource":"serviceaccounts","name":"system:serviceaccount:kymaros-system:x"`, "allow") +
		line("06", ours, "get", "", "allow") + // discovery
		line("07", ours, "patch", `"resource":"restoretests","apiGroup":"restore.kymaros.io","subresource":"status","namespace":"a","name":"t"`, "forbid") +
		line("08", "system:serviceaccount:kymaros-system:kymaros-dns", "delete", `"resource":"namespaces","namespace":"n","name":"n"`, "allow") +
		line("08", "system:serviceaccount:kymaros-more:guide", "get", `"resource":"configmaps","namespace":"n","name":"c"`, "allow") +
		streamed + line("08", ours, "watch", `"resource":"services"`, "allow") +
		strings.TrimSuffix(line("09", ours, "get", `"resource":"secrets"`, "allow"), "\n") // half written
	got, err := Read(strings.NewReader(log), []string{system, "kymaros-more"}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := []Request{
		{Account: "kymaros-controller", Verb: "get", Resource: "pods", Namespace: "a", Name: "p"},
		{Account: "kymaros-controller", Verb: "patch", Resource: "restoretests.restore.kymaros.io/status", Namespace: "a", Name: "t", Forbidden: true},
		{Account: "kymaros-dns", Verb: "delete", Resource: "namespaces", Name: "n"},
		{Account: "guide", Verb: "get", Resource: "configmaps", Namespace: "n", Name: "c"},
		{Account: "kymaros-controller", Verb: "watch", Resource: "pods"},
		{Account: "kymaros-controller", Verb: "list", Resource: "pods"},
		{Account: "kymaros-controller", Verb: "watch", Resource: "services"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Read(strings.NewReader(ours+"\n"), []string{system}, time.Time{}); err == nil {
		t.Error("a line that is no event is no error")
	}
}

const manifests = `
- kind: ClusterRole
  metadata: {name: wide}
  rules:
  - {apiGroups: [""], resources: [configmaps, pods/exec], verbs: [get]}
- kind: ClusterRoleBinding
  metadata: {name: wide}
  roleRef: {kind: ClusterRole, name: wide}
  subjects: [{kind: ServiceAccount, name: sa, namespace: kymaros-system}, {kind: User, name: somebody}]
- kind: Role
  metadata: {name: narrow, namespace: velero}
  rules:
  - {apiGroups: [""], resources: [configmaps], resourceNames: [ours], verbs: [get]}
  - {apiGroups: [velero.io], resources: [restores], verbs: [create]}
- kind: RoleBinding
  metadata: {name: narrow, namespace: velero}
  roleRef: {kind: Role, name: narrow}
  subjects: [{kind: ServiceAccount, name: sa, namespace: kymaros-system}]
`

func grants(t *testing.T, manifests string) ([]Grant, error) {
	t.Helper()
	var raw []map[string]any
	if err := yaml.Unmarshal([]byte(manifests), &raw); err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, o := range raw {
		objects = append(objects, &unstructured.Unstructured{Object: o})
	}
	return Grants(objects)
}

func TestGrants(t *testing.T) {
	got, err := grants(t, manifests)
	if err != nil {
		t.Fatal(err)
	}
	want := []Grant{
		{Account: "sa", Verb: "create", Resource: "restores.velero.io", Namespace: "velero"},
		{Account: "sa", Verb: "get", Resource: "configmaps"},
		{Account: "sa", Verb: "get", Resource: "configmaps", Namespace: "velero", Names: "ours"},
		{Account: "sa", Verb: "get", Resource: "pods/exec"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, edit := range map[string][2]string{
		"a wildcard":            {"verbs: [create]", `verbs: ["*"]`},
		"a role that is absent": {"roleRef: {kind: Role, name: narrow}", "roleRef: {kind: Role, name: other}"},
	} {
		if _, err := grants(t, strings.Replace(manifests, edit[0], edit[1], 1)); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func TestJudge(t *testing.T) {
	granted, err := grants(t, manifests)
	if err != nil {
		t.Fatal(err)
	}
	exec := Request{Account: "sa", Verb: "get", Resource: "pods/exec", Namespace: "a", Name: "p"}
	create := Request{Account: "sa", Verb: "create", Resource: "restores.velero.io", Namespace: "velero"}
	ours := Request{Account: "sa", Verb: "get", Resource: "configmaps", Namespace: "velero", Name: "ours"}
	other := Request{Account: "sa", Verb: "get", Resource: "configmaps", Namespace: "a", Name: "ours"}
	elsewhere, denied, another := create, create, ours
	elsewhere.Namespace = "a"
	denied.Verb, denied.Forbidden = "delete", true
	another.Account = "other"
	tests := []struct {
		name       string
		requests   []Request
		exceptions map[string]string
		want       []string
	}{
		{"everything is used", []Request{exec, create, ours, other}, nil, nil},
		{"what the narrow grant allows does not need the wide one", []Request{exec, create, ours}, nil, []string{"granted, and never used: sa: get configmaps"}},
		{"what the wide grant alone allows does not need the narrow one", []Request{exec, create, other}, nil, []string{"granted, and never used: sa: get configmaps ours in namespace velero"}},
		{"a grant in another namespace is not used", []Request{exec, elsewhere, ours, other}, nil, []string{"granted, and never used: sa: create restores.velero.io in namespace velero"}},
		{"a grant of another account is not used", []Request{exec, create, another, other}, nil, []string{"granted, and never used: sa: get configmaps ours in namespace velero"}},
		{"an exception excuses", []Request{create, ours, other}, map[string]string{"sa: get pods/exec": "no pod"}, nil},
		{"an exception that was used is none", []Request{exec, create, ours, other}, map[string]string{"sa: get pods/exec": "no pod"}, []string{"an exception that is none, for it was used: sa: get pods/exec"}},
		{"an exception for nothing", []Request{exec, create, ours, other}, map[string]string{"sa: get nodes": "no"}, []string{"an exception that no manifest grants: sa: get nodes"}},
		{"what was denied, once", []Request{exec, create, ours, other, denied, denied}, nil, []string{"denied: sa: delete restores.velero.io in namespace velero"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Judge(granted, tt.requests, tt.exceptions)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the controller binds in sandboxes stands in no manifest, and counts there only.
func TestRolesOfSandboxes(t *testing.T) {
	granted, err := grants(t, `
- kind: ClusterRole
  metadata: {name: kymaros-sandbox-dns}
  rules:
  - {apiGroups: [""], resources: [pods], verbs: [list]}
`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Grant{{Account: "kymaros-dns", Verb: "list", Resource: "pods", Namespace: Sandbox}}, granted); diff != "" {
		t.Fatal(diff)
	}
	attested := Request{Account: "kymaros-prober", Verb: "patch", Resource: "namespaces", Name: "sbx"}
	in := func(namespace string) Request {
		return Request{Account: "kymaros-dns", Verb: "list", Resource: "pods", Namespace: namespace}
	}
	if unused := Unused(granted, []Request{attested, in("sbx")}); len(unused) > 0 {
		t.Errorf("used in a sandbox, and told as unused: %v", unused)
	}
	if unused := Unused(granted, []Request{attested, in("shop")}); len(unused) != 1 {
		t.Errorf("used in production, and told as used in a sandbox: %v", unused)
	}
}

func TestRolesOfSandboxesAreThoseThatAreBound(t *testing.T) {
	rt := &v1alpha1.RestoreTest{Status: v1alpha1.RestoreTestStatus{Run: &v1alpha1.RunStatus{ID: "run", Spec: v1alpha1.RestoreTestSpec{
		Sandbox: v1alpha1.SandboxSpec{NetworkIsolation: v1alpha1.IsolationGroup},
	}}}}
	bound := map[string]string{}
	for _, b := range guards.Bindings(rt, v1alpha1.SandboxNamespace{Source: "shop", Name: "sbx"}, "kymaros-system") {
		bound[b.RoleRef.Name] = b.Subjects[0].Name
	}
	if diff := cmp.Diff(bound, inSandboxes); diff != "" {
		t.Error(diff)
	}
}
