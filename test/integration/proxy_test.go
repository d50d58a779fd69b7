package integration

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// proxy stands between a controller and the API server. It knows every request, and may do something between the server's
// answer and the moment in which the controller hears it.
type proxy struct {
	server *httptest.Server

	mu       sync.Mutex
	requests []*request
	// answered, if set, is called with every answer before the controller hears it.
	answered func(*request)
	// refused, if set, returns the Status that is answered to a request instead of passing it on; nil: it is passed on.
	refused func(*request) []byte
	// away: nothing is answered.
	away atomic.Bool
}

type requestKey struct{}

// request is one request of a controller.
type request struct {
	method, path string
	watch, dry   bool
	agent        string
	body         []byte // of writes
	at           time.Time
	code         int // 0 until it is answered
}

// writes tells whether r changes something that lasts. Events, leases and dry runs do not count.
func (r *request) writes() bool {
	return !r.dry && r.method != http.MethodGet && !strings.Contains(r.path, "/events") && !strings.Contains(r.path, "/leases")
}

// mentions tells whether r is about an object with name in its own.
func (r *request) mentions(name string) bool {
	return strings.Contains(r.path, name) || r.method == http.MethodPost && bytes.Contains(r.body, []byte(name))
}

func (r *request) String() string {
	verb := r.method
	if r.watch {
		verb = "WATCH"
	}
	return verb + " " + r.path + " by " + r.agent
}

// newProxy starts a proxy; close ends it.
func newProxy() (*proxy, error) {
	target, err := url.Parse(admin.Host)
	if err != nil {
		return nil, err
	}
	// The identity is the caller's, whose token passes through.
	transport, err := rest.TransportFor(&rest.Config{Host: admin.Host, TLSClientConfig: rest.TLSClientConfig{CAData: admin.CAData, CAFile: admin.CAFile}})
	if err != nil {
		return nil, err
	}
	p := &proxy{}
	forward := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(answer *http.Response) error {
			r, _ := answer.Request.Context().Value(requestKey{}).(*request)
			p.mu.Lock()
			r.code = answer.StatusCode
			answered := p.answered
			p.mu.Unlock()
			if answered != nil {
				answered(r)
			}
			return nil
		},
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		r := &request{method: in.Method, path: in.URL.Path, agent: in.UserAgent(), watch: in.URL.Query().Get("watch") != "", dry: in.URL.Query().Has("dryRun"), at: time.Now()}
		r.agent, _, _ = strings.Cut(r.agent, " ")
		if i := strings.LastIndex(in.UserAgent(), "kymaros-"); i >= 0 {
			r.agent = in.UserAgent()[i:]
		}
		if p.away.Load() {
			panic(http.ErrAbortHandler)
		}
		ctx := context.WithValue(in.Context(), requestKey{}, r)
		if in.Method != http.MethodGet {
			// What a process that is killed has sent is done all the same. Cancellable, or else ReverseProxy looks for itself
			// whether the caller is still there.
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(context.WithoutCancel(ctx))
			defer cancel()
			body, err := io.ReadAll(in.Body)
			if err != nil {
				return // the controller has gone
			}
			r.body, in.Body = body, io.NopCloser(bytes.NewReader(body))
		}
		p.mu.Lock()
		p.requests = append(p.requests, r)
		refused := p.refused
		p.mu.Unlock()
		if refused != nil {
			if status := refused(r); status != nil {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = w.Write(status)
				return
			}
		}
		forward.ServeHTTP(w, in.WithContext(ctx))
	}))
	p.server.EnableHTTP2 = true
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.StartTLS() // client-go sends no token in the clear
	return p, nil
}

// onAnswer sets what is called with every answer, or nil.
func (p *proxy) onAnswer(do func(*request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = do
}

// refuse sets what is answered instead of the API server, with status 422, or nil.
func (p *proxy) refuse(by func(*request) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = by
}

// seen returns copies of the requests that match, oldest first.
func (p *proxy) seen(match func(*request) bool) []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []request
	for _, r := range p.requests {
		if match(r) {
			all = append(all, *r)
		}
	}
	return slices.Clip(all)
}

// created counts the successful creations of objects of a resource that mention name.
func (p *proxy) created(resource, name string) int {
	return len(p.seen(func(r *request) bool {
		return r.method == http.MethodPost && strings.HasSuffix(r.path, "/"+resource) && r.mentions(name) && r.code == http.StatusCreated
	}))
}

// authority is the certificate by which the proxy is known.
func (p *proxy) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

func (p *proxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}
