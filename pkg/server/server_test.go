package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	versionedfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

// Tokens that the API server of all tests knows, by who has them, and two that it does not.
var (
	ofTeam, ofScripts, ofTester, ofAuditor = clustertest.OfTeam, clustertest.OfScripts, clustertest.OfTester, clustertest.OfAuditor
	ofAdmin, ofNobody                      = clustertest.OfAdmin, clustertest.OfNobody
	ofElsewhere, ofUnaware                 = clustertest.OfElsewhere, clustertest.OfUnaware
	forged, expired                        = clustertest.Forged, clustertest.Expired
)

// What is in clusters.
var newTest, newReport, team = clustertest.NewTest, clustertest.NewReport, clustertest.Team

// scene is a server before a cluster.
type scene struct {
	*Server
	*clustertest.Cluster
	client *versionedfake.Clientset
	// theirs is what callers ask with their own tokens, of a cluster with the same objects.
	theirs *versionedfake.Clientset
	t      *testing.T
	// unknown is a field of the status of stored reports that this version does not know.
	unknown string
	// wrote are the tokens with which something was asked for by callers themselves.
	wrote []string
}

// as gives whoever asks clients of the same cluster.
func (s *scene) as(token string) (Clients, error) {
	s.wrote = append(s.wrote, token)
	return Clients{Kymaros: s.theirs, Core: s.Kube.CoreV1()}, nil
}

// bubble runs a test with fake time, before a cluster with those objects.
func bubble(t *testing.T, objects []runtime.Object, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newScene(t, objects)) })
}

func newScene(t *testing.T, objects []runtime.Object) *scene {
	t.Helper()
	s := &scene{Cluster: clustertest.New(), client: versionedfake.NewClientset(objects...), theirs: versionedfake.NewClientset(objects...), t: t}
	var err error
	if s.Server, err = New(Options{Kube: s.Kube, Client: s.client, As: s.as, VeleroNamespace: "velero", Version: "v1.2.3", Namespace: "kymaros-system", Pod: "kymaros-api-1"}); err != nil {
		t.Fatal(err)
	}
	s.stored = s.asStored
	done := make(chan struct{})
	go func() { defer close(done); s.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
	for !s.Ready() {
		time.Sleep(time.Millisecond)
	}
	return s
}

// asStored stands for the API server, whose answers the clients of tests do not have as they come.
func (s *scene) asStored(ctx context.Context, namespace, name string) ([]byte, error) {
	report, err := s.client.RestoreV1alpha1().RestoreReports(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	report.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreReport"}
	body, err := json.Marshal(report)
	if err != nil || s.unknown == "" {
		return body, err
	}
	return []byte(strings.Replace(string(body), `"status":{`, `"status":{`+s.unknown+`,`, 1)), nil
}

// get asks the server; header is name and value, in turns.
func (s *scene) get(token, path string, header ...string) *httptest.ResponseRecorder {
	return s.do(http.MethodGet, token, path, header...)
}

func (s *scene) do(method, token, path string, header ...string) *httptest.ResponseRecorder {
	return s.send(method, token, path, "", header...)
}

// send asks the server with a body, and looks whether all is as the OpenAPI document says.
func (s *scene) send(method, token, path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	conform(s.t, r, body, w)
	return w
}

// read asks the server for a value.
func read[V any](t *testing.T, s *scene, token, path string) V {
	t.Helper()
	var value V
	w := s.get(token, path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, w.Body)
	}
	return value
}

func must[V any](t *testing.T, what string, got, want V) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

type object = runtime.Object
