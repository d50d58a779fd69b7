package server

import (
	"errors"
	"net/http"

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// problemOf returns what a caller is told of an error.
func problemOf(r *http.Request, err error) *problem.Error {
	var p *problem.Error
	if errors.As(err, &p) {
		return p
	}
	if p := caller.Problem(err); p != nil {
		return p
	}
	klog.FromContext(r.Context()).Error(err, "A request failed", "route", r.Pattern)
	p = problem.New(http.StatusServiceUnavailable, "the API server does not answer as it should: try again; the log of this server says why")
	p.RetryAfter = 5
	return p
}
