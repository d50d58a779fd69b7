package integration

import "fmt"

func policyBody(name, spec string) string {
	return with("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: "+name+"}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}", "{spec: "+spec+"}")
}

func configMap(name string) string {
	return "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}}"
}

// sandboxRows: what the controller does inside of namespaces.
func sandboxRows() []row {
	const by, rules, never, box, prod = "kymaros-writes-sandboxes", "kymaros-writes-policies", "kymaros-writes", "fence-sandbox", "fence-production"
	const group = "{namespaceSelector: {matchLabels: {kymaros.io/group: 20260101-000000-abcdef}}}"
	const dns = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kymaros-system}}, podSelector: {matchLabels: {app.kubernetes.io/component: dns}}}"
	policy := func(spec string) attempt { return creates(netpols, box, policyBody("kymaros-new", spec)) }
	quota := func(ns string) attempt {
		return creates(core("resourcequotas"), ns, "{apiVersion: v1, kind: ResourceQuota, metadata: {name: kymaros-new}, spec: {hard: {pods: '7'}}}")
	}
	limits := func(ns string) attempt {
		return creates(core("limitranges"), ns, "{apiVersion: v1, kind: LimitRange, metadata: {name: kymaros-new}, spec: {limits: [{type: Container, default: {cpu: '1'}}]}}")
	}
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: new}, spec: {serviceAccountName: app, automountServiceAccountToken: false, containers: [{name: a, image: a}]}}"
	const eviction = "{apiVersion: policy/v1, kind: Eviction, metadata: {name: db, namespace: fence-production}}"
	const token = "{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, metadata: {name: app}, spec: {audiences: [a]}}"
	const binding = "{apiVersion: v1, kind: Binding, metadata: {name: db}, target: {kind: Node, name: nowhere}}"
	const admin = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: fence-new}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}"
	return []row{
		{"the controller runs a command in a sandbox", theController, connects("exec", box+"/web"), never, true},
		{"the controller runs a command in production", theController, connects("exec", prod+"/db"), never + " or " + by, true},
		{"the controller forwards a port of a sandbox", theController, connects("portforward", box+"/web"), never, true},
		{"an administrator runs a command in production", administrator, connects("exec", prod+"/db"), "", false},
		{"the controller attaches to a pod of a sandbox", theController, connects("attach", box+"/web"), never, true},
		{"the controller attaches to a pod of production", theController, connects("attach", prod+"/db"), never, true},
		{"the controller has a pod of production proxied", theController, connects("proxy", prod+"/db"), never, true},

		{"the controller closes a sandbox", theController, policy("{}"), "", false},
		{"the controller opens a sandbox to its run and our DNS", theController, policy("{ingress: [{from: [" + group + "]}], egress: [{to: [" + group + "]}, {to: [" + dns + "], ports: [{port: 5353, protocol: UDP}]}]}"), "", false},
		{"the controller closes a sandbox again", theController, patches(netpols, box+"/kymaros-allow-group", "{spec: {egress: null}}"), "", false},
		{"the controller releases a policy that somebody opened", theController, patches(netpols, "fence-leaving/kymaros-allow-group", "{metadata: {finalizers: null}}"), "", false},
		{"the controller closes production", theController, creates(netpols, prod, policyBody("kymaros-new", "{}")), by, false},
		{"the controller changes a policy of production", theController, patches(netpols, prod+"/firewall", labels("a: b")), by, false},
		{"an administrator opens production", administrator, creates(netpols, prod, policyBody("open", "{ingress: [{}], egress: [{}]}")), "", false},
		{"a policy for some pods only", theController, policy("{podSelector: {matchLabels: {app: web}}}"), rules, false},
		{"a policy for pods by expression", theController, policy("{podSelector: {matchExpressions: [{key: a, operator: Exists}]}}"), rules, false},
		{"a policy for one direction", theController, policy("{policyTypes: [Ingress]}"), rules, false},
		{"a policy that lets all in", theController, policy("{ingress: [{}]}"), rules, false},
		{"a policy that lets addresses in", theController, policy("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"), rules, false},
		{"a policy that lets another run in", theController, policy("{ingress: [{from: [{namespaceSelector: {matchLabels: {kymaros.io/group: other}}}]}]}"), rules, false},
		{"a policy that lets every namespace in", theController, policy("{ingress: [{from: [{namespaceSelector: {}}]}]}"), rules, false},
		{"a policy that lets all out", theController, policy("{egress: [{}]}"), rules, false},
		{"a policy that lets out to addresses", theController, policy("{egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"), rules, false},
		{"a policy that lets out to production", theController, policy("{egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: fence-production}}}]}]}"), rules, false},
		{"a policy that lets out to our own namespace", theController, policy("{egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kymaros-system}}}]}]}"), rules, false},
		{"a policy that lets out to the run, and to all", theController, policy("{egress: [{to: [" + group + "]}, {}]}"), rules, false},
		{"the controller opens a policy that is there", theController, patches(netpols, box+"/kymaros-deny-all", "{spec: {egress: [{}]}}"), rules, false},

		{"the controller bounds a sandbox", theController, quota(box), "", false},
		{"the controller puts a quota back", theController, patches(core("resourcequotas"), box+"/kymaros-quota", "{spec: {hard: {pods: '9'}}}"), "", false},
		{"the controller bounds production", theController, quota(prod), by, false},
		{"the controller changes a quota of production", theController, patches(core("resourcequotas"), prod+"/quota", "{spec: {hard: {pods: '0'}}}"), by, false},
		{"an administrator bounds production", administrator, quota(prod), "", false},
		{"the controller limits a sandbox", theController, limits(box), "", false},
		{"the controller limits production", theController, limits(prod), by, false},
		{"the controller changes limits", theController, patches(core("limitranges"), box+"/kymaros-limits", labels("a: b")), never, true},
		{"the controller deletes a policy of a sandbox", theController, deletes(netpols, box+"/kymaros-deny-all"), never, true},
		{"the controller deletes a policy of production", theController, deletes(netpols, prod+"/firewall"), never, true},
		{"the controller deletes the quotas of production", theController, deletesAll(core("resourcequotas"), prod), never, true},

		{"a pod in a sandbox", theController, creates(core("pods"), box, pod), never, true},
		{"a pod in production", theController, creates(core("pods"), prod, pod), never, true},
		{"eviction of a pod", theController, creates(core("pods"), prod, eviction).on("eviction"), never, true},
		{"a pod is bound to a node", theController, creates(core("pods"), prod, binding).on("binding"), never, true},
		{"a token of another ServiceAccount", theController, creates(core("serviceaccounts"), prod, token).on("token"), never, true},
		{"the controller deletes the pods of a sandbox", theController, deletesAll(core("pods"), box), "", false},
		{"the controller deletes the pods of production", theController, deletesAll(core("pods"), prod), by, false},
		{"the controller deletes a pod of a sandbox", theController, deletes(core("pods"), box+"/web"), "", true},
		{"the controller deletes a pod of production", theController, deletes(core("pods"), prod+"/db"), by, true},
		{"an administrator deletes a pod of production", administrator, deletes(core("pods"), prod+"/db"), "", false},
		{"the status of a pod", theController, patches(core("pods"), box+"/web", "{status: {phase: Running}}").on("status"), never, true},
		{"a Deployment is scaled", theController, patches(at("apps/v1/deployments"), prod+"/db", "{spec: {replicas: 3}}").on("scale"), never, true},
		{"a Deployment is deleted", theController, deletes(at("apps/v1/deployments"), prod+"/db"), never, true},
		{"a Secret is written", theController, patches(core("secrets"), prod+"/password", "{data: {password: ''}}"), never, true},
		{"a Secret is deleted", theController, deletes(core("secrets"), prod+"/password"), never, true},
		{"all Secrets are deleted", theController, deletesAll(core("secrets"), prod), never, true},
		{"rights are given", theController, creates(at("rbac.authorization.k8s.io/v1/clusterrolebindings"), "", admin), never, true},
		{"the status of a namespace", theController, patches(namespaces, box, "{}").on("status"), never, true},
		{"the finalization of a namespace", theController, patches(namespaces, box, "{}").on("finalize").put(), never, true},

		{"a token of the controller that is bound to no pod creates a sandbox", unboundToken, creates(namespaces, "", sandboxNamespace), never, false},
		{"a token of the controller in another pod creates a sandbox", otherPod, creates(namespaces, "", sandboxNamespace), never, false},
		{"a token that is bound to no pod runs a command", unboundToken, connects("exec", box+"/web"), never, true},
		{"the DNS writes a ConfigMap", theDNS, creates(core("configmaps"), prod, configMap("new")), never, true},
		{"the DNS deletes a pod", theDNS, deletes(core("pods"), box+"/web"), never, true},
		{"the DNS runs a command", theDNS, connects("exec", box+"/web"), never, true},
		{"the archive deletes a report", theArchive, deletes(reportsGVR, "fence-team/shop"), never, true},
		{"the archive writes the status of a report", theArchive, patches(reportsGVR, "fence-team/shop", "{}").on("status").put(), never, true},
		{"the archive makes a Lease", theArchive, creates(at("coordination.k8s.io/v1/leases"), "kymaros-system", "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: kymaros-archive}}"), never, true},
		{"the API writes a ConfigMap", theAPI, creates(core("configmaps"), prod, configMap("new")), never, true},
		{"the API deletes a pod", theAPI, deletes(core("pods"), box+"/web"), never, true},
		{"the guide writes the addresses of canaries", theGuide, patches(core("configmaps"), "kymaros-canary/canary-addresses", "{data: {a: b}}").put(), "", false},
		{"the guide writes another ConfigMap there", theGuide, patches(core("configmaps"), "kymaros-canary/kube-root-ca.crt", "{data: {a: b}}").put(), never, true},
		{"the guide writes a ConfigMap of that name elsewhere", theGuide, patches(core("configmaps"), "fence-production/canary-addresses", "{data: {a: b}}").put(), never, true},
		{"the guide deletes the addresses of canaries", theGuide, deletes(core("configmaps"), "kymaros-canary/canary-addresses"), never, true},
		{"the DNS writes the addresses of canaries", theDNS, patches(core("configmaps"), "kymaros-canary/canary-addresses", "{data: {a: b}}").put(), never, true},
		{"the guide creates a ConfigMap", theGuide, creates(core("configmaps"), prod, configMap("new")), never, true},
		{"the guide deletes a target", theGuide, deletes(core("pods"), box+"/web"), never, true},
		{"the guide opens the canaries", theGuide, patches(netpols, "kymaros-canary/canary-fenced", "{spec: {policyTypes: [Ingress]}}").put(), never, true},
		{"an administrator writes a ConfigMap", administrator, creates(core("configmaps"), prod, configMap("new")), "", false},
	}
}

