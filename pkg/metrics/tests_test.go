package metrics

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), go test -update writes it:\n%s", path, diff)
	}
}

// text is what Prometheus gets of the tests, or of one metric the samples alone.
func text(t *testing.T, tests *Tests, name ...string) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry() // which checks what is told against what is described
	registry.MustRegister(tests)
	all := scrape(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), "text/plain", "").Body.String()
	if len(name) == 0 {
		return all
	}
	var samples strings.Builder
	for line := range strings.Lines(all) {
		if strings.HasPrefix(line, name[0]+"{") || strings.HasPrefix(line, name[0]+" ") {
			samples.WriteString(line)
		}
	}
	return samples.String()
}

// happen has one of everything happen that is counted.
func happen() {
	Register()
	Known("prod", "shop")
	Ended("prod", "shop", Run{
		Result: v1alpha1.ResultPass, Reason: "Passed", Duration: 90 * time.Second,
		Phases: map[Phase]time.Duration{Line: time.Minute, Sandbox: time.Second, Queue: 0, Restore: time.Minute, Pods: time.Second, Checks: time.Second},
	})
	CleanedUp(time.Minute)
	MissedTurn("prod", "shop")
	Leaked("prod", "shop", 2)
	VeleroStalled()
	Fence(true)
	RegisterNotifications() // of kymaros-notify
	RegisterArchive()       // of kymaros-archive
	Notified("slack", NotificationSent)
	NotificationDefaults(true)
}

// Names, types, labels and values: users' dashboards and alerts rest on them.
func TestWhatIsTold(t *testing.T) {
	tests, _ := cached(t, fleet()...)
	golden(t, "tests.txt", text(t, tests))
}

func TestNamesAndHelpFollowTheConventions(t *testing.T) {
	happen()
	defer Forget("prod", "shop")
	tests, _ := cached(t, fleet()...)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(tests)
	for what, gatherer := range map[string]prometheus.Gatherer{"of tests": registry, "that count": legacyregistry.DefaultGatherer} {
		all, err := testutil.GatherAndLint(gatherer)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if strings.HasPrefix(p.Metric, subsystem) {
				t.Errorf("metrics %s: %s: %s", what, p.Metric, p.Text)
			}
		}
	}
}

func TestEveryNameIsDescribed(t *testing.T) {
	tests, _ := cached(t, fleet()...)
	registry := prometheus.NewPedanticRegistry() // which checks what is told against what is described
	registry.MustRegister(tests)
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	described := make(chan *prometheus.Desc, 1000)
	tests.Describe(described)
	if len(all) != len(described) {
		t.Errorf("%d names are told by a fleet that has them all, and %d described", len(all), len(described))
	}
}

func TestTheSeriesOfATestGoWithIt(t *testing.T) {
	shop := proved("shop")
	tests, indexer := cached(t, shop, created("other"))
	series := func() (n int) {
		for line := range strings.Lines(text(t, tests)) {
			if strings.Contains(line, `"shop"`) || strings.Contains(line, `"shop-db"`) || strings.HasPrefix(line, "kymaros_isolation_proof") {
				n++
			}
		}
		return n
	}
	if series() == 0 {
		t.Fatal("nothing is told of the test")
	}
	if err := indexer.Delete(shop); err != nil {
		t.Fatal(err)
	}
	if n := series(); n != 0 {
		t.Errorf("%d series of the deleted test remain", n)
	}
}

func TestARestartChangesNothing(t *testing.T) {
	before, _ := cached(t, fleet()...)
	first := text(t, before)
	again := text(t, before)
	after, _ := cached(t, fleet()...)
	second := text(t, after)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("a second scrape (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("another process (-before +after):\n%s", diff)
	}
}

