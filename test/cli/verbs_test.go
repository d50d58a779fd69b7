package cli

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/explain"
	"github.com/kymaros/kymaros/pkg/compare"
	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/test/plane"
)

// shop makes namespace name with an application, a backup of it, and a test in namespace tests-name that does not run by itself.
func shop(t *testing.T, name string, edits ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	t.Helper()
	ctx := t.Context()
	for _, ns := range []string{name, "tests-" + name} {
		if _, err := cluster.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.CreateApplication(ctx, name, nil); err != nil {
		t.Fatal(err)
	}
	backup(t, name+"-1", name)
	policy := &v1alpha1.HealthCheckPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tests-" + name, Name: name},
		Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{{
			Name: "objects", Type: v1alpha1.CheckResourceExists,
			ResourceExists: &v1alpha1.ResourceExistsCheck{Resources: []v1alpha1.ResourceReference{{Kind: "Secret", Name: "web"}}},
		}}},
	}
	if _, err := cluster.Kymaros.RestoreV1alpha1().HealthCheckPolicies(policy.Namespace).Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tests-" + name, Name: name},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: name}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 0 1 1 *", RunOnCreate: new(false)},
			HealthChecks: v1alpha1.HealthChecks{PolicyRef: name, StableFor: "1s"},
		},
	}
	for _, e := range edits {
		e(rt)
	}
	rt, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Create(ctx, rt, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// backup makes one that Velero has completed.
func backup(t *testing.T, name string, namespaces ...string) {
	t.Helper()
	// A moment ahead of what exists: only what is older than a backup is expected to be in it.
	started := metav1.NewTime(time.Now().Add(2 * time.Second).Truncate(time.Second))
	_, err := cluster.Kymaros.VeleroV1().Backups(plane.VeleroNamespace).Create(t.Context(), &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: plane.VeleroNamespace, Name: name},
		Spec:       velerov1.BackupSpec{IncludedNamespaces: namespaces},
		Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &started, CompletionTimestamp: &started},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func TestABackupIsVerifiedFromTheTerminal(t *testing.T) {
	rt := shop(t, "good")
	n := []string{"-n", rt.Namespace}
	in := func(args ...string) answer { t.Helper(); return kymaros(t, append(args, n...)...) }

	in("gate", "good").wants(t, 2, "never tested")
	in("get", "good").wants(t, 0, "Not run", "never")
	in("last-good", "good").wants(t, 2, "no backup")
	in("report", "--latest", "good").wants(t, 3)
	in("run", "good", "--follow", "--timeout", "100ms").wants(t, 3)

	done := in("run", "good", "--wait", "--timeout", "3m").wants(t, 0, "Sandbox", "Restore", "Checks", "backup good-1", "VERIFIED")
	if strings.Contains(done.out, "\x1b") {
		t.Errorf("a pipe got codes of a terminal: %q", done.out)
	}
	in("run", "good", "--follow").wants(t, 0, "VERIFIED")
	in("gate", "good", "--max-age", "1h").wants(t, 0, "backup good-1 passed")
	in("gate", "good", "--max-age", "1ms").wants(t, 2, "stale")
	in("gate", "good", "--min-score", "100", "-o", "json").wants(t, 0, `"code": 0`)
	in("get").wants(t, 0, "✔ Verified", "good")
	kymaros(t, "get", "-A").wants(t, 0, "NAMESPACE", rt.Namespace)
	in("get", "good", "-o", "jsonpath={.status.lastResult}").wants(t, 0, "pass")
	in("get", "-o", "name").wants(t, 0, "restoretest.restore.kymaros.io/good")
	in("report", "good").wants(t, 0, "VERIFIED", "Levels", "objects")
	in("report", "--latest", "good", "-o", "yaml").wants(t, 0, "kind: RestoreReport", "result: pass")
	in("report", "--latest", "good", "-o", "markdown").wants(t, 0, "### good: ✔ VERIFIED")
	in("report", "--latest", "good", "-o", "html").wants(t, 0, "<!doctype html>", "Reviewed by")
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	junit := in("report", "--latest", "good", "-o", "junit").wants(t, 0, `<testcase name="verdict"`)
	if err := xml.Unmarshal([]byte(junit.out), &suites); err != nil || suites.Tests < 3 || suites.Failures > 0 {
		t.Errorf("%+v %v", suites, err)
	}
	in("history", "good").wants(t, 0, "good-1", "verified 1 of 1")
	in("compare", "good").wants(t, 3)
	in("last-good", "good").wants(t, 0, "velero restore create --namespace velero --from-backup good-1 --include-namespaces good")

	in("run", "good", "--wait", "--timeout", "3m", "-o", "junit").wants(t, 0, "<testsuites")
	var result compare.Result
	if a := in("compare", "good", "-o", "json").wants(t, 0); json.Unmarshal([]byte(a.out), &result) != nil || len(result.Incomparable) > 0 {
		t.Errorf("%s", a.out)
	}
	var all []coverage.Namespace
	if a := kymaros(t, "coverage", "-o", "json"); json.Unmarshal([]byte(a.out), &all) != nil {
		t.Fatalf("%s%s", a.out, a.err)
	}
	for _, c := range all {
		if c.Name == "good" && (c.State != coverage.Verified || c.Proof == nil || c.Backup != "good-1") {
			t.Errorf("%+v", c)
		}
	}
}

func TestABackupThatDoesNotRestoreIsExitCode1(t *testing.T) {
	rt := shop(t, "bad", func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.BackupName = "no-such" })
	a := kymaros(t, "run", "bad", "-n", rt.Namespace, "--wait", "--timeout", "3m").wants(t, 1, "FAILED", v1alpha1.ReasonBackupNotFound, "velero backup get")
	if strings.Contains(a.err, "error") {
		t.Errorf("a verdict is no error: %s", a.err)
	}
	kymaros(t, "gate", "bad", "-n", rt.Namespace).wants(t, 1, "none ever did")
	kymaros(t, "report", "bad", "-n", rt.Namespace).wants(t, 1, "✖ FAILED")
	kymaros(t, "coverage").wants(t, 1, "bad", v1alpha1.ReasonBackupNotFound)
}