// clusterRows: volumes and snapshots.
func clusterRows() []row {
	const by, snapshots, never = "kymaros-writes-volumes", "kymaros-writes-snapshots", "kymaros-writes"
	pv, vsc := core("persistentvolumes"), snapshotContents
	const reclaim = "{spec: {persistentVolumeReclaimPolicy: Delete}}"
	return []row{
		{"the controller has a volume reclaimed", theController, patches(pv, "fence-claimed", reclaim), "", false},
		{"a volume without a claim is kept", theController, patches(pv, "fence-free", "{spec: {persistentVolumeReclaimPolicy: Retain}}"), by, false},
		{"a volume that was kept when its claim went", theController, patches(pv, "fence-released", reclaim), by, false},
		{"a volume that failed", theController, patches(pv, "fence-failed", reclaim), by, false},
		{"the controller has a volume kept whose claim went", theController, patches(pv, "fence-failed", "{spec: {persistentVolumeReclaimPolicy: Retain}}"), "", false},
		{"a volume is scrubbed", theController, patches(pv, "fence-claimed", "{spec: {persistentVolumeReclaimPolicy: Recycle}}"), by, false},
		{"a volume of production", theController, patches(pv, "fence-of-production", reclaim), "kymaros-volumes", false},
		{"an administrator has a volume of production reclaimed", administrator, patches(pv, "fence-of-production", reclaim), "", false},
		{"a volume without a claim", theController, patches(pv, "fence-free", reclaim), by, false},
		{"the size of a volume", theController, patches(pv, "fence-claimed", "{spec: {capacity: {storage: 2Gi}}}"), by, false},
		{"the claim of a volume", theController, patches(pv, "fence-claimed", "{spec: {claimRef: null}}"), by, false},
		{"a mount option of a volume", theController, patches(pv, "fence-claimed", "{spec: {mountOptions: [ro]}}"), by, false},
		{"a label of a volume", theController, patches(pv, "fence-claimed", labels("disk: null")), by, false},
		{"an annotation of a volume", theController, patches(pv, "fence-claimed", annotations("a: b")), by, false},
		{"a finalizer of a volume", theController, patches(pv, "fence-claimed", "{metadata: {finalizers: [fence.example.com/foreign]}}"), by, false},
		{"an administrator labels a volume", administrator, patches(pv, "fence-free", labels("disk: b")), "", false},
		{"the controller deletes a volume", theController, deletes(pv, "fence-claimed"), never, true},
		{"the status of a volume", theController, patches(pv, "fence-claimed", "{status: {phase: Failed}}").on("status"), never, true},
		{"the controller deletes what is left of a snapshot", theController, deletes(vsc, "fence-retained"), "", false},
		{"the controller deletes the snapshot with it", theController, deletes(vsc, "fence-deleting"), snapshots, false},
		{"the controller deletes that of another Restore", theController, deletes(vsc, "fence-foreign"), snapshots, false},
		{"an administrator deletes that of another Restore", administrator, deletes(vsc, "fence-foreign"), "", false},
		{"the controller has a snapshot deleted", theController, patches(vsc, "fence-retained", "{spec: {deletionPolicy: Delete}}"), never, true},
	}
}

