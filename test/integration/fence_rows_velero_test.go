package integration

import "fmt"

const goodRestore = `
apiVersion: velero.io/v1
kind: Restore
metadata:
  name: kymaros-new
  labels: {kymaros.io/managed-by: kymaros, kymaros.io/run: 20260101-000000-abcdef}
spec:
  backupName: nightly
  includedNamespaces: [shop, shop-db]
  namespaceMapping: {shop: fence-sandbox, shop-db: fence-other}
  includedResources: [pods, secrets, cronjobs.batch, deployments.apps, volumesnapshots.snapshot.storage.k8s.io, certificates.cert-manager.io]
  includeClusterResources: false
  existingResourcePolicy: none
  itemOperationTimeout: 10m
  hooks: {}
  labelSelector: {matchLabels: {app: shop}}
  resourceModifier: {apiGroup: null, kind: ConfigMap, name: kymaros-sandbox-modifiers}
`

// restoreRows: what a Restore of ours may say.
func restoreRows() []row {
	const by = "kymaros-restores"
	all := []row{
		{"a Restore with the modifiers for group", theController, creates(restores, "velero", with(goodRestore, "{spec: {resourceModifier: {name: kymaros-group-modifiers}}}")), "", false},
		{"a Restore without a run", theController, creates(restores, "velero", with(goodRestore, labels("kymaros.io/run: null"))), by, false},
		{"an administrator restores everything", administrator, creates(restores, "velero", with(goodRestore, "{metadata: {labels: null}, spec: {includedNamespaces: ['*'], includeClusterResources: true}}")), "", false},
	}
	for _, bad := range []struct{ name, spec string }{
		{"a Restore without a backup", "backupName: null"},
		{"a Restore of an empty backup", "backupName: ''"},
		{"a Restore of a schedule", "scheduleName: daily"},
		{"a Restore with status", "restoreStatus: {includedResources: ['*']}"},
		{"a Restore that keeps node ports", "preserveNodePorts: true"},
		{"a Restore of volumes of the cloud", "restorePVs: true"},
		{"a Restore with a field that nobody knows yet", "surprise: true"},
		{"a Restore of all namespaces", "{includedNamespaces: null, namespaceMapping: null}"},
		{"a Restore of no namespaces", "{includedNamespaces: [], namespaceMapping: null}"},
		{"a Restore of a pattern", "includedNamespaces: [shop, shop-db, 'shop-*']"},
		{"a Restore of a mapped pattern", "{includedNamespaces: ['*'], namespaceMapping: {shop: null, shop-db: null, '*': fence-sandbox}}"},
		{"a Restore of an empty name", "{includedNamespaces: [''], namespaceMapping: {shop: null, shop-db: null, '': fence-sandbox}}"},
		{"a Restore with a namespace that is not mapped", "includedNamespaces: [shop, shop-db, shop-mail]"},
		{"a Restore that maps something else", "includedNamespaces: [shop]"},
		{"a Restore onto itself", "namespaceMapping: {shop: shop}"},
		{"a Restore onto another source", "namespaceMapping: {shop: shop-db, shop-db: fence-sandbox}"},
		{"a Restore to nowhere", "namespaceMapping: {shop: ''}"},
		{"a Restore of two into one", "namespaceMapping: {shop-db: fence-sandbox}"},
		{"a Restore with what belongs to the cluster", "includeClusterResources: true"},
		{"a Restore with what belongs to the cluster by default", "includeClusterResources: null"},
		{"a Restore with hooks", "hooks: {resources: [{name: a, postHooks: [{exec: {command: [sh]}}]}]}"},
		{"a Restore that changes what exists", "existingResourcePolicy: update"},
		{"a Restore without modifiers", "resourceModifier: null"},
		{"a Restore with other modifiers", "resourceModifier: {name: mine}"},
		{"a Restore with modifiers of another kind", "resourceModifier: {kind: Secret}"},
		{"a Restore of all kinds", "includedResources: null"},
		{"a Restore of any kind", "includedResources: ['*']"},
		{"a Restore of a kind of an empty group", "includedResources: [netpol.]"},
	} {
		all = append(all, row{bad.name, theController, creates(restores, "velero", with(goodRestore, "{spec: {"+trim(bad.spec)+"}}")), by, false})
	}
	for _, never := range []string{
		"networkpolicies.networking.k8s.io", "networkpolicy.networking.k8s.io", "netpol", "ingresses.networking.k8s.io", "ciliumnetworkpolicies.cilium.io",
		"networkpolicies.crd.projectcalico.org", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io", "endpoints", "endpointslices.discovery.k8s.io",
		"jobs.batch", "job.batch", "resourcequotas", "limitranges", "persistentvolumes", "namespaces", "pv", "customresourcedefinitions.apiextensions.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io", "httproutes.gateway.networking.k8s.io", "virtualservices.networking.istio.io", "routes.route.openshift.io", "ingresses.networking", "rolebindings.rbac", "jobs.b", "restores.velero.io", "restoretests.restore.kymaros.io",
	} {
		all = append(all, row{"a Restore of " + never, theController, creates(restores, "velero", with(goodRestore, "{spec: {includedResources: [pods, "+never+"]}}")), by, false})
	}
	return all
}

