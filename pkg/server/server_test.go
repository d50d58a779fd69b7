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
	"github.com/kymaros/kymaros/pkg/controller"
	versionedfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/server/caller/callertest"
)

// Tokens that the API server of all tests knows, by who has them, and two that it does not.
var (
	ofTeam, ofScripts, ofTester, ofAuditor = callertest.OfTeam, callertest.OfScripts, callertest.OfTester, callertest.OfAuditor
	ofAdmin, ofNobody                      = callertest.OfAdmin, callertest.OfNobody
	ofElsewhere, ofUnaware                 = callertest.OfElsewhere, callertest.OfUnaware
	forged, expired                        = callertest.Forged, callertest.Expired
)

// scene is a server before a cluster.
type scene struct {
	*Server
	*callertest.Cluster
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
	s := &scene{Cluster: callertest.New(), client: versionedfake.NewClientset(objects...), theirs: versionedfake.NewClientset(objects...), t: t}
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

// newTest is a RestoreTest that restores one source.
func newTest(ns, name, source string, change ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ns, Name: name, Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "applied"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: source}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *"},
		},
	}
	for _, f := range change {
		f(rt)
	}
	return rt
}

// newReport is a RestoreReport that the controller wrote, of a run that ended some time ago.
func newReport(ns, name, test string, result v1alpha1.Result, score int32, ago time.Duration) *v1alpha1.RestoreReport {
	ended := metav1.NewTime(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-ago)) // where the time of a bubble begins
	return &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, CreationTimestamp: ended, ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)},
			{Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
		}},
		Spec: v1alpha1.RestoreReportSpec{TestRef: test, RunID: name},
		Status: &v1alpha1.RestoreReportStatus{
			Score: score, Result: result, Message: "what " + ns + " has to say of " + test, StartedAt: ended, CompletedAt: ended,
			RTO: v1alpha1.RTO{Measured: "90s", Target: "15m", WithinSLA: true}, Backup: v1alpha1.Backup{Name: ns + "-nightly", Age: "1h"},
			PodLogs: []v1alpha1.PodLog{{PodName: "db-0", Namespace: ns}}, Events: []v1alpha1.ReportEvent{{Type: "Normal", Reason: "Pulled"}}, //nolint:staticcheck // deprecated, and not to be shown
		},
	}
}

func newPolicy(ns, name string) *v1alpha1.HealthCheckPolicy {
	return &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{{Name: "rows"}}}}
}

// team is what one namespace has. The test shop, its report shop-1 and the policy shop are in every one.
func team(ns string) []runtime.Object {
	soon := metav1.NewTime(time.Date(2000, 1, 1, 3, 0, 0, 0, time.UTC))
	return []runtime.Object{
		newTest(ns, "shop", ns+"-source", func(rt *v1alpha1.RestoreTest) {
			rt.Status = v1alpha1.RestoreTestStatus{Phase: v1alpha1.PhaseCompleted, LastResult: v1alpha1.ResultPass, LastScore: new(int32(98)), NextRunAt: &soon}
			rt.Spec.Notifications = &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{{Type: "slack", Channel: "#" + ns, WebhookSecretRef: "slack"}}}
		}),
		newTest(ns, ns+"-ledger", ns+"-source"),
		newReport(ns, "shop-1", "shop", v1alpha1.ResultFail, 40, 2*time.Hour),
		newReport(ns, "shop-2", "shop", v1alpha1.ResultPass, 98, time.Hour),
		newReport(ns, ns+"-only", ns+"-ledger", v1alpha1.ResultFail, 10, 3*time.Hour),
		newPolicy(ns, "shop"), newPolicy(ns, ns+"-policy"),
	}
}

func must[V any](t *testing.T, what string, got, want V) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

type object = runtime.Object
