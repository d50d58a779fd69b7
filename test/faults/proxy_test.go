package faults

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// proxy stands between controllers and the API server. It knows every request before the server does, and may do with it what it
// likes.
type proxy struct {
	server *httptest.Server

	mu    sync.Mutex
	shots map[string]*shot // what is to happen, by victim; under "" to requests that are for none
	// seen, if set, is told of every request.
	seen func(*request)
	made map[string]int // successful creations, by resource and victim
	// old are the first answers to lists that any version will do for, by path and query.
	old map[string]*httptest.ResponseRecorder

	conns   map[net.Conn]bool
	watches map[*watch]bool
	// expired are watches that have to begin anew, by agent and path.
	expired map[string]bool
	// lagging is until when no watch tells anything.
	lagging time.Time
}

// watch is a watch under way.
type watch struct {
	http.ResponseWriter
	proxy *proxy
	what  string
	ctx   context.Context
	cut   context.CancelFunc
}

// Write writes when watches do not lag.
func (w *watch) Write(body []byte) (int, error) {
	w.proxy.mu.Lock()
	pause := time.NewTimer(time.Until(w.proxy.lagging))
	w.proxy.mu.Unlock()
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-w.ctx.Done():
	}
	return w.ResponseWriter.Write(body)
}

func (w *watch) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type requestKey struct{}

// request is one request of a controller.
type request struct {
	verb, resource, agent string
	victim                string // the RestoreTest that it is for; empty if it is for none or for all
	path                  string
	dry                   bool
	anyVersion            bool            // a list of an older version will do
	gone                  <-chan struct{} // closed when the caller waits no more
}

// what tells what is asked for, the same in each run.
func (r *request) what() string { return r.agent + " " + r.verb + " " + r.resource }

func (r *request) watch() bool { return r.verb == "watch" }

// writes tells whether r changes something. Events and leases do not count.
func (r *request) writes() bool {
	switch r.verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return !r.dry && r.resource != "events" && r.resource != "leases"
	}
	return false
}

// victims have names that nothing else has.
var victimName = regexp.MustCompile(`fault-\d{4}`)

// readRequest tells what in is about. body is that of a write.
func readRequest(in *http.Request, body []byte) *request {
	query := in.URL.Query()
	r := &request{path: in.URL.Path, dry: query.Has("dryRun")}
	r.agent, _, _ = strings.Cut(in.UserAgent(), " ")
	if i := strings.LastIndex(in.UserAgent(), "kymaros-"); i >= 0 {
		r.agent = in.UserAgent()[i:]
	}
	resource, name, sub := resourceOf(in.URL.Path)
	r.resource = resource
	if sub != "" {
		r.resource += "/" + sub
	}
	verbs := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete", http.MethodGet: "get"}
	r.verb = verbs[in.Method]
	switch {
	case query.Get("watch") != "":
		r.verb = "watch"
	case name == "" && in.Method == http.MethodGet:
		r.verb = "list"
		r.anyVersion = query.Get("resourceVersion") == "0"
	case name == "" && in.Method == http.MethodDelete:
		r.verb = "deletecollection"
	}
	if r.dry {
		r.verb = "try to " + r.verb
	}
	r.victim = victimName.FindString(in.URL.Path)
	if r.victim == "" {
		r.victim = victimName.FindString(query.Get("labelSelector") + " " + query.Get("fieldSelector"))
	}
	if r.victim == "" && in.Method == http.MethodPost {
		r.victim = string(victimName.Find(body))
	}
	return r
}

// resourceOf takes the path of a request apart.
func resourceOf(path string) (resource, name, sub string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return path, "", ""
	}
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		parts = parts[2:]
	}
	parts = append(parts, "", "")
	return parts[0], parts[1], parts[2]
}

