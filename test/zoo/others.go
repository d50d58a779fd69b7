package zoo

// leftOut are kinds that are in backups and never in sandboxes.
var leftOut = []kind{
	{resource: of("policy", "v1", "poddisruptionbudgets"), kept: Left, base: `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {}, spec: {selector: {}}}`, shapes: []shape{
		{odd: "for all pods, with no number", patch: `{}`},
		{odd: "none may go", patch: `{spec: {maxUnavailable: 0, unhealthyPodEvictionPolicy: AlwaysAllow}}`},
		{odd: "more than all must stay", patch: `{spec: {minAvailable: 100%, selector: null}}`},
	}},
	{resource: of("autoscaling", "v2", "horizontalpodautoscalers"), kept: Left, base: `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {}, spec: {maxReplicas: 1, scaleTargetRef: {apiVersion: gone.example.com/v1, kind: Gone, name: gone}}}`, shapes: []shape{
		{odd: "of what is gone", patch: `{spec: {maxReplicas: 2147483647}}`},
	}},
	{resource: of("networking.k8s.io", "v1", "ingresses"), kept: Left, base: `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {}, spec: {}}`, shapes: []shape{
		{odd: "all hosts to what is gone", patch: `{spec: {ingressClassName: gone, defaultBackend: {service: {name: gone, port: {name: odd}}}}}`},
		{odd: "a resource behind a wildcard", patch: `{spec: {tls: [{}], rules: [{host: "*.example.com", http: {paths: [{path: /, pathType: ImplementationSpecific, backend: {resource: {apiGroup: gone.example.com, kind: Gone, name: gone}}}]}}, {}]}}`},
	}},
	{resource: of("networking.k8s.io", "v1", "networkpolicies"), kept: Left, base: `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {}, spec: {podSelector: {}}}`, shapes: []shape{
		{odd: "nothing said", patch: `{}`},
		{odd: "blocks with holes and ranges of ports", patch: `{spec: {policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 1, endPort: 65535, protocol: SCTP}, {port: name}]}]}}`},
	}},
	{resource: of("rbac.authorization.k8s.io", "v1", "roles"), kept: Left, base: `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {}}`, shapes: []shape{
		{odd: "no rules", patch: `{}`},
		{odd: "a name with a colon", patch: `{metadata: {name: "odd:role"}, rules: [{apiGroups: ["", "*"], resources: ["*/scale"], resourceNames: [""], verbs: [""]}]}`},
	}},
	{resource: of("rbac.authorization.k8s.io", "v1", "rolebindings"), kept: Left, base: `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gone}}`, shapes: []shape{
		{odd: "nobody", patch: `{subjects: []}`},
		{odd: "somebody who is gone", patch: `{metadata: {name: "odd:binding"}, subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: "猫"}, {kind: ServiceAccount, name: gone, namespace: gone}]}`},
	}},
	{resource: core("endpoints"), kept: Left, base: `{apiVersion: v1, kind: Endpoints, metadata: {}}`, shapes: []shape{
		{odd: "of no Service", patch: `{}`},
		{odd: "addresses without ports", patch: `{subsets: [{addresses: [{ip: 192.0.2.1, hostname: odd}], notReadyAddresses: [{ip: "2001:db8::1"}]}]}`},
	}},
	{resource: of("discovery.k8s.io", "v1", "endpointslices"), kept: Left, base: `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {}, addressType: IPv4, endpoints: []}`, shapes: []shape{
		{odd: "nothing in it", patch: `{}`},
		{odd: "names as addresses", patch: `{addressType: FQDN, endpoints: [{addresses: [example.com], conditions: {ready: null}}]}`},
	}},
	{resource: of("apps", "v1", "daemonsets"), kept: Left, base: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {}, spec: {selector: {matchLabels: {app: zoo}}, template: {metadata: {labels: {app: zoo}}, spec: {nodeSelector: {zoo: nowhere}, containers: [{name: a, image: x}]}}}}`, shapes: []shape{
		{odd: "on no node", patch: `{spec: {updateStrategy: {type: OnDelete}}}`},
	}},
	{resource: of("batch", "v1", "jobs"), kept: Left, base: `{apiVersion: batch/v1, kind: Job, metadata: {}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}}`, shapes: []shape{
		{odd: "suspended before its first pod", patch: `{}`},
		{odd: "a selector of its own", patch: `{spec: {manualSelector: true, selector: {matchLabels: {a: b}}, parallelism: 0, template: {metadata: {labels: {a: b}}}}}`},
	}},
	{resource: core("podtemplates"), kept: Left, base: `{apiVersion: v1, kind: PodTemplate, metadata: {}, template: {spec: {containers: [{name: a, image: x}]}}}`, shapes: []shape{
		{odd: "of nobody", patch: `{}`},
	}},
	{resource: core("limitranges"), kept: Left, base: `{apiVersion: v1, kind: LimitRange, metadata: {}, spec: {limits: []}}`, shapes: []shape{
		{odd: "no limits", patch: `{}`},
		{odd: "a limit of all claims", patch: `{spec: {limits: [{type: PersistentVolumeClaim, max: {storage: 7Ei}}]}}`},
	}},
	{resource: core("resourcequotas"), kept: Left, base: `{apiVersion: v1, kind: ResourceQuota, metadata: {}, spec: {}}`, shapes: []shape{
		{odd: "no quota", patch: `{}`},
		{odd: "a scope", patch: `{spec: {hard: {pods: "9223372036854775807", example.com/odd: "1"}, scopes: [BestEffort]}}`},
	}},
	{resource: of("coordination.k8s.io", "v1", "leases"), kept: Left, base: `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {}, spec: {}}`, shapes: []shape{
		{odd: "held by nobody", patch: `{}`},
	}},
	{resource: of("storage.k8s.io", "v1", "csistoragecapacities"), kept: Left, base: `{apiVersion: storage.k8s.io/v1, kind: CSIStorageCapacity, metadata: {}, storageClassName: gone}`, shapes: []shape{
		{odd: "of a class that is gone", patch: `{}`},
	}},
}

// present are objects outside of namespaces that some shapes need all the time.
var present = []kind{
	{resource: of("storage.k8s.io", "v1", "storageclasses"), kept: Left, base: classBase, shapes: []shape{
		{odd: "a class that exists", patch: `{metadata: {name: zoo-there-ZOO}}`},
	}},
	{resource: of("scheduling.k8s.io", "v1", "priorityclasses"), kept: Left, base: `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: zoo-there-ZOO}, value: 1000}`, shapes: []shape{
		{odd: "a class that preempts never", patch: `{preemptionPolicy: Never}`},
	}},
	{resource: of("node.k8s.io", "v1", "runtimeclasses"), kept: Left, base: `{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: zoo-there-ZOO}, handler: odd}`, shapes: []shape{
		{odd: "a runtime with a share", patch: `{overhead: {podFixed: {cpu: 10m, memory: 1Mi}}, scheduling: {nodeSelector: {zoo: nowhere}, tolerations: [{key: odd, operator: Exists}]}}`},
	}},
}

// absent are gone when the others are backed up.
var absent = []kind{
	{resource: of("storage.k8s.io", "v1", "storageclasses"), kept: Left, base: classBase, shapes: []shape{
		{odd: "a class that is gone", patch: `{metadata: {name: zoo-gone-ZOO}}`},
	}},
	{resource: of("scheduling.k8s.io", "v1", "priorityclasses"), kept: Left, base: `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: zoo-gone-ZOO}, value: -1}`, shapes: []shape{
		{odd: "a priority that is gone", patch: `{}`},
	}},
	{resource: of("node.k8s.io", "v1", "runtimeclasses"), kept: Left, base: `{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: zoo-gone-ZOO}, handler: odd}`, shapes: []shape{
		{odd: "a runtime that is gone", patch: `{}`},
	}},
}

// classBase makes volumes on the node, as the default class of the test cluster does, and of a kind that Velero backs up.
const classBase = `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {annotations: {defaultVolumeType: local}}, provisioner: rancher.io/local-path, volumeBindingMode: WaitForFirstConsumer, reclaimPolicy: Delete}`
