package integration

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
)

// forgedCanary is a pod that passes for a canary.
func forgedCanary(name string) string {
	return "{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", namespace: kymaros-canary, labels: {app.kubernetes.io/name: kymaros, app.kubernetes.io/component: canary-fenced}}, " +
		"spec: {automountServiceAccountToken: false, securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, " +
		"containers: [{name: canary, image: canary, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}"
}

// TestTheProofOfIsolationIsNotForged has people write what canaries say, and what they are told, who have all rights in their
// namespaces and none elsewhere.
func TestTheProofOfIsolationIsNotForged(t *testing.T) {
	const fenced, targets, by = "kymaros-canary", "kymaros-canary-targets", "kymaros-shipped"
	text := bound(fenced, "canary-admin", "admin") + bound(targets, "canary-admin", "admin") + role(fenced, "canary-owner", everything) + role(targets, "canary-owner", everything)
	attackScene(t, text+"\n---\n"+forgedCanary("canary-fenced-attack"))
	for _, user := range []string{"canary-admin", "canary-owner"} {
		for _, ns := range []string{fenced, targets} {
			awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: ns, Verb: "create", Resource: "pods"}})
		}
	}
	admin, owner := actor{user: "canary-admin"}, actor{user: "canary-owner"}
	maker := actor{user: "system:serviceaccount:kube-system:daemon-set-controller"}
	config, pods, sets := core("configmaps"), core("pods"), at("apps/v1/daemonsets")
	const proof, policies = fenced + "/canary-addresses", "{spec: {policyTypes: [Ingress]}}"
	const ready = "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}"
	const set = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: canary-forged}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}"
	attempts(t, []row{
		{"canaries are told to dial elsewhere", admin, patches(config, proof, "{data: {targets: 192.0.2.1}}").put(), by, false},
		{"canaries are told nothing", admin, deletes(config, proof), by, false},
		{"a canary says that it is ready", owner, patches(pods, fenced+"/canary-fenced-attack", ready).on("status"), by, false},
		{"a canary runs another program", admin, patches(pods, fenced+"/canary-fenced-attack", "{spec: {containers: [{name: canary, image: forged, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}"), by, false},
		{"a pod passes for a canary", admin, creates(pods, fenced, forgedCanary("canary-fenced-forged")), by, false},
		{"a DaemonSet passes for that of canaries", admin, creates(sets, fenced, set), by, false},
		{"a pod passes for a target", admin, creates(pods, targets, with(forgedCanary("canary-target-forged"), "{metadata: {namespace: "+targets+", labels: {app.kubernetes.io/component: canary-target}}}")), by, false},
		{"the policy of canaries is opened", admin, patches(netpols, fenced+"/canary-fenced", policies), by, false},
		{"the policy of canaries is deleted", admin, deletes(netpols, fenced+"/canary-fenced"), by, false},
		{"one more policy for canaries", admin, creates(netpols, fenced, policyBody("forged", "{egress: [{}]}")), by, false},
		{"one more policy for targets", admin, creates(netpols, targets, policyBody("forged", "{}")), by, false},
		{"the policy of targets is closed", admin, patches(netpols, targets+"/canary-target", "{spec: {ingress: []}}"), by, false},

		{"the guide tells canaries", theGuide, patches(config, proof, "{data: {a: b}}").put(), "", false},
		{"the cluster makes a canary", maker, creates(pods, fenced, forgedCanary("canary-fenced-new")), "", false},
		{"the installer opens the policy of canaries", administrator, patches(netpols, fenced+"/canary-fenced", policies), "", false},
		{"the installer changes what canaries are told", administrator, patches(config, proof, "{data: {a: b}}"), "", false},
	})
}

// TestWhatIsShippedStaysAsItIs: rules for Velero, the class of restored pods, and the address of their DNS.
func TestWhatIsShippedStaysAsItIs(t *testing.T) {
	const by = "kymaros-shipped"
	attackScene(t, bound(veleroNamespace, "velero-admin", "admin")+bound(systemNamespace, "system-admin", "admin")+`
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: attack-classes}
rules: [{apiGroups: [scheduling.k8s.io], resources: [priorityclasses], verbs: ['*']}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: attack-classes}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: attack-classes}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: class-admin}]
`)
	awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: "class-admin", ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "delete", Group: "scheduling.k8s.io", Resource: "priorityclasses"}})
	awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: "system-admin", ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: systemNamespace, Verb: "patch", Resource: "services"}})
	velero, system, classes := actor{user: "velero-admin"}, actor{user: "system-admin"}, actor{user: "class-admin"}
	config, services, class := core("configmaps"), core("services"), at("scheduling.k8s.io/v1/priorityclasses")
	const none = "{data: {rules.yaml: 'version: v1'}}"
	attempts(t, []row{
		{"the modifiers change nothing any more", velero, patches(config, veleroNamespace+"/kymaros-sandbox-modifiers", none), by, false},
		{"the modifiers are deleted", velero, deletes(config, veleroNamespace+"/kymaros-sandbox-modifiers"), by, false},
		{"the modifiers for group change nothing any more", velero, patches(config, veleroNamespace+"/"+groupModifiers, none), by, false},
		{"another ConfigMap of Velero's namespace", velero, creates(config, veleroNamespace, configMap("attack-other")), "", false},
		{"the class of restored pods is deleted", classes, deletes(class, "kymaros-sandbox"), by, false},
		{"another class is made", classes, creates(class, "", "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: attack-other}, value: 7}"), "", false},
		{"the DNS of sandboxes is somebody else", system, patches(services, systemNamespace+"/kymaros-dns", "{spec: {selector: {app: evil}}}"), by, false},
		{"the DNS of sandboxes has no address", system, deletes(services, systemNamespace+"/kymaros-dns"), by, false},
		{"the installer changes the modifiers", administrator, patches(config, veleroNamespace+"/kymaros-sandbox-modifiers", none), "", false},
		{"the installer changes the DNS", administrator, patches(services, systemNamespace+"/kymaros-dns", labels("a: b")), "", false},
	})
}