func TestWithoutChecksItIsExitCode2(t *testing.T) {
	rt := shop(t, "unchecked", func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "" })
	kymaros(t, "run", "unchecked", "-n", rt.Namespace, "--wait", "--timeout", "3m").wants(t, 2, "PARTIAL", "policyRef")
	kymaros(t, "gate", "unchecked", "-n", rt.Namespace).wants(t, 2, "only part")
}

func TestWhatShowsNothingIsExitCode3(t *testing.T) {
	rt := shop(t, "nothing", func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "no-such" })
	kymaros(t, "run", "nothing", "-n", rt.Namespace, "--wait", "--timeout", "3m").wants(t, 3, "INCONCLUSIVE", v1alpha1.ReasonPolicyNotFound)
	kymaros(t, "gate", "nothing", "-n", rt.Namespace).wants(t, 3, "showed nothing")
}

func TestOneBackupIsTriedBesideTheTest(t *testing.T) {
	rt := shop(t, "beside")
	backup(t, "beside-2", "beside")
	kymaros(t, "run", "beside", "-n", rt.Namespace, "--backup", "beside-1", "--wait", "--timeout", "3m").wants(t, 0, "backup beside-1", "VERIFIED")
	now, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
	if err != nil || now.Status.LastResult != "" || now.ResourceVersion == "" || now.Generation != rt.Generation {
		t.Errorf("the test itself was touched: %+v %v", now, err)
	}
	plane.Eventually(t, time.Second, 2*time.Minute, func(ctx context.Context) error {
		list, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(list.Items) != 1 {
			err = fmt.Errorf("%d tests are left", len(list.Items))
		}
		return err
	})
}

