package metrics

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/sets"
	clientmetrics "k8s.io/client-go/tools/metrics"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/metrics/legacyregistry"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // as the controller has them
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // as the controller has them
	"sigs.k8s.io/yaml"
)

const monitoring = "../../manifests/monitoring"

// exported returns the labels of all metrics that a controller exports which has done everything, by name.
func exported(t *testing.T) map[string]sets.Set[string] {
	t.Helper()
	happen()
	defer Forget("prod", "shop")
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(workqueue.DefaultTypedControllerRateLimiter[string](), workqueue.TypedRateLimitingQueueConfig[string]{Name: "kymaros-test"})
	queue.AddRateLimited("a") // a retry
	key, _ := queue.Get()
	queue.Done(key)
	queue.ShutDown()
	clientmetrics.RequestResult.Increment(t.Context(), "200", "GET", "host")
	clientmetrics.RequestLatency.Observe(t.Context(), "GET", url.URL{Scheme: "https", Host: "host"}, time.Millisecond)
	tests, _ := cached(t, fleet()...)
	registry := prometheus.NewRegistry()
	registry.MustRegister(tests, Prober(func() bool { return true }), Archive(func() ArchiveStatus { return ArchiveStatus{} })) // of other processes
	all, err := prometheus.Gatherers{legacyregistry.DefaultGatherer, registry}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]sets.Set[string]{}
	for _, family := range all {
		labels := sets.New("job", "instance", "pod", "le") // of the target, and of buckets
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels.Insert(l.GetName())
		}
		names[family.GetName()] = labels
	}
	return names
}

// expressions returns all queries of alerts and dashboards, by where they are.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, a := range alerts(t) {
		all[a.Alert] = a.Expr
	}
	files, err := filepath.Glob(monitoring + "/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ RefID, Expr string }
			}
			Templating struct {
				List []struct{ Name, Type, Query string }
			}
		}
		if err := json.Unmarshal(read(t, file), &dashboard); err != nil {
			t.Fatal(err)
		}
		for _, p := range dashboard.Panels {
			for _, target := range p.Targets {
				all[filepath.Base(file)+": "+p.Title+": "+target.RefID] = target.Expr
			}
		}
		for _, v := range dashboard.Templating.List {
			if v.Type == "query" {
				all[filepath.Base(file)+": $"+v.Name] = v.Query
			}
		}
	}
	return all
}

type alert struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var rules struct {
		Groups []struct{ Rules []alert }
	}
	if err := yaml.Unmarshal(read(t, monitoring+"/kymaros.rules.yaml"), &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no alerts")
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var (
	metricName = regexp.MustCompile(`\b(?:kymaros|workqueue|rest_client|process|go|leader_election)_[a-z0-9_]+\b`)
	selector   = regexp.MustCompile(`([a-z_][a-z0-9_]*)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)\s*(?:=|!=|=~|!~)\s*"`)
)

// family returns the name of a metric without what histograms add to it.
func family(name string, names map[string]sets.Set[string]) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && names[base] != nil {
			return base
		}
	}
	return name
}

func TestAlertsAndDashboardsAskForWhatIsExported(t *testing.T) {
	names := exported(t)
	for where, expr := range expressions(t) {
		asked := metricName.FindAllString(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, `""`), -1)
		if len(asked) == 0 {
			t.Errorf("%s: no metric in %q", where, expr)
		}
		for _, name := range asked {
			if names[family(name, names)] == nil {
				t.Errorf("%s: %s is not exported", where, name)
			}
		}
		for _, m := range selector.FindAllStringSubmatch(expr, -1) {
			for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !names[family(m[1], names)].Has(label[1]) {
					t.Errorf("%s: %s has no label %s", where, m[1], label[1])
				}
			}
		}
	}
}

// anchors of the headings of a page, as GitHub makes them.
func anchors(page string) []string {
	var all []string
	for line := range strings.Lines(page) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			all = append(all, strings.ReplaceAll(strings.ToLower(strings.TrimSpace(heading)), " ", "-"))
		}
	}
	return all
}

func TestEveryAlertTellsWhatToDo(t *testing.T) {
	page := string(read(t, monitoring+"/README.md"))
	headings := anchors(page)
	for _, a := range alerts(t) {
		for _, annotation := range []string{"summary", "description"} {
			if a.Annotations[annotation] == "" {
				t.Errorf("%s: no annotation %s", a.Alert, annotation)
			}
		}
		if severity := a.Labels["severity"]; severity != "warning" && severity != "critical" {
			t.Errorf("%s: severity is %q", a.Alert, severity)
		}
		file, anchor, _ := strings.Cut(a.Annotations["runbook_url"], "#")
		if !strings.HasSuffix(file, "/manifests/monitoring/README.md") || anchor != strings.ToLower(a.Alert) || !slices.Contains(headings, anchor) {
			t.Errorf("%s: runbook_url %s leads to no heading of manifests/monitoring/README.md", a.Alert, a.Annotations["runbook_url"])
		}
	}
	for _, heading := range headings {
		if strings.HasPrefix(heading, "kymaros") && !slices.ContainsFunc(alerts(t), func(a alert) bool { return strings.ToLower(a.Alert) == heading }) {
			t.Errorf("manifests/monitoring/README.md has a heading for %s, and there is no such alert", heading)
		}
	}
}

func TestThePageNamesEveryMetric(t *testing.T) {
	page, names := string(read(t, monitoring+"/README.md")), exported(t)
	for name := range names {
		if strings.HasPrefix(name, subsystem+"_") && !strings.Contains(page, "`"+name) {
			t.Errorf("manifests/monitoring/README.md does not name %s", name)
		}
	}
	for _, name := range regexp.MustCompile("`(kymaros_[a-z_]+)").FindAllStringSubmatch(page, -1) {
		if names[name[1]] == nil && !strings.HasPrefix(name[1], "kymaros_api_") {
			t.Errorf("manifests/monitoring/README.md names %s, which is not exported", name[1])
		}
	}
}
