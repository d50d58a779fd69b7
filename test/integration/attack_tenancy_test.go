package integration

import (
	"fmt"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// In tenancyScene two people look after tests in one namespace: alice, who may do in attack-tenant-shop what a test of it with
// checks takes, and bob, who may do nothing there.
const (
	tenants  = "attack-tenants"
	authors  = "{apiGroups: [restore.kymaros.io], resources: ['*'], verbs: ['*']}"
	checking = "{apiGroups: [''], resources: [secrets], verbs: [list]}, {apiGroups: [''], resources: [pods/exec], verbs: [create]}"
)

var alice, bob = actor{user: "alice"}, actor{user: "bob"}

func tenancyScene(t *testing.T) {
	t.Helper()
	test := func(name, policy string) string {
		return fmt.Sprintf("\n---\n{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, metadata: {name: %s, namespace: %s}, spec: {suspend: true, schedule: {cron: '@daily'}, sandbox: {}, "+
			"backupSource: {provider: velero, namespaces: [{name: attack-tenant-shop}]}, healthChecks: {policyRef: %s}}}\n", name, tenants, policy)
	}
	policy := func(name string) string {
		return fmt.Sprintf("\n---\n{apiVersion: restore.kymaros.io/v1alpha1, kind: HealthCheckPolicy, metadata: {name: %s, namespace: %s}, spec: {checks: [{name: web, type: tcpSocket, tcpSocket: {service: web, port: 80}}]}}\n", name, tenants)
	}
	attackScene(t, attackNamespace(tenants)+attackNamespace("attack-tenant-shop")+role(tenants, "alice", authors)+role(tenants, "bob", authors)+
		role("attack-tenant-shop", "alice", checking)+policy("web")+policy("nobodys")+test("shop", "web")+test("shop-later", "not-yet")+
		"\n---\n{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, metadata: {name: unwritten, namespace: "+tenants+"}, spec: {testRef: shop}}\n")
	for user, right := range map[string]*authorizationv1.ResourceAttributes{
		"alice": {Namespace: "attack-tenant-shop", Verb: "create", Resource: "pods", Subresource: "exec"},
		"bob":   {Namespace: tenants, Verb: "create", Group: "restore.kymaros.io", Resource: "restoretests"},
	} {
		awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: right})
	}
}

// TestNobodyChangesTheChecksOfSomebodyElsesTest: they run in a copy of namespaces that their author may not see.
func TestNobodyChangesTheChecksOfSomebodyElsesTest(t *testing.T) {
	tenancyScene(t)
	const by = "kymaros-checks"
	checks := func(policy, check string) attempt {
		return patches(checkpolicy, tenants+"/"+policy, "{spec: {checks: ["+check+"]}}")
	}
	creates := func(name string) attempt {
		return creates(checkpolicy, tenants, "{apiVersion: restore.kymaros.io/v1alpha1, kind: HealthCheckPolicy, metadata: {name: "+name+"}, spec: {checks: []}}")
	}
	const (
		runs = "{name: a, type: exec, exec: {podSelector: {app: db}, command: [cat, /data/password]}}"
		asks = "{name: a, type: httpGet, httpGet: {service: web, port: 80, path: /admin/delete-all, expectedStatus: 200}}"
		has  = "{name: a, type: resourceExists, resourceExists: {resources: [{kind: Secret, name: guessed}]}}"
	)
	attempts(t, []row{
		{"a command", bob, checks("web", runs), by, false},
		{"a request", bob, checks("web", asks), by, false},
		{"a question for a Secret", bob, checks("web", has), by, false},
		{"no checks at all", bob, checks("web", ""), by, false},
		{"a policy that a test waits for", bob, creates("not-yet"), by, false},
		{"a command in a policy that no test names", bob, checks("nobodys", runs), "", false},
		{"a new policy that no test names", bob, creates("new"), "", false},
		{"a label", bob, patches(checkpolicy, tenants+"/web", labels("a: b")), "", false},
		{"a command by who may run it in the source", alice, checks("web", runs), "", false},
		{"the awaited policy by who may run commands in the source", alice, creates("not-yet"), "", false},
		{"a command by an administrator", administrator, checks("web", runs), "", false},
	})
}

