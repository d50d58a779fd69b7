package integration

import "fmt"

// shippedRows: what was shipped is changed by its own writers and by whoever may change the fence; so are reports.
func shippedRows() []row {
	const by, canaries, targets = "kymaros-shipped", "kymaros-canary", "kymaros-canary-targets"
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: new, labels: {app.kubernetes.io/component: canary-fenced}}, spec: {automountServiceAccountToken: false, " +
		"securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}"
	workload := func(kind string) string {
		return "{apiVersion: apps/v1, kind: " + kind + ", metadata: {name: new}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}"
	}
	class := func(name string) string {
		return "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: " + name + "}, value: 7}"
	}
	pods, classes, storage := core("pods"), at("scheduling.k8s.io/v1/priorityclasses"), at("storage.k8s.io/v1/storageclasses")
	const canary = canaries + "/fence-canary"
	const ready = "{status: {conditions: [{type: Ready, status: 'True'}]}}"
	return []row{
		{"where canaries dial, by who owns their namespace", owner, patches(core("configmaps"), canaries+"/canary-addresses", "{data: {a: b}}"), by, false},
		{"where canaries dial, by an administrator", administrator, patches(core("configmaps"), canaries+"/canary-addresses", "{data: {a: b}}"), "", false},
		{"a canary by who owns its namespace", owner, creates(pods, canaries, pod), by, false},
		{"a target by who owns its namespace", owner, creates(pods, targets, pod), by, false},
		{"a canary by its DaemonSet", daemonSets, creates(pods, canaries, pod), "", false},
		{"a canary is deleted by who owns its namespace", owner, deletes(pods, canary), by, false},
		{"a canary is deleted by its DaemonSet", daemonSets, deletes(pods, canary), "", false},
		{"a canary is deleted by its node", node, deletes(pods, canary), "", false},
		{"a canary is deleted by an administrator", administrator, deletes(pods, canary), "", false},
		{"a canary is called ready", owner, patches(pods, canary, ready).on("status"), by, false},
		{"a canary is called ready by its node", node, patches(pods, canary, ready).on("status"), "", false},
		{"a canary is labelled", owner, patches(pods, canary, labels("a: b")), by, false},
		{"a canary is given away", owner, patches(pods, canary, "{metadata: {ownerReferences: [{apiVersion: v1, kind: Node, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}"), by, false},
		{"a canary gets another image", owner, patches(pods, canary, "{spec: {containers: [{name: a, image: evil, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}"), by, false},
		{"a canary gets a shell", owner, patches(pods, canary, "{spec: {ephemeralContainers: [{name: shell, image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}").on("ephemeralcontainers"), by, false},
		{"a plugin annotates a canary", owner, patches(pods, canary, annotations("cni.projectcalico.org/podIP: 10.0.0.1")).on("status"), "", false},
		{"the canaries are opened", owner, creates(netpols, canaries, policyBody("open", "{egress: [{}]}")), by, false},
		{"the policy of canaries is deleted", owner, deletes(netpols, canaries+"/canary-fenced"), by, false},
		{"the policy of targets is changed", owner, patches(netpols, targets+"/canary-target", "{spec: {ingress: [{}]}}"), by, false},
		{"the Service of canaries is led elsewhere", owner, patches(core("services"), canaries+"/canary-fenced", "{spec: {selector: {a: b}}}"), by, false},
		{"a DaemonSet beside the canaries", owner, creates(at("apps/v1/daemonsets"), canaries, workload("DaemonSet")), by, false},
		{"a Deployment beside the targets", owner, creates(at("apps/v1/deployments"), targets, workload("Deployment")), by, false},
		{"a StatefulSet beside the targets", owner, creates(at("apps/v1/statefulsets"), targets, workload("StatefulSet")), by, false},
		{"a ReplicaSet beside the targets", owner, creates(at("apps/v1/replicasets"), targets, workload("ReplicaSet")), by, false},
		{"a DaemonSet beside the canaries, by an administrator", administrator, creates(at("apps/v1/daemonsets"), canaries, workload("DaemonSet")), "", false},

		{"the modifiers that are shipped, by who owns Velero's namespace", owner, patches(core("configmaps"), "velero/kymaros-sandbox-modifiers", "{data: {a: b}}"), by, false},
		{"the modifiers for group, by who owns Velero's namespace", owner, deletes(core("configmaps"), "velero/kymaros-group-modifiers"), by, false},
		{"the modifiers for group, by an administrator", administrator, deletes(core("configmaps"), "velero/kymaros-group-modifiers"), "", false},
		{"the modifiers for claims without a class, by who owns Velero's namespace", owner, deletes(core("configmaps"), "velero/kymaros-sandbox-no-class"), by, false},
		{"those for group, by who owns Velero's namespace", owner, deletes(core("configmaps"), "velero/kymaros-group-no-class"), by, false},
		{"the class of claims without one becomes the default", owner, patches(storage, "kymaros-no-class", annotations("storageclass.kubernetes.io/is-default-class: 'true'")), by, false},
		{"the class of claims without one, by an administrator", administrator, patches(storage, "kymaros-no-class", labels("a: b")), "", false},
		{"another storage class", owner, creates(storage, "", "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fence-class}, provisioner: a}"), "", false},
		{"another ConfigMap of Velero's namespace, by its owner", owner, creates(core("configmaps"), "velero", configMap("plugin")), "", false},
		{"a ConfigMap without a name, in Velero's namespace", owner, creates(core("configmaps"), "velero", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}"), "", false},
		{"a pod of Velero's namespace, by its owner", owner, creates(pods, "velero", pod), "", false},
		{"the Service of the DNS, by who owns our namespace", owner, patches(core("services"), "kymaros-system/kymaros-dns", "{spec: {selector: {a: b}}}"), by, false},
		{"another Service of our namespace", owner, creates(core("services"), "kymaros-system", "{apiVersion: v1, kind: Service, metadata: {name: new}, spec: {ports: [{port: 80}]}}"), "", false},
		{"a ConfigMap called as the modifiers, elsewhere", owner, creates(core("configmaps"), "kymaros-system", configMap("kymaros-sandbox-modifiers")), "", false},
		{"a Service called as the modifiers", owner, creates(core("services"), "velero", "{apiVersion: v1, kind: Service, metadata: {name: kymaros-sandbox-modifiers}, spec: {ports: [{port: 80}]}}"), "", false},
		{"a ConfigMap called as the DNS", owner, creates(core("configmaps"), "kymaros-system", configMap("kymaros-dns")), "", false},
		{"a ConfigMap called as the class", owner, creates(core("configmaps"), "kymaros-system", configMap("kymaros-sandbox")), "", false},
		{"a Service called as the DNS, elsewhere", owner, creates(core("services"), "velero", "{apiVersion: v1, kind: Service, metadata: {name: kymaros-dns}, spec: {ports: [{port: 80}]}}"), "", false},
		{"the class of sandboxes", owner, patches(classes, "kymaros-sandbox", labels("a: b")), by, false},
		{"the class of sandboxes is deleted", owner, deletes(classes, "kymaros-sandbox"), by, false},
		{"another class", owner, creates(classes, "", class("fence-class")), "", false},
		{"the class of sandboxes, by an administrator", administrator, patches(classes, "kymaros-sandbox", labels("a: b")), "", false},
	}
}

// reportRows: reports are the controller's.
func reportRows() []row {
	const by, team = "kymaros-reports", "fence-team"
	report := func(spec string) string {
		return "{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, metadata: {name: new}, spec: {testRef: " + spec + "}}"
	}
	const level = "{status: pass, points: 1, max: 1}"
	status := "{status: {score: 100, result: pass, startedAt: '2026-01-01T00:00:00Z', completedAt: '2026-01-01T00:00:00Z', rto: {measured: 1m0s, withinSLA: true}, backup: {name: a, age: 1h0m0s}, completeness: {}, " +
		"validationLevels: {restoreIntegrity: " + level + ", completeness: " + level + ", podStartup: " + level + ", internalHealth: " + level + ", crossNamespaceDeps: " + level + ", rtoCompliance: " + level + "}}}"
	return []row{
		{"a report by who owns the namespace", owner, creates(reportsGVR, team, report("shop")), by, false},
		{"a report by an administrator", administrator, creates(reportsGVR, team, report("shop")), by, false},
		{"the verdict of a report by who owns the namespace", owner, patches(reportsGVR, team+"/shop", status).on("status"), by, false},
		{"a report is labelled by who owns the namespace", owner, patches(reportsGVR, team+"/shop", labels("a: b")), by, false},
		{"a report is annotated by who owns the namespace", owner, patches(reportsGVR, team+"/shop", annotations("kymaros.io/restoretest: a/b")), by, false},
		{"a report is written as it is", owner, patches(reportsGVR, team+"/shop", "{}").put(), "", false},
		{"a report is deleted by who owns the namespace", owner, deletes(reportsGVR, team+"/shop"), "", false},
	}
}

// tokenRows: tokens of our ServiceAccounts are for kubelets, and short.
func tokenRows() []row {
	const by, system, targets = "kymaros-tokens", "kymaros-system", "kymaros-canary-targets"
	accounts, secrets := core("serviceaccounts"), core("secrets")
	token := func(namespace, name, spec string) attempt {
		a := creates(accounts, namespace, "{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, metadata: {name: "+name+"}, spec: {audiences: [a], "+spec+"}}").on("token")
		a.name = name
		return a
	}
	secret := func(account, kind string) string {
		return fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: new, annotations: {kubernetes.io/service-account.name: %s}}, type: %s}", account, kind)
	}
	const good, long = "expirationSeconds: 600", "expirationSeconds: 3607"
	const tokens = "kubernetes.io/service-account-token"
	return []row{
		{"a token for a pod, by its node", node, token(system, "kymaros-controller", good), "", false},
		{"a token of the guide, by its node", node, token(targets, "kymaros-canary-guide", good), "", false},
		{"a token for an hour, by a node", node, token(system, "kymaros-controller", long), by, false},
		{"a token of the controller, by an administrator", administrator, token(system, "kymaros-controller", good), by, false},
		{"a token of the controller, by who owns our namespace", owner, token(system, "kymaros-controller", good), by, false},
		{"a token of the guide, by who owns its namespace", owner, token(targets, "kymaros-canary-guide", good), by, false},
		{"a token of somebody else in our namespace", owner, token(system, "fence-app", long), "", false},
		{"a token of somebody else", administrator, token("fence-production", "app", long), "", false},
		{"a Secret with a token of the controller", owner, creates(secrets, system, secret("kymaros-controller", tokens)), by, false},
		{"a Secret with a token becomes one of the controller's", owner, patches(secrets, system+"/fence-token", annotations("kubernetes.io/service-account.name: kymaros-controller")), by, false},
		{"a Secret with the token by which Prometheus asks", owner, creates(secrets, system, secret("kymaros-scraper", tokens)), "", false},
		{"a Secret with a token of somebody else", owner, creates(secrets, system, secret("fence-app", tokens)), "", false},
		{"a Secret that only names the controller", owner, creates(secrets, system, secret("kymaros-controller", "Opaque")), "", false},
		{"a Secret with a token of that name elsewhere", owner, creates(secrets, "velero", secret("kymaros-controller", tokens)), "", false},
	}
}
