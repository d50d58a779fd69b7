// Package readme runs every command of every README, in the order in which a newcomer meets them, on the real cluster of test/cluster.
package readme

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/test/docs"
)

const root = "../.."

var onCluster = flag.Bool("on-cluster", false, "run the commands, which takes root, the cluster of test/cluster, and some minutes")

// step is the commands of one block, or what a newcomer has beside them.
type step struct {
	page  string // of README files; "" for a step of the test
	shell string
}

// journey is the order of pages. Of manifests/README.md the last section, which uninstalls, comes at the end.
var journey = []string{
	"README.md", "pkg/cli/README.md", "manifests/README.md", "manifests/monitoring/README.md", "pkg/server/README.md", "pkg/dashboard/README.md",
}

// elsewhere are pages whose commands other tests run.
var elsewhere = map[string]string{
	"manifests/chart/README.md": "make test-chart",
	"test/cluster/README.md":    "all tests on a node, which start, use and end such clusters by the same script",
}

var block = regexp.MustCompile("(?s)```(\\w*)\n(.*?)```")

// placeholders are what a reader replaces. $OWN is a directory of the test, so that nothing is left where the commands run.
var placeholders = strings.NewReplacer(
	"-n NAMESPACE ", "-n team-web ",
	"~/.local/bin", `"$OWN"`,
	"shop.yaml", `"$OWN/shop.yaml"`,
	" 2026-11", ` "$OWN"/2026-11`,
	"=2026-11", `="$OWN"/2026-11`,
	"--from DIRECTORY/CLUSTER --key pub.pem", `--from "$(archived)" --key "$OWN/2026-11.pub.pem"`,
	"8443:443 &", "8443:443 >/dev/null & trap 'kill %1' EXIT; until curl -sk https://localhost:8443/ >/dev/null; do sleep 0.2; done",
)

// commands returns the blocks of commands of a page. What a command prints, and manifests, are none.
func commands(page string) (all []string) {
	for _, match := range block.FindAllStringSubmatch(page, -1) {
		if match[1] == "" && !strings.HasPrefix(match[2], "✔") {
			all = append(all, match[2])
		}
	}
	return all
}

