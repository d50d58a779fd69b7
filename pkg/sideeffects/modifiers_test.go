package sideeffects

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/manifests"
)

// TestEveryMarkIsTakenAwayByTheModifiers holds what is looked for in a sandbox, and what only Velero could notice, against
// the rules that are shipped.
func TestEveryMarkIsTakenAwayByTheModifiers(t *testing.T) {
	text, err := os.ReadFile("../../manifests/20-modifiers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := sets.New[string]()
	for line := range strings.Lines(string(text)) {
		lines.Insert(strings.TrimSpace(line))
	}
	want := []string{
		"finalizers: null", "annotations: null", "app.kubernetes.io/instance: null", "externalIPs: null", "type: ClusterIP", "suspend: true",
		"allocateLoadBalancerNodePorts: null", "externalTrafficPolicy: null", "healthCheckNodePort: null", "loadBalancerClass: null", "loadBalancerIP: null",
		"loadBalancerSourceRanges: null", "volumeName: null", "storageClassName: null", "labels: null",
		"priorityClassName: kymaros-sandbox", "priority: null", "preemptionPolicy: null", "iam.amazonaws.com/role: null",
		"affinity: {podAntiAffinity: null}", "topologySpreadConstraints: null", fmt.Sprintf("terminationGracePeriodSeconds: %d", maxGrace),
		`- conditions: {groupResource: persistentvolumeclaims, matches: [{path: /spec/storageClassName, value: ""}]}`,
		`- conditions: {groupResource: persistentvolumeclaims, matches: [{path: /spec/storageClassName, value: "null"}]}`,
		"post.hook.restore.velero.io/command: null", "init.hook.restore.velero.io/command: null",
	}
	for _, keys := range marks {
		for _, key := range keys {
			want = append(want, key+": null")
		}
	}
	for _, key := range networks {
		want = append(want, key+": null")
	}
	fence, err := manifests.Fence()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Concat(networks, volumeSources) {
		if !strings.Contains(string(fence), "'"+key+"'") {
			t.Errorf("the fence does not know %s", key)
		}
	}
	for i := range maxGrace {
		want = append(want, fmt.Sprintf("- {conditions: {groupResource: pods, matches: [{path: /spec/terminationGracePeriodSeconds, value: %q}]}, "+
			"patches: [{operation: add, path: /spec/terminationGracePeriodSeconds, value: %q}]}", fmt.Sprint(i), fmt.Sprint(i)))
	}
	for i := range 16 {
		for _, protocol := range []string{"TCP", "UDP", "SCTP"} {
			want = append(want, fmt.Sprintf("- {conditions: {groupResource: services, matches: [{path: /spec/ports/%d/protocol, value: %s}]}, "+
				`patches: [{operation: add, path: /spec/ports/%d/nodePort, value: "0"}]}`, i, protocol, i))
		}
	}
	slices.Sort(want)
	for _, line := range slices.Compact(want) {
		if !lines.Has(line) {
			t.Errorf("no rule has %q", line)
		}
	}
}
