package integration

import (
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// attackRestore is a Restore of the controller that is in order, of the scene of restoreScene.
const attackRestore = `
apiVersion: velero.io/v1
kind: Restore
metadata:
  name: kymaros-attack
  labels: {kymaros.io/managed-by: kymaros, kymaros.io/run: ` + attackRun + `}
spec:
  backupName: nightly
  includedNamespaces: [attack-shop, attack-shop-db]
  namespaceMapping: {attack-shop: attack-for-shop, attack-shop-db: attack-for-db}
  includedResources: [pods, configmaps]
  includeClusterResources: false
  existingResourcePolicy: none
  resourceModifier: {kind: ConfigMap, name: kymaros-sandbox-modifiers}
`

// restoreScene: two sandboxes of one run, and one of another.
func restoreScene(t *testing.T) {
	t.Helper()
	of := strings.ReplaceAll(attackSandbox("attack-other-run", "attack-shop"), attackRun, "20260101-000000-others")
	attackScene(t, attackNamespace("attack-shop")+attackNamespace("attack-shop-db")+attackNamespace("attack-production")+
		attackSandbox("attack-for-shop", "attack-shop")+attackSandbox("attack-for-db", "attack-shop-db")+of+
		definition("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations")+definition("attack.example.com", "v1", "Widget", "widgets")+
		definition("velero.io", "v1", "DeleteBackupRequest", "deletebackuprequests")+definition("velero.io", "v1", "BackupStorageLocation", "backupstoragelocations")+
		definition("velero.io", "v1", "Schedule", "schedules"))
}

// TestAStolenTokenRestoresIntoNothingButTheSandboxesOfItsRun: Velero, which may do everything, goes where a mapping says.
func TestAStolenTokenRestoresIntoNothingButTheSandboxesOfItsRun(t *testing.T) {
	restoreScene(t)
	const by = "kymaros-mapping"
	mapped := func(change string) attempt {
		return creates(restores, "velero", with(attackRestore, "{spec: {namespaceMapping: {"+change+"}}}"))
	}
	attempts(t, []row{
		{"into its sandboxes", theController, mapped(""), "", false},
		{"into Velero's namespace", theController, mapped("attack-shop: velero"), by, false},
		{"into kube-system", theController, mapped("attack-shop: kube-system"), by, false},
		{"into our own namespace", theController, mapped("attack-shop: kymaros-system"), by, false},
		{"into production", theController, mapped("attack-shop: attack-production"), by, false},
		{"the second into production", theController, mapped("attack-shop-db: attack-production"), by, false},
		{"into a sandbox of another run", theController, mapped("attack-shop: attack-other-run"), by, false},
		{"into each other's sandbox", theController, mapped("attack-shop: attack-for-db, attack-shop-db: attack-for-shop"), by, false},
		{"of another source into a sandbox", theController, creates(restores, "velero", with(attackRestore,
			"{spec: {includedNamespaces: [attack-production], namespaceMapping: {attack-shop: null, attack-shop-db: null, attack-production: attack-for-shop}}}")), by, false},
		{"of a run that the sandbox is not of", theController, creates(restores, "velero", with(attackRestore, labels("kymaros.io/run: 20260101-000000-others"))), by, false},
	})
}

// TestAStolenTokenRestoresNoKindThatNobodyPermitted: operators act on their kinds wherever they lie, with rights of their own.
func TestAStolenTokenRestoresNoKindThatNobodyPermitted(t *testing.T) {
	restoreScene(t)
	const asks, lands, box = "kymaros-restores", "kymaros-restored", "attack-for-shop"
	of := func(kind string) attempt {
		return creates(restores, "velero", with(attackRestore, "{spec: {includedResources: [pods, "+kind+"]}}"))
	}
	restored := func(apiVersion, kind string) string {
		return "{apiVersion: " + apiVersion + ", kind: " + kind + ", metadata: {name: one, labels: {velero.io/restore-name: kymaros-attack}}, spec: {path: ./, prune: true}}"
	}
	all := []row{
		{"kinds of every application", theController, of("deployments.apps"), "", false},
		{"a ConfigMap lands", theVelero, creates(core("configmaps"), box, restored("v1", "ConfigMap")), "", false},
		{"a Kustomization of Flux lands", theVelero, creates(at("kustomize.toolkit.fluxcd.io/v1/kustomizations"), box, restored("kustomize.toolkit.fluxcd.io/v1", "Kustomization")), lands, false},
		{"a kind that nobody has heard of lands", theVelero, creates(at("attack.example.com/v1/widgets"), box, restored("attack.example.com/v1", "Widget")), lands, false},
	}
	for _, kind := range []string{
		"kustomizations.kustomize.toolkit.fluxcd.io", "applications.argoproj.io", "pipelineruns.tekton.dev", "externalsecrets.external-secrets.io",
		"compositeresourcedefinitions.apiextensions.crossplane.io", "widgets.attack.example.com", "kustomizations.kustomize",
	} {
		all = append(all, row{"a Restore of " + kind, theController, of(kind), asks, false})
	}
	attempts(t, all)
}

// TestVeleroMakesNothingOfItsOwnOutOfABackup: modifiers turn any kind into another, and what lies in Velero's namespace gives
// it orders.
func TestVeleroMakesNothingOfItsOwnOutOfABackup(t *testing.T) {
	restoreScene(t)
	const lands, movers = "kymaros-restored", "kymaros-movers"
	made := func(apiVersion, kind, spec string) string {
		return "{apiVersion: " + apiVersion + ", kind: " + kind + ", metadata: {name: one, labels: {velero.io/restore-name: kymaros-attack}}, spec: {" + spec + "}}"
	}
	podVolume := func(namespace string) attempt {
		return creates(at("velero.io/v1/podvolumerestores"), "velero", made("velero.io/v1", "PodVolumeRestore", "volume: data, pod: {kind: Pod, name: db, namespace: "+namespace+"}"))
	}
	data := func(namespace string) attempt {
		return creates(at("velero.io/v2alpha1/datadownloads"), "velero", made("velero.io/v2alpha1", "DataDownload", "targetVolume: {pvc: data, pv: '', namespace: "+namespace+"}"))
	}
	attempts(t, []row{
		{"a Restore of whatever it likes", theVelero, creates(restores, "velero", made("velero.io/v1", "Restore", "backupName: nightly")), lands, false},
		{"a request to delete a backup", theVelero, creates(at("velero.io/v1/deletebackuprequests"), "velero", made("velero.io/v1", "DeleteBackupRequest", "backupName: nightly")), lands, false},
		{"another place for backups", theVelero, creates(at("velero.io/v1/backupstoragelocations"), "velero", made("velero.io/v1", "BackupStorageLocation", "provider: evil")), lands, false},
		{"a Schedule", theVelero, creates(at("velero.io/v1/schedules"), "velero", made("velero.io/v1", "Schedule", "schedule: '@hourly'")), lands, false},
		{"a Backup", theVelero, creates(at("velero.io/v1/backups"), "velero", made("velero.io/v1", "Backup", "")), lands, false},
		{"a ConfigMap for its plugins", theVelero, creates(core("configmaps"), "velero", with(made("v1", "ConfigMap", ""), "{metadata: {labels: {velero.io/plugin-config: ''}}}")), lands, false},
		{"data into a pod of a sandbox", theVelero, podVolume("attack-for-shop"), "", false},
		{"data into a pod of production", theVelero, podVolume("attack-production"), movers, false},
		{"data into a pod of Velero", theVelero, podVolume("velero"), movers, false},
		{"data into a claim of a sandbox", theVelero, data("attack-for-shop"), "", false},
		{"data into a claim of production", theVelero, data("attack-production"), movers, false},
	})
}

// shippedAddress is the only thing of the shipped rules that changes.
var shippedAddress = regexp.MustCompile(`nameservers: \["[0-9a-f.:]+"\]`)

// TestAStolenTokenWritesNoRulesForVelero: they make anything of what is in a backup, and a label makes them a configuration of
// Velero's plugins, for everybody's restores.
func TestAStolenTokenWritesNoRulesForVelero(t *testing.T) {
	attackScene(t, "")
	now, err := kube.CoreV1().ConfigMaps(veleroNamespace).Get(t.Context(), groupModifiers, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rules := now.Data["rules.yaml"]
	const by = "kymaros-writes-own"
	put := func(change string) attempt {
		return patches(core("configmaps"), veleroNamespace+"/"+groupModifiers, change).put()
	}
	text := func(rules string) attempt {
		return put("{data: {rules.yaml: " + quoted(rules) + "}}")
	}
	all := []row{
		{"rules of its own", theController, text("version: v1\nresourceModifierRules: []\n"), by, false},
		{"no rules", theController, put("{data: null}"), by, false},
		{"a second key", theController, put("{data: {case1: 'a,b'}}"), by, false},
		{"a key that is not text", theController, put("{binaryData: {b: YQ==}}"), by, false},
		{"the label of a plugin's configuration", theController, put("{metadata: {labels: {velero.io/plugin-config: '', velero.io/change-image-name: RestoreItemAction}}}"), by, false},
		{"an annotation", theController, put("{metadata: {annotations: {a: b}}}"), by, false},
		{"an owner", theController, put("{metadata: {ownerReferences: [{apiVersion: v1, kind: Namespace, name: gone, uid: 11111111-1111-1111-1111-111111111111}]}}"), by, false},
		{"a finalizer", theController, put("{metadata: {finalizers: [attack.example.com/held]}}"), by, false},
		{"never to be changed again", theController, put("{immutable: true}"), by, false},
	}
	if shippedAddress.MatchString(rules) {
		address := func(to string) string { return shippedAddress.ReplaceAllLiteralString(rules, to) }
		all = append(all,
			row{"the address of the DNS", theController, text(address(`nameservers: ["10.96.0.53"]`)), "", false},
			row{"another address family", theController, text(address(`nameservers: ["fd00::53"]`)), "", false},
			row{"a second address", theController, text(address(`nameservers: ["10.96.0.53", "192.0.2.1"]`)), by, false},
			row{"a name", theController, text(address(`nameservers: ["evil.example"]`)), by, false},
			row{"a line behind the address", theController, text(address("nameservers: [\"10.96.0.53\"]\n        hostNetwork: true #]")), by, false},
			row{"a line in front of the address", theController, text(address("hostNetwork: true\n            nameservers: [\"10.96.0.53\"]")), by, false},
			row{"a rule at the end", theController, text(address(`nameservers: ["10.96.0.53"]`) + "\n    - conditions: {groupResource: '**'}\n"), by, false},
		)
	} else {
		t.Errorf("the shipped %s has no rule with an address: %q", groupModifiers, rules)
	}
	const begin, end, class = mapsBegin, mapsEnd, mapsClass
	before, rest, begun := strings.Cut(rules, begin)
	if _, after, ended := strings.Cut(rest, end); begun && ended {
		mapped := func(rules string) attempt { return text(before + begin + rules + end + after) }
		const node = `- {conditions: {groupResource: pods, matches: [{path: /spec/nodeSelector/example.com~1zone, value: '"a"'}]}, mergePatches: [{patchData: '{"metadata":{"annotations":{"kymaros.io/mapped-node-selector-0":"example.com/zone=a"}},"spec":{"nodeSelector":{"example.com/zone":null,"pool":"b"}}}'}]}` + "\n"
		instead := func(line, old, new string) attempt {
			if !strings.Contains(line, old) {
				t.Fatalf("%q has no %q", line, old)
			}
			return mapped(strings.Replace(line, old, new, 1))
		}
		all = append(all,
			row{"a storage class is mapped", theController, mapped(class), "", false},
			row{"a node selector is mapped", theController, mapped(node), "", false},
			row{"both are", theController, mapped(class + node), "", false},
			row{"nothing is any more", theController, mapped(""), "", false},
			row{"a volume with the class", theController, instead(class, `"local-path"`, `"local-path","volumeName":"production"`), by, false},
			row{"claims of every class", theController, instead(class, `matches: [{path: /spec/storageClassName, value: '"csi"'}]`, `matches: []`), by, false},
			row{"the class of something else", theController, instead(class, `persistentvolumeclaims`, `"**"`), by, false},
			row{"a text of two lines", theController, instead(class, `local-path`, "local\npath"), by, false},
			row{"another annotation", theController, instead(class, `kymaros.io/mapped-storage-class`, `trident.netapp.io/importOriginalName`), by, false},
			row{"a node by its name", theController, instead(node, `"nodeSelector":{`, `"nodeName":"control","nodeSelector":{`), by, false},
			row{"pods of the node's network", theController, instead(node, `}}}'`, `},"hostNetwork":true}}'`), by, false},
			row{"another field that matches", theController, instead(node, `/spec/nodeSelector/example.com~1zone`, `/spec/serviceAccountName`), by, false},
			row{"another name of a node label's place", theController, instead(node, `"nodeSelector"`, `"affinity"`), by, false},
			row{"a second patch", theController, instead(class, `'}]}`, `'}, {patchData: '{"spec":{"volumeName":"production"}}'}]}`), by, false},
			row{"a rule of its own beside", theController, mapped(class + "- conditions: {groupResource: '**'}\n"), by, false},
			row{"the rest changes along", theController, text(strings.Replace(before, "suspend: true", "suspend: false", 1) + begin + class + end + after), by, false},
			row{"the lines are put elsewhere", theController, text(strings.Replace(before, "version: v1\n", "version: v1\n"+begin+class+end, 1) + after), by, false},
			row{"a second pair of lines", theController, text(before + begin + class + end + begin + class + end + after), by, false},
		)
	} else {
		t.Errorf("the shipped %s has no place for what a test maps: %q", groupModifiers, rules)
	}
	attempts(t, all)
}

// quoted is the text as a scalar of YAML.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
