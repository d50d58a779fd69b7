package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
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
	versionedfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/server/caller"
)

// ofSelf is a server that somebody runs for themselves, who may do all in namespace team-a and nothing in another.
func ofSelf(t *testing.T, namespace string) (*Server, *versionedfake.Clientset) {
	t.Helper()
	named := func(ns, name string) *v1alpha1.RestoreTest {
		return &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	}
	kube, client := fake.NewClientset(), versionedfake.NewClientset(named("team-a", "shop"), named("team-b", "bank"))
	kube.PrependReactor("create", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		review, ok := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		if !ok {
			t.Errorf("it asked for %T", a.(clienttesting.CreateAction).GetObject())
			return false, nil, nil
		}
		review.Status.Allowed = review.Spec.ResourceAttributes != nil && review.Spec.ResourceAttributes.Namespace == "team-a"
		return true, review, nil
	})
	s, err := New(Options{Kube: kube, Client: client, Self: &Self{
		User: authenticationv1.UserInfo{Username: "anna", Groups: []string{"dev"}}, Clients: Clients{Kymaros: client, Core: kube.CoreV1()}, Namespace: namespace,
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
	for !s.Ready() {
		time.Sleep(time.Millisecond)
	}
	return s, client
}

func answerOf(s *Server, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestWhoeverRunsAServerForThemselvesNeedsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := ofSelf(t, "")
		for sentence, c := range map[string]struct {
			method, path string
			header       []string
			status       int
			says, not    string
		}{
			"they are told who they are":                      {"GET", "/api/v1/me", nil, 200, `"user":"anna"`, `"readOnly":true`},
			"they see what they may":                          {"GET", "/api/v1/tests", nil, 200, "shop", "bank"},
			"they do not see what they may not":               {"GET", "/api/v1/namespaces/team-b/tests/bank", nil, 403, "anna may not get", "spec"},
			"a token of somebody else makes them nobody else": {"GET", "/api/v1/me", []string{"Authorization", "Bearer " + ofAdmin}, 200, `"user":"anna"`, "root"},
			"a path is not theirs":                            {"GET", "/metrics", nil, 403, "anna may not", "kymaros_"},
			"they ask for a run":                              {"POST", "/api/v1/namespaces/team-a/tests/shop/trigger", []string{caller.Header, "1"}, 200, "triggered", "problem"},
			"a form of a foreign page asks for nothing":       {"POST", "/api/v1/namespaces/team-a/tests/shop/trigger", nil, 403, caller.Header, "triggered"},
			"nor does its script":                             {"POST", "/api/v1/namespaces/team-a/tests/shop/trigger", []string{caller.Header, "1", "Sec-Fetch-Site", "same-site"}, 403, caller.Header, "triggered"},
		} {
			w := answerOf(s, c.method, c.path, c.header...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || strings.Contains(w.Body.String(), c.not) {
				t.Errorf("%s: %d %s", sentence, w.Code, w.Body)
			}
		}
		rt, err := client.RestoreV1alpha1().RestoreTests("team-a").Get(t.Context(), "shop", metav1.GetOptions{})
		if err != nil || rt.Annotations[v1alpha1.AnnotationRunRequested] == "" {
			t.Errorf("%+v %v", rt, err)
		}
	})
}

func TestWhoMaySeeOneNamespaceIsShownThatOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := ofSelf(t, "team-a")
		for _, a := range client.Actions() {
			if a.GetNamespace() != "team-a" {
				t.Errorf("it asked to %s %s in namespace %q", a.GetVerb(), a.GetResource().Resource, a.GetNamespace())
			}
		}
		if w := answerOf(s, http.MethodGet, "/api/v1/tests"); !strings.Contains(w.Body.String(), "shop") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
