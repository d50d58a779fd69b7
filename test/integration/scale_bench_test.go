package integration

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var scaleRequests = flag.Bool("scale-requests", false, "with BenchmarkScale: print every kind of request")

// scaleCase is a fleet of RestoreTests that are due at once. Velero restores one at a time.
type scaleCase struct {
	tests int
	never int           // of the tests, how many have a pod that never gets ready
	delay time.Duration // that Velero takes for a Restore
	crowd bool          // in a cluster full of others
	idle  bool          // is watched when all is done
}

// BenchmarkScale tells what a run costs and how long the line takes, with the real process of the controller:
// go test -run '^$' -bench 'Scale/10_tests' -benchtime 1x ./test/integration.
func BenchmarkScale(b *testing.B) {
	for name, c := range map[string]scaleCase{
		"10 tests":                  {tests: 10},
		"100 tests":                 {tests: 100},
		"1000 tests":                {tests: 1000, idle: true},
		"1000 tests in a crowd":     {tests: 1000, idle: true, crowd: true},
		"100 tests, 2 s each":       {tests: 100, delay: 2 * time.Second},
		"100 tests, 20 never ready": {tests: 100, never: 20, delay: 2 * time.Second},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				measureScale(b, c)
			}
		})
	}
}

func measureScale(b *testing.B, c scaleCase) {
	b.Helper()
	if c.crowd {
		fillWithOthers(b)
	}
	fleet := newFleet(b, c)
	velero := startSlowVelero(b, fleet, c.delay)
	defer velero.stop()
	process, through := newProcess(b, "scale", "--max-restores=1", "-v=2")
	if err := process.start(); err != nil {
		b.Fatal(err)
	}
	defer process.kill()
	idle, err := process.settled(through)
	if err != nil {
		b.Fatal(err)
	}

	phases := watchPhases(b, fleet.namespace)
	began := time.Now()
	fleet.create(b)
	most := fleet.awaitEnd(b, phases)
	took := time.Since(began)
	memory := process.memory(b)
	all := through.seen(func(r *request) bool { return !r.watch && !isLease(r) })[idle:]
	if c.idle {
		b.ReportMetric(float64(asksIdly(through)), "idle-requests/min")
	}
	process.kill()
	used := process.cpu()
	if c.idle { // what the finished runs take, without what is left of the work
		if err := process.start(); err != nil {
			b.Fatal(err)
		}
		if _, err := process.settled(through); err != nil {
			b.Fatal(err)
		}
		for half, bytes := range process.memory(b) {
			b.ReportMetric(float64(bytes)/1e6, "MB-restarted-"+half)
		}
		process.kill()
	}

	runs := float64(c.tests)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(all))/runs, "requests/run")
	b.ReportMetric(used.Seconds()/runs, "cpu-s/run")
	b.ReportMetric(took.Seconds(), "s")
	if bound := velero.busy(); bound > 0 {
		b.ReportMetric(velero.lastEnd().Sub(began).Seconds()/bound.Seconds(), "x-bound")
	}
	b.ReportMetric(float64(most), "sandboxes")
	for half, bytes := range memory {
		b.ReportMetric(float64(bytes)/1e6, "MB-"+half)
	}
	passed := fleet.results(b)
	b.ReportMetric(float64(passed[v1alpha1.ResultPass]), "passed")
	gaps := velero.gaps()
	b.ReportMetric(float64(percentile(gaps, 50).Milliseconds()), "ms-gap-p50")
	b.ReportMetric(float64(percentile(gaps, 99).Milliseconds()), "ms-gap-p99")
	for phase, all := range phases.own(velero.ends()) {
		b.ReportMetric(float64(percentile(all, 99).Milliseconds()), "ms-"+phase+"-p99")
	}
	if passed[v1alpha1.ResultPass] != c.tests-c.never {
		b.Errorf("results: %v", passed)
	}
	if *scaleRequests {
		printRequests(all, runs)
	}
}

func isLease(r *request) bool { return strings.Contains(r.path, "/leases") }

// percentile of what is in all, 0 of nothing.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[(len(all)-1)*p/100]
}

// printRequests tells who asked for what how often, for each run.
func printRequests(all []request, runs float64) {
	kinds := map[string]int{}
	for i := range all {
		kinds[kindOf(&all[i])]++
	}
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return cmp.Or(kinds[b]-kinds[a], strings.Compare(a, b)) }) {
		fmt.Printf("%8.2f  %s\n", float64(kinds[kind])/runs, kind)
	}
}

