package e2e

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

var mutate = flag.Int("mutate", -1, "run TestEveryModifierIsNeeded, which takes the resource modifiers away one by one, from this one on: 20 minutes for all")

// TestEveryModifierIsNeeded takes the rules of the resource modifiers away, one at a time, and fails for each that nothing
// misses.
func TestEveryModifierIsNeeded(t *testing.T) {
	if *mutate < 0 {
		t.Skip("needs -mutate=0")
	}
	h := deployHazards(t, 0)
	maps := cluster.Kube.CoreV1().ConfigMaps(stage.VeleroNamespace)
	shipped, err := maps.Get(t.Context(), "kymaros-sandbox-modifiers", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	apply := func(ctx context.Context, rules string) {
		now, err := maps.Get(ctx, shipped.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		now.Data["rules.yaml"] = rules
		if _, err := maps.Update(ctx, now, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	rules := shipped.Data["rules.yaml"]
	t.Cleanup(func() { apply(context.WithoutCancel(t.Context()), rules) })

	for i, mutation := range []struct {
		what string
		// gone are lines, or the beginnings of rules that are taken away whole.
		gone []string
	}{
		{"nothing", nil},
		{"finalizers", []string{"finalizers: null"}},
		{"label of Argo CD", []string{"argocd.argoproj.io/instance: null"}},
		{"label of Flux", []string{"kustomize.toolkit.fluxcd.io/name: null"}},
		{"annotations of Services", []string{"- conditions: {groupResource: services}"}},
		{"old label of Argo CD", []string{`- conditions: {groupResource: "{services,configmaps`}},
		{"external-dns", []string{"external-dns.alpha.kubernetes.io/hostname: null", "- conditions: {groupResource: services}"}},
		{"scrape annotation", []string{"prometheus.io/scrape: null"}},
		{"replicator", []string{"replicator.v1.mittwald.de/replicate-to: null"}},
		{"external addresses", []string{"externalIPs: null"}},
		{"LoadBalancer", []string{"- conditions: {groupResource: services, matches: [{path: /spec/type, value: LoadBalancer}]}"}},
		{"NodePort", []string{"- conditions: {groupResource: services, matches: [{path: /spec/type, value: NodePort}]}"}},
		{"external traffic policy", []string{"externalTrafficPolicy: null"}},
		{"node port, first place", []string{"- {conditions: {groupResource: services, matches: [{path: /spec/ports/0/protocol, value: TCP}]}"}},
		{"node port, second place, UDP", []string{"- {conditions: {groupResource: services, matches: [{path: /spec/ports/1/protocol, value: UDP}]}"}},
		{"node port, third place", []string{"- {conditions: {groupResource: services, matches: [{path: /spec/ports/2/protocol, value: TCP}]}"}},
		{"volumes of production", []string{"volumeName: null"}},
		{"volumes made by hand", []string{`- conditions: {groupResource: persistentvolumeclaims, matches: [{path: /spec/storageClassName, value: ""}]}`}},
		{"priority class", []string{"priorityClassName: kymaros-sandbox"}},
		{"preemption policy", []string{"preemptionPolicy: null"}},
		{"second network", []string{"k8s.v1.cni.cncf.io/networks: null"}},
		{"CronJobs", []string{"- conditions: {groupResource: cronjobs.batch}"}},
		{"identities in the cloud", []string{"- conditions: {groupResource: serviceaccounts}"}},
		{"hooks", []string{"post.hook.restore.velero.io/command: null", "post.hook.restore.velero.io/container: null"}},
	} {
		if i < *mutate {
			continue
		}
		mutated := rules
		for _, gone := range mutation.gone {
			if mutated, err = without(mutated, gone); err != nil {
				t.Fatal(err)
			}
		}
		apply(t.Context(), mutated)
		found := tryHazards(t, h, fmt.Sprintf("without-%d", i))
		switch {
		case len(mutation.gone) == 0 && len(found) > 0:
			t.Fatalf("with all rules: %q", found)
		case len(mutation.gone) > 0 && len(found) == 0:
			t.Errorf("| %s | nothing |", mutation.what)
		case len(found) > 0:
			fmt.Printf("| %s | %d findings: %s |\n", mutation.what, len(found), strings.ReplaceAll(found[0], "\n", " "))
		}
	}
}

// without returns the rules without what begins with gone: a rule, with the lines that hang from it, or a line of a patch.
// In its place comes one that does nothing: a patch of nothing but "spec:" would take the whole spec away.
func without(rules, gone string) (string, error) {
	lines := strings.Split(rules, "\n")
	var kept []string
	found := false
	for i := 0; i < len(lines); i++ {
		text := strings.TrimLeft(lines[i], " ")
		indent := len(lines[i]) - len(text)
		if !strings.HasPrefix(text, gone) {
			kept = append(kept, lines[i])
			continue
		}
		found = true
		if !strings.HasPrefix(gone, "- ") {
			kept = append(kept, strings.Repeat(" ", indent)+"nothing: null")
			continue
		}
		for i+1 < len(lines) && (strings.TrimSpace(lines[i+1]) == "" || len(lines[i+1])-len(strings.TrimLeft(lines[i+1], " ")) > indent) {
			i++
		}
	}
	if !found {
		return "", fmt.Errorf("no rule has a line %q", gone)
	}
	return strings.Join(kept, "\n"), nil
}
