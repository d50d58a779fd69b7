package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// resolve looks up each name and fetches a page from it, and prints what came of it: "name address page". nslookup of
// BusyBox prints the server first and the answers after the line with the name.
const resolve = `for name in "$@"; do
  (address=$(timeout 8 nslookup -type=a "$name" 2>/dev/null | sed -n '/^Name:/,$s/^Address: *//p' | head -n 1)
  if timeout 8 wget -q -O /dev/null "http://$name/"; then page=yes; else page=no; fi
  echo "$name ${address:-none} $page") &
done
wait`

// TestNamesOfProductionMeanTheSandbox: what restored pods find under the names that they used in production.
func TestNamesOfProductionMeanTheSandbox(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, storeDB, storeWeb)
	rt := cluster.RestoreTest("store-names", appsBackup, storeDB, storeWeb)
	rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
	rt = cluster.AwaitHeld(t, cluster.Start(t, rt, stage.Hold(storeDB)))

	db, own := endOf(t, stage.SandboxOf(t, rt, storeDB)), endOf(t, stage.SandboxOf(t, rt, storeWeb))
	service := func(e end) string { return strings.TrimSuffix(e.service, ":80") }
	want := map[string]string{
		"web":                                   service(own) + " yes",
		"web." + storeWeb + ".svc":              service(own) + " yes",
		"web." + storeDB:                        service(db) + " yes",
		"web." + storeDB + ".svc":               service(db) + " yes",
		"web." + storeDB + ".svc.":              service(db) + " yes",
		"web." + storeDB + ".svc.cluster.local": service(db) + " yes",
		"web." + db.namespace + ".svc":          service(db) + " yes",
		// Production, the cluster and the world.
		"web." + web:                                     "none no",
		"web." + web + ".svc.cluster.local":              "none no",
		"kubernetes.default":                             "none no",
		"kubernetes.default.svc.cluster.local":           "none no",
		stage.DNS + "." + stage.SystemNamespace + ".svc": "none no",
		"kube-dns.kube-system.svc.cluster.local":         "none no",
		"example.com":                                    "none no",
	}
	command := []string{"sh", "-c", resolve, "resolve"}
	for name := range want {
		command = append(command, name)
	}
	// The policy agent learns of a new pod a moment later.
	stage.Until(t, 30*time.Second, func(ctx context.Context) error {
		out, err := cluster.Exec(ctx, own.namespace, own.from, command...)
		if err != nil {
			return err
		}
		var wrong []string
		for line := range strings.Lines(out) {
			name, got, _ := strings.Cut(strings.TrimSpace(line), " ")
			if want[name] != got {
				wrong = append(wrong, fmt.Sprintf("%s is %q, want %q", name, got, want[name]))
			}
		}
		if strings.Count(out, "\n") != len(want) || len(wrong) > 0 {
			return fmt.Errorf("from %s: %d answers to %d names: %s", own.namespace, strings.Count(out, "\n"), len(want), strings.Join(wrong, "; "))
		}
		return nil
	})
	notRolledOut(t, own.namespace)

	cluster.Release(t, rt, storeDB)
	_, report := cluster.AwaitEnd(t, rt)
	level := report.Status.ValidationLevels.CrossNamespaceDeps
	if tested := strings.Join(level.Tested, "; "); level.Status != v1alpha1.LevelPass || !strings.Contains(tested, "web."+storeDB+".svc") || len(level.NotTested) > 0 {
		t.Errorf("dependencies %+v", level)
	}
}

// notRolledOut fails t if a Deployment of the namespace has replaced the pods that came out of the backup.
func notRolledOut(t *testing.T, namespace string) {
	t.Helper()
	sets, err := cluster.Kube.AppsV1().ReplicaSets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sets.Items) != 1 {
		t.Errorf("namespace %s has %d ReplicaSets: restored pods were replaced", namespace, len(sets.Items))
	}
	for _, pod := range cluster.Pods(t, namespace) {
		if pod.Labels["velero.io/restore-name"] == "" || pod.Spec.DNSPolicy != "None" {
			t.Errorf("pod %s did not come out of the backup with our DNS: policy %s", pod.Name, pod.Spec.DNSPolicy)
		}
	}
}
