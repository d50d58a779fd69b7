package zoo

var services = kind{resource: core("services"), base: `
apiVersion: v1
kind: Service
metadata: {}
spec: {ports: [{port: 80}]}
`, shapes: append([]shape{
	{odd: "no selector", patch: `{}`},
	{odd: "headless without ports", patch: `{spec: {clusterIP: None, ports: null, selector: {a: b}}}`},
	{odd: "headless, of pods that are not ready", patch: `{spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: a}}}`},
	{odd: "headless without a selector", patch: `{spec: {clusterIP: None}}`},
	{odd: "another name", patch: `{spec: {type: ExternalName, externalName: example.com, ports: null}}`},
	{odd: "another name, with ports", patch: `{spec: {type: ExternalName, externalName: a.b.c.example.com., ports: [{port: 1, name: a}, {port: 2, name: b, protocol: UDP}], selector: {a: b}}}`},
	{odd: "another name that is an address", patch: `{spec: {type: ExternalName, externalName: 192.0.2.1, ports: []}}`},
	{odd: "both families where there is one", patch: `{spec: {ipFamilyPolicy: PreferDualStack, selector: {a: b}}}`},
	{odd: "one family said", patch: `{spec: {ipFamilyPolicy: SingleStack, ipFamilies: [IPv4]}}`},
	{odd: "headless, of both families without a selector", patch: `{spec: {clusterIP: None, ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4]}}`},
	{odd: "an address chosen by hand", patch: `{spec: {clusterIP: 10.96.200.201}}`},
	{odd: "clients kept for a day", patch: `{spec: {sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}}}`},
	{odd: "traffic of the node only", patch: `{spec: {internalTrafficPolicy: Local, trafficDistribution: PreferClose, selector: {a: b}}}`},
	{odd: "equal ports of all protocols", patch: `{spec: {ports: [{port: 53, name: u, protocol: UDP}, {port: 53, name: t, protocol: TCP}, {port: 53, name: s, protocol: SCTP}]}}`},
	{odd: "ports by name and by protocol of applications", patch: `{spec: {ports: [{port: 1, name: "1a", targetPort: a-long-name-15c, appProtocol: kubernetes.io/h2c}, {port: 65535, name: b, targetPort: 65535, appProtocol: example.com/odd}]}}`},
	{odd: "a hundred ports", patch: `{spec: {ports: ` + list(100, "{port: 1%03d, name: p%[1]d}") + `}}`},
	{odd: "a hundred names in the selector", patch: `{spec: {selector: ` + many(100, "label-%03d", "v") + `}}`},
	{odd: "a node port", patch: `{spec: {type: NodePort}}`},
	{odd: "node ports chosen by hand", patch: `{spec: {type: NodePort, ports: [{port: 1, name: a, nodePort: 30901}, {port: 1, name: b, protocol: UDP, nodePort: 30901}, {port: 3, name: c}, {port: 4, name: d, protocol: SCTP, nodePort: 30902}]}}`},
	{odd: "sixteen node ports chosen by hand", patch: `{spec: {type: NodePort, ports: ` + list(16, "{port: 1%03d, name: p%[1]d, nodePort: 310%02[1]d}") + `}}`},
	{odd: "forty node ports chosen by hand", patch: `{spec: {type: NodePort, ports: ` + list(40, "{port: 1%03d, name: p%[1]d, nodePort: 311%02[1]d}") + `}}`, kept: "spec.ports[16].nodePort"},
	{odd: "a node port on nodes that have pods", patch: `{spec: {type: NodePort, externalTrafficPolicy: Local, selector: {a: b}}}`},
	{odd: "a load balancer", patch: `{spec: {type: LoadBalancer}}`},
	{odd: "a load balancer with all its fields", patch: `{spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30903, loadBalancerClass: example.com/odd, loadBalancerIP: 192.0.2.1, loadBalancerSourceRanges: [192.0.2.0/24, "2001:db8::/32"], ports: [{port: 80, nodePort: 30904}]}}`},
	{odd: "a load balancer without node ports", patch: `{spec: {type: LoadBalancer, allocateLoadBalancerNodePorts: false}}`},
	{odd: "addresses from outside", patch: `{spec: {externalIPs: [192.0.2.1, 192.0.2.2]}}`},
	{odd: "notes to controllers outside", patch: `{metadata: {annotations: {external-dns.alpha.kubernetes.io/hostname: "", service.kubernetes.io/topology-mode: Auto, kubectl.kubernetes.io/last-applied-configuration: '{"spec": {"ports": []}}'}}}`},
	// Velero looks there for node ports, and gives up what it cannot read, whoever restores it.
	{odd: "a last configuration with null for ports", patch: `{metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec": {"ports": null}}'}}}`, kept: Left},
	{odd: "a last configuration that is no JSON", patch: `{metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: "{odd"}}, spec: {type: NodePort}}`, kept: Left},
	{odd: "a name of 63 letters", patch: `{metadata: {name: ` + long(63) + `}}`},
	{odd: "one port without a name in a list", patch: `{spec: {ports: [{port: 1, targetPort: 0}]}}`},
}, append(metadata(false), heavy...)...)}