const downloadRequest = "{apiVersion: velero.io/v1, kind: DownloadRequest, metadata: {name: kymaros-inventory, labels: {kymaros.io/managed-by: kymaros}}, spec: {target: {kind: BackupResourceList, name: b}}}"

// veleroRows: what the controller asks of Velero.
func veleroRows() []row {
	const by, never = "kymaros-writes-velero", "kymaros-writes"
	restore := func(ns, change string) attempt { return creates(restores, ns, with(goodRestore, change)) }
	download := func(ns, change string) attempt { return creates(downloads, ns, with(downloadRequest, change)) }
	return []row{
		{"a Restore of ours", theController, restore("velero", "{}"), "", false},
		{"a Restore in another namespace", theController, restore("fence-team", "{}"), by, true},
		{"a Restore under another name", theController, restore("velero", "{metadata: {name: nightly}}"), by, false},
		{"a Restore without our label", theController, restore("velero", labels("kymaros.io/managed-by: null")), by, false},
		{"the controller changes a Restore", theController, patches(restores, "velero/kymaros-fence", "{spec: {existingResourcePolicy: update}}"), never, true},
		{"the controller deletes its Restore", theController, deletes(restores, "velero/kymaros-fence"), "", false},
		{"the controller deletes a Restore of others", theController, deletes(restores, "velero/friday"), by, false},
		{"the controller deletes one that only looks like its own", theController, deletes(restores, "velero/kymaros-lookalike"), by, false},
		{"the controller deletes all Restores", theController, deletesAll(restores, "velero"), by, true},
		{"an administrator deletes a Restore", administrator, deletes(restores, "velero/friday"), "", false},
		{"a list is asked for", theController, download("velero", "{}"), "", false},
		{"a backup is asked for", theController, download("velero", "{spec: {target: {kind: BackupContents}}}"), by, false},
		{"a log is asked for", theController, download("velero", "{spec: {target: {kind: RestoreLog}}}"), by, false},
		{"a list without our label", theController, download("velero", labels("kymaros.io/managed-by: null")), by, false},
		{"a list by another name", theController, download("velero", "{metadata: {name: kymaros-other}}"), by, false},
		{"a list in another namespace", theController, download("fence-team", "{}"), by, true},
		{"the controller deletes its request", theController, deletes(downloads, "velero/kymaros-inventory"), "", false},
		{"the controller deletes a request by another name", theController, deletes(downloads, "velero/kymaros-fence"), by, true},
		{"the controller deletes a request of others", theController, deletes(downloads, "velero/kymaros-lookalike"), by, true},
		{"an administrator asks for a backup", administrator, download("velero", "{spec: {target: {kind: BackupContents}}}"), "", false},
		{"the controller makes a backup", theController, creates(at("velero.io/v1/backups"), "velero", "{apiVersion: velero.io/v1, kind: Backup, metadata: {name: kymaros-new}}"), never, true},
	}
}

