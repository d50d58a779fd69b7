package server

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// Options are what a server needs.
type Options struct {
	// Kube is asked who callers are and what they may do, Client what there is.
	Kube   kubernetes.Interface
	Client versioned.Interface
	// Pages answers requests for what people look at, and returns false if there is no such page; nil: there are none.
	Pages func(http.ResponseWriter, *http.Request) bool
	// Version of this program, Namespace and Pod where it runs: told to those who have a token.
	Version, Namespace, Pod string
}

// Server answers requests.
type Server struct {
	options Options
	rows    *store
	authn   *authenticator
	authz   *authorizer
	callers *cache.LRUExpireCache // budgets of requests, by user name
	started time.Time
	handler http.Handler
	// kubernetes is the version of the API server, once it is known.
	kubernetes memo
	now        func() time.Time
}

// New returns a server that knows of nothing yet, see Run. It fails only by a mistake in this program.
func New(options Options) (*Server, error) {
	rows, err := newStore(options.Client)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: options, rows: rows, authn: newAuthenticator(options.Kube), authz: newAuthorizer(options.Kube),
		callers: cache.NewLRUExpireCache(maxKnown), started: time.Now(), now: time.Now,
	}
	registerMetrics()
	s.handler = s.harden(s.mux())
	return s, nil
}

// Run keeps what lists tell up to date until ctx ends.
func (s *Server) Run(ctx context.Context) { s.rows.run(ctx) }

// Ready tells whether lists can be answered.
func (s *Server) Ready() bool { return s.rows.ready() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// request is one of a caller who is known.
type request struct {
	*http.Request
	*query
	caller *caller
	view   *view
	// next is the cursor of the next page of the answer.
	next string
}

// endpoint returns the answer to a request, which is sent as JSON.
type endpoint func(*Server, *request) (any, error)

var (
	listParams   = []string{"continue", "limit"}
	testParams   = append([]string{"namespace", "phase", "q", "result", "sort"}, listParams...)
	reportParams = append([]string{"days", "latest", "namespace", "result", "test"}, listParams...)
)

// endpoints are all routes whose caller must be known, with the parameters that they take.
var endpoints = []struct {
	path   string
	params []string
	answer endpoint
}{
	{"/api/v1/me", []string{"namespace"}, (*Server).me},
	{"/api/v1/summary", []string{"namespace"}, (*Server).summary},
	{"/api/v1/summary/daily", []string{"days", "namespace"}, (*Server).daily},
	{"/api/v1/tests", testParams, (*Server).listTests},
	{"/api/v1/tests/{name}", []string{"namespace"}, (*Server).getTest},
	{"/api/v1/recent", []string{"namespace"}, (*Server).recent},
	{"/api/v1/reports", reportParams, (*Server).listReports},
	{"/api/v1/reports/{name}", []string{"namespace"}, (*Server).getReport},
	{"/api/v1/reports/{name}/logs", []string{"namespace"}, (*Server).logs},
	{"/api/v1/alerts", append([]string{"hours", "namespace"}, listParams...), (*Server).alerts},
	{"/api/v1/upcoming", append([]string{"namespace"}, listParams...), (*Server).upcoming},
	{"/api/v1/config/notifications", []string{"namespace"}, (*Server).notifications},
	{"/api/v1/policies", append([]string{"namespace"}, listParams...), (*Server).listPolicies},
	{"/api/v1/namespaces/{namespace}/tests", testParams[1:], (*Server).pageOfTests},
	{"/api/v1/namespaces/{namespace}/tests/{name}", nil, (*Server).getTest},
	{"/api/v1/namespaces/{namespace}/reports", append([]string{"days", "latest", "result", "test"}, listParams...), (*Server).pageOfReports},
	{"/api/v1/namespaces/{namespace}/reports/{name}", nil, (*Server).getReport},
	{"/api/v1/namespaces/{namespace}/reports/{name}/logs", nil, (*Server).logs},
}

// mux knows the routes. Each is for GET, and so for HEAD; nothing here changes anything.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { s.alive(w, r, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { s.alive(w, r, s.Ready()) })
	mux.HandleFunc("GET /api/v1/health", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	for _, e := range endpoints {
		mux.HandleFunc("GET "+e.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, e.params, e.answer) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.options.Pages != nil && s.options.Pages(w, r) {
			return
		}
		get := r.Clone(r.Context())
		get.Method = http.MethodGet
		if _, pattern := mux.Handler(get); pattern != "/" {
			w.Header().Set("Allow", "GET, HEAD")
			complain(w, r, newProblem(http.StatusMethodNotAllowed, "this address is read only: use GET"))
			return
		}
		complain(w, r, newProblem(http.StatusNotFound, "there is nothing at this address"))
	})
	return mux
}

// serve finds out whose request it is, and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, params []string, answer endpoint) {
	who, err := s.identify(w, r)
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	if !s.Ready() { // an empty list would be a lie
		p := newProblem(http.StatusServiceUnavailable, "the caches are not filled yet: try again in some seconds")
		p.retryAfter = 2
		complain(w, r, p)
		return
	}
	req := &request{Request: r, caller: who, view: s.rows.view()}
	if req.query, err = newQuery(r.URL.RawQuery, params); err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	value, err := answer(s, req)
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	if req.next != "" {
		values := req.values
		values.Set("continue", req.next)
		w.Header().Set("Link", "<"+r.URL.EscapedPath()+"?"+values.Encode()+`>; rel="next"`)
	}
	if err := respond(w, r, value); err != nil {
		complain(w, r, problemOf(r, err))
	}
}

// metrics answers whoever may get the path /metrics, as the controller does.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	who, err := s.identify(w, r)
	if err == nil {
		err = s.require(r.Context(), who, right{verb: "get", path: r.URL.Path})
	}
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	legacyregistry.Handler().ServeHTTP(w, r)
}

// require returns a problem unless the caller has the right.
func (s *Server) require(ctx context.Context, c *caller, r right) error {
	ok, err := s.authz.may(ctx, c, r)
	if err != nil {
		return err
	}
	if !ok {
		return forbidden(c, r)
	}
	return nil
}

// scope returns the namespaces that an answer about a resource may be of: the one that the request names, or of those with any
// all in which the caller may list it.
func (s *Server) scope(r *request, resource string, namespaces []string) (map[string]bool, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	if ns == "" {
		return s.authz.visible(r.Context(), r.caller, resource, namespaces)
	}
	if err := s.require(r.Context(), r.caller, right{verb: "list", resource: resource, namespace: ns}); err != nil {
		return nil, err
	}
	return map[string]bool{ns: true}, nil
}

// namespace returns that of the path, or of the query; "" if there is none.
func (r *request) namespace() (string, error) {
	ns := r.PathValue("namespace")
	if ns == "" {
		if !r.values.Has("namespace") {
			return "", nil
		}
		ns = r.text("namespace")
	}
	return ns, checkNamespace("namespace", ns)
}
