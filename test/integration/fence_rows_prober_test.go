package integration

import (
	"fmt"
	"slices"
)

// proberRows: the other key. What it may do, what the controller may not any more, and who is let into a sandbox.
func proberRows() []row {
	const never, sandboxes, lands, own, anchor = "kymaros-writes", "kymaros-writes-sandboxes", "kymaros-lands", "kymaros-writes-prober", "kymaros-anchor"
	const box, unseen, prod, run = "fence-sandbox", "fence-unseen", "fence-production", "20260101-000000-abcdef"
	lease := func(name string) string {
		return "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: " + name + "}}"
	}
	leases := at("coordination.k8s.io/v1/leases")
	event := func(about string) attempt {
		return creates(core("events"), "fence-team", "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: "+about+"}")
	}
	const report = "{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, metadata: {name: new}, spec: {testRef: shop}}"
	const hygiene = "{hygiene: {status: clean, cleanedAt: 2026-01-01T00:00:00Z}}"
	download := func(ns, change string) attempt {
		return creates(downloads, ns, with(with(downloadRequest, "{metadata: {name: kymaros-inventory-prober}}"), change))
	}
	unbound, elsewhere := actor{user: theProber.user}, actor{user: theProber.user, pod: "shell"}
	return append(append([]row{
		{"kymaros-prober runs a command in a sandbox", theProber, connects("exec", box+"/web"), "", false},
		{"kymaros-prober runs a command in production", theProber, connects("exec", prod+"/db"), sandboxes, true},
		{"kymaros-prober runs a command in a sandbox that nobody has seen", theProber, connects("exec", unseen+"/web"), lands, false},
		{"kymaros-prober forwards a port of a sandbox", theProber, connects("portforward", box+"/web"), "", false},
		{"kymaros-prober forwards a port of production", theProber, connects("portforward", prod+"/db"), sandboxes, true},
		{"kymaros-prober forwards a port of a sandbox that nobody has seen", theProber, connects("portforward", unseen+"/web"), lands, false},
		{"an administrator runs a command in a sandbox that nobody has seen", administrator, connects("exec", unseen+"/web"), lands, false},
		{"kymaros-prober attaches to a pod of a sandbox", theProber, connects("attach", box+"/web"), never, true},
		{"a token of kymaros-prober that is bound to no pod runs a command", unbound, connects("exec", box+"/web"), never, false},
		{"a token of kymaros-prober in another pod runs a command", elsewhere, connects("exec", box+"/web"), never, false},

		{"kymaros-prober says that guards were seen", theProber, patches(namespaces, unseen, labels("kymaros.io/guarded: "+run)), "", false},
		{"kymaros-prober says so for another run", theProber, patches(namespaces, unseen, labels("kymaros.io/guarded: a")), anchor, false},
		{"kymaros-prober takes it back", theProber, patches(namespaces, box, labels("kymaros.io/guarded: null")), anchor + " or " + own, false},
		{"an administrator says that guards were seen", administrator, patches(namespaces, unseen, labels("kymaros.io/guarded: "+run)), anchor, false},
		{"an administrator takes it back", administrator, patches(namespaces, box, labels("kymaros.io/guarded: null")), anchor, false},
		{"a sandbox is created as seen", theController, creates(namespaces, "", with(sandboxNamespace, labels("kymaros.io/guarded: "+run))), anchor, false},
		{"an administrator says so of production", administrator, patches(namespaces, prod, labels("kymaros.io/guarded: a")), anchor, false},
		{"kymaros-prober labels production", theProber, patches(namespaces, prod, labels("team: b")), own, false},
		{"kymaros-prober labels a sandbox otherwise", theProber, patches(namespaces, unseen, labels("a: b")), own, false},
		{"kymaros-prober takes a label off a sandbox", theProber, patches(namespaces, unseen, labels("team: null")), own, false},
		{"kymaros-prober says that production was seen", theProber, patches(namespaces, prod, labels("kymaros.io/guarded: a")), anchor + " or " + own, false},
		{"kymaros-prober annotates a sandbox", theProber, patches(namespaces, unseen, annotations("a: b")), own, false},
		{"kymaros-prober takes the finalizers off a sandbox", theProber, patches(namespaces, box, "{metadata: {finalizers: null}}"), own, false},
		{"kymaros-prober makes a namespace", theProber, creates(namespaces, "", plainNamespace), never, true},
		{"kymaros-prober deletes a sandbox", theProber, deletes(namespaces, box), never, true},
		{"kymaros-prober opens a sandbox", theProber, patches(netpols, box+"/kymaros-deny-all", "{spec: {egress: [{}]}}"), never + " or kymaros-guards", true},
		{"kymaros-prober starts a restore", theProber, creates(restores, "velero", goodRestore), never, true},
		{"kymaros-prober lets itself in", theProber, binds(box, "kymaros-sandbox-prober", "kymaros-prober"), never, true},
		{"kymaros-prober writes a ConfigMap", theProber, creates(core("configmaps"), box, configMap("new")), never, true},
		{"kymaros-prober writes a Secret", theProber, patches(core("secrets"), prod+"/password", "{data: {password: ''}}"), never, true},

		{"kymaros-prober asks for a list", theProber, download("velero", "{}"), "", false},
		{"kymaros-prober asks for a backup", theProber, download("velero", "{spec: {target: {kind: BackupContents}}}"), "kymaros-writes-velero", false},
		{"kymaros-prober asks in the name of the controller", theProber, download("velero", "{metadata: {name: kymaros-inventory}}"), "kymaros-writes-velero", false},
		{"the controller asks in the name of kymaros-prober", theController, download("velero", "{}"), "kymaros-writes-velero", false},
		{"kymaros-prober deletes its request", theProber, deletes(downloads, "velero/kymaros-inventory-prober"), "", false},

		{"the lease of kymaros-prober", theProber, creates(leases, "kymaros-system", lease("kymaros-prober")), "", false},
		{"kymaros-prober takes the lease of the controller", theProber, patches(leases, "kymaros-system/kymaros-controller", "{spec: {leaseDurationSeconds: 9}}").put(), own, true},
		{"the controller takes the lease of kymaros-prober", theController, creates(leases, "kymaros-system", lease("kymaros-prober")), "kymaros-writes-own", false},
		{"kymaros-prober tells of a test", theProber, event("{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, namespace: fence-team, name: shop}"), "", false},
		{"kymaros-prober takes a lease of its name elsewhere", theProber, creates(leases, "fence-team", lease("kymaros-prober")), own, true},
		{"kymaros-prober tells of a report", theProber, event("{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, namespace: fence-team, name: shop}"), own, false},
		{"kymaros-prober tells of a test of another kind", theProber, event("{apiVersion: example.com/v1, kind: RestoreTest, namespace: fence-team, name: shop}"), own, false},
		{"kymaros-prober tells of a pod", theProber, event("{apiVersion: v1, kind: Pod, namespace: fence-team, name: shop}"), own, false},

		{"a report", theProber, creates(reportsGVR, "fence-team", report), "", false},
		{"the status of a report", theProber, patches(reportsGVR, "fence-team/shop", "{}").on("status").put(), "", false},
		{"a report is pruned", theProber, deletes(reportsGVR, "fence-team/shop"), "", false},
		{"all reports are pruned", theProber, deletesAll(reportsGVR, "fence-team"), "", true},
		{"the controller prunes a report", theController, deletes(reportsGVR, "fence-team/shop"), never, true},
		{"the controller labels a report", theController, patches(reportsGVR, "fence-team/shop", labels("a: b")), "kymaros-reports", false},
		{"the controller writes what a run left", theController, patches(reportsGVR, "fence-team/shop", hygiene), "", false},
		{"an administrator writes what a run left", administrator, patches(reportsGVR, "fence-team/shop", hygiene), "kymaros-reports", false},
	}, slices.Concat(landRows(), bindingRows())...), statusRows()...)
}

