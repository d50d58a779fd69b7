package caller

import (
	"errors"
	"net/http"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

var (
	// ErrNoToken says that a request has none.
	ErrNoToken = errors.New("no bearer token")
	// ErrBadToken says that the token of a request is not, or no more, good.
	ErrBadToken = errors.New("the API server does not accept the token")

	errTooMany      = errors.New("too many new tokens")
	errGaveUp       = errors.New("the question was given up")
	errNotPermitted = errors.New("this program may not ask the API server")
)

// Problem returns what a caller is told of an error of this package; nil if it says that the API server could not be asked.
func Problem(err error) *problem.Error {
	switch {
	case errors.Is(err, ErrNoToken):
		return problem.New(http.StatusUnauthorized, "send a bearer token: kubectl create token NAME --audience %s", Audience)
	case errors.Is(err, ErrBadToken):
		return problem.New(http.StatusUnauthorized, "the API server does not accept this token: send one that has not expired, for audience %s or for the API server", Audience)
	case errors.Is(err, errTooMany):
		p := problem.New(http.StatusServiceUnavailable, "too many tokens that are not known yet: try again in some seconds")
		p.RetryAfter = 2
		return p
	case errors.Is(err, errNotPermitted):
		return problem.New(http.StatusServiceUnavailable, "kymaros-api may not ask the API server who you are and what you may do: apply manifests/50-api.yaml, of the version that runs")
	}
	return nil
}

// forbidden names the right that is missing. It is the same whether what was asked for exists or not.
func forbidden(c *Caller, r Right) *problem.Error {
	p := problem.New(http.StatusForbidden, "%s may not %s: ask for a role that allows it", c.User.Username, r)
	p.Right = r.String()
	return p
}
