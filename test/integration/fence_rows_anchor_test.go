package integration

import "sigs.k8s.io/yaml"

// with changes an object as YAML says; null takes a field away.
func with(base, change string) string {
	var into, from map[string]any
	if err := yaml.Unmarshal([]byte(base), &into); err != nil {
		panic(err)
	}
	if err := yaml.Unmarshal([]byte(change), &from); err != nil {
		panic(err)
	}
	merge(into, from)
	prune(into)
	out, err := yaml.Marshal(into)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func prune(o map[string]any) {
	for key, value := range o {
		if value == nil {
			delete(o, key)
		} else if inner, ok := value.(map[string]any); ok {
			prune(inner)
		}
	}
}

const sandboxNamespace = `
apiVersion: v1
kind: Namespace
metadata:
  name: fence-new
  finalizers: [kymaros.io/sandbox-cleanup]
  labels:
    kymaros.io/managed-by: kymaros
    kymaros.io/run: 20260101-000000-abcdef
    velero.io/exclude-from-backup: "true"
    pod-security.kubernetes.io/enforce: baseline
`

const plainNamespace = "{apiVersion: v1, kind: Namespace, metadata: {name: fence-plain}}"

func labels(change string) string      { return "{metadata: {labels: {" + change + "}}}" }
func annotations(change string) string { return "{metadata: {annotations: {" + change + "}}}" }

// anchorRows: a namespace is a sandbox from its creation to its end, or never.
func anchorRows() []row {
	const by, box, prod = "kymaros-anchor", "fence-sandbox", "fence-production"
	sandbox := func(change string) attempt { return creates(namespaces, "", with(sandboxNamespace, change)) }
	return []row{
		{"the controller creates a sandbox", theController, sandbox("{}"), "", false},
		{"the controller creates a restricted one", theController, sandbox(labels("pod-security.kubernetes.io/enforce: restricted")), "", false},
		{"an administrator creates a sandbox", administrator, sandbox("{}"), by, false},
		{"Velero creates a sandbox", theVelero, sandbox("{}"), by, false},
		{"an administrator creates a namespace with the group of a run", administrator, creates(namespaces, "", with(plainNamespace, labels("kymaros.io/group: 20260101-000000-abcdef"))), by, false},
		{"a sandbox with a name that policies of clusters exempt", theController, sandbox("{metadata: {name: kube-shop}}"), by, false},
		{"a sandbox with a name that policies of OpenShift exempt", theController, sandbox("{metadata: {name: openshift-shop}}"), by, false},
		{"a sandbox without a run", theController, sandbox(labels("kymaros.io/run: null")), by, false},
		{"a sandbox with a label that production selects by", theController, sandbox(labels("team: shop")), by, false},
		{"a sandbox for privileged pods", theController, sandbox(labels("pod-security.kubernetes.io/enforce: privileged")), by, false},
		{"a sandbox without Pod Security", theController, sandbox(labels("pod-security.kubernetes.io/enforce: null")), by, false},
		{"a sandbox that is backed up", theController, sandbox(labels("velero.io/exclude-from-backup: null")), by, false},
		{"a sandbox without our finalizer", theController, sandbox("{metadata: {finalizers: [fence.example.com/foreign]}}"), by, false},

		{"production becomes a sandbox", administrator, patches(namespaces, prod, labels("kymaros.io/managed-by: kymaros")), by, false},
		{"production becomes a sandbox by its status", administrator, patches(namespaces, prod, labels("kymaros.io/managed-by: kymaros")).on("status"), by, false},
		{"production becomes a sandbox by its finalization", administrator, patches(namespaces, prod, labels("kymaros.io/managed-by: kymaros")).on("finalize").put(), by, false},
		{"production joins the group of a run", administrator, patches(namespaces, prod, labels("kymaros.io/group: 20260101-000000-abcdef")), by, false},
		{"a sandbox becomes an ordinary namespace", administrator, patches(namespaces, box, labels("kymaros.io/managed-by: null")), by, false},
		{"a sandbox becomes ordinary by its status", administrator, patches(namespaces, box, labels("kymaros.io/managed-by: null")).on("status"), by, false},
		{"a sandbox loses all that tells of it at once", administrator, patches(namespaces, box, "{metadata: {labels: null}}"), by, false},
		{"a sandbox joins another run", administrator, patches(namespaces, box, labels("kymaros.io/run: other")), by, false},
		{"a sandbox joins another group", administrator, patches(namespaces, box, labels("kymaros.io/group: other")), by, false},
		{"a sandbox joins another test", administrator, patches(namespaces, box, labels("kymaros.io/test: other")), by, false},
		{"a sandbox gets another name", administrator, patches(namespaces, box, labels("kymaros.io/test-namespace: null")), by, false},
		{"a sandbox is opened to privileged pods", administrator, patches(namespaces, box, labels("pod-security.kubernetes.io/enforce: privileged")), by, false},
		{"a sandbox is opened to privileged pods by its status", administrator, patches(namespaces, box, labels("pod-security.kubernetes.io/enforce: null")).on("status"), by, false},
		{"a sandbox gets old Pod Security", administrator, patches(namespaces, box, labels("pod-security.kubernetes.io/enforce-version: v1.20")), by, false},
		{"a sandbox is to be backed up", administrator, patches(namespaces, box, labels("velero.io/exclude-from-backup: null")), by, false},
		{"Velero changes labels of a sandbox", theVelero, patches(namespaces, box, labels("kymaros.io/run: other")), by, false},
		{"a sandbox stands for another source", administrator, patches(namespaces, box, annotations("kymaros.io/source-namespace: other")), by, false},
		{"new pods of a sandbox ask somebody else for names", administrator, patches(namespaces, box, annotations("kymaros.io/nameserver: 192.0.2.1")), by, false},
		{"the gate of a sandbox dials somebody else", administrator, patches(namespaces, box, annotations("kymaros.io/gate-target: 192.0.2.1")), by, false},
		{"a sandbox belongs to another RestoreTest", administrator, patches(namespaces, box, annotations("kymaros.io/restoretest: null")), by, false},

		{"somebody labels a sandbox", administrator, patches(namespaces, box, labels("team: shop")), "", false},
		{"somebody annotates a sandbox", administrator, patches(namespaces, box, annotations("note: seen")), "", false},
		{"somebody deletes a sandbox", administrator, deletes(namespaces, box), "", false},
		{"somebody takes our finalizer off by hand", administrator, patches(namespaces, box, "{metadata: {finalizers: [fence.example.com/foreign]}}"), "", false},
		{"somebody creates a namespace", administrator, creates(namespaces, "", plainNamespace), "", false},
		{"somebody creates a namespace with labels", administrator, creates(namespaces, "", with(plainNamespace, labels("team: shop"))), "", false},
		{"somebody creates a namespace without a name", administrator, creates(namespaces, "", "{apiVersion: v1, kind: Namespace, metadata: {generateName: fence-}}"), "", false},
		{"somebody changes Pod Security of production", administrator, patches(namespaces, prod, labels("pod-security.kubernetes.io/enforce: privileged")), "", false},
		{"somebody labels production", administrator, patches(namespaces, prod, labels("team: null")), "", false},
		{"the cluster finalizes a sandbox", emptier, patches(namespaces, box, "{}").on("finalize").put(), "", false},
	}
}

// namespaceRows: the controller creates, releases and deletes sandboxes, and touches no other namespace.
func namespaceRows() []row {
	const by, box, prod = "kymaros-writes-namespaces", "fence-sandbox", "fence-production"
	const owner = "{metadata: {ownerReferences: [{apiVersion: v1, kind: Namespace, name: default, uid: 11111111-1111-1111-1111-111111111111}]}}"
	finalizers := func(list string) string { return "{metadata: {finalizers: [" + list + "]}}" }
	return []row{
		{"the controller creates a namespace that is no sandbox", theController, creates(namespaces, "", plainNamespace), by, false},
		{"the controller deletes production", theController, deletes(namespaces, prod), by, false},
		{"the controller changes production", theController, patches(namespaces, prod, finalizers("fence.example.com/foreign")), by, false},
		{"the controller labels production", theController, patches(namespaces, prod, labels("team: other")), by, false},
		{"the controller labels a sandbox", theController, patches(namespaces, box, labels("team: other")), by, false},
		{"the controller annotates a sandbox", theController, patches(namespaces, box, annotations("note: seen")), by, false},
		{"the controller gives a sandbox an owner", theController, patches(namespaces, box, owner), by, false},
		{"the controller takes a finalizer of others off", theController, patches(namespaces, box, finalizers("kymaros.io/sandbox-cleanup")), by, false},
		{"the controller puts a finalizer on", theController, patches(namespaces, box, finalizers("kymaros.io/sandbox-cleanup, fence.example.com/foreign, fence.example.com/more")), by, false},
		{"the controller releases a sandbox", theController, patches(namespaces, box, finalizers("fence.example.com/foreign")), "", false},
		{"the controller deletes a sandbox", theController, deletes(namespaces, box), "", false},
		{"an administrator deletes production", administrator, deletes(namespaces, prod), "", false},
	}
}
