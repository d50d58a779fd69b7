package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

// cluster answers as an API server does what kymaros-api asks for: 30,000 reports would take a real one, on a slow disk, half an hour
// to be told of.
type cluster struct {
	kubeconfig string
	lists      map[string][]json.RawMessage // by resource
	changed    chan struct{}
}

var listKinds = map[string]string{"restoretests": "RestoreTestList", "restorereports": "RestoreReportList", "healthcheckpolicies": "HealthCheckPolicyList"}

func newCluster(b *testing.B) *cluster {
	b.Helper()
	c := &cluster{lists: map[string][]json.RawMessage{"healthcheckpolicies": {}}, changed: make(chan struct{})}
	for i := range benchTests {
		ns, name := fmt.Sprintf("team-%02d", i%benchNamespaces), fmt.Sprintf("shop-%04d", i)
		c.add(b, "restoretests", someTest(ns, name))
		for n := range benchReports {
			c.add(b, "restorereports", someReport(ns, name, n))
		}
	}
	b.Logf("%-44s %d bytes", "a report", len(c.lists["restorereports"][0]))
	server := httptest.NewServer(c)
	b.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	config := clientcmdapi.NewConfig()
	config.Clusters["bench"] = &clientcmdapi.Cluster{Server: server.URL}
	config.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench"}
	config.CurrentContext = "bench"
	c.kubeconfig = filepath.Join(b.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, c.kubeconfig); err != nil {
		b.Fatal(err)
	}
	return c
}

func (c *cluster) add(b *testing.B, resource string, object any) {
	b.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(fields) // sorted by name, as an API server has them
	if err != nil {
		b.Fatal(err)
	}
	c.lists[resource] = append(c.lists[resource], text)
}

// change tells those who watch that a test is another.
func (c *cluster) change() { close(c.changed) }

func someTest(ns, name string) *v1alpha1.RestoreTest {
	return &v1alpha1.RestoreTest{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreTest"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, ResourceVersion: "1"},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: ns + "-production"}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *"},
		},
		Status: v1alpha1.RestoreTestStatus{Phase: v1alpha1.PhaseCompleted, LastResult: v1alpha1.ResultPass, LastScore: new(int32(98))},
	}
}

func someReport(ns, test string, n int) *v1alpha1.RestoreReport {
	ended := metav1.NewTime(time.Now().Add(-time.Duration(n) * 24 * time.Hour).Truncate(time.Second))
	r := &v1alpha1.RestoreReport{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreReport"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprintf("%s-%02d", test, n), ResourceVersion: "1", ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)},
			{Manager: controller.FieldManager(controller.Report), Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
		}},
		Spec: v1alpha1.RestoreReportSpec{TestRef: test, RunID: strconv.Itoa(n)},
		Status: &v1alpha1.RestoreReportStatus{
			Score: int32(100 - n), Result: v1alpha1.ResultPass, Reason: "Passed", Message: "all pods are ready and all checks passed: nothing is to be done",
			StartedAt: ended, CompletedAt: ended, RTO: v1alpha1.RTO{Measured: "90s", Target: "15m", WithinSLA: true},
			Backup: v1alpha1.Backup{Name: fmt.Sprintf("nightly-%02d", n), Age: "1h"},
		},
	}
	for i := range 20 { // as much as a run of some size has to tell: 8 KB
		r.Status.Checks = append(r.Status.Checks, v1alpha1.CheckStatus{Name: fmt.Sprintf("check-%d", i), Status: v1alpha1.CheckPass, Message: strings.Repeat("what was seen there; ", 17)})
	}
	return r
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch {
	case r.Method == http.MethodPost:
		c.review(w, r)
	case r.URL.Query().Get("watch") != "":
		c.watch(w, r, resource)
	default:
		c.list(w, r, resource)
	}
}

// review lets everybody do everything, under the name that their token is.
func (c *cluster) review(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var asked runtime.Object
	if err == nil {
		asked, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch review := asked.(type) {
	case *authenticationv1.TokenReview:
		review.APIVersion, review.Kind = "authentication.k8s.io/v1", "TokenReview"
		review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: review.Spec.Token}}
	case *authorizationv1.SubjectAccessReview:
		review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SubjectAccessReview"
		review.Status.Allowed = true
	}
	reply(w, http.StatusCreated, asked)
}

// event is one of a watch, as API servers write it.
type event struct {
	Type   string `json:"type"`
	Object any    `json:"object"`
}

// watch begins with all there is, if that is asked for, and tells of one change.
func (c *cluster) watch(w http.ResponseWriter, r *http.Request, resource string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out, events := http.NewResponseController(w), json.NewEncoder(w)
	if r.URL.Query().Get("sendInitialEvents") != "" {
		for _, object := range c.lists[resource] {
			_ = events.Encode(event{"ADDED", object})
		}
		_ = events.Encode(event{"BOOKMARK", map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": strings.TrimSuffix(listKinds[resource], "List"),
			"metadata": map[string]any{"resourceVersion": "1", "annotations": map[string]string{metav1.InitialEventsAnnotationKey: "true"}},
		}})
	}
	_ = out.Flush()
	changed := c.changed
	if resource != "restoretests" {
		changed = nil
	}
	select {
	case <-r.Context().Done():
		return
	case <-changed:
	}
	other := someTest("team-00", "shop-0000")
	other.ResourceVersion, other.Status.Phase = "2", v1alpha1.PhaseRunning
	_ = events.Encode(event{"MODIFIED", other})
	_ = out.Flush()
	<-r.Context().Done()
}

// list answers page by page.
func (c *cluster) list(w http.ResponseWriter, r *http.Request, resource string) {
	all := c.lists[resource]
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit == 0 {
		limit = len(all)
	}
	to, next := min(from+limit, len(all)), ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	reply(w, http.StatusOK, map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": listKinds[resource],
		"metadata": map[string]string{"resourceVersion": "1", "continue": next}, "items": all[from:to],
	})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
