package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"k8s.io/klog/v2"
)

// problemError is an answer that is an error, as RFC 9457 has it. It tells nothing that the caller may not see, nor what the API
// server said: that may name objects of others.
type problemError struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Fault is Detail once more, where older clients look for it.
	Fault string `json:"error"`
	// Field is the parameter that is wrong.
	Field string `json:"field,omitempty"`
	// Right is what the caller lacks.
	Right string `json:"right,omitempty"`
	// Namespaces are those to choose from, where a name alone says too little.
	Namespaces []string `json:"namespaces,omitempty"`
	// retryAfter is how many seconds to wait; 0: not said.
	retryAfter int
}

func (p *problemError) Error() string { return p.Detail }

func newProblem(status int, format string, args ...any) *problemError {
	detail := fmt.Sprintf(format, args...)
	return &problemError{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Fault: detail}
}

// wrong is about a parameter of the caller's.
func wrong(field, format string, args ...any) *problemError {
	p := newProblem(http.StatusBadRequest, "%s: %s", field, fmt.Sprintf(format, args...))
	p.Field = field
	return p
}

// forbidden names the right that is missing. It is the same whether what was asked for exists or not.
func forbidden(c *caller, r right) *problemError {
	p := newProblem(http.StatusForbidden, "%s may not %s: ask for a role that allows it", c.user.Username, r)
	p.Right = r.String()
	return p
}

func notFound(what, namespace, name string) *problemError {
	if namespace == "" {
		return newProblem(http.StatusNotFound, "there is no %s %q that you may see", what, name)
	}
	return newProblem(http.StatusNotFound, "there is no %s %q in namespace %s", what, name, namespace)
}

// problemOf returns what a caller is told of an error.
func problemOf(r *http.Request, err error) *problemError {
	var p *problemError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, errNoToken):
		return newProblem(http.StatusUnauthorized, "send a bearer token: kubectl create token NAME --audience %s", Audience)
	case errors.Is(err, errBadToken):
		return newProblem(http.StatusUnauthorized, "the API server does not accept this token: send one that has not expired, for audience %s or for the API server", Audience)
	case errors.Is(err, errTooMany):
		p = newProblem(http.StatusServiceUnavailable, "too many tokens that are not known yet: try again in some seconds")
		p.retryAfter = 2
		return p
	case errors.Is(err, errNotPermitted):
		return newProblem(http.StatusServiceUnavailable, "kymaros-api may not ask the API server who you are and what you may do: apply manifests/50-api.yaml, of the version that runs")
	}
	klog.FromContext(r.Context()).Error(err, "A request failed", "route", r.Pattern)
	p = newProblem(http.StatusServiceUnavailable, "the API server does not answer as it should: try again; the log of this server says why")
	p.retryAfter = 5
	return p
}

// permitted is the remedy of a missing right, as a rule of RBAC.
func permitted(r right) string {
	where := "a ClusterRole"
	if r.namespace != "" {
		where = "a Role in namespace " + r.namespace
	}
	return fmt.Sprintf("bind %s with the rule {apiGroups: [restore.kymaros.io], resources: [%s], verbs: [%s]}", where, r.resource, strings.ToLower(r.verb))
}
