package faults

import (
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
	do   func(p *proxy, w http.ResponseWriter, in *http.Request, forward http.Handler)
}

// silence is how long a request is not answered. It is longer than any answer takes, and shorter than a client waits.
const silence = 2 * time.Second

// faults are those of single requests that are no watches.
var faults = []*fault{
	{"409", (*request).writes, refuse(http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified")},
	{"500", anyRequest, refuse(http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: leader changed")},
	{"reply lost", (*request).writes, loseReply},
	{"429", anyRequest, refuse(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests")},
	{"reset", anyRequest, reset},
	{"503", anyRequest, refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "apiserver is shutting down")},
	{"silence", anyRequest, hang},
}

func anyRequest(*request) bool { return true }

// refuse answers with an error.
func refuse(code int, reason metav1.StatusReason, message string) func(*proxy, http.ResponseWriter, *http.Request, http.Handler) {
	return func(_ *proxy, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
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
func reset(*proxy, http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// hang says nothing for a while, and then ends the request.
func hang(_ *proxy, _ http.ResponseWriter, in *http.Request, _ http.Handler) {
	select {
	case <-time.After(silence):
	case <-in.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// loseReply does what is asked, and nobody hears of it.
func loseReply(_ *proxy, _ http.ResponseWriter, in *http.Request, forward http.Handler) {
	forward.ServeHTTP(httptest.NewRecorder(), in)
	panic(http.ErrAbortHandler)
}
