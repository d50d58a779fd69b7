package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// memory is a sink that can be told to fail, and counts what it is asked.
type memory struct {
	mu      sync.Mutex
	objects map[string]string
	fails   error
	// deaf keeps what it is sent and says that it failed.
	deaf  bool
	asked map[string]int
}

func newMemory() *memory { return &memory{objects: map[string]string{}, asked: map[string]int{}} }

func (m *memory) ask(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[what]++
	return m.fails
}

func (m *memory) Prepare(context.Context) error { return m.ask("prepare") }

func (m *memory) List(_ context.Context, dir, after string) (names []string, err error) {
	if err := m.ask("list"); err != nil {
		return nil, err
	}
	for object := range m.objects {
		if base := path.Base(object); path.Dir(object) == dir && base > after {
			names = append(names, base)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) Put(_ context.Context, name string, body []byte) error {
	if err := m.ask("put"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[name]; there {
		return ErrThere
	}
	m.objects[name] = string(body)
	if m.deaf {
		return errors.New("no answer")
	}
	return nil
}

func (m *memory) Get(_ context.Context, name string) ([]byte, error) {
	if err := m.ask("get"); err != nil {
		return nil, err
	}
	return []byte(m.objects[name]), nil
}

// scene is an archive, and an API server that has reports.
type scene struct {
	*Controller
	t       *testing.T
	sink    *memory
	mu      sync.Mutex
	reports map[string]*v1alpha1.RestoreReport // by path
	reads   int
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, reports: map[string]*v1alpha1.RestoreReport{}, sink: newMemory()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reads++
		w.Header().Set("Content-Type", "application/json")
		report := s.reports[path.Base(path.Dir(path.Dir(r.URL.Path)))+"/"+path.Base(r.URL.Path)]
		if report == nil {
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonNotFound, Code: 404})
			return
		}
		body, err := json.Marshal(report)
		if err != nil {
			t.Error(err)
		}
		// A field that this version does not know.
		_, _ = w.Write([]byte(strings.Replace(string(body), `"status":{`, `"status":{"later":"`+report.Name+`",`, 1)))
	}))
	t.Cleanup(server.Close)
	client, err := versioned.NewForConfig(&rest.Config{Host: server.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	s.restart(client.RestoreV1alpha1().RESTClient())
	return s
}

// restart has another process look at the same cluster and the same sink.
func (s *scene) restart(raw rest.Interface) {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{byTest: testsOf})
	for _, report := range s.reports {
		s.show(indexer, report)
	}
	s.Controller = &Controller{reports: indexer, raw: raw, sink: s.sink, state: newState(), books: map[string]*book{}}
}

func (s *scene) show(indexer cache.Indexer, report *v1alpha1.RestoreReport) {
	s.t.Helper()
	r, err := Row(report)
	if err == nil {
		err = indexer.Update(r)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// put has the API server hold a report.
func (s *scene) put(sequence int64, edits ...func(*v1alpha1.RestoreReport)) cache.ObjectName {
	s.t.Helper()
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	r := &v1alpha1.RestoreReport{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreReport"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: fmt.Sprintf("shop-%03d", sequence), ResourceVersion: "1", UID: "u",
			Labels: map[string]string{"anybody": "s"}, ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate,
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{},"f:status":{}}`),
			}}},
		Spec: v1alpha1.RestoreReportSpec{TestRef: "shop", RunID: fmt.Sprint("run-", sequence)},
		Status: &v1alpha1.RestoreReportStatus{Result: v1alpha1.ResultPass, StartedAt: now, CompletedAt: now,
			Evidence: &v1alpha1.Evidence{Sequence: sequence, Cluster: v1alpha1.ClusterIdentity{UID: "cluster"}}},
		Hygiene: &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: now},
	}
	for _, e := range edits {
		e(r)
	}
	s.mu.Lock()
	s.reports[r.Namespace+"/"+r.Name] = r
	s.mu.Unlock()
	s.show(s.Controller.reports, r)
	return cache.MetaObjectToName(r)
}

// prune has the API server lose a report.
func (s *scene) prune(key cache.ObjectName) {
	s.t.Helper()
	delete(s.reports, key.String())
	if err := s.Controller.reports.Delete(&row{namespace: key.Namespace, name: key.Name}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) look(key cache.ObjectName) time.Duration {
	s.t.Helper()
	again, err := s.sync(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	return again
}