// kindOf names the agent, the verb and the resource of a request, and how it ended if it did not go well.
func kindOf(r *request) string {
	verb := strings.ToLower(r.method)
	parts := strings.Split(strings.Trim(r.path, "/"), "/")
	parts = parts[min(len(parts), map[string]int{"api": 2, "apis": 3}[parts[0]]):]
	if len(parts) == 0 {
		return fmt.Sprintf("%-20s %-10s discovery", r.agent, verb)
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	resource := parts[0]
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	if verb == "get" && len(parts) == 1 {
		verb = "list"
	}
	if r.dry {
		verb += " (dry)"
	}
	if r.code >= 400 {
		verb = fmt.Sprintf("%s [%d]", verb, r.code)
	}
	return fmt.Sprintf("%-20s %-10s %s", r.agent, verb, resource)
}

// fleet is a namespace with RestoreTests of one and the same application.
type fleet struct {
	scaleCase
	namespace, source string
}

func newFleet(b *testing.B, c scaleCase) *fleet {
	b.Helper()
	tag := fmt.Sprintf("%d-%d", c.tests, time.Now().UnixNano()%1e6)
	all := &fleet{scaleCase: c, namespace: "fleet-" + tag, source: "shop-" + tag}
	started := metav1.NewTime(time.Now().Add(2 * time.Second).Truncate(time.Second))
	for _, name := range []string{all.namespace, all.source} {
		if _, err := kube.CoreV1().Namespaces().Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	_, wrong := kymaros.VeleroV1().Backups(veleroNamespace).Create(b.Context(), &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: veleroNamespace, Name: all.source},
		Spec:       velerov1.BackupSpec{IncludedNamespaces: []string{all.source}},
		Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &started, CompletionTimestamp: &started},
	}, metav1.CreateOptions{})
	if err := errors.Join(wrong, createApplication(b.Context(), all.source, nil)); err != nil {
		b.Fatal(err)
	}
	time.Sleep(time.Until(started.Time)) // a backup of the future is none
	return all
}

// create creates the tests, those that never pass between the others.
func (c *fleet) create(b *testing.B) {
	b.Helper()
	policy(b, c.namespace, "web")
	for i := range c.tests {
		name := fmt.Sprintf("t-%04d", i)
		if c.isNever(i) {
			name += neverReady
		}
		rt := restoreTest(c.namespace, name, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.Namespaces[0].Name = c.source
			rt.Spec.HealthChecks.PolicyRef = "web"
			rt.Spec.HealthChecks.Timeout = "60s"
			rt.Spec.HealthChecks.StableFor = "0s" // how long an application is looked at is not what is measured
		})
		if _, err := kymaros.RestoreV1alpha1().RestoreTests(c.namespace).Create(b.Context(), rt, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// neverReady ends the name of a test whose pod never gets ready.
const neverReady = "-never"

func (c *fleet) isNever(i int) bool { return c.never > 0 && i%(c.tests/c.never) == 0 }

// awaitEnd waits until every run has ended and left nothing, and returns how many sandboxes there were at most.
func (c *fleet) awaitEnd(b *testing.B, phases *phaseTimes) (most int) {
	b.Helper()
	limit := time.Duration(c.tests)*(c.delay+2*time.Second) + 5*time.Minute
	waitsFor := ""
	err := wait.PollUntilContextTimeout(b.Context(), time.Second, limit, true, func(ctx context.Context) (bool, error) {
		sandboxes, err := kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy})
		if err != nil {
			return false, err
		}
		live := 0
		for i := range sandboxes.Items {
			if sandboxes.Items[i].DeletionTimestamp == nil {
				live++
			}
		}
		most = max(most, live)
		tests, err := phases.all()
		if err != nil {
			return false, err
		}
		waitsFor = ""
		for _, rt := range tests {
			if err := ended(rt); err != nil {
				waitsFor = err.Error()
			}
		}
		return waitsFor == "" && len(tests) == c.tests, nil
	})
	if err != nil {
		b.Fatalf("%v: %s", err, waitsFor)
	}
	return most
}

// results counts the results of the reports.
func (c *fleet) results(b *testing.B) map[v1alpha1.Result]int {
	b.Helper()
	list, err := kymaros.RestoreV1alpha1().RestoreReports(c.namespace).List(b.Context(), metav1.ListOptions{})
	if err != nil {
		b.Fatal(err)
	}
	all := map[v1alpha1.Result]int{}
	for i := range list.Items {
		if s := list.Items[i].Status; s != nil {
			all[s.Result]++
		}
	}
	return all
}