// landRows: what comes into a sandbox that nobody has seen.
func landRows() []row {
	const by, unseen = "kymaros-lands", "fence-unseen"
	const account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: new}}"
	const service = "{apiVersion: v1, kind: Service, metadata: {name: new}, spec: {ports: [{port: 80}]}}"
	publisher, manager := clusterController("root-ca-cert-publisher"), clusterController("service-account-controller")
	return []row{
		{"the controller closes a sandbox that nobody has seen", theController, creates(netpols, unseen, policyBody("kymaros-new", "{}")), "", false},
		{"an administrator puts a ConfigMap into it", administrator, creates(core("configmaps"), unseen, configMap("new")), by, false},
		{"an administrator puts a Service into it", administrator, creates(core("services"), unseen, service), by, false},
		{"the cluster puts its certificates into it", publisher, creates(core("configmaps"), unseen, configMap("new")), "", false},
		{"the cluster makes its account", manager, creates(core("serviceaccounts"), unseen, account), "", false},
		{"the cluster makes more of it", manager, creates(core("services"), unseen, service), by, false},
	}
}

func binds(namespace, role, account string) attempt {
	return bindsTo(namespace, role, "{kind: ServiceAccount, namespace: kymaros-system, name: "+account+"}")
}

func bindsTo(namespace, role, subjects string) attempt {
	return creates(at("rbac.authorization.k8s.io/v1/rolebindings"), namespace, fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, "+
		"metadata: {name: fence-new}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}, subjects: [%s]}", role, subjects))
}

