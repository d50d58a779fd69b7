package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	expiring "k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
	"github.com/kymaros/kymaros/pkg/server/streams"
	"github.com/kymaros/kymaros/pkg/server/times"
)

// Options are what a server needs.
type Options struct {
	// Kube is asked who callers are and what they may do, Client what there is.
	Kube   kubernetes.Interface
	Client versioned.Interface
	// Reports is what the reports of all namespaces are read by, see cached.Reports; nil: Client.
	Reports cache.ListerWatcher
	// As gives clients that ask with the token of a caller: writes, and whatever this program has no right to, are theirs.
	As func(token string) (Clients, error)
	// Self is the one caller of a server that somebody runs for themselves. It takes no token then, and As is not needed; nil: each
	// request has the token of its caller.
	Self *Self
	// VeleroNamespace is where Velero and its objects are.
	VeleroNamespace string
	// Pages answers requests for what people look at, and returns false if there is no such page; nil: there are none.
	Pages func(http.ResponseWriter, *http.Request) bool
	// Origins are those whose pages may read answers in a browser, see CheckOrigin; none but this server's own without.
	Origins []string
	// Version of this program, Namespace and Pod where it runs: told to those who have a token.
	Version, Namespace, Pod string
}

// Clients of one caller.
type Clients struct {
	Kymaros versioned.Interface
	Core    corev1.CoreV1Interface
}

// Server answers requests.
type Server struct {
	options Options
	rows    *cached.Store
	authn   *caller.Authenticator
	authz   *caller.Authorizer
	callers *expiring.LRUExpireCache // budgets of requests, by user name
	started time.Time
	handler http.Handler
	counts  http.Handler // metrics
	// document is the OpenAPI description of all operations.
	document []byte
	link     *caller.Link
	streams  *streams.Hub
	covering chan struct{} // see coveragesAtOnce
	// kubernetes is the version of the API server, once it is known.
	kubernetes memo
	now        func() time.Time
	// stored reads a report as the API server stores it.
	stored func(ctx context.Context, namespace, name string) ([]byte, error)
}

// New returns a server that knows of nothing yet, see Run. It fails only by a mistake in this program.
func New(options Options) (*Server, error) {
	self, err := options.Self.caller()
	if err != nil {
		return nil, err
	}
	link, changes := &caller.Link{}, streams.New()
	rows, err := cached.NewStore(options.Client, options.Reports, options.Self.namespace(), link.Heard, func(old, row any) {
		if c, ok := changeOf(old, row); ok {
			changes.Add(c)
		}
	})
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: options, rows: rows, link: link,
		authn: caller.NewAuthenticator(options.Kube, link, self), authz: caller.NewAuthorizer(options.Kube, link, self != nil),
		callers: expiring.NewLRUExpireCache(maxCallers), streams: changes, covering: make(chan struct{}, coveragesAtOnce), started: time.Now(), now: time.Now,
		counts: metrics.Handler(),
	}
	s.stored = s.readStored
	if s.document, err = document(operations); err != nil {
		return nil, err
	}
	registerMetrics()
	s.handler = s.harden(s.mux())
	return s, nil
}

// Run keeps what lists tell up to date until ctx ends.
func (s *Server) Run(ctx context.Context) { s.rows.Run(ctx) }

// Ready tells whether lists can be answered.
func (s *Server) Ready() bool { return s.rows.Ready() }

// Close ends the streams, which would go on for ever, and lets no new one begin.
func (s *Server) Close() { s.streams.Close() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// request is one of a caller who is known.
type request struct {
	*http.Request
	*query.Parameters
	caller *caller.Caller
	view   *cached.View
	// next is the cursor of the next page of the answer.
	next string
}

// mux knows the operations, and what is open to all.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { s.alive(w, r, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { s.alive(w, r, s.Ready()) })
	mux.HandleFunc("GET /api/v1/health", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /openapi.json", s.describe)
	mux.HandleFunc("GET "+watchPath, s.watch)
	mux.HandleFunc("POST "+sessionPath, s.signIn)
	mux.HandleFunc("DELETE "+sessionPath, s.signOut)
	for _, o := range operations {
		if o.answer != nil {
			mux.HandleFunc(o.method+" "+o.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, &o) })
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.options.Pages != nil && s.options.Pages(w, r) {
			return
		}
		if allowed := methodsOf(mux, r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			complain(w, r, problem.New(http.StatusMethodNotAllowed, "this address takes %s only", strings.Join(allowed, ", ")))
			return
		}
		complain(w, r, problem.New(http.StatusNotFound, "there is nothing at this address"))
	})
	return mux
}

// methodsOf returns the methods that the address of a request takes.
func methodsOf(mux *http.ServeMux, r *http.Request) []string {
	var all []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			all = append(all, method)
		}
	}
	return all
}

// serve finds out whose request it is, and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, o *operation) {
	who, err := s.identify(w, r)
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	if !s.Ready() { // an empty list would be a lie
		complain(w, r, notReady())
		return
	}
	req := &request{Request: r, caller: who, view: s.rows.View()}
	if req.Parameters, err = query.Parse(r.URL.RawQuery, o.params); err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	value, err := o.answer(s, req)
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	s.warn(w)
	if req.next != "" {
		values := req.Values
		values.Set("continue", req.next)
		w.Header().Set("Link", "<"+r.URL.EscapedPath()+"?"+values.Encode()+`>; rel="next"`)
	}
	switch {
	case value == nil:
		w.WriteHeader(o.code())
	case o.method == http.MethodGet:
		err = respond(w, r, value)
	default:
		err = tell(w, r, o.code(), value)
	}
	if err != nil {
		complain(w, r, problemOf(r, err))
	}
}

func notReady() *problem.Error {
	p := problem.New(http.StatusServiceUnavailable, "the caches are not filled yet: try again in some seconds")
	p.RetryAfter = 2
	return p
}

// warn has an answer say that it may be older than it looks, for the API server cannot be reached.
func (s *Server) warn(w http.ResponseWriter) {
	if since, away := s.link.Away(); away {
		w.Header().Set("Warning", `110 kymaros-api "the API server does not answer since `+times.Stamp(since)+`: this is what was known then"`)
	}
}

// describe answers with the description of this API.
func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	if _, err := s.identify(w, r); err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	send(w, r, s.document)
}

// metrics answers whoever may get the path /metrics, as the controller does.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	who, err := s.identify(w, r)
	if err == nil {
		err = s.authz.Require(r.Context(), who, caller.Right{Verb: "get", Path: r.URL.Path})
	}
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	s.counts.ServeHTTP(w, r)
}

// scope returns the namespaces that an answer about a resource may be of: the one that the request names, or of those with any
// all in which the caller may list it.
func (s *Server) scope(r *request, resource string, namespaces []string) (map[string]bool, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	if ns == "" {
		return s.authz.Visible(r.Context(), r.caller, resource, namespaces)
	}
	if err := s.authz.Require(r.Context(), r.caller, caller.Right{Verb: "list", Resource: resource, Namespace: ns}); err != nil {
		return nil, err
	}
	return map[string]bool{ns: true}, nil
}

// namespace returns that of the path, or of the query; "" if there is none.
func (r *request) namespace() (string, error) {
	ns := r.PathValue("namespace")
	if ns == "" {
		if !r.Values.Has("namespace") {
			return "", nil
		}
		ns = r.Text("namespace")
	}
	return ns, query.CheckNamespace("namespace", ns)
}