func TestNothingIsToldOfAPartOfTheTests(t *testing.T) {
	tests, _ := cached(t, fleet()...)
	tests.Synced = func() bool { return false }
	tests.Leading = func() bool { return false }
	want := `
# HELP kymaros_leading Whether this controller holds the lease, and so starts and ends runs, 1 or 0.
# TYPE kymaros_leading gauge
kymaros_leading 0
`
	if err := testutil.CollectAndCompare(tests, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestWhileTheNextRunIsUnderWayTheLastOneIsTold(t *testing.T) {
	rt := proved("shop")
	rt.Status.Run = &v1alpha1.RunStatus{ID: "run-3", ScheduledTime: at(72), StartTime: at(72)}
	tests, _ := cached(t, rt)
	for name, want := range map[string]string{
		"kymaros_rto_seconds": "372", "kymaros_backup_age_seconds": "7200", "kymaros_completeness_ratio": "0.75", "kymaros_score": "98",
	} {
		if got := text(t, tests, name); !strings.HasSuffix(got, "} "+want+"\n") {
			t.Errorf("%s: got %q, want %s", name, got, want)
		}
	}
}

func TestIsolationIsWhatTheNewestRunWasTold(t *testing.T) {
	state := func(all ...*v1alpha1.RestoreTest) (states string) {
		tests, _ := cached(t, all...)
		for line := range strings.Lines(text(t, tests, "kymaros_isolation_proof")) {
			if name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\"} 1\n"), `kymaros_isolation_proof{state="`); ok && strings.HasSuffix(line, " 1\n") {
				states += name
			}
		}
		return states
	}
	later := func(change func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
		rt := proved("later")
		rt.Status.Run.StartTime = at(60)
		change(rt)
		return rt
	}
	for name, c := range map[string]struct {
		change func(*v1alpha1.RestoreTest)
		want   string
	}{
		"a later run was not told yet":            {func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Isolation = "" }, "proven"},
		"a later run waits for a sandbox":         {func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "run-3" }, "proven"},
		"a later run was told otherwise":          {func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Isolation = v1alpha1.IsolationUnproven }, "unproven"},
		"a later run was not to look":             {func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Isolation = v1alpha1.IsolationOff }, "off"},
		"a later run was told before its restore": {restored(v1alpha1.ReasonIsolationNotEnforced), "notEnforced"},
		"a later run lost the proof meanwhile":    {restored(v1alpha1.ReasonIsolationUnproven), "unproven"},
		"a later run ended for some other reason": {restored(v1alpha1.ReasonFailed), "proven"},
		"a later test has no run that has begun":  {func(rt *v1alpha1.RestoreTest) { rt.Status.Run.StartTime = metav1.Time{} }, "proven"},
		"a later test has no run at all":          {func(rt *v1alpha1.RestoreTest) { rt.Status = v1alpha1.RestoreTestStatus{} }, "proven"},
	} {
		if got := state(proved("shop"), later(c.change)); got != c.want {
			t.Errorf("%s: got %q, want %s", name, got, c.want)
		}
	}
	if got := state(created("new")); got != "" {
		t.Errorf("before any run: got %s", got)
	}
}

func restored(reason string) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: rt.Status.Run.ID}
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: reason})
	}
}

// A test has a bounded number of series, whatever its name, its reasons and its messages are.
func TestTheNumberOfSeriesIsBounded(t *testing.T) {
	const tests, perTest, others = 1000, 32, 7
	collector, _ := cached(t, many(tests)...)
	if n := testutil.CollectAndCount(collector); n > tests*perTest+others {
		t.Errorf("%d series of %d tests, at most %d are to be", n, tests, tests*perTest+others)
	}
	happen()
	count := func() (n int) {
		all, err := legacyregistry.DefaultGatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range all {
			if family.GetName() == "kymaros_runs_total" {
				n = len(family.GetMetric())
			}
		}
		return n
	}
	before := count()
	for _, reason := range []string{"", "Nobody knows it", "rpc error: code = 17"} {
		Ended("prod", "shop", Run{Result: v1alpha1.ResultInconclusive, Reason: reason})
	}
	if more := count() - before; more > 1 {
		t.Errorf("reasons that nobody knows have made %d series", more)
	}
	Forget("prod", "shop")
}

// scrape asks the handler as Prometheus does.
func scrape(t testing.TB, handler http.Handler, accept, encoding string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w
}

func TestOpenMetricsIsGivenToWhoAsksForIt(t *testing.T) {
	happen()
	defer Forget("prod", "shop")
	tests, _ := cached(t, fleet()...)
	handler := Handler(tests)
	for accept, want := range map[string]struct{ kind, starts, ends string }{
		"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": {"application/openmetrics-text; version=1.0.0", "# TYPE kymaros_tests counter\n", "# EOF\n"},
		"text/plain": {"text/plain; version=0.0.4", "# TYPE kymaros_tests_total counter\n", "\n"},
	} {
		w := scrape(t, handler, accept, "")
		if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, want.kind) {
			t.Errorf("%s: got %s, want %s", accept, kind, want.kind)
		}
		for _, text := range []string{want.starts, `kymaros_tests_total{namespace="prod",result="pass",test="shop"} `, `kymaros_score{namespace="prod",test="shop"} 98`} {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: no %q in the answer", accept, text)
			}
		}
		if !strings.HasSuffix(w.Body.String(), want.ends) {
			t.Errorf("%s: the answer does not end with %q", accept, want.ends)
		}
	}
}

// What a scrape of 1,000 tests takes and weighs, with what is counted of them.
func BenchmarkScrape(b *testing.B) {
	Register()
	all := many(1000)
	for _, rt := range all {
		Known(rt.Namespace, rt.Name)
		Ended(rt.Namespace, rt.Name, Run{Result: v1alpha1.ResultPass, Reason: "Passed", Duration: time.Minute})
		defer Forget(rt.Namespace, rt.Name)
	}
	tests, _ := cached(b, all...)
	handler := Handler(tests)
	var plain, packed int
	b.ReportAllocs()
	for b.Loop() {
		packed = scrape(b, handler, "text/plain", "gzip").Body.Len()
	}
	b.StopTimer()
	body := scrape(b, handler, "text/plain", "gzip").Body.Bytes()
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		b.Fatal(err)
	}
	plain = len(text)
	b.ReportMetric(float64(plain)/1e6, "MB")
	b.ReportMetric(float64(packed)/1e6, "MB-gzip")
	b.ReportMetric(float64(testutil.CollectAndCount(tests)), "series-of-tests")
}
