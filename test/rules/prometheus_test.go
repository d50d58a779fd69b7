// Package rules has a real Prometheus scrape what a controller tells, and ask all that dashboards and alerts ask.
package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const monitoring = "../../manifests/monitoring"

// prometheus is a server with a directory of its own.
type prometheus struct {
	t       *testing.T
	address string
}

// start starts one that has the alert rules, and scrapes a target every half second.
func start(t *testing.T, target string) *prometheus {
	t.Helper()
	build := exec.CommandContext(t.Context(), "../../hack/promtool.sh", "prometheus")
	build.Stderr = os.Stderr
	program, err := build.Output()
	if err != nil {
		t.Fatalf("%s: %v", build, err)
	}
	rules, err := filepath.Abs(filepath.Join(monitoring, "kymaros.rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: [%s]
scrape_configs:
- job_name: kymaros
  honor_labels: true
  static_configs: [{targets: [%q], labels: {pod: kymaros-controller-1}}]
`, rules, target)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &prometheus{t, l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(strings.TrimSpace(string(program)), "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+dir, "--web.listen-address="+p.address, "--log.level=warn")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return p
}

// until waits until done returns "", else what is not so yet.
func (p *prometheus) until(done func(context.Context) string) {
	p.t.Helper()
	var yet string
	err := wait.PollUntilContextTimeout(p.t.Context(), 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		now := done(ctx)
		if ctx.Err() == nil { // else it says that
			yet = now
		}
		return now == "", nil
	})
	if err != nil {
		p.t.Fatalf("%v: %s", err, yet)
	}
}

// ask returns what the API answers.
func (p *prometheus) ask(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Warnings      []string
		Infos         []string
		Data          any
	}{Data: into}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" || len(answer.Warnings) > 0 {
		return fmt.Errorf("%s: %s %q", answer.Status, answer.Error, answer.Warnings)
	}
	return nil
}

// found is the answer to a query.
type found struct {
	Result []struct {
		Metric map[string]string
		Value  [2]any
	}
}

func (p *prometheus) number(ctx context.Context, expr string) float64 {
	var f found
	if err := p.ask(ctx, "/api/v1/query", url.Values{"query": {expr}}, &f); err != nil || len(f.Result) != 1 {
		return 0
	}
	text, _ := f.Result[0].Value[1].(string)
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

// alerts waits until each alert is about the tests of that name, and no other, pending or firing; "" is of no test.
func (p *prometheus) alerts(want map[string][]string) {
	p.t.Helper()
	p.until(func(ctx context.Context) string {
		var all struct {
			Alerts []struct{ Labels map[string]string }
		}
		if err := p.ask(ctx, "/api/v1/alerts", nil, &all); err != nil {
			return err.Error()
		}
		got := map[string][]string{}
		for _, a := range all.Alerts {
			name := a.Labels["alertname"]
			got[name] = append(got[name], a.Labels["test"])
		}
		if !maps.EqualFunc(got, want, slices.Equal) {
			return fmt.Sprintf("alerts are %q, want %q", got, want)
		}
		return ""
	})
}

// panel is one query of a dashboard.
type panel struct {
	where, expr string
	instant     bool
}

// dashboards returns all their queries, with what Grafana puts in for variables; and of each variable its query.
func dashboards(t *testing.T) (panels []panel, variables map[string]string) {
	t.Helper()
	files, err := filepath.Glob(monitoring + "/dashboards/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d dashboards: %v", len(files), err)
	}
	values := strings.NewReplacer("$__rate_interval", "10s", "$__range", "1m", "$namespace", namespace, "$test", "shop")
	variables = map[string]string{}
	for _, file := range files {
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct {
					RefID, Expr string
					Instant     bool
				}
			}
			Templating struct {
				List []struct{ Name, Type, Query string }
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				panels = append(panels, panel{filepath.Base(file) + ": " + p.Title + ": " + q.RefID, values.Replace(q.Expr), q.Instant})
			}
		}
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				variables[v.Name] = values.Replace(v.Query)
			}
		}
	}
	return panels, variables
}

func TestARealPrometheusAnswersAllThatDashboardsAndAlertsAsk(t *testing.T) {
	controller := newController(t)
	target := httptest.NewServer(controller)
	defer target.Close()
	p := start(t, target.Listener.Addr().String())
	p.until(func(ctx context.Context) string {
		if n := p.number(ctx, "count_over_time(kymaros_leading[5m])"); n < 10 {
			return fmt.Sprintf("%v of 10 scrapes", n)
		}
		return ""
	})

	panels, variables := dashboards(t)
	if len(panels) < 40 {
		t.Errorf("only %d queries", len(panels))
	}
	for _, q := range panels {
		path, query := "/api/v1/query", url.Values{"query": {q.expr}}
		if !q.instant {
			now := time.Now().Unix()
			path, query = "/api/v1/query_range", url.Values{"query": {q.expr}, "start": {strconv.FormatInt(now-30, 10)}, "end": {strconv.FormatInt(now, 10)}, "step": {"1"}}
		}
		var f found
		if err := p.ask(t.Context(), path, query, &f); err != nil {
			t.Errorf("%s: %s: %v", q.where, q.expr, err)
		} else if len(f.Result) == 0 {
			t.Errorf("%s: %s: no data", q.where, q.expr)
		}
	}
	for name, want := range map[string]string{"namespace": namespace, "test": "shop"} {
		expr, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(variables[name], "label_values("), ")"), ", ")
		var all []string
		if err := p.ask(t.Context(), "/api/v1/label/"+label+"/values", url.Values{"match[]": {expr}}, &all); err != nil || !slices.Contains(all, want) {
			t.Errorf("variable %s, %s: %q %v", name, variables[name], all, err)
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.ask(t.Context(), "/api/v1/rules", nil, &rules); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			names = append(names, r.Name)
			if r.Health != "ok" || r.LastError != "" {
				t.Errorf("alert %s: %s %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if want := append(slices.Collect(maps.Keys(ill())), append(system, notifyAbsent)...); !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the alerts are %q, and here is a case of %q", names, want)
	}

	// Each is about the one test that it is for, and what is wrong with no test is not yet.
	want := map[string][]string{}
	for name, rt := range ill() {
		want[name] = []string{rt.Name}
	}
	want[notifyAbsent] = []string{""}
	p.alerts(want)

	controller.breakDown(t)
	delete(want, "KymarosTestCannotStart") // the fence alone is told of then
	delete(want, notifyAbsent)             // whoever says that what they read is wrong is there
	for _, name := range system {
		want[name] = []string{""}
	}
	p.alerts(want)
}