// trim takes the braces off a flow mapping.
func trim(s string) string {
	if len(s) > 0 && s[0] == '{' {
		return s[1 : len(s)-1]
	}
	return s
}

// restoredRows: where the objects of our Restores land, and what they are.
func restoredRows() []row {
	const by, fields, box, prod = "kymaros-restored", "kymaros-restored-fields", "fence-sandbox", "fence-production"
	restored := func(gvk, rest string) string {
		return with(with(gvk, "{metadata: {name: restored, labels: {velero.io/restore-name: kymaros-shop}}}"), rest)
	}
	const (
		service      = "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}"
		claim        = "{apiVersion: v1, kind: PersistentVolumeClaim, spec: {accessModes: [ReadWriteOnce], storageClassName: fence, resources: {requests: {storage: 1Gi}}}}"
		pod          = "{apiVersion: v1, kind: Pod, spec: {serviceAccountName: app, automountServiceAccountToken: false, priorityClassName: kymaros-sandbox, containers: [{name: a, image: a}]}}"
		cronJob      = "{apiVersion: batch/v1, kind: CronJob, spec: {suspend: true, schedule: 0 0 1 1 *, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}}"
		job          = "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}"
		ingress      = "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}}"
		role         = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}"
		slice        = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: []}"
		volume       = "{apiVersion: v1, kind: PersistentVolume, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /nowhere}}}"
		gadget       = "{apiVersion: fence.example.com/v1, kind: Gadget}"
		mover        = "{metadata: {ownerReferences: [{apiVersion: velero.io/v2alpha1, kind: DataDownload, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}"
		groupContent = "{apiVersion: groupsnapshot.storage.k8s.io/v1beta1, kind: VolumeGroupSnapshotContent, spec: {deletionPolicy: Retain}}"
		contents     = "{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshotContent, spec: {deletionPolicy: Retain}}"
	)
	claims, cronJobs, slices := core("persistentvolumeclaims"), at("batch/v1/cronjobs"), at("discovery.k8s.io/v1/endpointslices")
	groupContents := at("groupsnapshot.storage.k8s.io/v1beta1/volumegroupsnapshotcontents")
	config := "{apiVersion: v1, kind: ConfigMap}"
	all := []row{
		{"a ConfigMap in a sandbox", theVelero, creates(core("configmaps"), box, restored(config, "{}")), "", false},
		{"a ConfigMap in production", theVelero, creates(core("configmaps"), prod, restored(config, "{}")), by, false},
		{"a ConfigMap in production, by Velero under another name", chartsVelero, creates(core("configmaps"), prod, restored(config, "{}")), by, false},
		{"a change of an object of production", theVelero, patches(core("secrets"), prod+"/password", labels("velero.io/restore-name: kymaros-shop")), by, false},
		{"a ConfigMap of somebody's own Restore", theVelero, creates(core("configmaps"), prod, restored(config, labels("velero.io/restore-name: friday"))), "", false},
		{"a ConfigMap that a person labels so", administrator, creates(core("configmaps"), prod, restored(config, "{}")), "", false},
		{"a kind that the administrator permits", theVelero, creates(at("fence.example.com/v1/gadgets"), box, restored(gadget, "{}")), "", false},
		{"a kind that the administrator permits, in production", theVelero, creates(at("fence.example.com/v1/gadgets"), prod, restored(gadget, "{}")), by, false},
		{"a volume", theVelero, creates(core("persistentvolumes"), "", restored(volume, "{}")), by, false},
		{"a namespace", theVelero, creates(namespaces, "", restored(plainNamespace, "{metadata: {name: fence-new}}")), by, false},
		{"what belongs to a snapshot", theVelero, creates(snapshotContents, "", restored(contents, "{}")), "", false},
		{"what belongs to a snapshot and would take it along", theVelero, creates(snapshotContents, "", restored(contents, "{spec: {deletionPolicy: Delete}}")), by, false},
		{"what belongs to snapshots of a group", theVelero, creates(groupContents, "", restored(groupContent, "{}")), "", false},
		{"what belongs to snapshots of a group and would take them along", theVelero, creates(groupContents, "", restored(groupContent, "{spec: {deletionPolicy: Delete}}")), by, false},
		{"a route that takes a name of production", theVelero, creates(at("route.openshift.io/v1/routes"), box, restored("{apiVersion: route.openshift.io/v1, kind: Route}", "{}")), by, false},
		{"a Job", theVelero, creates(at("batch/v1/jobs"), box, restored(job, "{}")), by, false},
		{"an Ingress", theVelero, creates(at("networking.k8s.io/v1/ingresses"), box, restored(ingress, "{}")), by, false},
		{"rights", theVelero, creates(at("rbac.authorization.k8s.io/v1/rolebindings"), box, restored(role, "{}")), by, false},
		{"addresses of production", theVelero, creates(slices, box, restored(slice, "{}")), by, false},
		{"addresses that the cluster keeps for a restored Service", administrator, creates(slices, box, restored(slice, "{}")), "", false},
		{"a Restore in a sandbox", theVelero, creates(restores, box, restored("{apiVersion: velero.io/v1, kind: Restore}", "{}")), by, false},
		{"a test in a sandbox", theVelero, creates(restoretests, box, restored("{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, spec: {suspend: true, backupSource: {provider: velero, namespaces: [{name: a}]}, schedule: {cron: '@daily'}, sandbox: {}}}", "{}")), by, false},
		{"Velero's own note of a volume", theVelero, creates(at("velero.io/v1/podvolumerestores"), "velero", restored("{apiVersion: velero.io/v1, kind: PodVolumeRestore}", "{}")), "", false},
		{"Velero's own note of data that moves", theVelero, creates(at("velero.io/v2alpha1/datadownloads"), "velero", restored("{apiVersion: velero.io/v2alpha1, kind: DataDownload}", "{}")), "", false},
		{"the claim that Velero fills", theVelero, creates(claims, "velero", restored(claim, mover)), "", false},
		{"a claim in Velero's namespace that it does not fill", theVelero, creates(claims, "velero", restored(claim, "{}")), by, false},
		{"a Secret in Velero's namespace", theVelero, creates(core("secrets"), "velero", restored("{apiVersion: v1, kind: Secret}", mover)), by, false},
	}
	for _, f := range []struct {
		name     string
		resource string
		body     string
		change   string
		by       string
	}{
		{"a Service", "services", service, "{}", ""},
		{"a Service for a name", "services", service, "{spec: {type: ExternalName, externalName: example.com, ports: null}}", ""},
		{"a Service on every node", "services", service, "{spec: {type: NodePort}}", fields},
		{"a Service with an address outside", "services", service, "{spec: {type: LoadBalancer}}", fields},
		{"a Service with an address of production", "services", service, "{spec: {externalIPs: [192.0.2.1]}}", fields},
		{"a claim", "persistentvolumeclaims", claim, "{}", ""},
		{"a claim for a volume of production", "persistentvolumeclaims", claim, "{spec: {volumeName: production}}", fields},
		{"a pod", "pods", pod, "{}", ""},
		{"a pod without our class", "pods", pod, "{spec: {priorityClassName: null}}", fields},
		{"a pod of the highest class", "pods", pod, "{spec: {priorityClassName: system-node-critical}}", fields},
		{"a pod on a node", "pods", pod, "{spec: {nodeName: node-1}}", fields},
	} {
		all = append(all, row{f.name, theVelero, creates(core(f.resource), box, restored(f.body, f.change)), f.by, false})
	}
	return append(all,
		row{"a CronJob", theVelero, creates(cronJobs, box, restored(cronJob, "{}")), "", false},
		row{"a CronJob that runs", theVelero, creates(cronJobs, box, restored(cronJob, "{spec: {suspend: false}}")), fields, false},
		row{"a CronJob that runs by default", theVelero, creates(cronJobs, box, restored(cronJob, "{spec: {suspend: null}}")), fields, false},
		row{"a Service with an address outside, of somebody's own Restore", theVelero, creates(core("services"), prod, restored(service, "{metadata: {labels: {velero.io/restore-name: friday}}, spec: {type: LoadBalancer}}")), "", false},
		row{"a Service with an address outside, by a person", administrator, creates(core("services"), prod, restored(service, "{spec: {type: LoadBalancer}}")), "", false},
		row{"Velero makes the namespace anew", theVelero, creates(namespaces, "", plainNamespace), "", false},
	)
}

