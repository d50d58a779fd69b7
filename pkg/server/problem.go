package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

// forbidden names the right that is missing. It is the same whether what was asked for exists or not.
func forbidden(c *caller, r right) *problem.Error {
	p := problem.New(http.StatusForbidden, "%s may not %s: ask for a role that allows it", c.user.Username, r)
	p.Right = r.String()
	return p
}

// problemOf returns what a caller is told of an error.
func problemOf(r *http.Request, err error) *problem.Error {
	var p *problem.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, errNoToken):
		return problem.New(http.StatusUnauthorized, "send a bearer token: kubectl create token NAME --audience %s", Audience)
	case errors.Is(err, errBadToken):
		return problem.New(http.StatusUnauthorized, "the API server does not accept this token: send one that has not expired, for audience %s or for the API server", Audience)
	case errors.Is(err, errTooMany):
		p = problem.New(http.StatusServiceUnavailable, "too many tokens that are not known yet: try again in some seconds")
		p.RetryAfter = 2
		return p
	case errors.Is(err, errNotPermitted):
		return problem.New(http.StatusServiceUnavailable, "kymaros-api may not ask the API server who you are and what you may do: apply manifests/50-api.yaml, of the version that runs")
	}
	klog.FromContext(r.Context()).Error(err, "A request failed", "route", r.Pattern)
	p = problem.New(http.StatusServiceUnavailable, "the API server does not answer as it should: try again; the log of this server says why")
	p.RetryAfter = 5
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
