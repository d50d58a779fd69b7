package integration

import (
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Where the shipped modifiers have place for what a test maps, and a mapping as the controller writes it.
const (
	mapsBegin, mapsEnd = "# mappings begin\n", "# mappings end\n"
	mapsNothing        = mapsBegin + mapsEnd
	mapsClass          = `- {conditions: {groupResource: persistentvolumeclaims, matches: [{path: /spec/storageClassName, value: '"csi"'}]}, mergePatches: [{patchData: '{"metadata":{"annotations":{"kymaros.io/mapped-storage-class":"csi"}},"spec":{"storageClassName":"local-path"}}'}]}` + "\n"
)

// mappingRows: the rules for strict isolation, which have no address in them, as they were shipped but for what a test maps.
func mappingRows() []row {
	const by = "kymaros-writes-own"
	file, err := os.ReadFile("../../manifests/20-modifiers.yaml")
	if err != nil {
		panic(err)
	}
	var shipped corev1.ConfigMap
	if err := yaml.Unmarshal(file, &shipped); err != nil {
		panic(err)
	}
	rules := shipped.Data["rules.yaml"]
	before, after, found := strings.Cut(rules, mapsNothing)
	if !found {
		panic("manifests/20-modifiers.yaml has no place for mappings")
	}
	text := func(rules string) attempt {
		return patches(core("configmaps"), "velero/kymaros-sandbox-modifiers", "{data: {rules.yaml: "+quoted(rules)+"}}").put()
	}
	return []row{
		{"a storage class is mapped", theController, text(before + mapsBegin + mapsClass + mapsEnd + after), "", false},
		{"a mapping of another form", theController, text(before + mapsBegin + "- conditions: {groupResource: '**'}\n" + mapsEnd + after), by, false},
		{"a mapping in another place", theController, text(mapsBegin + mapsClass + mapsEnd + before + after), by, false},
	}
}
