package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/kymaros/kymaros/pkg/metrics"
)

// gate is a metricsAuth before an API server that knows two tokens: good, of a scraper, and idle, of one without the right.
type gate struct {
	*metricsAuth
	kube *fake.Clientset
	// fails is what the API server answers instead, for a resource.
	fails map[string]error
}

func newGate() *gate {
	g := &gate{kube: fake.NewClientset(), fails: map[string]error{}}
	g.kube.PrependReactor("create", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if err := g.fails[action.GetResource().Resource]; err != nil {
			return true, nil, err
		}
		switch review := action.(clienttesting.CreateAction).GetObject().DeepCopyObject().(type) {
		case *authenticationv1.TokenReview:
			if token := review.Spec.Token; token == "good" || token == "idle" {
				review.Status.Authenticated = true
				review.Status.User = authenticationv1.UserInfo{
					Username: token, UID: "1", Groups: []string{"scrapers"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"p"}},
				}
			}
			return true, review, nil
		case *authorizationv1.SubjectAccessReview:
			spec, of := review.Spec, review.Spec.NonResourceAttributes
			review.Status.Allowed = spec.User == "good" && spec.UID == "1" && len(spec.Groups) == 1 && spec.Groups[0] == "scrapers" &&
				len(spec.Extra["pod"]) == 1 && spec.ResourceAttributes == nil && of != nil && of.Path == "/metrics" && of.Verb == "get"
			return true, review, nil
		}
		return false, nil, nil
	})
	g.metricsAuth = newMetricsAuth(g.kube, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "kymaros_score 100") }))
	return g
}

// scrape asks for the metrics with that Authorization header, none if it is empty.
func (g *gate) scrape(authorization string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	g.ServeHTTP(w, r)
	return w
}

// asked counts the requests to the API server since the last call.
func (g *gate) asked() int {
	n := len(g.kube.Actions())
	g.kube.ClearActions()
	return n
}

func TestMetricsAreGivenToWhoMayGetThem(t *testing.T) {
	refused := func(resource string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
	}
	for _, tt := range []struct {
		name          string
		authorization string
		fails         map[string]error
		code, asked   int
		says          string
	}{
		{"a token with the right", "Bearer good", nil, http.StatusOK, 2, "kymaros_score"},
		{"the scheme in small letters", "bearer good", nil, http.StatusOK, 2, "kymaros_score"},
		{"no token", "", nil, http.StatusUnauthorized, 0, "credentials_file"},
		{"an empty token", "Bearer ", nil, http.StatusUnauthorized, 0, "credentials_file"},
		{"a password", "Basic good", nil, http.StatusUnauthorized, 0, "credentials_file"},
		{"a token that nobody knows", "Bearer bad", nil, http.StatusUnauthorized, 1, "expired"},
		{"a token without the right", "Bearer idle", nil, http.StatusForbidden, 2, "idle may not get /metrics: bind it to ClusterRole kymaros-metrics-reader"},
		{"nobody to ask about the token", "Bearer good", map[string]error{"tokenreviews": errors.New("down")}, http.StatusServiceUnavailable, 1, "log of the controller"},
		{"nobody to ask about the right", "Bearer good", map[string]error{"subjectaccessreviews": errors.New("down")}, http.StatusServiceUnavailable, 2, "log of the controller"},
		{"a controller that may not ask", "Bearer good", map[string]error{"tokenreviews": refused("tokenreviews")}, http.StatusServiceUnavailable, 1, "10-rbac.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate()
			g.fails = tt.fails
			w := g.scrape(tt.authorization)
			if body := w.Body.String(); w.Code != tt.code || !strings.Contains(body, tt.says) || strings.Count(body, "\n") != 1 {
				t.Errorf("got %d %q, want %d and one line with %q", w.Code, body, tt.code, tt.says)
			}
			if w.Code != http.StatusOK && strings.Contains(w.Body.String(), "kymaros_score") {
				t.Error("the metrics are told with the refusal")
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge == "Bearer") != (tt.code == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate is %q with %d", challenge, w.Code)
			}
			if n := g.asked(); n != tt.asked {
				t.Errorf("%d requests to the API server, want %d", n, tt.asked)
			}
		})
	}
}