// newProxy starts a proxy; close ends it.
func newProxy() (*proxy, error) {
	target, err := url.Parse(cluster.Admin.Host)
	if err != nil {
		return nil, err
	}
	// The identity is the caller's, whose token passes through.
	transport, err := rest.TransportFor(&rest.Config{Host: cluster.Admin.Host, TLSClientConfig: rest.TLSClientConfig{CAData: cluster.Admin.CAData, CAFile: cluster.Admin.CAFile}})
	if err != nil {
		return nil, err
	}
	p := &proxy{shots: map[string]*shot{}, made: map[string]int{}, old: map[string]*httptest.ResponseRecorder{}, conns: map[net.Conn]bool{}, watches: map[*watch]bool{}, expired: map[string]bool{}}
	forward := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(answer *http.Response) error {
			r, _ := answer.Request.Context().Value(requestKey{}).(*request)
			p.note(r, answer.StatusCode)
			return nil
		},
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		ctx := in.Context()
		var body []byte
		if in.Method != http.MethodGet {
			// What a process that is killed has sent is done all the same. Cancellable, or else ReverseProxy looks for itself
			// whether the caller is still there.
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(context.WithoutCancel(ctx))
			defer cancel()
			if body, err = io.ReadAll(in.Body); err != nil {
				return // the controller has gone
			}
			in.Body = io.NopCloser(bytes.NewReader(body))
		}
		r := readRequest(in, body)
		r.gone = in.Context().Done()
		in = in.WithContext(context.WithValue(ctx, requestKey{}, r))
		if f := p.decide(r); f != nil {
			f.do(w, in, forward)
			return
		}
		if r.watch() {
			p.watch(w, in, r, forward)
			return
		}
		if r.anyVersion {
			p.remember(w, in, forward)
			return
		}
		forward.ServeHTTP(w, in)
	}))
	p.server.EnableHTTP2 = true
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if state == http.StateClosed || state == http.StateHijacked {
			delete(p.conns, c)
			return
		}
		p.conns[c] = true
	}
	p.server.StartTLS() // client-go sends no token in the clear
	return p, nil
}

// decide returns what is to happen to a request; nil: nothing.
func (p *proxy) decide(r *request) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen != nil {
		p.seen(r)
	}
	s := p.shots[r.victim]
	if s == nil {
		return nil
	}
	return s.hit(r)
}

// aim has something happen to requests for a victim, or, without a name, to those that are for none.
func (p *proxy) aim(victim string, s *shot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shots[victim] = s
}

// lower ends that, and tells whether it happened.
func (p *proxy) lower(victim string) (happened bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.shots[victim]
	delete(p.shots, victim)
	return s == nil || s.fired
}

// look sets what is told of every request; nil: nothing.
func (p *proxy) look(seen func(*request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = seen
}

// watch passes a watch on.
func (p *proxy) watch(w http.ResponseWriter, in *http.Request, r *request, forward http.Handler) {
	ctx, cut := context.WithCancel(in.Context())
	defer cut()
	this := &watch{ResponseWriter: w, proxy: p, what: r.agent + " " + r.path, ctx: ctx, cut: cut}
	p.mu.Lock()
	expired := p.expired[this.what]
	delete(p.expired, this.what)
	if !expired {
		p.watches[this] = true
	}
	p.mu.Unlock()
	if expired {
		answer(w, http.StatusGone, metav1.StatusReasonExpired, "too old resource version")
		return
	}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watches, this)
	}()
	forward.ServeHTTP(this, in.WithContext(ctx))
}

// remember passes a list on, and keeps the first answer.
func (p *proxy) remember(w http.ResponseWriter, in *http.Request, forward http.Handler) {
	heard := httptest.NewRecorder()
	forward.ServeHTTP(heard, in)
	p.mu.Lock()
	if p.old[in.URL.String()] == nil && heard.Code == http.StatusOK {
		p.old[in.URL.String()] = heard
	}
	p.mu.Unlock()
	pass(w, heard)
}

// oldAnswer returns what was once answered to a list; nil: nothing yet.
func (p *proxy) oldAnswer(in *http.Request) *httptest.ResponseRecorder {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.old[in.URL.String()]
}

// pass gives the caller an answer that was heard before.
func pass(w http.ResponseWriter, heard *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), heard.Header())
	w.WriteHeader(heard.Code)
	_, _ = w.Write(heard.Body.Bytes())
}

// cutWatches ends all watches. If the version from which they went on is too old, they begin anew with all there is.
func (p *proxy) cutWatches(tooOld bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.watches {
		if tooOld {
			p.expired[w.what] = true
		}
		w.cut()
	}
}

// lag has no watch tell anything for a while.
func (p *proxy) lag(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lagging = time.Now().Add(d)
}

// note takes down an answer.
func (p *proxy) note(r *request, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if code == http.StatusCreated && r.verb == "create" {
		p.made[r.resource+" "+r.victim]++
	}
}

// created counts the successful creations of objects of a resource for a victim.
func (p *proxy) created(resource, victim string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made[resource+" "+victim]
}

// disconnect cuts all connections.
func (p *proxy) disconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// authority is the certificate by which the proxy is known.
func (p *proxy) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

func (p *proxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}