func TestWithoutRightsItIsExitCode3AndSaysWhatToDo(t *testing.T) {
	rt := shop(t, "denied")
	to := filepath.Join(t.TempDir(), "evidence.zip")
	for _, args := range [][]string{
		{"get"}, {"run", "denied"}, {"report", "denied"}, {"history", "denied"}, {"gate", "denied"}, {"last-good", "denied"}, {"coverage"}, {"cleanup"}, {"compare", "denied"},
		{"init", "denied"}, {"verify", "denied"}, {"export", "denied", "--to", to},
	} {
		a := kymaros(t, append(args, "-n", rt.Namespace, "--as", "nobody")...)
		if a.code != 3 || !strings.Contains(a.err, "forbidden") || !strings.Contains(a.err, "administrator") {
			t.Errorf("%v: exit code %d\n%s%s", args, a.code, a.out, a.err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) > 0 {
		t.Errorf("an export without rights left %v behind: %v", left, err)
	}
	kymaros(t, "doctor", "--as", "nobody").wants(t, 3, "could not be looked at")
}

func TestWithoutAConnectionItIsExitCode3(t *testing.T) {
	for _, args := range [][]string{{"get"}, {"gate", "x"}, {"doctor"}, {"run", "x"}, {"verify", "x"}, {"version"}, {"dashboard"}} {
		a := kymaros(t, append(args, "--server", "https://127.0.0.1:1")...)
		if a.code != 3 || a.err == "" {
			t.Errorf("%v: exit code %d %q", args, a.code, a.err)
		}
	}
	kymaros(t, "get", "--context", "no-such").wants(t, 3)
}

func TestUsageIsExitCode3(t *testing.T) {
	for _, args := range [][]string{
		{"get", "--no-such"}, {"no-such"}, {"run"}, {"report"}, {"gate"}, {"gate", "x", "-A"}, {"get", "-o", "pink"}, {"compare"}, {"explain", "NoSuch"},
		{"completion", "tcsh"}, {"validate"}, {"run", "x", "--timeout", "1h"}, {"history", "x", "--limit", "-1"}, {"get", "--color", "pink"}, {"init"}, {"export", "x"}, {"verify", "x", "--head", "1"}, {"dashboard", "x"}, {"dashboard", "--port", "70000"},
	} {
		if a := kymaros(t, args...); a.code != 3 || !strings.HasPrefix(a.err, "error: ") {
			t.Errorf("%v: exit code %d %q", args, a.code, a.err)
		}
	}
}

func TestDoctorFindsThatThisClusterHasNoNodesAndNoCanaries(t *testing.T) {
	kymaros(t, "doctor").wants(t, 2, "none of 0 nodes is ready", "canary-fenced is missing", "there is no deployment velero", "ValidatingAdmissionPolicy",
		"the definitions are those of this version", "fix: kubectl apply -f manifests/fence")
}

func TestCleanupRemovesWhatIsLeftOverAndNothingElse(t *testing.T) {
	ctx := t.Context()
	make := func(name string, labels, annotations map[string]string) {
		t.Helper()
		_, err := cluster.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	ours := map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: "20260101-000000-abcdef"}
	make("left-over", ours, map[string]string{v1alpha1.AnnotationRestoreTest: "nowhere/gone"})
	make("not-ours", nil, map[string]string{v1alpha1.AnnotationRestoreTest: "nowhere/gone"})
	kymaros(t, "cleanup").wants(t, 2, "Namespace/left-over", "its test is gone")
	a := kymaros(t, "cleanup", "--yes").wants(t, 0, "left-over")
	if !strings.Contains(a.err, "deleted Namespace/left-over") || strings.Contains(a.out+a.err, "not-ours") {
		t.Errorf("%s%s", a.out, a.err)
	}
	plane.Eventually(t, time.Second, time.Minute, func(ctx context.Context) error {
		_, err := cluster.Kube.CoreV1().Namespaces().Get(ctx, "left-over", metav1.GetOptions{})
		if err == nil {
			return fmt.Errorf("namespace left-over is still there")
		}
		return nil
	})
	if _, err := cluster.Kube.CoreV1().Namespaces().Get(ctx, "not-ours", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func TestInitWritesWhatTheAPIServerAccepts(t *testing.T) {
	rt := shop(t, "begun")
	a := kymaros(t, "init", "begun", "-n", rt.Namespace).wants(t, 0, "kind: RestoreTest", "kind: HealthCheckPolicy", "web-80-accepts")
	all, err := plane.Parse([]byte(a.out))
	if err != nil || len(all) != 2 {
		t.Fatalf("%d objects: %v", len(all), err)
	}
	for _, o := range all {
		o.SetName("written")
		if err := cluster.Apply(t.Context(), o); err != nil {
			t.Errorf("%v\n%s", err, a.out)
		}
	}
	kymaros(t, "init", "begun", "-n", rt.Namespace, "--apply").wants(t, 3) // the test of shop has that name
	for _, resource := range []string{"healthcheckpolicies", "restoretests"} {
		err := cluster.Kymaros.RestoreV1alpha1().RESTClient().Delete().Namespace(rt.Namespace).Resource(resource).Name("begun").Do(t.Context()).Error()
		if err != nil {
			t.Fatal(err)
		}
	}
	kymaros(t, "init", "begun", "-n", rt.Namespace, "--apply").wants(t, 0, "it runs now")
	kymaros(t, "init", "kube-public").wants(t, 3)
}

func TestVersionExplainAndCompletionAnswer(t *testing.T) {
	kymaros(t, "version").wants(t, 0, "Kubernetes", "Client")
	kymaros(t, "version", "--client", "-o", "json").wants(t, 0, `"client"`)
	kymaros(t, "explain", "volumeunproven").wants(t, 0, "VolumeUnproven", "→ Include the volume")
	var all []explain.Entry
	if a := kymaros(t, "explain", "-o", "json").wants(t, 0); json.Unmarshal([]byte(a.out), &all) != nil || len(all) < 70 {
		t.Errorf("%d reasons", len(all))
	}
	for shell, says := range map[string]string{"bash": "__start_kubectl-kymaros", "zsh": "#compdef kubectl-kymaros", "fish": "complete -c kubectl-kymaros", "powershell": "Register-ArgumentCompleter", "kubectl": "kubectl kymaros __complete"} {
		kymaros(t, "completion", shell).wants(t, 0, says)
	}
	rt := shop(t, "completed")
	kymaros(t, "__complete", "-n", rt.Namespace, "run", "").wants(t, 0, "completed\n")
}
