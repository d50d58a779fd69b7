package zoo

import "k8s.io/apimachinery/pkg/runtime/schema"

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

// NoClass is what the fence says of claims that name no class where there is no default one.
const NoClass = "a claim of a sandbox has a storage class"

const claimBase = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`

var claims = kind{resource: core("persistentvolumeclaims"), base: claimBase, shapes: each([]shape{
	{odd: "plain", patch: `{}`},
	{odd: "with a selector", patch: `{spec: {selector: {matchLabels: {volume: mine}, matchExpressions: [{key: a, operator: Exists}, {key: b, operator: NotIn, values: [c, ""]}]}}}`},
	{odd: "with a volume that does not exist", patch: `{spec: {volumeName: no-such-volume}}`},
	{odd: "of blocks", patch: `{spec: {volumeMode: Block}}`},
	{odd: "for one pod", patch: `{spec: {accessModes: [ReadWriteOncePod]}}`},
	{odd: "for all modes of access", patch: `{spec: {accessModes: [ReadOnlyMany, ReadWriteMany, ReadWriteOnce]}}`},
	{odd: "of one byte", patch: `{spec: {resources: {requests: {storage: "1"}}}}`},
	{odd: "of half a byte with a limit", patch: `{spec: {resources: {requests: {storage: 500m}, limits: {storage: 1Pi}}}}`},
	{odd: "made from a snapshot that is gone", patch: `{spec: {dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: gone}}}`},
	{odd: "made from a claim that is gone", patch: `{spec: {dataSource: {kind: PersistentVolumeClaim, name: gone}}}`},
	{odd: "filled by a populator that is gone", patch: `{spec: {dataSourceRef: {apiGroup: gone.example.com, kind: Populator, name: gone}}}`},
	{odd: "with a class of attributes that is gone", patch: `{spec: {volumeAttributesClassName: gone}}`},
}, map[string]string{
	"no class at all":        `{}`,
	"class empty":            `{spec: {storageClassName: ""}}`,
	"class that exists":      `{spec: {storageClassName: zoo-there-ZOO}}`,
	"class that is gone":     `{spec: {storageClassName: zoo-gone-ZOO}}`,
	"class by the old means": `{metadata: {annotations: {volume.beta.kubernetes.io/storage-class: zoo-there-ZOO}}}`,
})}

var otherClaims = kind{resource: core("persistentvolumeclaims"), base: claimBase, shapes: append([]shape{
	{odd: "a class called null", patch: `{spec: {storageClassName: "null"}}`},
	{odd: "a class called true", patch: `{spec: {storageClassName: "true"}}`},
	{odd: "a class of 253 letters", patch: `{spec: {storageClassName: ` + long(253) + `}}`},
	{odd: "a class that nobody may use in a sandbox but the rules", patch: `{spec: {storageClassName: kymaros-no-class}}`},
	{odd: "the old class without a name", patch: `{metadata: {annotations: {volume.beta.kubernetes.io/storage-class: ""}}}`},
	{odd: "bound to a volume made by hand, kept", patch: `{metadata: {name: by-hand-retain}, spec: {storageClassName: "", volumeName: zoo-retain-ZOO}}`},
	{odd: "bound to a volume made by hand, deleted", patch: `{metadata: {name: by-hand-delete}, spec: {storageClassName: "", volumeName: zoo-delete-ZOO}}`},
	{odd: "bound to a volume made by hand, recycled", patch: `{metadata: {name: by-hand-recycle}, spec: {storageClassName: "", volumeName: zoo-recycle-ZOO}}`},
	{odd: "bound to a volume of a class that is gone", patch: `{metadata: {name: by-hand-class}, spec: {storageClassName: zoo-gone-ZOO, volumeName: zoo-class-ZOO}}`},
	{odd: "bound to a volume of blocks", patch: `{metadata: {name: by-hand-block}, spec: {storageClassName: "", volumeMode: Block, volumeName: zoo-block-ZOO}}`},
	{odd: "bound to a volume on a node that is gone", patch: `{metadata: {name: by-hand-node}, spec: {storageClassName: "", volumeName: zoo-node-ZOO}}`},
	{odd: "bound to a volume of a driver that is gone", patch: `{metadata: {name: by-hand-csi}, spec: {storageClassName: "", volumeName: zoo-csi-ZOO}}`},
	{odd: "waiting for a volume that waits for another", patch: `{metadata: {name: by-hand-other}, spec: {storageClassName: "", volumeName: zoo-other-ZOO}}`},
	{odd: "annotations of a provisioner", patch: `{metadata: {annotations: {volume.kubernetes.io/selected-node: gone, volume.kubernetes.io/storage-provisioner: gone.example.com, pv.kubernetes.io/bind-completed: "no"}}}`},
}, append(metadata(true), heavy...)...)}

// persistentVolumes are bound to the claims above, or stay free: those are in no backup of a namespace.
var persistentVolumes = kind{resource: core("persistentvolumes"), kept: Left, base: `
apiVersion: v1
kind: PersistentVolume
metadata: {}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  nfs: {server: 192.0.2.1, path: /zoo-ZOO}
`, shapes: []shape{
	{odd: "kept, named by its claim", patch: `{metadata: {name: zoo-retain-ZOO}}`},
	{odd: "deleted, its claim half named", patch: `{metadata: {name: zoo-delete-ZOO}, spec: {persistentVolumeReclaimPolicy: Delete, claimRef: {name: by-hand-delete}}}`},
	{odd: "recycled", patch: `{metadata: {name: zoo-recycle-ZOO}, spec: {persistentVolumeReclaimPolicy: Recycle, claimRef: {name: by-hand-recycle, kind: PersistentVolumeClaim, apiVersion: v1}}}`},
	{odd: "of a class that is gone", patch: `{metadata: {name: zoo-class-ZOO}, spec: {storageClassName: zoo-gone-ZOO, mountOptions: [hard, nfsvers=4.1], claimRef: {name: by-hand-class}}}`},
	{odd: "of blocks, on all nodes", patch: `{metadata: {name: zoo-block-ZOO}, spec: {volumeMode: Block, nfs: null, fc: {targetWWNs: ["50060e801049cfd1"], lun: 0}, claimRef: {name: by-hand-block}}}`},
	{odd: "on a node that is gone", patch: `{metadata: {name: zoo-node-ZOO, labels: {topology.kubernetes.io/zone: gone}}, spec: {nfs: null, local: {path: /no/such/directory}, nodeAffinity: {required: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [gone]}]}, {matchExpressions: [{key: zone, operator: NotIn, values: [a, b]}]}]}}, claimRef: {name: by-hand-node}}}`},
	{odd: "of a driver that is gone", patch: `{metadata: {name: zoo-csi-ZOO}, spec: {nfs: null, csi: {driver: gone.example.com, volumeHandle: "zoo/ZOO#1", readOnly: true, fsType: "", volumeAttributes: {a: "", "b c": "d"}}, claimRef: {name: by-hand-csi}}}`},
	{odd: "for somebody who never comes", patch: `{metadata: {name: zoo-other-ZOO}, spec: {accessModes: [ReadOnlyMany, ReadWriteMany], capacity: {storage: 3Gi}, claimRef: {name: never-made}}}`},
	{odd: "free, of a directory of the node", patch: `{metadata: {name: zoo-free-ZOO}, spec: {nfs: null, storageClassName: zoo-free-ZOO, hostPath: {path: /no/such/directory, type: ""}}}`},
}}

// wetClaims hold data when they are backed up.
var wetClaims = kind{resource: core("persistentvolumeclaims"), base: claimBase, shapes: []shape{
	{odd: "data, of a class that exists", patch: `{metadata: {name: there}, spec: {storageClassName: zoo-there-ZOO}}`},
	{odd: "data, of a class that is gone", patch: `{metadata: {name: gone}, spec: {storageClassName: zoo-gone-ZOO}}`},
}}