// podRows: pods of a sandbox, whoever creates them.
func podRows() []row {
	const by, box, prod = "kymaros-pods", "fence-sandbox", "fence-production"
	pod := func(change string) string {
		return with("{apiVersion: v1, kind: Pod, metadata: {name: new}, spec: {serviceAccountName: app, automountServiceAccountToken: false, "+
			"priorityClassName: kymaros-sandbox, containers: [{name: a, image: a}]}}", change)
	}
	volumes := func(volumes string) string { return pod("{spec: {volumes: [" + volumes + "]}}") }
	const nfs = "{name: orders, nfs: {server: filer, path: /orders}}"
	all := []row{
		{"a pod with volumes of its own", replicas, creates(core("pods"), box, volumes("{name: a, configMap: {name: a}}, {name: b, secret: {secretName: b}}, {name: c, emptyDir: {}}, "+
			"{name: d, projected: {sources: []}}, {name: e, downwardAPI: {}}, {name: f, persistentVolumeClaim: {claimName: f}}, "+
			"{name: g, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}")), "", false},
		{"a pod with production's share", replicas, creates(core("pods"), box, volumes(nfs)), by, false},
		{"a pod with production's share beside volumes of its own", replicas, creates(core("pods"), box, volumes("{name: c, emptyDir: {}}, "+nfs)), by, false},
		{"a pod of production with its share", replicas, creates(core("pods"), prod, volumes(nfs)), "", false},
		{"a pod with another annotation", replicas, creates(core("pods"), box, pod(annotations("team: shop"))), "", false},
		{"a pod of production with a network", replicas, creates(core("pods"), prod, pod(annotations("k8s.v1.cni.cncf.io/networks: vlan10"))), "", false},
		{"a pod for Windows", replicas, creates(core("pods"), box, pod("{spec: {os: {name: windows}}}")), by, false},
		{"a pod for nodes with Windows", replicas, creates(core("pods"), box, pod("{spec: {nodeSelector: {kubernetes.io/os: windows}}}")), by, false},
		{"a pod for Linux", replicas, creates(core("pods"), box, pod("{spec: {os: {name: linux}, nodeSelector: {kubernetes.io/os: linux}}}")), "", false},
	}
	for _, volume := range []string{
		"iscsi: {targetPortal: '192.0.2.1', iqn: 'iqn.2001-04.com.example:a', lun: 0}", "csi: {driver: nfs.csi.k8s.io}", "cephfs: {monitors: [filer]}", "rbd: {monitors: [filer], image: a}",
	} {
		all = append(all, row{"a pod with storage of production by " + volume, theVelero,
			creates(core("pods"), box, with(volumes("{name: a, "+volume+"}"), labels("velero.io/restore-name: kymaros-shop"))), by, false})
	}
	for _, key := range []string{
		"k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network", "cni.projectcalico.org/floatingIPs", "cni.projectcalico.org/hwAddr",
		"cni.projectcalico.org/ipAddrs", "cni.projectcalico.org/ipAddrsNoIpam", "k8s.ovn.org/pod-networks", "ovn.kubernetes.io/ip_address",
		"ovn.kubernetes.io/ip_pool", "ovn.kubernetes.io/logical_switch", "ovn.kubernetes.io/mac_address",
	} {
		all = append(all, row{"a pod with " + key, replicas, creates(core("pods"), box, pod(annotations(key+": a"))), by, false})
	}
	return all
}

