package faults

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// proxy stands between controllers and the API server. It knows every request before the server does, and may do with it what it
// likes.
type proxy struct {
	server *httptest.Server

	mu sync.Mutex
	// decide, if set, is asked what is to be done with a request; nil: pass it on.
	decide func(*request) *fault
	// answered, if set, is called with every answer before the controller hears it.
	answered func(*request)
	made     map[string]int // successful creations, by resource and victim
	conns    map[net.Conn]bool
}

type requestKey struct{}

// request is one request of a controller.
type request struct {
	verb, resource, agent string
	victim                string // the RestoreTest that it is for; empty if it is for none or for all
	path                  string
	dry                   bool
	code                  int // 0 until it is answered
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
	name, sub := "", ""
	r.resource, name, sub = resourceOf(in.URL.Path)
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
	p := &proxy{made: map[string]int{}, conns: map[net.Conn]bool{}}
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
		in = in.WithContext(context.WithValue(ctx, requestKey{}, r))
		p.mu.Lock()
		decide := p.decide
		p.mu.Unlock()
		if decide != nil {
			if f := decide(r); f != nil {
				f.do(p, w, in, forward)
				return
			}
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

// note takes down an answer.
func (p *proxy) note(r *request, code int) {
	p.mu.Lock()
	r.code = code
	answered := p.answered
	if code == http.StatusCreated && r.verb == "create" {
		p.made[r.resource+" "+r.victim]++
	}
	p.mu.Unlock()
	if answered != nil {
		answered(r)
	}
}

// created counts the successful creations of objects of a resource for a victim.
func (p *proxy) created(resource, victim string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made[resource+" "+victim]
}

// on sets what is asked before and told after each request; both may be nil.
func (p *proxy) on(decide func(*request) *fault, answered func(*request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide, p.answered = decide, answered
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