func TestAVerdictIsRememberedForAWhile(t *testing.T) {
	for _, tt := range []struct {
		authorization string
		code, asked   int
		lasts         time.Duration
	}{
		{"Bearer good", http.StatusOK, 2, time.Minute},
		{"Bearer idle", http.StatusForbidden, 2, 10 * time.Second},
		{"Bearer bad", http.StatusUnauthorized, 1, 10 * time.Second},
	} {
		t.Run(tt.authorization, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				expect := func(asked int) {
					t.Helper()
					if code := g.scrape(tt.authorization).Code; code != tt.code {
						t.Errorf("got %d, want %d", code, tt.code)
					}
					if n := g.asked(); n != asked {
						t.Errorf("%d requests to the API server, want %d", n, asked)
					}
				}
				expect(tt.asked)
				expect(0)
				time.Sleep(tt.lasts) // of the bubble
				expect(0)
				time.Sleep(time.Nanosecond)
				expect(tt.asked)
			})
		})
	}
}

func TestThatNobodyCouldBeAskedIsNotRemembered(t *testing.T) {
	g := newGate()
	g.fails["tokenreviews"] = errors.New("down")
	if code := g.scrape("Bearer good").Code; code != http.StatusServiceUnavailable {
		t.Fatalf("got %d", code)
	}
	delete(g.fails, "tokenreviews")
	if code := g.scrape("Bearer good").Code; code != http.StatusOK {
		t.Errorf("got %d once the API server answers", code)
	}
}

func TestTokensThatNobodyKnowsNeitherPushOutAGoodOneNorBurdenTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		if code := g.scrape("Bearer good").Code; code != http.StatusOK {
			t.Fatalf("got %d", code)
		}
		g.asked()
		const seconds, each = 50, 20
		for range seconds {
			for i := range each {
				code := g.scrape(fmt.Sprintf("Bearer %d-%d", time.Now().UnixNano(), i)).Code
				if code != http.StatusUnauthorized && code != http.StatusServiceUnavailable {
					t.Fatalf("got %d for a token that nobody knows", code)
				}
			}
			time.Sleep(time.Second) // of the bubble
		}
		if n := g.asked(); n < asksPerSecond*seconds || n > asksAtOnce+asksPerSecond*seconds {
			t.Errorf("%d requests to the API server for %d tokens", n, seconds*each)
		}
		if code, n := g.scrape("Bearer good").Code, g.asked(); code != http.StatusOK || n != 0 {
			t.Errorf("the good token gets %d after %d requests to the API server", code, n)
		}
	})
}

func TestOnlySoManyRefusalsAreRemembered(t *testing.T) {
	g := newGate()
	g.asks = flowcontrol.NewFakeAlwaysRateLimiter()
	for i := range 2 * maxVerdicts {
		g.scrape(fmt.Sprintf("Bearer bad-%d", i))
	}
	if n := len(g.refused.Keys()); n != maxVerdicts {
		t.Errorf("%d refusals are remembered, want %d", n, maxVerdicts)
	}
}

func TestMetricsAreOpenOnlyWithTheFlag(t *testing.T) {
	for open, want := range map[bool]int{false: http.StatusUnauthorized, true: http.StatusOK} {
		options := NewOptions()
		if options.MetricsOpen {
			t.Error("the metrics are open by default")
		}
		options.MetricsOpen = open
		w := httptest.NewRecorder()
		metricsHandler(options, fake.NewClientset(), &metrics.Tests{Synced: func() bool { return false }, Leading: func() bool { return false }}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != want {
			t.Errorf("--metrics-open=%v: got %d, want %d", open, w.Code, want)
		}
	}
}