// guardRows: the guards of a sandbox are the controller's. The first are those that the controller puts back where there is
// no fence.
func guardRows() []row {
	const by, box, prod = "kymaros-guards", "fence-sandbox", "fence-production"
	quotas, limits, cilium := core("resourcequotas"), core("limitranges"), at("cilium.io/v2/ciliumnetworkpolicies")
	open := policyBody("open", "{egress: [{}]}")
	const ciliumOpen = "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: open}}"
	return []row{
		{"a rule is added to the policy", administrator, patches(netpols, box+"/kymaros-deny-all", "{spec: {egress: [{}]}}"), by, false},
		{"the policy is narrowed to some pods", administrator, patches(netpols, box+"/kymaros-deny-all", "{spec: {podSelector: {matchLabels: {a: b}}}}"), by, false},
		{"our label is taken off the policy", administrator, patches(netpols, box+"/kymaros-deny-all", labels("kymaros.io/managed-by: null")), by, false},
		{"the policy is deleted", administrator, deletes(netpols, box+"/kymaros-deny-all"), by, false},
		{"all policies are deleted", administrator, deletesAll(netpols, box), by, false},
		{"the finalizer is taken off the policy", administrator, patches(netpols, box+"/kymaros-deny-all", "{metadata: {finalizers: null}}"), by, false},
		{"the quota is raised", administrator, patches(quotas, box+"/kymaros-quota", "{spec: {hard: {pods: '999'}}}"), by, false},
		{"the quota is deleted", administrator, deletes(quotas, box+"/kymaros-quota"), by, false},
		{"the limits are changed", administrator, patches(limits, box+"/kymaros-limits", "{spec: {limits: []}}"), by, false},
		{"the limits are deleted", administrator, deletes(limits, box+"/kymaros-limits"), by, false},
		{"one more policy", administrator, creates(netpols, box, open), by, false},
		{"one more policy of the plugin", administrator, creates(cilium, box, ciliumOpen), by, false},
		{"a policy out of the backup", theVelero, creates(netpols, box, open), by, false},
		{"the count of the quota is forged", administrator, patches(quotas, box+"/kymaros-quota", "{status: {hard: {pods: '999'}}}").on("status"), by, false},
		{"the cluster counts", counter, patches(quotas, box+"/kymaros-quota", "{status: {used: {pods: '1'}}}").on("status").put(), "", false},
		{"the cluster empties the namespace", emptier, deletes(netpols, box+"/kymaros-deny-all"), "", false},
		{"the cluster empties the namespace of quotas", emptier, deletesAll(quotas, box), "", false},
		{"the cluster that empties does not count", emptier, patches(quotas, box+"/kymaros-quota", "{}").on("status").put(), by, true},
		{"a policy of the plugin in production", administrator, creates(cilium, prod, ciliumOpen), "", false},
		{"the quota of production", administrator, deletes(quotas, prod+"/quota"), "", false},
	}
}

