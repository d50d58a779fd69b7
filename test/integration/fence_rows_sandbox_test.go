package integration

// podRows: pods of a sandbox, whoever creates them.
func podRows() []row {
	const by, box, prod = "kymaros-pods", "fence-sandbox", "fence-production"
	pod := func(change string) string {
		return with("{apiVersion: v1, kind: Pod, metadata: {name: new}, spec: {serviceAccountName: app, automountServiceAccountToken: false, "+
			"priorityClassName: kymaros-sandbox, containers: [{name: a, image: a}]}}", change)
	}
	volumes := func(volumes string) string { return pod("{spec: {volumes: [" + volumes + "]}}") }
	apart := func(term string) string {
		return pod("{spec: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {}" + term + "}]}}}}")
	}
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
		{"a pod that runs joins a network", administrator, patches(core("pods"), box+"/web", annotations("k8s.v1.cni.cncf.io/networks: vlan10")), by, false},
		{"a pod that runs joins a network by its status", node, patches(core("pods"), box+"/web", annotations("v1.multus-cni.io/default-network: vlan10")).on("status"), by, false},
		{"a plugin notes what it has done", node, patches(core("pods"), box+"/web", annotations("cni.projectcalico.org/podIP: 10.0.0.1, k8s.ovn.org/pod-networks: a")).on("status"), "", false},
		{"a pod of production that runs joins a network", administrator, patches(core("pods"), prod+"/db", annotations("k8s.v1.cni.cncf.io/networks: vlan10")), "", false},
		{"a pod with notes of production's plugin", theVelero, creates(core("pods"), box, with(pod(annotations("cni.projectcalico.org/podIP: 10.0.0.1, k8s.v1.cni.cncf.io/network-status: a, ovn.kubernetes.io/allocated: 'true'")), labels("velero.io/restore-name: kymaros-shop"))), "", false},
		{"a pod that keeps its own kind off its node", replicas, creates(core("pods"), box, apart("")), "", false},
		{"a pod that keeps its own namespace off its node", replicas, creates(core("pods"), box, apart(", namespaces: [fence-sandbox]")), "", false},
		{"a pod that keeps production off its node", replicas, creates(core("pods"), box, apart(", namespaces: [fence-sandbox, fence-production]")), by, false},
		{"a pod that keeps every namespace off its node", replicas, creates(core("pods"), box, apart(", namespaceSelector: {}")), by, false},
		{"a pod that keeps the namespaces of a team off its node", replicas, creates(core("pods"), box, apart(", namespaceSelector: {matchLabels: {team: shop}}")), by, false},
		{"a pod that would rather be alone", replicas, creates(core("pods"), box, pod("{spec: {affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: a, namespaceSelector: {}}}]}}}}")), "", false},
		{"a pod of production that keeps every namespace off its node", replicas, creates(core("pods"), prod, apart(", namespaceSelector: {}")), "", false},
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
		"ovn.kubernetes.io/ip_pool", "ovn.kubernetes.io/logical_switch", "ovn.kubernetes.io/mac_address", "net1.shop.ovn.kubernetes.io/ip_address",
		"net1.shop.kubernetes.io/logical_switch", "net1.shop.ovn.kubernetes.io/ip_pool", "net1.shop.ovn.kubernetes.io/mac_address",
		"networking.gke.io/interfaces", "networking.gke.io/default-interface", "k8s.amazonaws.com/eniConfig", "vpc.amazonaws.com/pod-eni",
		"ipam.spidernet.io/ippool", "ipam.spidernet.io/subnets", "ipam.spidernet.io/future", "ipam.antrea.io/ippools", "ipam.antrea.io/pod-ips", "ipam.cilium.io/ip-pool", "kubernetes.azure.com/pod-network-instance",
		"ovn.kubernetes.io/eip", "ovn.kubernetes.io/snat", "yangtse.io/eip-id", "yangtse.io/pod-with-eip", "eks.tke.cloud.tencent.com/eip-attributes", "eks.tke.cloud.tencent.com/eip-id-list", "k8s.aliyun.com/pod-with-eip",
	} {
		all = append(all, row{"a pod with " + key, replicas, creates(core("pods"), box, pod(annotations(key+": a"))), by, false})
	}
	return all
}

// execRows: nobody hands a process of a sandbox anything.
func execRows() []row {
	const by, box, prod = "kymaros-exec", "fence-sandbox", "fence-production"
	all := []row{
		{"an administrator runs a command in a sandbox", administrator, connects("exec", box+"/web"), "", false},
		{"an administrator looks at what a pod of a sandbox prints", administrator, connects("attach", box+"/web"), "", false},
	}
	for _, asks := range []string{"stdin", "tty"} {
		all = append(all,
			row{"kymaros-prober runs a command in a sandbox with " + asks, theProber, connects("exec", box+"/web").asking(asks), by, false},
			row{"an administrator runs a command in a sandbox with " + asks, administrator, connects("exec", box+"/web").asking(asks), by, false},
			row{"an administrator attaches to a pod of a sandbox with " + asks, administrator, connects("attach", box+"/web").asking(asks), by, false},
			row{"an administrator runs a command in production with " + asks, administrator, connects("exec", prod+"/db").asking(asks), "", false},
		)
	}
	return all
}

// guardRows: the guards of a sandbox are the controller's. The first are those that the controller puts back where there is
// no fence.
func guardRows() []row {
	const by, box, prod = "kymaros-guards", "fence-sandbox", "fence-production"
	quotas, limits, cilium := core("resourcequotas"), core("limitranges"), at("cilium.io/v2/ciliumnetworkpolicies")
	endpoints := at("networking.k8s.aws/v1alpha1/policyendpoints")
	const awsOpen = "{apiVersion: networking.k8s.aws/v1alpha1, kind: PolicyEndpoint, metadata: {name: open}}"
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
		{"what AWS's plugin enforces", administrator, creates(endpoints, box, awsOpen), by, false},
		{"what AWS's plugin enforces, by Velero", theVelero, creates(endpoints, box, awsOpen), by, false},
		{"AWS's plugin notes what it enforces", aws, creates(endpoints, box, awsOpen), "", false},
		{"a controller of the cluster deletes a policy", clusterController("generic-garbage-collector"), deletes(netpols, box+"/kymaros-deny-all"), by, false},
		{"a policy out of the backup", theVelero, creates(netpols, box, open), by, false},
		{"the count of the quota is forged", administrator, patches(quotas, box+"/kymaros-quota", "{status: {hard: {pods: '999'}}}").on("status"), by, false},
		{"the cluster counts", counter, patches(quotas, box+"/kymaros-quota", "{status: {used: {pods: '1'}}}").on("status").put(), "", false},
		{"the cluster that empties makes no policy", emptier, creates(netpols, box, open), by, false},
		{"the cluster empties the namespace", emptier, deletes(netpols, box+"/kymaros-deny-all"), "", false},
		{"the cluster empties the namespace of quotas", emptier, deletesAll(quotas, box), "", false},
		{"the cluster that empties does not count", emptier, patches(quotas, box+"/kymaros-quota", "{}").on("status").put(), by, true},
		{"a policy of the plugin in production", administrator, creates(cilium, prod, ciliumOpen), "", false},
		{"the quota of production", administrator, deletes(quotas, prod+"/quota"), "", false},
	}
}