// bindingRows: who is let into a sandbox, and when.
func bindingRows() []row {
	const by, lands, box, unseen, prod = "kymaros-writes-bindings", "kymaros-lands", "fence-sandbox", "fence-unseen", "fence-production"
	const p, r, d = "kymaros-sandbox-prober", "kymaros-sandbox-restorer", "kymaros-sandbox-dns"
	aRole := binds(box, p, "kymaros-prober")
	aRole.body = with(aRole.body, "{roleRef: {kind: Role}}")
	return []row{
		{"the prober is let into a sandbox", theController, binds(box, p, "kymaros-prober"), "", false},
		{"the DNS is let into a sandbox", theController, binds(box, d, "kymaros-dns"), "", false},
		{"the controller lets itself see events", theController, binds(box, r, "kymaros-controller"), "", false},
		{"the prober is let into a sandbox that nobody has seen", theController, binds(unseen, p, "kymaros-prober"), lands, false},
		{"the DNS is let into a sandbox that nobody has seen", theController, binds(unseen, d, "kymaros-dns"), lands, false},
		{"an administrator lets the prober in before", administrator, binds(unseen, p, "kymaros-prober"), lands, false},
		{"the prober is let into production", theController, binds(prod, p, "kymaros-prober"), by, false},
		{"the controller lets itself look", theController, binds(box, p, "kymaros-controller"), by, false},
		{"the DNS is let look", theController, binds(box, p, "kymaros-dns"), by, false},
		{"a restored application is let look", theController, bindsTo(box, p, "{kind: ServiceAccount, namespace: "+box+", name: app}"), by, false},
		{"a ServiceAccount of that name elsewhere", theController, bindsTo(box, p, "{kind: ServiceAccount, namespace: fence-team, name: kymaros-prober}"), by, false},
		{"a user of that name", theController, bindsTo(box, p, "{kind: User, apiGroup: rbac.authorization.k8s.io, name: kymaros-prober}"), by, false},
		{"one more", theController, bindsTo(box, p, "{kind: ServiceAccount, namespace: kymaros-system, name: kymaros-prober}, {kind: ServiceAccount, namespace: fence-team, name: default}"), by, false},
		{"a user of that name, with our namespace", theController, bindsTo(box, p, "{kind: User, apiGroup: rbac.authorization.k8s.io, namespace: kymaros-system, name: kymaros-prober}"), by, false},
		{"a role of that name in the sandbox", theController, aRole, by, false},
		{"an administrator binds a role", administrator, binds(prod, "view", "kymaros-prober"), "", false},
		{"another role", theController, binds(box, "cluster-admin", "kymaros-prober"), by, true},
	}
}

// statusRows: each writes what its own controllers say.
func statusRows() []row {
	const by, shop = "kymaros-writes-status", "fence-team/shop"
	status := func(change string) attempt { return patches(restoretests, shop, "{status: "+change+"}").on("status") }
	condition := func(kind string) attempt {
		return status("{conditions: [{type: " + kind + ", status: 'True', reason: A, message: '', lastTransitionTime: 2026-01-01T00:00:00Z}]}")
	}
	all := []row{
		{"kymaros-prober tells of checks", theProber, status("{health: {runID: a}}"), "", false},
		{"the controller tells of checks", theController, status("{health: {runID: a}}"), by, false},
		{"kymaros-prober tells a score", theProber, status("{lastScore: 100}"), "", false},
		{"the controller tells a score", theController, status("{lastScore: 100}"), by, false},
		{"kymaros-prober begins a run", theProber, status("{phase: Running}"), by, false},
		{"kymaros-prober names another sandbox", theProber, status("{sandboxNamespace: kube-system}"), by, false},
		{"kymaros-prober says what was told", theProber, status("{notifications: {runID: a}}"), by, false},
		{"the controller says what was told", theController, status("{notifications: {runID: a}}"), by, false},
	}
	// Of a test that both have written.
	told := func(change string) attempt {
		return patches(restoretests, "fence-team/told", "{status: "+change+"}").on("status")
	}
	both := func(scheduled, checked string) attempt {
		return told("{conditions: [" + conditionOf("Scheduled", scheduled) + "," + conditionOf("HealthChecked", checked) + "]}")
	}
	all = append(all,
		row{"kymaros-prober changes a condition of its own", theProber, both("True", "False"), "", false},
		row{"the controller changes a condition of its own", theController, both("False", "Unknown"), "", false},
		row{"kymaros-prober changes one of the controller", theProber, both("False", "Unknown"), by, false},
		row{"the controller changes one of kymaros-prober", theController, both("True", "False"), by, false},
		row{"kymaros-prober takes the phase away", theProber, told("{phase: null}"), by, false},
		row{"the controller takes the score away", theController, told("{lastScore: null}"), by, false},
	)
	for _, kind := range []string{"HealthChecked", "Reported"} {
		all = append(all, row{"kymaros-prober writes " + kind, theProber, condition(kind), "", false}, row{"the controller writes " + kind, theController, condition(kind), by, false})
	}
	for _, kind := range []string{"Scheduled", "SandboxReady", "Restored", "CleanedUp"} {
		all = append(all, row{"kymaros-prober writes " + kind, theProber, condition(kind), by, false}, row{"the controller writes " + kind, theController, condition(kind), "", false})
	}
	for _, who := range []actor{theProber, theController} {
		all = append(all, row{who.user + " writes Notified", who, condition("Notified"), by, false})
	}
	return all
}
