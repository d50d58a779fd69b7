package faults

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fault is one way in which an API server fails a request.
type fault struct {
	name string
	// fits tells whether an API server may fail such a request so.
	fits func(*request) bool
	// uncounted: it counts itself, if it finds what it needs.
	uncounted bool
	do        func(w http.ResponseWriter, in *http.Request, forward http.Handler)
}

// silence is how long a request is not answered. It is longer than any answer takes, and shorter than a client waits.
const silence = 2 * time.Second

// faults are those of single requests that are no watches.
var faults = []*fault{
	{name: "409", fits: (*request).writes, do: refuse(http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified")},
	{name: "500", fits: anyRequest, do: refuse(http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: leader changed")},
	{name: "reply lost", fits: (*request).writes, do: loseReply},
	{name: "429", fits: anyRequest, do: refuse(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests")},
	{name: "reset", fits: anyRequest, do: reset},
	{name: "503", fits: anyRequest, do: refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "apiserver is shutting down")},
	{name: "silence", fits: anyRequest, do: hang},
	{name: "old list", fits: func(r *request) bool { return r.anyVersion }, uncounted: true, do: tellOld},
}

func anyRequest(*request) bool { return true }

// refuse answers with an error.
func refuse(code int, reason metav1.StatusReason, message string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		answer(w, code, reason, message)
	}
}

func answer(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	})
}

// reset ends the request without an answer, and without having passed it on.
func reset(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// hang says nothing for a while, and then ends the request.
func hang(_ http.ResponseWriter, in *http.Request, _ http.Handler) {
	r, _ := in.Context().Value(requestKey{}).(*request)
	select {
	case <-time.After(silence):
	case <-r.gone:
	}
	panic(http.ErrAbortHandler)
}

// patience is what the caller waits by itself.
func patience(_ http.ResponseWriter, in *http.Request, _ http.Handler) {
	r, _ := in.Context().Value(requestKey{}).(*request)
	<-r.gone
	panic(http.ErrAbortHandler)
}

// loseReply does what is asked, and nobody hears of it.
func loseReply(_ http.ResponseWriter, in *http.Request, forward http.Handler) {
	forward.ServeHTTP(httptest.NewRecorder(), in)
	panic(http.ErrAbortHandler)
}

// tellOld answers a list that any version will do for with what it was when somebody first asked: so does an API server that lags
// behind the others.
func tellOld(w http.ResponseWriter, in *http.Request, forward http.Handler) {
	old := through.oldAnswer(in)
	if old == nil {
		through.remember(w, in, forward)
		return
	}
	injected.inject("old list")
	pass(w, old)
}

// after passes the request on, and has something happen before the caller hears the answer. deed tells whether there was anything to
// do it to.
func after(kind string, deed func(context.Context) (bool, error)) *fault {
	return &fault{name: kind, uncounted: true, do: func(w http.ResponseWriter, in *http.Request, forward http.Handler) {
		heard := httptest.NewRecorder()
		forward.ServeHTTP(heard, in)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(in.Context()), stepTimeout)
		defer cancel()
		switch done, err := deed(ctx); {
		case err != nil:
			injected.trouble(kind, err)
		case done:
			injected.inject(kind)
		}
		pass(w, heard)
	}}
}

// shot is something that happens to the n-th of those requests that match.
type shot struct {
	match func(*request) bool
	nth   int
	do    *fault
	// always: to it and each second one after it.
	always bool

	count int
	fired bool
}

// hit counts a request and returns what happens to it.
func (s *shot) hit(r *request) *fault {
	if s.fired && !s.always || !s.match(r) {
		return nil
	}
	if s.count++; s.count < s.nth || (s.count-s.nth)%2 > 0 {
		return nil
	}
	s.fired = true
	if !s.do.uncounted {
		injected.inject(s.do.name)
	}
	return s.do
}
