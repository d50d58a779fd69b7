package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const root = "../.."

// needsBrowser skips a test where there is no browser, or no Node.js to drive it; in CI it fails.
func needsBrowser(t testing.TB) string {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("CI") == "true" {
		skip = t.Fatalf
	}
	if _, err := exec.LookPath("node"); err != nil {
		skip("no Node.js: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "pkg/dashboard/web/node_modules/playwright-core")); err != nil {
		skip("run npm ci in pkg/dashboard/web: %v", err)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip("no Chromium: install the package chromium")
	return ""
}

func newStage(t testing.TB) *Stage {
	t.Helper()
	address, err := Free()
	if err != nil {
		t.Fatal(err)
	}
	stage, err := NewStage(t.Context(), root, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stage.Stop(); err != nil {
			t.Error(err)
		}
	})
	return stage
}

// outcome is what the script says of one thing that it tried.
type outcome struct {
	Name    string  `json:"name"`
	Error   string  `json:"error"`
	Seconds float64 `json:"seconds"`
	// Note is a figure.
	Note string `json:"note"`
}

// play runs a script in a browser. It may ask for what it cannot do itself at /name of an address.
func play(t testing.TB, stage *Stage, script string, acts map[string]func(context.Context) error) []outcome {
	t.Helper()
	browser := needsBrowser(t)
	tokens := map[string]string{}
	for _, name := range []string{"oncall", "payer", "stranger", "surveyor"} {
		token, err := stage.Token(t.Context(), "default", name)
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = token
	}
	var err error
	if tokens["auditor"], err = stage.Token(t.Context(), "default", "auditor", "kymaros-api"); err != nil {
		t.Fatal(err)
	}
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		act, ok := acts[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if err := act(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	defer control.Close()
	given, err := json.Marshal(map[string]any{"base": stage.Address, "secure": stage.Secure, "control": control.URL, "tokens": tokens, "browser": browser, "short": testing.Short(), "web": filepath.Join(root, "pkg/dashboard/web")})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Env = append(os.Environ(), "DASHBOARD="+string(given))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []outcome
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Errorf("%s says %q", script, lines.Text())
			continue
		}
		all = append(all, o)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", script, err)
	}
	return all
}

// finish has a run of an application end now, with a report of that name.
func (s *Stage) finish(ctx context.Context, a *application, name string, ago time.Duration) error {
	now := time.Now().Add(-ago)
	report := a.report(now, 0)
	report.Name, report.Spec.RunID = name, name
	report.Status.StartedAt, report.Status.CompletedAt = metav1.NewTime(now.Add(-5*time.Minute)), metav1.NewTime(now)
	report.Status.Score = 91
	if err := s.chains.seal(a, report); err != nil {
		return err
	}
	if err := s.PutReport(ctx, report); err != nil {
		return err
	}
	rt := a.test(now)
	rt.Status.LastScore, rt.Status.LastReportRef, rt.Status.LastRunAt = new(int32(91)), name, &report.Status.CompletedAt
	s.chains.head(rt)
	return s.PutTest(ctx, rt)
}

// TestPeopleAtTheDashboard is what people do at it, in a browser. With -short it leaves out what takes long. It leaves pictures of all
// pages in the directory PICTURES, if that is set.
func TestPeopleAtTheDashboard(t *testing.T) {
	needsBrowser(t)
	stage := newStage(t)
	shop := func() *application {
		for _, a := range company() {
			if a.name == "shop" {
				return &a
			}
		}
		return nil
	}()
	all := play(t, stage, "people.mjs", map[string]func(context.Context) error{
		// The controller is not there: this is what it would write.
		"requested": func(ctx context.Context) error {
			rt, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-web").Get(ctx, "shop", metav1.GetOptions{})
			if err == nil && rt.Annotations[v1alpha1.AnnotationRunRequested] == "" {
				err = errors.New("no run was asked for")
			}
			return err
		},
		"begin": func(ctx context.Context) error {
			rt := shop.test(time.Now())
			running(rt)
			return stage.PutTest(ctx, rt)
		},
		"finish":        func(ctx context.Context) error { return stage.finish(ctx, shop, "shop-now", 0) },
		"finish-first":  func(ctx context.Context) error { return stage.finish(ctx, shop, "shop-first", 20*time.Minute) },
		"finish-second": func(ctx context.Context) error { return stage.finish(ctx, shop, "shop-second", 10*time.Minute) },
		"elsewhere": func(ctx context.Context) error {
			_, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-ops").Patch(ctx, "matomo", types.MergePatchType, []byte(`{"spec":{"schedule":{"timezone":"Europe/Vienna"}}}`), metav1.PatchOptions{})
			return err
		},
		"edited": func(ctx context.Context) error {
			rt, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-web").Get(ctx, "media", metav1.GetOptions{})
			if err != nil {
				return err
			}
			if s := rt.Spec; s.Schedule.Cron != "30 4 * * *" || s.Schedule.Jitter != "20m" || s.OnFailure == nil || *s.HistoryLimit != 30 || rt.Labels["team"] == "" {
				return fmt.Errorf("the test is now %+v", s)
			}
			return nil
		},
		"created": func(ctx context.Context) error {
			rt, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-ops").Get(ctx, "made", metav1.GetOptions{})
			if err == nil && (len(rt.Spec.BackupSource.Namespaces) != 2 || rt.Spec.SLA == nil || rt.Spec.SLA.MaxRTO != "10m") {
				err = fmt.Errorf("the test is %+v", rt.Spec)
			}
			return err
		},
		"suspended": func(ctx context.Context) error {
			rt, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-ops").Get(ctx, "vault", metav1.GetOptions{})
			if err == nil && (!rt.Spec.Suspend || rt.Spec.Schedule.Jitter != "20m" || rt.Spec.HealthChecks.PolicyRef != "vault") {
				err = fmt.Errorf("the test is %+v", rt.Spec)
			}
			return err
		},
		"byhand": func(ctx context.Context) error {
			rt, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-ops").Get(ctx, "gitea", metav1.GetOptions{})
			if err == nil && (rt.Spec.Schedule.Jitter != "7m" || rt.Spec.OnFailure == nil || rt.Spec.OnFailure.SearchLastGood.MaxRuns != 4 || rt.Spec.HistoryLimit == nil || rt.Labels["team"] == "") {
				err = fmt.Errorf("the test is %+v", rt.Spec)
			}
			return err
		},
		"deleted": func(ctx context.Context) error {
			if _, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-ops").Get(ctx, "chat", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return errors.Join(errors.New("the test is there still"), err)
			}
			all, err := stage.Kymaros.RestoreV1alpha1().RestoreReports("team-ops").List(ctx, metav1.ListOptions{})
			if err == nil && !slices.ContainsFunc(all.Items, func(r v1alpha1.RestoreReport) bool { return r.Spec.TestRef == "chat" }) {
				err = errors.New("its reports are gone")
			}
			return err
		},
		"policy": func(ctx context.Context) error {
			p, err := stage.Kymaros.RestoreV1alpha1().HealthCheckPolicies("team-ops").Get(ctx, "wiki-pages", metav1.GetOptions{})
			if err == nil && (len(p.Spec.Checks) != 1 || p.Spec.Checks[0].TCPSocket.Port != 3306) {
				err = fmt.Errorf("the policy is %+v", p.Spec)
			}
			return err
		},
		"meanwhile": func(ctx context.Context) error {
			_, err := stage.Kymaros.RestoreV1alpha1().RestoreTests("team-ops").Patch(ctx, "matomo", types.MergePatchType, []byte(`{"spec":{"historyLimit":11}}`), metav1.PatchOptions{})
			return err
		},
		"stop":  func(context.Context) error { return stage.StopAPI() },
		"start": func(context.Context) error { return stage.StartAPI(t.Context()) }, //nolint:contextcheck // it outlives the request
		"forget": func(ctx context.Context) error {
			return stage.Kube.CoreV1().ServiceAccounts("default").Delete(ctx, "payer", metav1.DeleteOptions{})
		},
	})
	if least := map[bool]int{false: 168, true: 53}[testing.Short()]; len(all) < least {
		t.Errorf("only %d things were tried, and not %d", len(all), least)
	}
	for _, o := range all {
		t.Run(o.Name, func(t *testing.T) {
			if o.Error != "" {
				t.Error(o.Error)
			}
		})
	}
}

var reportsEach = flag.Int("reports", 30, "reports of each of the 1,000 tests of the benchmark")

// BenchmarkAThousandTests tells how long pages and the verbs of kubectl kymaros take for 1,000 tests with 30 reports each. Most of its time goes into making them.
func BenchmarkAThousandTests(b *testing.B) {
	needsBrowser(b)
	stage := newStage(b)
	if err := stage.Fleet(b.Context(), 1000, *reportsEach); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		timeVerbs(b, stage)
		for _, o := range play(b, stage, "speed.mjs", nil) {
			b.Logf("%-52s %s", o.Name, o.Note)
			if o.Error != "" {
				b.Errorf("%s: %s", o.Name, o.Error)
			}
		}
	}
}
