package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/test/plane"
)

// archive is kymaros-archive as a process of its own, with its ServiceAccount.
type archive struct {
	t       *testing.T
	program string
	config  string
	dir     string
	// sink are the flags that say where reports go: to dir, or elsewhere.
	sink    []string
	log     string
	metrics string
	cmd     *exec.Cmd
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	scratch := t.TempDir()
	a := &archive{t: t, program: filepath.Join(scratch, "kymaros-archive"), dir: filepath.Join(scratch, "volume"), log: filepath.Join(scratch, "log")}
	a.sink = []string{"--directory=" + a.dir}
	build := exec.Command("go", "build", "-trimpath", "-o", a.program, "./cmd/kymaros-archive")
	build.Dir = top
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Mkdir(a.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.config, err = cluster.Kubeconfig(t.Context(), "kymaros-archive", scratch, cluster.Admin.Host, cluster.Admin.CAData, time.Hour); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.metrics = l.Addr().String()
	_ = l.Close()
	return a
}

func (a *archive) start() {
	a.t.Helper()
	log, err := os.OpenFile(a.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		a.t.Fatal(err)
	}
	defer log.Close()
	a.cmd = exec.Command(a.program, append(a.sink, "--kubeconfig="+a.config, "--health-bind-address=", "--metrics-bind-address="+a.metrics, "-v=2")...)
	a.cmd.Stderr = log
	if err := a.cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(a.kill)
}

// kill ends the process as a crash does.
func (a *archive) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// files returns what is archived, with when each was written.
func (a *archive) files(namespace string) map[string]time.Time {
	a.t.Helper()
	all, err := filepath.Glob(filepath.Join(a.dir, "*/reports", namespace, "*/*.report.json"))
	if err != nil {
		a.t.Fatal(err)
	}
	files := map[string]time.Time{}
	for _, file := range all {
		info, err := os.Stat(file)
		if err != nil {
			a.t.Fatal(err)
		}
		files[file] = info.ModTime()
	}
	return files
}

func (a *archive) awaits(namespace string, n int) map[string]time.Time {
	a.t.Helper()
	var files map[string]time.Time
	plane.Eventually(a.t, 20*time.Millisecond, time.Minute, func(context.Context) error {
		if files = a.files(namespace); len(files) != n {
			return fmt.Errorf("%d files, want %d: %v", len(files), n, files)
		}
		return nil
	})
	return files
}

// says waits until the metrics say that.
func (a *archive) says(want string) {
	a.t.Helper()
	plane.Eventually(a.t, 50*time.Millisecond, time.Minute, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.metrics+"/metrics", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil && !strings.Contains(string(body), "\n"+want+"\n") {
			err = fmt.Errorf("the metrics do not say %s", want)
		}
		return err
	})
}

// TestReportsOutliveTheCluster has an archive killed after every report, and look again: each is there once, and proves without a cluster
// what it proved in it.
func TestReportsOutliveTheCluster(t *testing.T) {
	plane.Slow(t)
	c := &chain{t, shop(t, "kept")}
	a := newArchive(t)
	written := map[string]time.Time{}
	for n := range 3 {
		c.run()
		a.start()
		now := a.awaits(c.rt.Namespace, n+1)
		a.kill()
		for file, at := range written {
			if !now[file].Equal(at) {
				t.Errorf("%s was written at %s, and again at %s", file, at, now[file])
			}
		}
		written = now
	}
	clusters, err := filepath.Glob(filepath.Join(a.dir, "*/reports"))
	if err != nil || len(clusters) != 1 {
		t.Fatalf("clusters: %v, %v", clusters, err)
	}
	from := filepath.Dir(clusters[0])
	kymaros(t, "verify", c.rt.Name, "--from", from).wants(t, exit.Verified, "intact #1–#3")

	// One goes while nobody archives; the archive tells of it, and the chain without it shows it.
	c.run()
	_, reports := c.keys()
	lost := filepath.Base(reports[4])
	c.run()
	if err := cluster.Kymaros.RestoreV1alpha1().RestoreReports(c.rt.Namespace).Delete(t.Context(), lost, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n < 4; n++ { // historyLimit, as it were
		if err := cluster.Kymaros.RestoreV1alpha1().RestoreReports(c.rt.Namespace).Delete(t.Context(), filepath.Base(reports[n]), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	a.start()
	a.awaits(c.rt.Namespace, 4)
	a.says("kymaros_archive_lost_reports 1")
	a.says("kymaros_archive_pending_reports 0")
	kymaros(t, "verify", c.rt.Name, "--from", from).wants(t, exit.Bad, "missing #4")

	// Somebody edits a report in etcd: what was archived stays, and the archive tells of the other.
	_, reports = c.keys()
	before := a.files(c.rt.Namespace)
	c.put(reports[5], c.edited(c.get(reports[5]), func(r map[string]any) { r["status"].(map[string]any)["score"] = 7 }))
	a.says("kymaros_archive_differing_reports 1")
	if after := a.files(c.rt.Namespace); len(after) != len(before) {
		t.Errorf("there are %d files now, and were %d", len(after), len(before))
	}
	if log, err := os.ReadFile(a.log); err != nil || strings.Contains(string(log), "forbidden") {
		t.Errorf("it asked for what it may not, %v:\n%s", err, log)
	}
}
