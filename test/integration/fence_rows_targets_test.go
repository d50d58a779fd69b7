package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// targetRows: where a Restore may restore to, and where Velero may move data to.
func targetRows() []row {
	const by, movers = "kymaros-mapping", "kymaros-movers"
	to := func(mapping string) attempt {
		return creates(restores, "velero", with(goodRestore, "{spec: {includedNamespaces: [fence-production, shop-db], namespaceMapping: {"+mapping+"}}}"))
	}
	all := []row{
		{"a Restore into a sandbox that is gone", theController, to("fence-production: fence-gone"), "", false},
		{"a Restore into the sandbox of another run", theController, to("shop-db: fence-stranger"), by, false},
		{"a Restore into the sandbox of the run for another source", theController, to("shop-db: fence-sibling"), by, false},
		{"a Restore into what only looks like a sandbox", theController, to("shop-db: fence-former"), by, false},
		{"a Restore of something else into a sandbox", theController, to("fence-production: fence-other, shop-db: fence-sandbox"), by, false},
		{"a Restore into a sandbox and into production", theController, to("shop-db: fence-team"), by, false},
		{"an administrator restores into production", administrator, to("shop-db: fence-team"), "", false},
	}
	for _, ns := range []string{"velero", "kube-system", "kymaros-system", "kymaros-canary", "default", "fence-team"} {
		all = append(all, row{"a Restore into " + ns, theController, to("fence-production: " + ns), by, false})
	}
	moves := func(kind, resource, spec, restore string) attempt {
		group, version, _ := strings.Cut(resource, "/")
		version, _, _ = strings.Cut(version, "/")
		return creates(at(resource), "velero", fmt.Sprintf("{apiVersion: %s/%s, kind: %s, metadata: {name: moved, labels: {velero.io/restore-name: %s}}, spec: %s}", group, version, kind, restore, spec))
	}
	for _, m := range []struct{ kind, resource, spec string }{
		{"PodVolumeRestore", "velero.io/v1/podvolumerestores", "{pod: {kind: Pod, namespace: %s, name: db}}"},
		{"DataDownload", "velero.io/v2alpha1/datadownloads", "{targetVolume: {pvc: data, namespace: %s}}"},
	} {
		for _, ns := range []string{"fence-production", "velero", "kube-system"} {
			all = append(all, row{"a " + m.kind + " into " + ns, theVelero, moves(m.kind, m.resource, fmt.Sprintf(m.spec, ns), "kymaros-shop"), movers, false})
		}
		all = append(all,
			row{"a " + m.kind + " into a sandbox", theVelero, moves(m.kind, m.resource, fmt.Sprintf(m.spec, "fence-sandbox"), "kymaros-shop"), "", false},
			row{"a " + m.kind + " of somebody's own Restore", theVelero, moves(m.kind, m.resource, fmt.Sprintf(m.spec, "fence-production"), "friday"), "", false},
			row{"a " + m.kind + " by a person", administrator, moves(m.kind, m.resource, fmt.Sprintf(m.spec, "fence-production"), "kymaros-shop"), "", false})
	}
	content := func(ns, restore string) attempt {
		return creates(snapshotContents, "", fmt.Sprintf("{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshotContent, metadata: {name: new, labels: {velero.io/restore-name: %s}}, "+
			"spec: {deletionPolicy: Retain, volumeSnapshotRef: {namespace: %s, name: new}}}", restore, ns))
	}
	all = append(all,
		row{"a content for a snapshot in a sandbox", theVelero, content("fence-sandbox", "kymaros-shop"), "", false},
		row{"a content for a snapshot in production", theVelero, content("fence-production", "kymaros-shop"), movers, false},
		row{"a content for a snapshot in production, of somebody's own Restore", theVelero, content("fence-production", "friday"), "", false})
	return append(all, cancelRows()...)
}

