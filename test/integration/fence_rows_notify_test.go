package integration

// notifyRows: what kymaros-notify writes, and what somebody would with its token.
func notifyRows() []row {
	const status, by, never, shop, running = "kymaros-tests-status", "kymaros-writes-notify", "kymaros-writes", "fence-team/shop", "fence-team/running"
	leases := at("coordination.k8s.io/v1/leases")
	tells := func(what, body string) attempt { return patches(restoretests, what, "{status: "+body+"}").on("status") }
	condition := func(kind, state string) string {
		return "{type: " + kind + ", status: '" + state + "', reason: A, message: a, lastTransitionTime: '2026-01-01T00:00:00Z'}"
	}
	const event = "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: {apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, namespace: fence-team, name: shop}}"
	return []row{
		{"kymaros-notify tells what it has told", theNotify, tells(shop, "{notifications: {runID: a}}"), "", false},
		{"kymaros-notify tells it of a test with a run", theNotify, tells(running, "{notifications: {runID: a}, conditions: ["+condition("Scheduled", "True")+", "+condition("Notified", "True")+"]}"), "", false},
		{"kymaros-notify takes its word back", theNotify, tells(running, "{notifications: null, conditions: ["+condition("Scheduled", "True")+"]}"), "", false},
		{"kymaros-notify has a test passed", theNotify, tells(shop, "{lastResult: pass}"), by, false},
		{"kymaros-notify has a backup verified", theNotify, tells(shop, "{lastVerified: {backupName: a, time: '2026-01-01T00:00:00Z'}}"), by, false},
		{"kymaros-notify makes up a run", theNotify, tells(shop, "{run: {id: a, trigger: Requested, scheduledTime: '2026-01-01T00:00:00Z', spec: {backupSource: {provider: velero, namespaces: [{name: a}]}, schedule: {cron: '@daily'}, sandbox: {}}}}"), by, false},
		{"kymaros-notify changes a run", theNotify, tells(running, "{run: {id: b}}"), by, false},
		{"kymaros-notify changes the sources of a run", theNotify, tells(running, "{run: {spec: {backupSource: {namespaces: [{name: fence-production}]}}}}"), by, false},
		{"kymaros-notify ends a run", theNotify, tells(running, "{run: null}"), by, false},
		{"kymaros-notify makes up a condition", theNotify, tells(shop, "{conditions: ["+condition("Reported", "True")+"]}"), by, false},
		{"kymaros-notify changes a condition", theNotify, tells(running, "{conditions: ["+condition("Scheduled", "False")+"]}"), by, false},
		{"kymaros-notify takes a condition away", theNotify, tells(running, "{conditions: null}"), by, false},
		{"somebody else tells what was told", tester, tells(shop, "{notifications: {runID: a}}"), status, false},

		{"kymaros-notify changes the spec of a test", theNotify, patches(restoretests, shop, "{spec: {suspend: false}}"), never, true},
		{"kymaros-notify has a test run", theNotify, patches(restoretests, shop, annotations("kymaros.io/run-requested: now")), never, true},
		{"kymaros-notify takes a finalizer off a test", theNotify, patches(restoretests, shop, "{metadata: {finalizers: null}}"), never, true},
		{"kymaros-notify writes the status of a report", theNotify, patches(reportsGVR, "fence-team/shop", "{}").on("status").put(), never, true},
		{"kymaros-notify writes a Secret", theNotify, patches(core("secrets"), "fence-production/password", "{data: {password: ''}}"), never, true},
		{"kymaros-notify makes a namespace", theNotify, creates(namespaces, "", "{apiVersion: v1, kind: Namespace, metadata: {name: fence-new}}"), never, true},
		{"kymaros-notify has Velero restore", theNotify, creates(restores, "velero", goodRestore), never, true},
		{"kymaros-notify runs a command in a sandbox", theNotify, connects("exec", "fence-sandbox/web"), never, true},

		{"kymaros-notify tells an event", theNotify, creates(core("events"), "fence-team", event), "", false},
		{"kymaros-notify tells an event about a pod", theNotify, creates(core("events"), "fence-team", with(event, "{involvedObject: {apiVersion: v1, kind: Pod}}")), by, false},
		{"kymaros-notify takes its lease", theNotify, creates(leases, "kymaros-system", "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: kymaros-notify}}"), "", false},
		{"kymaros-notify takes the lease of the controller", theNotify, patches(leases, "kymaros-system/kymaros-controller", "{spec: {holderIdentity: me}}").put(), by, true},
		{"the controller takes the lease of kymaros-notify", theController, creates(leases, "kymaros-system", "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: kymaros-notify}}"), "kymaros-writes-own", false},
		{"a token of kymaros-notify that is bound to no pod tells an event", actor{user: theNotify.user}, creates(core("events"), "fence-team", event), never, false},
		{"a token of kymaros-notify in another pod tells what was told", actor{user: theNotify.user, pod: "shell"}, tells(shop, "{notifications: {runID: a}}"), never, false},
		{"kymaros-notify takes a lease of its name elsewhere", theNotify, creates(leases, "fence-team", "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: kymaros-notify}}"), by, true},
		{"kymaros-notify tells an event about a test of another kind", theNotify, creates(core("events"), "fence-team", with(event, "{involvedObject: {apiVersion: example.com/v1}}")), by, false},
		{"kymaros-notify tells an event about a report", theNotify, creates(core("events"), "fence-team", with(event, "{involvedObject: {kind: RestoreReport}}")), by, false},
		{"an administrator takes its lease", administrator, creates(leases, "fence-team", "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: other}}"), "", false},
		{"the DNS tells an event", theDNS, creates(core("events"), "fence-team", event), never, true},
	}
}
