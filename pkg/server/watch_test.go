package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
	"github.com/kymaros/kymaros/pkg/server/streams"
)

// watcher is a client of the stream.
type watcher struct {
	http.ResponseWriter
	mu     sync.Mutex
	text   strings.Builder
	status int
	done   chan struct{}
	cancel context.CancelFunc
}

func (w *watcher) WriteHeader(status int)           { w.status = status }
func (w *watcher) Flush()                           {}
func (w *watcher) SetReadDeadline(time.Time) error  { return nil }
func (w *watcher) SetWriteDeadline(time.Time) error { return nil }
func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// watching begins a stream, which ends with t.
func (s *scene) watching(token, path string, header ...string) *watcher {
	ctx, cancel := context.WithCancel(s.t.Context())
	w := &watcher{ResponseWriter: httptest.NewRecorder(), done: make(chan struct{}), cancel: cancel}
	r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(w.done)
		s.ServeHTTP(w, r)
	}()
	s.t.Cleanup(func() { cancel(); <-w.done })
	synctest.Wait()
	return w
}

// heard are the events until now, as "event namespace/name", with the id of the last. Comments are "-".
func (w *watcher) heard() (all []string, id string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for block := range strings.SplitSeq(strings.TrimSpace(w.text.String()), "\n\n") {
		event := ""
		for line := range strings.SplitSeq(block, "\n") {
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "event":
				event = value
			case "id":
				id = value
			case "data":
				for _, what := range []string{"team-a/new", "team-a/shop", "team-b/new"} {
					ns, name, _ := strings.Cut(what, "/")
					if strings.Contains(value, fmt.Sprintf("%q", name)) && strings.Contains(value, fmt.Sprintf("%q", ns)) {
						event += " " + what
					}
				}
			case "":
				event = "-"
			}
		}
		all = append(all, event)
	}
	return all, id
}

func (s *scene) create(ns, name string) {
	s.t.Helper()
	if _, err := s.client.RestoreV1alpha1().RestoreTests(ns).Create(s.t.Context(), newTest(ns, name, "db"), metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

func TestAStreamTellsWhatTheWatcherMaySee(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		mine, all, nobody := s.watching(ofTeam, "/api/v1/watch"), s.watching(ofAuditor, "/api/v1/watch"), s.watching(ofNobody, "/api/v1/watch")
		one := s.watching(ofAuditor, "/api/v1/watch?namespace=team-b")
		s.create("team-a", "new")
		s.create("team-b", "new")
		tests := s.client.RestoreV1alpha1().RestoreTests("team-a")
		rt, err := tests.Get(t.Context(), "shop", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rt.Labels = map[string]string{"of": "no interest to lists"}
		if rt, err = tests.Update(t.Context(), rt, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		rt.Status.Phase = v1alpha1.PhaseRunning
		if _, err := tests.UpdateStatus(t.Context(), rt, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := tests.Delete(t.Context(), "shop", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		for who, c := range map[string]struct {
			w    *watcher
			want []string
		}{
			"who may see one namespace": {mine, []string{"ready", "test team-a/new", "test team-a/shop", "gone team-a/shop"}},
			"who may see all":           {all, []string{"ready", "test team-a/new", "test team-b/new", "test team-a/shop", "gone team-a/shop"}},
			"who may see nothing":       {nobody, []string{"ready"}},
			"who asks for one":          {one, []string{"ready", "test team-b/new"}},
		} {
			got, _ := c.w.heard()
			must(t, who, got, c.want)
		}
		if w := s.get(ofTeam, "/api/v1/watch?namespace=team-b"); w.Code != http.StatusForbidden {
			t.Errorf("a namespace of others: %d", w.Code)
		}
	})
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		first := s.watching(ofTeam, "/api/v1/watch")
		s.create("team-a", "new")
		_, id := first.heard()
		first.cancel()
		s.create("team-a", "shop")
		for who, c := range map[string]struct {
			id   string
			want []string
		}{
			"who has heard of the first":     {id, []string{"test team-a/shop"}},
			"who comes from another process": {"other-1", []string{"resync"}},
			"an id that is none":             {"x", []string{"resync"}},
			"an id that is still to come":    {s.streams.ID(99), []string{"resync"}},
		} {
			got, _ := s.watching(ofTeam, "/api/v1/watch", "Last-Event-ID", c.id).heard()
			must(t, who, got, c.want)
		}
		for range streams.Kept {
			s.streams.Add(streams.Change{Resource: tests, Namespace: "team-b", Event: "test", Data: func() []byte { return nil }})
		}
		got, _ := s.watching(ofTeam, "/api/v1/watch", "Last-Event-ID", id).heard()
		must(t, "who was away for too long", got, []string{"resync"})
	})
}

func TestAStreamEndsWithTheRight(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		token := clustertest.JWT(`{"sub":"leaving"}`)
		s.Come(token, clustertest.Person{Name: "anna", Groups: []string{"team-a"}})
		w := s.watching(token, "/api/v1/watch")
		time.Sleep(heartbeat + time.Second)
		got, _ := w.heard()
		must(t, "when nothing happens", got, []string{"ready", "-"})
		s.Govern(nil)
		time.Sleep(caller.VerdictFor)
		s.create("team-a", "new")
		got, _ = w.heard()
		must(t, "without the right", got, []string{"ready", "-"})
		s.Leave(token)
		time.Sleep(reviewEvery + caller.KnownFor)
		select {
		case <-w.done:
		default:
			t.Error("the token is good no more, and the stream goes on")
		}
		if got, _ = w.heard(); got[len(got)-1] != "expired" {
			t.Errorf("it ends with %q", got)
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		var all []*watcher
		for range streams.MaxOfOne {
			all = append(all, s.watching(ofTeam, "/api/v1/watch"))
		}
		if w := s.get(ofTeam, "/api/v1/watch"); w.Code != http.StatusTooManyRequests {
			t.Errorf("one more: %d", w.Code)
		}
		all[0].cancel()
		<-all[0].done
		must(t, "when one has gone", s.watching(ofTeam, "/api/v1/watch").status, http.StatusOK)
		s.Close()
		for _, w := range all {
			<-w.done
		}
		if w := s.get(ofAuditor, "/api/v1/watch"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("when the program ends: %d", w.Code)
		}
	})
}
