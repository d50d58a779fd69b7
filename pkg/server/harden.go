package server

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// maxBody of a request is more than any needs.
	maxBody = 64 << 10
	// One user gets so many requests a second, however many tokens they have.
	requestsPerSecond, requestsAtOnce = 50, 100
	// maxCallers have their budgets remembered.
	maxCallers = 2048
)

// policy is what browsers may do with an answer: nothing but what this server serves itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// harden does for every request what no route should have to think of.
func (s *Server) harden(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &observed{ResponseWriter: w}
		h := seen.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() { //nolint:contextcheck // the request carries it
			failure := recover()
			if err, ok := failure.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(failure) // how a handler breaks off an answer
			}
			if failure != nil {
				klog.FromContext(r.Context()).Error(nil, "A request panicked", "route", r.Pattern, "panic", failure, "stack", string(debug.Stack()))
				if seen.status == 0 {
					complain(seen, r, problem.New(http.StatusInternalServerError, "this is a fault of this server: its log says more"))
				}
			}
			s.record(r, seen, time.Since(began))
		}()
		if s.share(seen, r) {
			return
		}
		if r.ContentLength > maxBody {
			h.Set("Connection", "close")
			complain(seen, r, problem.New(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody))
			return
		}
		r.Body = http.MaxBytesReader(seen, r.Body, maxBody)
		mux.ServeHTTP(seen, r)
	})
}

// identify returns whose request it is, unless they have used up their budget.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) (*caller.Caller, error) {
	who, err := s.authn.Who(r)
	if err != nil {
		return nil, err
	}
	if seen, ok := w.(*observed); ok {
		seen.user = who.User.Username
	}
	if !s.budget(who.User.Username).TryAccept() {
		p := problem.New(http.StatusTooManyRequests, "%s sends more than %d requests a second", who.User.Username, requestsPerSecond)
		p.RetryAfter = 1
		return nil, p
	}
	return who, nil
}

func (s *Server) budget(user string) flowcontrol.PassiveRateLimiter {
	if known, ok := s.callers.Get(user); ok {
		return known.(flowcontrol.PassiveRateLimiter)
	}
	// Two first requests at one moment may both get a new one: as much as one user has, once.
	limiter := flowcontrol.NewTokenBucketPassiveRateLimiter(requestsPerSecond, requestsAtOnce)
	s.callers.Add(user, limiter, time.Hour)
	return limiter
}

// observed notes what was answered, and to whom.
type observed struct {
	http.ResponseWriter
	status int
	user   string
}

func (o *observed) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(p []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// record counts and logs a request. What the caller wrote is logged only where it is the name of something: a token that got into
// the address is not.
func (s *Server) record(r *http.Request, seen *observed, took time.Duration) {
	route := r.Pattern
	if route == "" {
		route = "/"
	}
	status := seen.status
	if status == 0 {
		status = http.StatusOK
	}
	requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	latency.WithLabelValues(route).Observe(took.Seconds())
	switch route {
	case "GET /livez", "GET /readyz", "GET /api/v1/health":
		return
	}
	klog.FromContext(r.Context()).Info("Request", "user", seen.user, "verb", r.Method, "route", route,
		"object", klog.KRef(named(r, "namespace"), named(r, "name")), "status", status, "duration", took.Round(time.Microsecond), "from", r.RemoteAddr)
}

func named(r *http.Request, value string) string {
	name := r.PathValue(value)
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return ""
	}
	return name
}