func pages(t *testing.T) map[string]string {
	t.Helper()
	all, err := docs.Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A page that nobody runs may say anything, and so may a block that is not known as one of commands.
func TestNoPageIsLeftOut(t *testing.T) {
	all := pages(t)
	for name, page := range all {
		if n := len(commands(page)); n > 0 && !slices.Contains(journey, name) && elsewhere[name] == "" {
			t.Errorf("%s has %d blocks of commands that no test runs", name, n)
		}
		for _, other := range overlooked.FindAllString(block.ReplaceAllStringFunc(page, unfenced), -1) {
			t.Errorf("%s has commands in another form than all others, a block between ``` without a language: %q", name, strings.TrimSpace(other))
		}
	}
	for name := range elsewhere {
		if len(commands(all[name])) == 0 {
			t.Errorf("%s has no commands, and is said to be run elsewhere", name)
		}
	}
}

// overlooked are blocks by indentation, and those that name a shell.
var overlooked = regexp.MustCompile("\n\n    \\S.*|```(sh|bash|shell|console)\\b")

// unfenced leaves of a block its language alone.
func unfenced(b string) string { return b[:strings.Index(b, "\n")] }

func TestEveryCommandRuns(t *testing.T) {
	if !*onCluster {
		t.Skip("make test-readme runs it")
	}
	own := t.TempDir()
	var all []step
	have := pages(t)
	for _, page := range journey {
		blocks := commands(have[page])
		if len(blocks) == 0 {
			t.Errorf("%s has no commands", page)
		}
		for _, b := range blocks {
			all = append(all, step{page, placeholders.Replace(b)})
		}
	}
	uninstall := slices.IndexFunc(all, func(s step) bool { return strings.Contains(s.shell, "delete restoretests --all") })
	if uninstall < 0 {
		t.Fatal("no page says how to uninstall")
	}
	all = append(append(all[:uninstall:uninstall], all[uninstall+1:]...), all[uninstall])
	for _, b := range before {
		i := slices.IndexFunc(all, func(s step) bool { return strings.Contains(s.shell, b.command) })
		if i < 0 {
			t.Fatalf("no page says %q", b.command)
		}
		all = slices.Insert(all, i, step{"", b.shell})
	}
	demo := slices.IndexFunc(all, func(s step) bool { return strings.Contains(s.shell, "make demo") })
	all = slices.Insert(all, demo+1, step{"", again})
	for _, s := range all {
		if err := s.run(t.Context(), own); err != nil {
			t.Fatalf("%s:\n%s\n%v", s.page, s.shell, err)
		}
	}
}

// again is what comes second after a command: the demo tells how long it takes to the restore when all is built.
const again = `make demo | tee "$OWN/demo"
grep '^from the command to the restore: [0-9]* s$' "$OWN/demo"
`

// before is what a newcomer has, or has done, before a command.
var before = []struct{ command, shell string }{
	{"kubectl kymaros init shop", application},
	{"create rolebinding kymaros-notifications", "kubectl create namespace team-web; kubectl -n team-web create serviceaccount viewer\n"},
	{"manifests/archive/access.yaml", "until kubectl kymaros run shop -n kymaros-system --wait; kubectl -n kymaros-system get restorereports -o 'jsonpath={.items[*].status.evidence.keyID}' | grep .; do sleep 5; done\n"},
	{"apply -k manifests/monitoring", kinds},
}

const (
	// application is that of the demo again, under the name that README.md has, with a backup of it.
	application = `kubectl -n kymaros-system delete restoretest,healthcheckpolicy shop
sed -e 's#kymaros-demo#shop#; s#POSTGRES_IMAGE#docker.io/kymaros/demo-postgres:15#; s#WEB_IMAGE#docker.io/kymaros/demo-web:1#' hack/demo/shop.yaml | kubectl apply -f -
kubectl -n shop rollout status statefulset/db --timeout 180s
kubectl -n shop rollout status deployment/web --timeout 180s
kubectl -n shop exec db-0 -c postgres -- psql -U postgres -d shop -qc 'CREATE TABLE IF NOT EXISTS orders AS SELECT n AS id FROM generate_series(1, 50000) n' -c ANALYZE -c CHECKPOINT
velero backup create "shop-$(date +%H%M%S)" --include-namespaces shop --default-volumes-to-fs-backup --wait
`
	// kinds are those of the Prometheus operator.
	kinds = `for kind in PodMonitor ServiceMonitor PrometheusRule; do
name=$(tr A-Z a-z <<<$kind)
kubectl apply -f - <<Y
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${name}s.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: $kind, plural: ${name}s, singular: $name}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
Y
kubectl wait --for condition=established "crd/${name}s.monitoring.coreos.com"
done
`
	// inShell is what every shell begins with.
	inShell = `set -euo pipefail
PATH=$OWN:$PATH
# archived waits for the first report on the volume, and prints the directory of the cluster.
archived() {
  kubectl -n kymaros-system rollout status deployment/kymaros-archive --timeout 180s >&2
  until dir=$(kubectl get pv -o 'jsonpath={range .items[?(@.spec.claimRef.name=="kymaros-archive")]}{.spec.local.path}{.spec.hostPath.path}{end}') &&
    test -n "$(find "$dir" -name '*.report.json' | head -1)"; do sleep 1; done
  echo "$dir/$(kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')"
}
`
)

// run runs the commands in a shell, in the root of the project, with the cluster as the current one.
func (s step) run(ctx context.Context, own string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	script := inShell
	if !strings.Contains(s.shell, "make demo") {
		script += "eval \"$(test/cluster/run.sh env)\"\n"
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", script+s.shell)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "OWN="+own)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	fmt.Printf("== %s\n%s\n%s", s.page, s.shell, out)
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
