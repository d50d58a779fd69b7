package zoo

import "k8s.io/apimachinery/pkg/runtime/schema"

func of(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

// template of pods that cost nothing.
const template = `{metadata: {labels: {app: zoo}}, spec: {schedulingGates: [{name: example.com/zoo}], containers: [{name: a, image: x}]}}`

// workloads are oddities of all that has a template.
var workloads = []shape{
	{odd: "no replicas", patch: `{spec: {replicas: 0}}`},
	{odd: "more replicas than there will ever be, of none", patch: `{spec: {replicas: 1, template: {spec: {serviceAccountName: gone}}}}`},
	{odd: "a selector of expressions", patch: `{spec: {replicas: 0, selector: {matchLabels: null, matchExpressions: [{key: app, operator: Exists}, {key: gone, operator: DoesNotExist}, {key: app, operator: NotIn, values: [""]}]}}}`},
	{odd: "a template with a thousand notes", patch: `{spec: {replicas: 0, template: {metadata: {annotations: ` + many(1000, "example.com/note-%04d", "v") + `}}}}`},
	{odd: "a template that Pod Security refuses", patch: `{spec: {replicas: 1, template: {spec: {schedulingGates: null, nodeSelector: {zoo: nowhere}, hostNetwork: true}}}}`},
	{odd: "a template with a volume of the node", patch: `{spec: {replicas: 0, template: {spec: {volumes: [{name: h, hostPath: {path: /}}]}}}}`},
	{odd: "no history and long patience", patch: `{spec: {replicas: 0, revisionHistoryLimit: 0, minReadySeconds: 599}}`},
}

var deployments = kind{resource: of("apps", "v1", "deployments"), base: `
apiVersion: apps/v1
kind: Deployment
metadata: {}
spec: {replicas: 0, selector: {matchLabels: {app: zoo}}, template: ` + template + `}
`, shapes: append(append([]shape{
	{odd: "paused before its first pod", patch: `{spec: {paused: true, replicas: 5}}`},
	{odd: "a surge of all and none away", patch: `{spec: {strategy: {rollingUpdate: {maxSurge: 1000%, maxUnavailable: 0}}}}`},
	{odd: "no surge and all away", patch: `{spec: {strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 100%}}}}`},
	{odd: "made anew", patch: `{spec: {strategy: {type: Recreate}, progressDeadlineSeconds: 2147483647}}`},
	{odd: "two pods that wait", patch: `{spec: {replicas: 2, selector: {matchLabels: {two: "2"}}, template: {metadata: {labels: {two: "2"}}}}}`},
	{odd: "labels that look like other types in the selector", patch: `{spec: {selector: {matchLabels: {a: "null", b: "true", c: ""}}, template: {metadata: {labels: {a: "null", b: "true", c: ""}}}}}`},
	{odd: "the longest name whose pods' owner Velero can unpack", patch: `{metadata: {name: ` + long(longest-11) + `}}`},
	{odd: "a name of digits and dots", patch: `{metadata: {name: "0.1.2"}}`},
}, workloads...), metadata(false)...)}

var statefulSets = kind{resource: of("apps", "v1", "statefulsets"), base: `
apiVersion: apps/v1
kind: StatefulSet
metadata: {}
spec: {replicas: 0, selector: {matchLabels: {app: zoo}}, template: ` + template + `}
`, shapes: append(append([]shape{
	{odd: "a service that is gone", patch: `{spec: {serviceName: gone}}`},
	{odd: "ordinals that begin late", patch: `{spec: {replicas: 1, ordinals: {start: 2147483000}}}`},
	{odd: "claims of class empty", patch: `{spec: {volumeClaimTemplates: [{metadata: {name: d}, spec: {storageClassName: "", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]}}`},
	{odd: "claims without a class", patch: `{spec: {replicas: 1, volumeClaimTemplates: [{metadata: {name: d, annotations: {a: b}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]}}`},
	{odd: "several claims of a class that is gone", patch: `{spec: {replicas: 1, volumeClaimTemplates: [{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {storageClassName: zoo-gone-ZOO, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Mi}}}}, {metadata: {name: b}, spec: {volumeMode: Block, storageClassName: zoo-gone-ZOO, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]}}`},
	{odd: "claims that name a volume", patch: `{spec: {replicas: 1, volumeClaimTemplates: [{metadata: {name: d}, spec: {volumeName: gone, storageClassName: "", selector: {matchLabels: {a: b}}, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]}}`},
	{odd: "claims deleted with it", patch: `{spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}, volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]}}`},
	{odd: "changed on deletion", patch: `{spec: {updateStrategy: {type: OnDelete}}}`},
	{odd: "changed from a partition on", patch: `{spec: {replicas: 1, updateStrategy: {rollingUpdate: {partition: 2147483647, maxUnavailable: 50%}}}}`},
	{odd: "all at once", patch: `{spec: {replicas: 2, podManagementPolicy: Parallel, serviceName: ""}}`},
	{odd: "a name of 52 letters", patch: `{metadata: {name: ` + long(52) + `}}`},
}, workloads...), metadata(false)...)}

var replicaSets = kind{resource: of("apps", "v1", "replicasets"), base: `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {}
spec: {replicas: 0, selector: {matchLabels: {app: zoo}}, template: ` + template + `}
`, shapes: []shape{
	{odd: "of nobody, without pods", patch: `{}`},
	{odd: "of nobody, with a pod", patch: `{spec: {replicas: 1, selector: {matchLabels: {rs: one}}, template: {metadata: {labels: {rs: one}}}}}`},
	{odd: "the longest name that Velero can unpack", patch: `{metadata: {name: ` + long(longest) + `}}`},
	{odd: "no labels of its own", patch: `{metadata: {labels: null}, spec: {minReadySeconds: 1}}`},
}}

var cronJobs = kind{resource: of("batch", "v1", "cronjobs"), base: `
apiVersion: batch/v1
kind: CronJob
metadata: {}
spec:
  schedule: "0 0 29 2 *"
  suspend: true
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}}
`, shapes: append([]shape{
	{odd: "suspended", patch: `{}`},
	{odd: "not suspended, once in a leap year", patch: `{spec: {suspend: false}}`},
	{odd: "nothing said of suspension", patch: `{spec: {suspend: null}}`},
	{odd: "the zone of islands", patch: `{spec: {timeZone: Pacific/Chatham, schedule: "@yearly"}}`},
	{odd: "the last zone of the day", patch: `{spec: {timeZone: Etc/GMT+12, schedule: "0 0 1 1 SUN"}}`},
	{odd: "never two, no history, no patience", patch: `{spec: {concurrencyPolicy: Forbid, successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0, startingDeadlineSeconds: 0}}`},
	{odd: "jobs by their indices", patch: `{spec: {concurrencyPolicy: Replace, jobTemplate: {metadata: {labels: {a: ""}}, spec: {completionMode: Indexed, completions: 100000, parallelism: 0, backoffLimitPerIndex: 1, maxFailedIndexes: 3, podReplacementPolicy: Failed, ttlSecondsAfterFinished: 0}}}}`},
	{odd: "jobs with policies of failure and success", patch: `{spec: {jobTemplate: {spec: {completionMode: Indexed, completions: 2, parallelism: 2, successPolicy: {rules: [{succeededCount: 1}]}, podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}, {action: FailJob, onExitCodes: {operator: NotIn, values: [0, 255]}}]}}}}}`},
	{odd: "jobs that others manage", patch: `{spec: {jobTemplate: {spec: {managedBy: example.com/gone, suspend: true}}}}`},
	{odd: "a name of 52 letters", patch: `{metadata: {name: ` + long(52) + `}}`},
}, metadata(false)...)}

// revisions are what StatefulSets keep of their past. Their data may be anything.
var revisions = kind{resource: of("apps", "v1", "controllerrevisions"), base: `
apiVersion: apps/v1
kind: ControllerRevision
metadata: {}
revision: 1
`, shapes: []shape{
	{odd: "empty data", patch: `{data: {}}`},
	{odd: "data with null in it", patch: `{data: {spec: {template: {"$patch": replace, a: [null, 1.5, 1e300]}}}}`},
	{odd: "a large number", patch: `{revision: 2147483648, data: {a: 9007199254740993}}`},
}}
