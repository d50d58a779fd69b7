package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"
)

// Tests in files called attack_* do what an attacker would, with the fence in force. They fail when the attack succeeds, and
// when it is not refused by the policy that is meant to refuse it.

// attackRun is the run of the sandboxes of attackSandbox.
const attackRun = "20260101-000000-attack"

// attackScene creates the objects in the YAML as they are before there is a fence, and Velero's rights, and then installs the
// fence.
func attackScene(t *testing.T, text string) {
	t.Helper()
	var documents []string
	for document := range strings.SplitSeq(text+bindVelero, "\n---\n") {
		if strings.TrimSpace(document) != "" {
			documents = append(documents, with(document, "{}")) // parse takes flow style for JSON
		}
	}
	all, err := parse([]byte(strings.Join(documents, "\n---\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		applyObject(t, o)
	}
	awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: theVelero.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "*", Group: "*", Resource: "*"}})
	installFence(t)
}

// bindVelero gives Velero all rights, as its installers do.
const bindVelero = `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: attack-velero}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: velero, namespace: velero}]
`

// attackSandbox is a sandbox that stands for source, with its policy.
func attackSandbox(name, source string) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: Namespace
metadata:
  name: %[1]s
  finalizers: [kymaros.io/sandbox-cleanup]
  annotations: {kymaros.io/restoretest: attack-team/shop, kymaros.io/source-namespace: %[2]s}
  labels:
    kymaros.io/managed-by: kymaros
    kymaros.io/run: %[3]s
    kymaros.io/guarded: %[3]s
    kymaros.io/test: shop
    kymaros.io/test-namespace: attack-team
    velero.io/exclude-from-backup: "true"
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: latest
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: kymaros-deny-all, namespace: %[1]s, finalizers: [kymaros.io/sandbox-cleanup]}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, namespace: %[1]s}
`, name, source, attackRun)
}

func attackNamespace(name string) string {
	return "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: " + name + "}}\n"
}

// attackPod is a pod that the fence lets pass, but for the change.
func attackPod(namespace, name, change string) string {
	return with(fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s, labels: {velero.io/restore-name: kymaros-shop}}, spec: {serviceAccountName: app, "+
		"automountServiceAccountToken: false, priorityClassName: kymaros-sandbox, containers: [{name: a, image: a}]}}", name, namespace), change)
}

// definition is that of a kind without a schema.
func definition(group, version, kind, plural string) string {
	return fmt.Sprintf(`
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[4]s.%[1]s}
spec:
  group: %[1]s
  names: {kind: %[3]s, listKind: %[3]sList, plural: %[4]s, singular: %[5]s}
  scope: Namespaced
  versions:
  - {name: %[2]s, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`, group, version, kind, plural, strings.ToLower(kind))
}

// role gives a user the rules in a namespace.
func role(namespace, user, rules string) string {
	return fmt.Sprintf(`
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[2]s, namespace: %[1]s}
rules: [%[3]s]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[2]s, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[2]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[2]s}]
`, namespace, user, rules)
}

// everything are the rules of the owner of a namespace.
const everything = "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}"

// bound gives a user a ClusterRole in a namespace.
func bound(namespace, user, clusterRole string) string {
	return fmt.Sprintf("\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %[2]s-%[3]s, namespace: %[1]s}, "+
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[3]s}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[2]s}]}\n",
		namespace, user, clusterRole)
}

// attempts makes each of the writes, and fails t for each with another outcome than its row says.
func attempts(t *testing.T, all []row) {
	t.Helper()
	red, err := failing(t.Context(), all, true, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range red {
		t.Error(r)
	}
}

// refusedBy fails t unless the policy has refused what err tells of, and returns whether it has. Of several that refuse the
// same, the API server names any.
func refusedBy(t *testing.T, what, policy string, err error, others ...string) bool {
	t.Helper()
	got, err := outcome(err)
	if err == nil && (got == policy || slices.Contains(others, got)) {
		return true
	}
	t.Errorf("%s: %s, want %s (%v)", what, got, policy, err)
	return false
}

func clientsOf(t *testing.T, who actor) asked {
	t.Helper()
	c, err := as(who)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refusedTo returns which policy has refused a user something in a namespace, empty if none has: the audit log tells what
// controllers of the cluster do not say.
func refusedTo(user, namespace string, since time.Time) (string, error) {
	log, err := os.Open(auditLog)
	if err != nil {
		return "", err
	}
	defer log.Close()
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			User                     struct{ Username string }
			ObjectRef                struct{ Namespace string }
			ResponseStatus           metav1.Status
			RequestReceivedTimestamp time.Time
		}
		if json.Unmarshal(lines.Bytes(), &event) != nil || event.User.Username != user || event.ObjectRef.Namespace != namespace || event.RequestReceivedTimestamp.Before(since) {
			continue // or a line that is being written
		}
		if found := policyName.FindStringSubmatch(event.ResponseStatus.Message); found != nil {
			return found[1], nil
		}
	}
	return "", lines.Err()
}

// makes has somebody create an object, and returns the server's answer. It is deleted when t ends.
func makes(t *testing.T, who actor, resource schema.GroupVersionResource, namespace, body string) error {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(body), &o.Object); err != nil {
		t.Fatal(err)
	}
	_, err := clientsOf(t, who).objects.Resource(resource).Namespace(namespace).Create(t.Context(), o, metav1.CreateOptions{})
	t.Cleanup(func() {
		err := objects.Resource(resource).Namespace(namespace).Delete(background(t), o.GetName(), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	return err
}

// background is t's context, for what t does when it is over.
func background(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }

// awaitGone is gone, for what t does when it is over.
func awaitGone(t *testing.T, what string, get func(context.Context) error) {
	t.Helper()
	err := wait.PollUntilContextTimeout(background(t), poll, stepTimeout, true, func(ctx context.Context) (bool, error) {
		return apierrors.IsNotFound(get(ctx)), nil
	})
	if err != nil {
		t.Errorf("%s: not gone: %v", what, err)
	}
}
