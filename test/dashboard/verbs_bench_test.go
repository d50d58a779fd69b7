package dashboard

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// timeVerbs tells how long the verbs of kubectl kymaros take, each as a process of its own, and how many bytes it prints.
func timeVerbs(b *testing.B, stage *Stage) {
	b.Helper()
	dir := b.TempDir()
	build := exec.Command(filepath.Join(root, "hack/build.sh"), dir, "./cmd/kubectl-kymaros")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, verb := range []string{
		"get -A", "get -n fleet-00", "history app-0 -n fleet-00", "report app-0 -n fleet-00", "last-good app-0 -n fleet-00",
		"gate -A", "coverage", "doctor", "verify app-0 -n fleet-00",
	} {
		cmd := exec.Command(filepath.Join(dir, "kubectl-kymaros"), strings.Fields(verb)...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+stage.AdminFile)
		begin := time.Now()
		out, err := cmd.Output()
		if len(out) == 0 {
			b.Errorf("kubectl kymaros %s prints nothing: %v", verb, err)
		}
		b.Logf("%-52s %s", "kubectl kymaros "+verb, fmt.Sprintf("%v, %d bytes", time.Since(begin).Round(time.Millisecond), len(out)))
	}
}