const newTest = "{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, metadata: {name: new}, spec: {suspend: true, schedule: {cron: '@daily'}, sandbox: {}, backupSource: {provider: velero}}}"

// sourcesWith returns a spec with sixteen sources, that one in the given place.
func sourcesWith(one string, place int) string {
	list := ""
	for i := range 16 {
		name := fmt.Sprintf("fence-src-%02d", i)
		if i == place {
			name = one
		}
		list += fmt.Sprintf("{name: %s},", name)
	}
	return "backupSource: {namespaces: [" + list + "]}"
}

// deputyRows: whoever has others restore for them.
func deputyRows() []row {
	const secrets, execs, status, commands, team = "kymaros-tests-secrets", "kymaros-tests-exec", "kymaros-tests-status", "kymaros-checks-exec", "fence-team"
	test := func(spec string) attempt { return creates(restoretests, team, with(newTest, "{spec: {"+spec+"}}")) }
	const checks = ", healthChecks: {policyRef: web}"
	check := func(kind string) attempt {
		return creates(checkpolicy, team, "{apiVersion: restore.kymaros.io/v1alpha1, kind: HealthCheckPolicy, metadata: {name: new}, spec: {checks: [{name: a, "+kind+"}]}}")
	}
	const runs, asks = "type: exec, exec: {podSelector: {app: db}, command: ['true']}", "type: tcpSocket, tcpSocket: {service: db, port: 80}"
	all := []row{
		{"a test of sixteen namespaces whose Secrets its author may read", tester, test(sourcesWith("", -1)), "", false},
		{"a test with checks of namespaces in which its author may run commands", tester, test(sourcesWith("", -1) + checks), "", false},
		{"a test of what its author may only read", tester, test("backupSource: {namespaces: [{name: fence-src-readable}]}"), "", false},
		{"a test of production by somebody who may not read it", tester, test("backupSource: {namespaces: [{name: fence-production}]}"), secrets, false},
		{"a test becomes one of production", tester, patches(restoretests, team+"/shop", "{spec: {backupSource: {namespaces: [{name: fence-team}]}}}"), secrets, false},
		{"a label on a test of production", tester, patches(restoretests, team+"/shop", labels("a: b")), "", false},
		{"a label on a test of production with checks", tester, patches(restoretests, team+"/checked", labels("a: b")), "", false},
		{"a test of production by an administrator", administrator, test("backupSource: {namespaces: [{name: fence-production}]}" + checks), "", false},
		{"a run is made up in the status", tester, patches(restoretests, team+"/shop", "{status: {phase: Running}}").on("status"), status, false},
		{"a run is made up by an administrator", administrator, patches(restoretests, team+"/shop", "{status: {phase: Running}}").on("status"), status, false},
		{"a command by somebody who may make tests", tester, check(runs), "", false},
		{"a command by somebody who may not", checker, check(runs), commands, false},
		{"another check by somebody who may not", checker, check(asks), "", false},
		{"a command is added by somebody who may not", checker, patches(checkpolicy, team+"/web", "{spec: {checks: [{name: a, "+runs+"}]}}"), commands, false},
		{"a label on a policy with commands", checker, patches(checkpolicy, team+"/commands", labels("a: b")), "", false},
	}
	for i := range 16 {
		all = append(all,
			row{fmt.Sprintf("a test of production in place %d", i), tester, test(sourcesWith("fence-production", i)), secrets, false},
			row{fmt.Sprintf("a test with checks, in place %d where its author may only read", i), tester, test(sourcesWith("fence-src-readable", i) + checks), execs, false})
	}
	return all
}
