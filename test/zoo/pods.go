package zoo

import "strings"

// What refuses pods in a sandbox, whoever makes them.
const (
	podSecurity = "violates PodSecurity"
	noStorage   = "what a pod mounts without a claim could be storage of production"
)

const podBase = `
apiVersion: v1
kind: Pod
metadata: {}
spec:
  schedulingGates: [{name: example.com/zoo}]
  terminationGracePeriodSeconds: 1
  containers: [{name: a, image: docker.io/kymaros/busybox:1}]
`

// pods cost nothing: a gate keeps them from the scheduler.
var pods = kind{resource: core("pods"), base: podBase, shapes: append([]shape{
	{odd: "lists that are empty", patch: `{metadata: {labels: {}, annotations: {}}, spec: {volumes: [], imagePullSecrets: [], hostAliases: [], tolerations: [], initContainers: [], containers: [{name: a, image: docker.io/kymaros/busybox:1, env: [], envFrom: [], args: [], command: [], ports: [], volumeMounts: [], resources: {}}]}}`},
	{odd: "no service account and no token", patch: `{spec: {automountServiceAccountToken: false, enableServiceLinks: false, serviceAccountName: default}}`},
	{odd: "restarted never", patch: `{spec: {restartPolicy: Never}}`},
	{odd: "restarted on failure, with a deadline", patch: `{spec: {restartPolicy: OnFailure, activeDeadlineSeconds: 2147483647}}`},
	{odd: "a grace period of none", patch: `{spec: {terminationGracePeriodSeconds: 0}}`},
	{odd: "a grace period of centuries", patch: `{spec: {terminationGracePeriodSeconds: 9223372036}}`},
	{odd: "a grace period of nine seconds", patch: `{spec: {terminationGracePeriodSeconds: 9}}`},
	{odd: "init containers and sidecars", patch: `{spec: {initContainers: [{name: i, image: x}, {name: side, image: x, restartPolicy: Always, startupProbe: {exec: {command: ["true"]}}}, {name: j, image: x, resources: {requests: {cpu: 1m}}}]}}`},
	{odd: "a container that restarts by rules", patch: `{spec: {restartPolicy: Never, containers: [{name: a, image: x, restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]}]}}`},
	{odd: "two gates", patch: `{spec: {schedulingGates: [{name: a.example.com/b}, {name: c}]}}`},
	{odd: "fifty containers", patch: `{spec: {containers: ` + list(50, "{name: c%d, image: x}") + `}}`},
	{odd: "a container with a name of 63 letters", patch: `{spec: {containers: [{name: ` + long(63) + `, image: x}]}}`},
	{odd: "an image by its digest", patch: `{spec: {containers: [{name: a, image: "registry.example.com:5000/a/b@sha256:` + strings.Repeat("0", 64) + `", imagePullPolicy: Never}]}}`},
	{odd: "a command of 100 kB", patch: `{spec: {containers: [{name: a, image: x, command: [sh, -c, "` + strings.Repeat("echo 0123456789; ", 6000) + `"], args: ["", " ", "$(A)", "$$(B)"]}]}}`},
	{odd: "an environment of all scripts", patch: `{spec: {containers: [{name: a, image: x, env: [{name: A, value: "žluť 猫 🐈 \u2028\n\t\u0001"}, {name: "b.c-d", value: "$(A)$(NONE)$$"}, {name: "0 odd"}, {name: D, value: ""}]}]}}`},
	{odd: "a thousand variables", patch: `{spec: {containers: [{name: a, image: x, env: ` + list(1000, "{name: V%d, value: v}") + `}]}}`},
	{odd: "variables from what is gone", patch: `{spec: {containers: [{name: a, image: x, envFrom: [{prefix: P_, configMapRef: {name: gone}}, {secretRef: {name: gone, optional: true}}], env: [{name: A, valueFrom: {configMapKeyRef: {name: gone, key: k}}}, {name: B, valueFrom: {secretKeyRef: {name: gone, key: k, optional: true}}}, {name: C, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['a/b']"}}}, {name: D, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}]}]}}`},
	{odd: "equal ports of other protocols", patch: `{spec: {containers: [{name: a, image: x, ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP}, {containerPort: 53, protocol: SCTP, name: s}]}, {name: b, image: x, ports: [{containerPort: 53}]}]}}`},
	{odd: "volumes that nothing mounts", patch: `{spec: {volumes: [{name: a, emptyDir: {}}, {name: b, configMap: {name: gone}}, {name: c, secret: {secretName: gone, optional: true, defaultMode: 256}}, {name: d, persistentVolumeClaim: {claimName: gone}}, {name: e}]}}`},
	{odd: "a volume without a source, mounted", patch: `{spec: {volumes: [{name: a}], containers: [{name: a, image: x, volumeMounts: [{name: a, mountPath: "/a b", subPathExpr: $(HOSTNAME), readOnly: true, recursiveReadOnly: IfPossible}]}]}}`},
	{odd: "a volume in memory, mounted twice", patch: `{spec: {volumes: [{name: a, emptyDir: {medium: Memory, sizeLimit: 1Ki}}], containers: [{name: a, image: x, volumeMounts: [{name: a, mountPath: /}, {name: a, mountPath: /a, subPath: x, mountPropagation: HostToContainer}]}]}}`},
	{odd: "a projection of all sources", patch: `{spec: {volumes: [{name: p, projected: {defaultMode: 0, sources: [{serviceAccountToken: {path: t, audience: vault, expirationSeconds: 600}}, {configMap: {name: gone, items: [{key: a, path: x/y, mode: 511}]}}, {secret: {name: gone, optional: true}}, {downwardAPI: {items: [{path: l, fieldRef: {fieldPath: metadata.labels}}]}}]}}]}}`},
	{odd: "a projection of nothing", patch: `{spec: {volumes: [{name: p, projected: {sources: []}}, {name: q, projected: {}}]}}`},
	{odd: "a token as kubelets make them", patch: `{spec: {volumes: [{name: kube-api-access-odd00, projected: {sources: [{serviceAccountToken: {path: token}}]}}]}}`},
	{odd: "an ephemeral volume of the default class", patch: `{spec: {volumes: [{name: e, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}}]}}`},
	{odd: "an ephemeral volume without a class", patch: `{spec: {volumes: [{name: e, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: {storageClassName: "", accessModes: [ReadWriteOncePod], resources: {requests: {storage: 1Mi}}}}}}]}}`},
	{odd: "an ephemeral volume of blocks", patch: `{spec: {volumes: [{name: e, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: gone, volumeMode: Block, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Mi}}}}}}], containers: [{name: a, image: x, volumeDevices: [{name: e, devicePath: /dev/odd}]}]}}`},
	{odd: "an image as a volume", patch: `{spec: {volumes: [{name: i, image: {reference: x, pullPolicy: Always}}]}}`, kept: noStorage},
	{odd: "a directory of the node", patch: `{spec: {volumes: [{name: h, hostPath: {path: /}}]}}`, kept: podSecurity},
	{odd: "an NFS volume of its own", patch: `{spec: {volumes: [{name: v, nfs: {server: 192.0.2.1, path: /}}]}}`, kept: noStorage},
	{odd: "a driver's volume of its own", patch: `{spec: {volumes: [{name: v, csi: {driver: gone.example.com, volumeAttributes: {a: b}}}]}}`, kept: noStorage},
	{odd: "names for addresses", patch: `{spec: {hostAliases: [{ip: 192.0.2.1, hostnames: [a, b.c]}, {ip: "::1"}], hostname: odd, subdomain: zoo, setHostnameAsFQDN: true}}`},
	{odd: "no name server at all", patch: `{spec: {dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.53, "2001:db8::53"], searches: [` + long(60) + `.example], options: [{name: ndots, value: "15"}, {name: use-vc}]}}}`},
	{odd: "names of the cluster first, on the host", patch: `{spec: {dnsPolicy: ClusterFirstWithHostNet, hostNetwork: true}}`, kept: podSecurity},
	{odd: "processes of the host", patch: `{spec: {hostPID: true, hostIPC: true}}`, kept: podSecurity},
	{odd: "a port of the host", patch: `{spec: {containers: [{name: a, image: x, ports: [{containerPort: 1, hostPort: 1}]}]}}`, kept: podSecurity},
	{odd: "all rights", patch: `{spec: {containers: [{name: a, image: x, securityContext: {privileged: true, capabilities: {add: [ALL], drop: [ALL]}, seLinuxOptions: {level: "s0:c1,c2"}}}]}}`, kept: podSecurity},
	{odd: "a user of its own", patch: `{spec: {hostUsers: false, securityContext: {runAsUser: 2147483647, runAsGroup: 0, fsGroup: 1, fsGroupChangePolicy: OnRootMismatch, supplementalGroups: [1, 1, 2], supplementalGroupsPolicy: Strict, sysctls: [{name: net.ipv4.ip_local_port_range, value: "1 2"}], seccompProfile: {type: RuntimeDefault}}}}`},
	{odd: "a sysctl that is not safe", patch: `{spec: {securityContext: {sysctls: [{name: kernel.msgmax, value: "1"}]}}}`, kept: podSecurity},
	{odd: "a seccomp profile of the node", patch: `{spec: {securityContext: {seccompProfile: {type: Localhost, localhostProfile: gone.json}}}}`},
	{odd: "requests that no node has", patch: `{spec: {containers: [{name: a, image: x, resources: {requests: {cpu: "100000", memory: 1Ei, ephemeral-storage: 1Ei}}}]}}`},
	{odd: "requests of nothing", patch: `{spec: {containers: [{name: a, image: x, resources: {requests: {cpu: "0", memory: "0"}, limits: {cpu: "0", memory: 1500m}}}]}}`},
	{odd: "a limit without a request", patch: `{spec: {containers: [{name: a, image: x, resources: {limits: {cpu: 1m, memory: 1Mi, example.com/gpu: "3", hugepages-2Mi: 2Mi}}}]}}`},
	{odd: "resources of the pod as a whole", patch: `{spec: {resources: {requests: {cpu: 10m}, limits: {cpu: 20m, memory: 20Mi}}, containers: [{name: a, image: x, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]}]}}`},
	{odd: "a class of priority that is gone", patch: `{spec: {priorityClassName: zoo-gone-ZOO}}`},
	{odd: "a class of priority that preempts", patch: `{spec: {priorityClassName: zoo-there-ZOO, preemptionPolicy: Never}}`},
	{odd: "a priority of the cluster's own", patch: `{spec: {priorityClassName: system-node-critical}}`},
	{odd: "a runtime that adds its share", patch: `{spec: {runtimeClassName: zoo-there-ZOO}}`},
	{odd: "a runtime that is gone", patch: `{spec: {runtimeClassName: zoo-gone-ZOO}}`, kept: "RuntimeClass"},
	{odd: "claims of devices that are gone", patch: `{spec: {resourceClaims: [{name: gpu, resourceClaimTemplateName: gone}, {name: nic, resourceClaimName: gone}], containers: [{name: a, image: x, resources: {claims: [{name: gpu, request: r}, {name: nic}]}}]}}`},
	{odd: "spread over what does not exist", patch: `{spec: {topologySpreadConstraints: [{maxSkew: 2147483647, topologyKey: gone, whenUnsatisfiable: DoNotSchedule, minDomains: 3, nodeTaintsPolicy: Honor, labelSelector: {}, matchLabelKeys: [a]}, {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}]}}`},
	{odd: "it tolerates all", patch: `{spec: {tolerations: [{operator: Exists}, {key: a, operator: Exists, effect: NoExecute, tolerationSeconds: -1}, {key: b, value: ""}]}}`},
	{odd: "a scheduler that is gone", patch: `{spec: {schedulerName: gone-scheduler, schedulingGates: null, nodeSelector: {zoo: nowhere}}}`},
	{odd: "affinity of all kinds", patch: `{spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}, {matchFields: [{key: metadata.name, operator: In, values: [x]}]}]}, preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, preference: {}}]}, podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, namespaceSelector: {}, labelSelector: {}}]}, podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: b, namespaces: [c]}}]}}}}`},
	{odd: "not beside anybody in the cluster", patch: `{spec: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, namespaceSelector: {}}]}}}}`},
	{odd: "affinity that is empty", patch: `{spec: {affinity: {nodeAffinity: {}, podAffinity: {}, podAntiAffinity: {}}}}`},
	{odd: "probes of all kinds", patch: `{spec: {readinessGates: [{conditionType: example.com/gate}], containers: [{name: a, image: x, livenessProbe: {grpc: {port: 1, service: ""}, terminationGracePeriodSeconds: 1}, readinessProbe: {httpGet: {port: odd, path: "/?a=%00", scheme: HTTPS, httpHeaders: [{name: Host, value: ""}]}}, startupProbe: {tcpSocket: {port: 65535}, failureThreshold: 2147483647}, lifecycle: {preStop: {sleep: {seconds: 1}}, postStart: {exec: {command: [""]}}}}]}}`},
	{odd: "a probe of another host", patch: `{spec: {containers: [{name: a, image: x, readinessProbe: {tcpSocket: {port: 65535, host: 192.0.2.1}}}]}}`, kept: podSecurity},
	{odd: "a terminal and a log of its own", patch: `{spec: {shareProcessNamespace: true, containers: [{name: a, image: x, stdin: true, stdinOnce: true, tty: true, terminationMessagePath: /dev/odd, terminationMessagePolicy: FallbackToLogsOnError, workingDir: "/ "}]}}`},
	{odd: "pull secrets that are gone", patch: `{spec: {imagePullSecrets: [{name: gone}, {}]}}`},
	{odd: "an operating system said", patch: `{spec: {os: {name: linux}}}`},
	{odd: "another operating system", patch: `{spec: {os: {name: windows}, containers: [{name: a, image: x, securityContext: {windowsOptions: {runAsUserName: odd}}}]}}`, kept: "isolation is proven there only"},
	{odd: "hooks of Velero that are odd", patch: `{metadata: {annotations: {init.hook.restore.velero.io/container-image: "", init.hook.restore.velero.io/command: "not [json", init.hook.restore.velero.io/timeout: soon, post.hook.restore.velero.io/command: '["', post.hook.restore.velero.io/exec-timeout: "-1", backup.velero.io/backup-volumes: "a,,b", backup.velero.io/backup-volumes-excludes: ",", snapshot.velero.io: "x"}}}`},
	{odd: "a backup of old of a volume it does not have", patch: `{metadata: {annotations: {snapshot.velero.io/gone: x}}}`, kept: "spec.initContainers[0].volumeMounts[0].name"},
	{odd: "an init hook of Velero, to run", patch: `{metadata: {annotations: {init.hook.restore.velero.io/container-image: x, init.hook.restore.velero.io/command: '["sh", "-c", "exit 1"]'}}}`},
}, append(metadata(true), heavy...)...)}

// gatelessPods get a node as they are made, which a gate forbids.
var gatelessPods = kind{resource: core("pods"), base: strings.Replace(podBase, "schedulingGates: [{name: example.com/zoo}]", "nodeSelector: {zoo: nowhere}", 1), shapes: []shape{
	{odd: "no node has its label", patch: `{}`},
	{odd: "a node that is gone", patch: `{spec: {nodeName: node-that-is-gone, nodeSelector: null}}`, kept: Left},
}}

const wetBase = `
apiVersion: v1
kind: Pod
metadata: {}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: a
    image: docker.io/kymaros/busybox:1
    command: [sh, -c, "date > /d/date; exec sleep 36000"]
    resources: {requests: {cpu: 1m, memory: 4Mi}}
    volumeMounts: [{name: d, mountPath: /d}]
`

// wetPods run, each with a volume of its own.
var wetPods = kind{resource: core("pods"), base: wetBase, shapes: []shape{
	{odd: "it writes to a class that exists", patch: `{spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: there}}]}}`},
	{odd: "it writes to a class that is gone", patch: `{spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: gone}}]}}`},
	{odd: "it writes to what goes with it", patch: `{spec: {volumes: [{name: d, emptyDir: {}}]}}`},
}}
