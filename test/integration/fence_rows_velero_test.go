package integration

const goodRestore = `
apiVersion: velero.io/v1
kind: Restore
metadata:
  name: kymaros-new
  labels: {kymaros.io/managed-by: kymaros, kymaros.io/run: 20260101-000000-abcdef}
spec:
  backupName: nightly
  includedNamespaces: [fence-production, shop-db]
  namespaceMapping: {fence-production: fence-sandbox, shop-db: fence-other}
  includedResources: [pods, secrets, cronjobs.batch, deployments.apps, volumesnapshots.snapshot.storage.k8s.io, volumesnapshotcontents.snapshot.storage.k8s.io]
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
		{"a Restore with the modifiers for claims without a class", theController, creates(restores, "velero", with(goodRestore, "{spec: {resourceModifier: {name: kymaros-sandbox-no-class}}}")), "", false},
		{"a Restore with those for group", theController, creates(restores, "velero", with(goodRestore, "{spec: {resourceModifier: {name: kymaros-group-no-class}}}")), "", false},
		{"a Restore with the modifiers for group", theController, creates(restores, "velero", with(goodRestore, "{spec: {resourceModifier: {name: kymaros-group-modifiers}}}")), "", false},
		{"a Restore that leaves open what belongs to the cluster, for contents of snapshots", theController, creates(restores, "velero", with(goodRestore, "{spec: {includeClusterResources: null}}")), "", false},
		{"a Restore that names volumes, so that those of pods are filled", theController, creates(restores, "velero", with(goodRestore, "{spec: {includedResources: [pods, persistentvolumeclaims, persistentvolumes]}}")), "", false},
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
		{"a Restore of a pattern", "includedNamespaces: [fence-production, shop-db, 'shop-*']"},
		{"a Restore of a mapped pattern", "{includedNamespaces: ['*'], namespaceMapping: {fence-production: null, shop-db: null, '*': fence-other}}"},
		{"a Restore of an empty name", "{includedNamespaces: [''], namespaceMapping: {fence-production: null, shop-db: null, '': fence-other}}"},
		{"a Restore with a namespace that is not mapped", "includedNamespaces: [fence-production, shop-db, shop-mail]"},
		{"a Restore that maps something else", "includedNamespaces: [fence-production]"},
		{"a Restore onto itself", "namespaceMapping: {shop-db: shop-db}"},
		{"a Restore onto another source", "namespaceMapping: {fence-production: shop-db}"},
		{"a Restore to nowhere", "namespaceMapping: {shop-db: ''}"},
		{"a Restore of two into one", "namespaceMapping: {fence-production: fence-other}"},
		{"a Restore with what belongs to the cluster", "includeClusterResources: true"},
		{"a Restore that leaves open what belongs to the cluster, for nothing", "{includeClusterResources: null, includedResources: [pods]}"},
		{"a Restore that leaves it open for snapshots alone", "{includeClusterResources: null, includedResources: [pods, volumesnapshots.snapshot.storage.k8s.io]}"},
		{"a Restore that leaves it open, of all kinds", "{includeClusterResources: null, includedResources: null}"},
		{"a Restore that leaves it open, of volumes", "{includeClusterResources: null, includedResources: [persistentvolumes, volumesnapshotcontents.snapshot.storage.k8s.io]}"},
		{"a Restore that leaves it open, of all namespaces", "{includeClusterResources: null, includedNamespaces: null, namespaceMapping: null}"},
		{"a Restore of volumes, with what belongs to the cluster", "{includeClusterResources: true, includedResources: [pods, persistentvolumes]}"},
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
		"jobs.batch", "job.batch", "resourcequotas", "limitranges", "persistentvolume", "namespaces", "pv", "customresourcedefinitions.apiextensions.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io", "httproutes.gateway.networking.k8s.io", "virtualservices.networking.istio.io", "routes.route.openshift.io", "ingresses.networking", "rolebindings.rbac", "jobs.b", "restores.velero.io", "restoretests.restore.kymaros.io",
		"kustomizations.kustomize.toolkit.fluxcd.io", "certificates.cert-manager.io", "pod", "po", "secret", "deployments", "deploy.apps", "deployments.app", "pods.", "Pods",
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
		{"a kind that nobody permits", theVelero, creates(at("fence.example.com/v1/gadgets"), box, restored(gadget, "{}")), by, false},
		{"a kind that nobody permits, in production", theVelero, creates(at("fence.example.com/v1/gadgets"), prod, restored(gadget, "{}")), by, false},
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
		{"the claim that Velero fills, with a volume of production", theVelero, creates(claims, "velero", with(restored(claim, mover), "{spec: {volumeName: production}}")), fields, false},
		{"a claim of somebody else's DataDownload", theVelero, creates(claims, "velero", with(restored(claim, mover), "{metadata: {ownerReferences: [{apiVersion: example.com/v1, kind: DataDownload, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}")), by, false},
		{"a claim of a Backup in Velero's namespace", theVelero, creates(claims, "velero", with(restored(claim, mover), "{metadata: {ownerReferences: [{apiVersion: velero.io/v1, kind: Backup, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}")), by, false},
		{"a claim of a Pod in Velero's namespace", theVelero, creates(claims, "velero", with(restored(claim, mover), "{metadata: {ownerReferences: [{apiVersion: v1, kind: Pod, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}")), by, false},
		{"a Restore in Velero's namespace", theVelero, creates(restores, "velero", restored("{apiVersion: velero.io/v1, kind: Restore}", "{}")), by, false},
		{"a change of a Restore", theVelero, patches(restores, "velero/friday", labels("velero.io/restore-name: kymaros-shop")), by, false},
		{"a request for a download", theVelero, creates(downloads, "velero", restored("{apiVersion: velero.io/v1, kind: DownloadRequest}", "{}")), by, false},
		{"a Backup", theVelero, creates(at("velero.io/v1/backups"), "velero", restored("{apiVersion: velero.io/v1, kind: Backup}", "{}")), by, false},
		{"a PodVolumeRestore in a sandbox", theVelero, creates(at("velero.io/v1/podvolumerestores"), box, restored("{apiVersion: velero.io/v1, kind: PodVolumeRestore}", "{}")), by, false},
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
