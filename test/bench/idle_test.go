package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

const (
	// idle is how many RestoreTests there are of which none is due; notDue of them have run before, the others are suspended.
	idle, notDue = 100, 10
	// window is how long requests are counted.
	window = 30 * time.Second
)

// BenchmarkIdle measures what the controller costs while nothing is due: the requests of its ServiceAccount to the API
// server a minute, by verb, without watches and leases, and its memory.
func BenchmarkIdle(b *testing.B) {
	token := cluster.AccountToken(b, "scraper", "kymaros-metrics-reader")
	for range b.N {
		before := memory(b, token)
		start := mark(b)
		for i := range idle {
			rt := cluster.RestoreTest(fmt.Sprintf("idle-%d", i), "nobody-made-it", shop.Namespace)
			rt.Spec.Suspend = i >= notDue
			cluster.Start(b, rt)
		}
		stage.Until(b, stage.RunTimeout, func(ctx context.Context) error {
			all, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(cluster.Tests).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			for i := range all.Items {
				rt := &all.Items[i]
				if len(rt.Status.Conditions) == 0 || conditions.Active(rt) || rt.Status.Phase == v1alpha1.PhaseRunning || rt.Status.Phase == v1alpha1.PhaseQueued {
					return fmt.Errorf("not at rest: %s", stage.Conditions(rt))
				}
			}
			return nil
		})
		if busy := requests(b, start); len(busy) == 0 {
			b.Fatal("the audit log shows nothing of the controller, so it cannot show that it is idle")
		}
		start = mark(b)
		select {
		case <-time.After(window):
		case <-b.Context().Done():
			b.Fatal(b.Context().Err())
		}
		total := 0
		for verb, n := range requests(b, start) {
			total += n
			b.ReportMetric(perMinute(n), verb+"s/min")
		}
		b.ReportMetric(0, "ns/op") // the measurement as a whole says nothing
		b.ReportMetric(perMinute(total), "requests/min")
		after := memory(b, token)
		b.ReportMetric(after/(1<<20), "RSS-MiB")
		b.ReportMetric((after-before)/(1<<20), "RSS-MiB-more")
	}
}

func perMinute(n int) float64 { return float64(n) * float64(time.Minute) / float64(window) }

// position in the audit log, and the time when that was its end.
type position struct {
	offset int64
	at     time.Time
}

func auditLog(b *testing.B) *os.File {
	b.Helper()
	log, err := os.Open(filepath.Join(cluster.Dir, "audit.log"))
	if err != nil {
		b.Fatal(err)
	}
	return log
}

func mark(b *testing.B) position {
	b.Helper()
	log := auditLog(b)
	defer log.Close()
	offset, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		b.Fatal(err)
	}
	return position{offset, time.Now()}
}

// requests counts the requests of the controller since then, by verb, as the audit log has them.
func requests(b *testing.B, since position) map[string]int {
	b.Helper()
	log := auditLog(b)
	defer log.Close()
	if _, err := log.Seek(since.offset, io.SeekStart); err != nil {
		b.Fatal(err)
	}
	counts := map[string]int{}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return counts // half a line is of a request that has only just come
		}
		if err != nil {
			b.Fatal(err)
		}
		var event struct {
			Verb                     string
			User                     struct{ Username string }
			ObjectRef                struct{ Resource string }
			RequestReceivedTimestamp time.Time
		}
		if err := json.Unmarshal(line, &event); err != nil {
			continue // the first line may have been half written when counting began
		}
		if event.User.Username != "system:serviceaccount:"+stage.SystemNamespace+":"+stage.Controller || event.RequestReceivedTimestamp.Before(since.at) ||
			event.Verb == "watch" || event.ObjectRef.Resource == "leases" {
			continue
		}
		counts[event.Verb]++
	}
}

// memory returns the resident memory of the controller in bytes, as it measures it.
func memory(b *testing.B, token string) float64 {
	b.Helper()
	var text string
	stage.Until(b, time.Minute, func(ctx context.Context) (err error) { // the right that goes with the token takes a moment
		text, err = cluster.Scrape(ctx, shop.Namespace, "controller", token)
		return err
	})
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "process_resident_memory_bytes "); ok {
			bytes, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				b.Fatal(err)
			}
			return bytes
		}
	}
	b.Fatal("the controller does not tell its memory")
	return 0
}