// TestNobodyButTheProberWritesReports: who may write tests writes no verdicts of others', or of their own.
func TestNobodyButTheProberWritesReports(t *testing.T) {
	tenancyScene(t)
	const by = "kymaros-reports"
	const report = "{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, metadata: {name: forged, labels: {kymaros.io/restoretest: shop}}, spec: {testRef: shop}}"
	write := func(a attempt) []row {
		var all []row
		for _, who := range []actor{bob, administrator} {
			all = append(all, row{"a report: " + a.verb + " by " + who.user, who, a, by, false})
		}
		return all
	}
	all := append(write(creates(reportsGVR, tenants, report)), write(patches(reportsGVR, tenants+"/unwritten", labels("a: b")))...)
	attempts(t, append(all, row{"a report by kymaros-prober", theProber, creates(reportsGVR, tenants, report), "", false},
		row{"a label by the controller", theController, patches(reportsGVR, tenants+"/unwritten", labels("a: b")), by, false}))
}

// TestASandboxHasNoNameThatToolsTrust: many policies leave namespaces out that are called as those of the cluster are.
func TestASandboxHasNoNameThatToolsTrust(t *testing.T) {
	ns := newNamespace(t, "attack-names")
	for _, try := range []struct {
		spec    string
		allowed bool
	}{
		{"{backupSource: {namespaces: [{name: shop, sandboxName: kube-shop}]}}", false},
		{"{backupSource: {namespaces: [{name: shop, sandboxName: openshift-shop}]}}", false},
		{"{backupSource: {namespaces: [{name: shop}, {name: db, sandboxName: kube-public2}]}}", false},
		{"{sandbox: {namespacePrefix: kube}}", false},
		{"{sandbox: {namespacePrefix: kube-test}}", false},
		{"{sandbox: {namespacePrefix: openshift}}", false},
		{"{sandbox: {namespacePrefix: openshift-test}}", false},
		{"{backupSource: {namespaces: [{name: kube-shop, sandboxName: shop-kube-test}]}, sandbox: {namespacePrefix: kubernetes}}", true},
	} {
		_, err := createAs(t, administrator, ns, with(newTest, "{spec: {backupSource: {namespaces: [{name: shop}]}}}"), "{spec: "+try.spec+"}")
		if try.allowed && err != nil {
			t.Errorf("%s: %v", try.spec, err)
		}
		if !try.allowed && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "kube-") || !strings.Contains(err.Error(), "openshift-")) {
			t.Errorf("%s: got %v, want it refused for kube- and openshift-", try.spec, err)
		}
	}
}

// TestABackupOfAFormerNamespaceOfThatNameTakesARight: it may be of somebody who is gone, and whose Secrets it has.
func TestABackupOfAFormerNamespaceOfThatNameTakesARight(t *testing.T) {
	const ns, source, by = "attack-older", "attack-older-shop", "kymaros-tests-older"
	attackScene(t, attackNamespace(ns)+attackNamespace(source)+role(ns, "author", authors)+role(source, "author", checking)+role(ns, "restorer", authors)+role(source, "restorer", checking)+
		role(veleroNamespace, "restorer", "{apiGroups: [velero.io], resources: [restores], verbs: [create]}")+
		"\n---\n{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, metadata: {name: shop, namespace: "+ns+"}, spec: {suspend: true, schedule: {cron: '@daily'}, sandbox: {}, "+
		"backupSource: {provider: velero, namespaces: [{name: "+source+"}]}}}")
	author, restorer := actor{user: "author"}, actor{user: "restorer"}
	awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: restorer.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: veleroNamespace, Verb: "create", Group: "velero.io", Resource: "restores"}})
	awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: author.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: source, Verb: "list", Resource: "secrets"}})
	test := with(newTest, "{spec: {backupSource: {namespaces: [{name: "+source+"}]}}}")
	const older = "{spec: {backupSource: {allowOlderThanNamespace: true}}}"

	_, err := createAs(t, author, ns, test, "{}")
	if err != nil {
		t.Errorf("a test by who may not restore: %v", err)
	}
	_, err = createAs(t, author, ns, test, older)
	refusedBy(t, "a test of backups that are older, by who may not restore", by, err)
	refusedBy(t, "a test that is opened for backups that are older", by, patches(restoretests, ns+"/shop", older).try(t.Context(), clientsOf(t, author)))
	made, err := createAs(t, restorer, ns, test, older)
	if err != nil {
		t.Fatalf("a test of backups that are older, by who may restore: %v", err)
	}
	if allows, _, _ := unstructured.NestedBool(made.Object, "spec", "backupSource", "allowOlderThanNamespace"); !allows {
		t.Error("the API server has dropped spec.backupSource.allowOlderThanNamespace")
	}
}

// createAs has somebody create, as a dry run, a RestoreTest with a change.
func createAs(t *testing.T, who actor, namespace, test, change string) (*unstructured.Unstructured, error) {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(with(test, change)), &o.Object); err != nil {
		t.Fatal(err)
	}
	return clientsOf(t, who).objects.Resource(restoretests).Namespace(namespace).Create(t.Context(), o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}