// cancelRows: of the data that Velero moves for its Restores the controller cancels what cannot come, and changes nothing else of it.
func cancelRows() []row {
	const by, cancel = "kymaros-cancels", "{spec: {cancel: true}}"
	var all []row
	for _, m := range []struct{ kind, resource string }{{"PodVolumeRestore", "velero.io/v1/podvolumerestores"}, {"DataDownload", "velero.io/v2alpha1/datadownloads"}} {
		patch := func(what, body string) attempt { return patches(at(m.resource), what, body) }
		const ours = "velero/fence-moves"
		all = append(all,
			row{"a " + m.kind + " is cancelled", theController, patches(at(m.resource), ours, cancel), "", false},
			row{"a " + m.kind + " of somebody's own Restore is cancelled", theController, patches(at(m.resource), "velero/fence-foreign", cancel), by, false},
			row{"a " + m.kind + " elsewhere is cancelled", theController, patches(at(m.resource), "fence-production/fence-moves", cancel), by, true},
			row{"a " + m.kind + " is not cancelled", theController, patch(ours, labels("a: b")), by, false},
			row{"a " + m.kind + " is cancelled and labelled", theController, patch(ours, with(cancel, labels("a: b"))), by, false},
			row{"a " + m.kind + " is cancelled and led elsewhere", theController, patch(ours, "{spec: {cancel: true, sourceNamespace: fence-production}}"), by, false},
			row{"a " + m.kind + " is cancelled and has a field less", theController, patch(ours, "{spec: {cancel: true, snapshotID: null}}"), by, false},
			row{"a " + m.kind + " is cancelled and called done", theController, patch(ours, "{spec: {cancel: true}, status: {phase: Completed}}"), by, false},
			row{"a " + m.kind + " that was cancelled goes on", theController, patch("velero/fence-cancelled", "{spec: {cancel: false}}"), by, false},
			row{"a " + m.kind + " is made", theController, creates(at(m.resource), "velero", fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: new}, spec: {}}", apiVersion(m.resource), m.kind)), "kymaros-writes", true},
			row{"a " + m.kind + " is cancelled by an administrator", administrator, patches(at(m.resource), "velero/fence-foreign", cancel), "", false})
	}
	return all
}

func apiVersion(resource string) string { return resource[:strings.LastIndex(resource, "/")] }

// claimRows: claims of sandboxes, whoever makes them, and when their policies go.
func claimRows() []row {
	const by, release, box, prod = "kymaros-claims", "kymaros-release", "fence-sandbox", "fence-production"
	claim := func(change string) string {
		return with("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: new}, spec: {accessModes: [ReadWriteOnce], storageClassName: fence, resources: {requests: {storage: 1Gi}}}}", change)
	}
	claims := core("persistentvolumeclaims")
	all := []row{
		{"a StatefulSet's claim", statefulSets, creates(claims, box, claim("{}")), "", false},
		{"a claim with the annotations that Kubernetes sets", statefulSets, creates(claims, box, claim(annotations("volume.kubernetes.io/storage-provisioner: a, volume.beta.kubernetes.io/storage-class: fence"))), "", false},
		{"a claim that names a volume", statefulSets, creates(claims, box, claim("{spec: {volumeName: fence-free}}")), by, false},
		{"a claim without a class", statefulSets, creates(claims, box, claim("{spec: {storageClassName: null}}")), by, false},
		{"a claim of the empty class", statefulSets, creates(claims, box, claim("{spec: {storageClassName: ''}}")), by, false},
		{"a claim of the empty class by its annotation", statefulSets, creates(claims, box, claim(annotations("volume.beta.kubernetes.io/storage-class: ''"))), by, false},
		{"a restored claim that names a volume", theVelero, creates(claims, box, claim("{metadata: {labels: {velero.io/restore-name: kymaros-shop}}, spec: {volumeName: fence-free}}")), by, false},
		{"a claim of production without a class", administrator, creates(claims, prod, claim("{spec: {storageClassName: '', volumeName: fence-free}}")), "", false},

		{"the controller releases the policy when nothing else is left", theController, patches(netpols, "fence-leaving/kymaros-deny-all", "{metadata: {finalizers: null}}"), "", false},
		{"the controller releases the policy while there are pods", theController, patches(netpols, "fence-peopled/kymaros-deny-all", "{metadata: {finalizers: null}}"), release, false},
		{"the controller releases the policy before the cluster has looked", theController, patches(netpols, "fence-begun/kymaros-deny-all", "{metadata: {finalizers: null}}"), release, false},
		{"the controller releases the policy of which another condition tells", theController, patches(netpols, "fence-finalizing/kymaros-deny-all", "{metadata: {finalizers: null}}"), release, false},
		{"the controller releases the policy of which nothing remains", theController, patches(netpols, "fence-emptied/kymaros-deny-all", "{metadata: {finalizers: null}}"), release, false},
		{"the controller releases the policy while only claims are told", theController, patches(netpols, "fence-claiming/kymaros-deny-all", "{metadata: {finalizers: null}}"), release, false},
		{"the controller releases the policy of a sandbox that lives", theController, patches(netpols, box+"/kymaros-deny-all", "{metadata: {finalizers: null}}"), release, false},
		{"the controller labels the policy of a sandbox that lives", theController, patches(netpols, box+"/kymaros-deny-all", labels("a: b")), "", false},
	}
	for _, key := range []string{
		"trident.netapp.io/importOriginalName", "trident.netapp.io/cloneFromPVC", "cdi.kubevirt.io/storage.import.endpoint", "k8s.io/CloneRequest", "k8s.io/CloneOf",
		"px/snapshot-source-pvc", "snapshot.alpha.kubernetes.io/snapshot",
	} {
		all = append(all, row{"a claim with " + key, statefulSets, creates(claims, box, claim(annotations(key+": fence-production/data"))), by, false})
	}
	return all
}