// ownRows: leases, modifiers, and our own kinds.
func ownRows() []row {
	const by, never = "kymaros-writes-own", "kymaros-writes"
	lease := func(name string) string {
		return "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: " + name + "}}"
	}
	leases := at("coordination.k8s.io/v1/leases")
	const shop = "fence-team/shop"
	const owner = "{metadata: {ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}"
	finalizers := func(list string) string { return "{metadata: {finalizers: [" + list + "]}}" }
	const addressed = `{data: {rules.yaml: 'nameservers: ["10.96.0.53"]'}}`
	return []row{
		{"a further key of the modifiers for group", theController, patches(core("configmaps"), "velero/kymaros-group-modifiers", "{data: {a: b}}").put(), by, false},
		{"a further key of those for claims without a class", theController, patches(core("configmaps"), "velero/kymaros-group-no-class", "{data: {a: b}}").put(), by, false},
		{"the others for claims without a class", theController, patches(core("configmaps"), "velero/kymaros-sandbox-no-class", "{data: {a: b}}").put(), by, false},
		{"another ConfigMap of Velero's namespace", theController, creates(core("configmaps"), "velero", configMap("plugin")), never, true},
		{"the modifiers that are shipped", theController, patches(core("configmaps"), "velero/kymaros-sandbox-modifiers", "{data: {a: b}}").put(), by, false},
		{"the address in modifiers elsewhere", theController, patches(core("configmaps"), "fence-production/kymaros-group-modifiers", addressed).put(), by, true},
		{"the address in another ConfigMap", theController, patches(core("configmaps"), "velero/fence-rules", addressed).put(), by, true},
		{"the lease", theController, patches(leases, "kymaros-system/kymaros-controller", "{spec: {leaseDurationSeconds: 9}}").put(), "", false},
		{"another lease", theController, creates(leases, "kymaros-system", lease("other")), by, false},
		{"a lease elsewhere", theController, creates(leases, "fence-team", lease("kymaros-controller")), by, true},
		{"an administrator makes a lease", administrator, creates(leases, "fence-team", lease("other")), "", false},
		{"a test is held", theController, patches(restoretests, shop, finalizers("fence.example.com/foreign, kymaros.io/sandbox-cleanup")), "", false},
		{"a finalizer of others goes", theController, patches(restoretests, shop, finalizers("")), by, false},
		{"a finalizer of others comes", theController, patches(restoretests, shop, finalizers("fence.example.com/foreign, fence.example.com/more")), by, false},
		{"the spec of a test", theController, patches(restoretests, shop, "{spec: {suspend: false}}"), by + " or kymaros-tests-secrets", false},
		{"a run that nobody asked for", theController, patches(restoretests, shop, annotations("kymaros.io/run-requested: now")), by, false},
		{"a label of a test", theController, patches(restoretests, shop, labels("a: b")), by, false},
		{"the owner of a test", theController, patches(restoretests, shop, owner), by, false},
		{"an administrator has a test run", administrator, patches(restoretests, shop, annotations("kymaros.io/run-requested: now")), "", false},
		{"the status of a test", theController, patches(restoretests, shop, "{status: {phase: Idle}}").on("status"), "", false},
		{"a test is deleted", theController, deletes(restoretests, shop), never, true},
		{"a policy is deleted", theController, deletes(checkpolicy, "fence-team/web"), never, true},
		{"an event", theController, creates(core("events"), "fence-team", "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: {apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, namespace: fence-team, name: shop}}"), "", false},
		{"an event about a pod", theController, creates(core("events"), "fence-team", "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: {apiVersion: v1, kind: Pod, namespace: fence-team, name: shop}}"), by, false},
		{"an event about a test of another kind", theController, creates(core("events"), "fence-team", "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: {apiVersion: example.com/v1, kind: RestoreTest, namespace: fence-team, name: shop}}"), by, false},
		{"an event about a report", theController, creates(core("events"), "fence-team", "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: {apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreReport, namespace: fence-team, name: shop}}"), by, false},
		{"an event about nothing", theController, creates(core("events"), "fence-team", "{apiVersion: v1, kind: Event, metadata: {name: new}, involvedObject: {namespace: fence-team, name: shop}}"), by, false},
		{"an event by the other group", theController, creates(at("events.k8s.io/v1/events"), "fence-team", fmt.Sprintf(
			"{apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: new}, eventTime: %q, action: a, reason: b, reportingController: c/d, reportingInstance: e, type: Normal, regarding: {apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, namespace: fence-team, name: shop}}",
			"2026-01-01T00:00:00.000000Z")), never, true},
	}
}
