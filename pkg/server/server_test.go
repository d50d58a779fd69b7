package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	versionedfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

// person is who the API server says that a token is of.
type person struct {
	name   string
	groups []string
	// audiences are those of the token; none: it is for the API server.
	audiences []string
	// unaware: whoever looked at the token knows of no audiences.
	unaware bool
}

// rule allows verbs on resources in a namespace; empty: in all.
type rule struct {
	namespace string
	resources []string
	verbs     []string
}

var (
	kinds = []string{tests, reports, policies}
	reads = []string{"get", "list"}
)

// tokens are those that the API server of all tests knows, by who has them.
var (
	ofTeam      = jwt(`{"sub":"anna"}`)
	ofScripts   = jwt(`{"aud":["kymaros-api"],"sub":"script"}`)
	ofTester    = jwt(`{"aud":"https://kubernetes.default.svc","sub":"tess"}`)
	ofAuditor   = "opaque-token-of-an-auditor"
	ofAdmin     = jwt(`{"sub":"root"}`)
	ofNobody    = jwt(`{"sub":"nobody"}`)
	ofElsewhere = jwt(`{"aud":["kymaros-api","vault"],"sub":"eve"}`)
	ofUnaware   = jwt(`{"aud":"kymaros-api","sub":"mallory"}`)
	forged      = jwt(`{"aud":"kymaros-api","sub":"system:admin"}`)
	expired     = jwt(`{"aud":"kymaros-api","sub":"anna","exp":1}`)
)

var people = map[string]person{
	ofTeam:    {name: "anna", groups: []string{"team-a"}},
	ofScripts: {name: "script", audiences: []string{Audience}},
	ofTester:  {name: "tess"},
	ofAuditor: {name: "audrey", groups: []string{"auditors"}},
	ofAdmin:   {name: "root", groups: []string{"system:masters"}},
	ofNobody:  {name: "nobody"},
	// The API server says that it is good, for somebody else.
	ofElsewhere: {name: "eve", audiences: []string{"vault"}},
	ofUnaware:   {name: "mallory", unaware: true},
}

var rules = map[string][]rule{
	"anna":    {{"team-a", kinds, reads}},
	"script":  {{"team-a", kinds, reads}},
	"tess":    {{"team-a", []string{tests}, reads}},
	"audrey":  {{"", kinds, reads}},
	"root":    {{"", []string{"*"}, []string{"*"}}},
	"eve":     {{"", kinds, reads}},
	"mallory": {{"", kinds, reads}},
}

func jwt(payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature"))
}

// scene is a server before a cluster.
type scene struct {
	*Server
	kube   *fake.Clientset
	client *versionedfake.Clientset
	// theirs is what callers ask with their own tokens, of a cluster with the same objects.
	theirs *versionedfake.Clientset
	// How many reviews the API server has answered, and whether it answers.
	tokens, rights atomic.Int32
	down           atomic.Bool
	rules          map[string][]rule
	t              *testing.T
	// unknown is a field of the status of stored reports that this version does not know.
	unknown string
	// wrote are the tokens with which something was asked for by callers themselves.
	wrote []string
}

// as gives whoever asks clients of the same cluster.
func (s *scene) as(token string) (Clients, error) {
	s.wrote = append(s.wrote, token)
	return Clients{Kymaros: s.theirs, Core: s.kube.CoreV1()}, nil
}

// bubble runs a test with fake time, before a cluster with those objects.
func bubble(t *testing.T, objects []runtime.Object, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newScene(t, objects)) })
}

func newScene(t *testing.T, objects []runtime.Object) *scene {
	t.Helper()
	s := &scene{kube: fake.NewClientset(), client: versionedfake.NewClientset(objects...), theirs: versionedfake.NewClientset(objects...), rules: rules, t: t}
	s.kube.PrependReactor("create", "tokenreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		s.tokens.Add(1)
		if s.down.Load() {
			return true, nil, errors.New("connection refused by 10.0.0.1")
		}
		review := a.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenReview)
		return true, &authenticationv1.TokenReview{Status: judge(review.Spec)}, nil
	})
	s.kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		s.rights.Add(1)
		if s.down.Load() {
			return true, nil, errors.New("connection refused by 10.0.0.1")
		}
		review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		return true, &authorizationv1.SubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: s.allows(review.Spec)}}, nil
	})
	var err error
	if s.Server, err = New(Options{Kube: s.kube, Client: s.client, As: s.as, VeleroNamespace: "velero", Version: "v1.2.3", Namespace: "kymaros-system", Pod: "kymaros-api-1"}); err != nil {
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

// changing guards who there is and what they may: streams ask while a test changes it.
var changing sync.RWMutex

func come(token string, p person) {
	changing.Lock()
	defer changing.Unlock()
	people[token] = p
}

func leave(token string) {
	changing.Lock()
	defer changing.Unlock()
	delete(people, token)
}

// govern has other rules from now on.
func (s *scene) govern(rules map[string][]rule) {
	changing.Lock()
	defer changing.Unlock()
	s.rules = rules
}

func judge(spec authenticationv1.TokenReviewSpec) authenticationv1.TokenReviewStatus {
	changing.RLock()
	p, ok := people[spec.Token]
	changing.RUnlock()
	if !ok {
		return authenticationv1.TokenReviewStatus{Error: "invalid bearer token"}
	}
	status := authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: p.audiences,
		User: authenticationv1.UserInfo{Username: p.name, Groups: append([]string{"system:authenticated"}, p.groups...)},
	}
	if p.unaware {
		status.Audiences = nil
	} else if len(spec.Audiences) == 0 {
		status.Authenticated = len(p.audiences) == 0
	}
	return status
}

func (s *scene) allows(spec authorizationv1.SubjectAccessReviewSpec) bool {
	changing.RLock()
	defer changing.RUnlock()
	for _, r := range s.rules[spec.User] {
		if path := spec.NonResourceAttributes; path != nil {
			if slices.Contains(r.resources, "*") && path.Path == "/metrics" && path.Verb == "get" {
				return true
			}
			continue
		}
		asked := spec.ResourceAttributes
		covers := func(list []string, one string) bool { return slices.Contains(list, "*") || slices.Contains(list, one) }
		if asked.Group == v1alpha1.GroupName && (r.namespace == "" || r.namespace == asked.Namespace) && covers(r.resources, asked.Resource) && covers(r.verbs, asked.Verb) {
			return true
		}
	}
	return false
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