// modifierRows: of the modifiers the controller changes one address.
func modifierRows() []row {
	const by, where = "kymaros-writes-own", "velero/kymaros-group-modifiers"
	text, err := os.ReadFile(filepath.Join(root, "manifests/25-group-modifiers.yaml"))
	if err != nil {
		panic(err)
	}
	rules := func(old, new string) string {
		changed := strings.Replace(string(text), old, new, 1)
		if changed == string(text) {
			panic("nothing has " + old)
		}
		return changed
	}
	// with keeps the data and leaves the rest out, so that only that differs.
	data := func(object string) string { return with(object, "{apiVersion: null, kind: null, metadata: null}") }
	put := func(body string) attempt { return patches(core("configmaps"), where, body).put() }
	address := func(a string) attempt { return put(data(rules(`"0.0.0.0"`, a))) }
	const owner = "{metadata: {ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: a, uid: 11111111-1111-1111-1111-111111111111}]}}"
	return []row{
		{"the address in the modifiers", theController, address(`"10.96.0.53"`), "", false},
		{"an address of IPv6 in the modifiers", theController, address(`"fd00::53"`), "", false},
		{"the modifiers as they are", theController, put("{}"), "", false},
		{"two addresses in the modifiers", theController, address(`"10.96.0.53", "192.0.2.1"`), by, false},
		{"no address in the modifiers", theController, address(``), by, false},
		{"a name in the modifiers", theController, address(`"evil.example"`), by, false},
		{"an address with more behind it", theController, address(`"10.96.0.53"], searches: [evil.example`), by, false},
		{"an address and a further rule", theController, put(data(rules(`options: [{name: ndots, value: "1"}]`, "options: []\n    - {conditions: {groupResource: secrets}}"))), by, false},
		{"a rule that turns ConfigMaps into something else", theController, put(data(rules("groupResource: pods", "groupResource: configmaps"))), by, false},
		{"a rule less", theController, put(data(rules("suspend: true", "suspend: false"))), by, false},
		{"a comment in the modifiers", theController, put(data(rules("Velero is filling. A name", "Velero is filling.  A name"))), by, false},
		{"a label by which Velero takes them for the configuration of a plugin", theController, put(labels("velero.io/plugin-config: '', velero.io/change-image-name: RestoreItemAction")), by, false},
		{"an annotation of the modifiers", theController, put(annotations("a: b")), by, false},
		{"a finalizer of the modifiers", theController, put("{metadata: {finalizers: [fence.example.com/foreign]}}"), by, false},
		{"an owner of the modifiers", theController, put(owner), by, false},
		{"binary data in the modifiers", theController, put("{binaryData: {a: YQ==}}"), by, false},
		{"the modifiers for ever", theController, put("{immutable: true}"), by, false},
	}
}
