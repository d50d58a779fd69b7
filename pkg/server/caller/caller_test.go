package caller

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/kymaros/kymaros/pkg/server/clustertest"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// scene is whoever finds out who asks, and what they may, before an API server.
type scene struct {
	*clustertest.Cluster
	authn *Authenticator
	authz *Authorizer
}

// bubble runs a test with fake time.
func bubble(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cluster, link := clustertest.New(), &Link{}
		test(t, &scene{cluster, NewAuthenticator(cluster.Kube, link, nil), NewAuthorizer(cluster.Kube, link, false)})
	})
}

// who returns whose a token is.
func (s *scene) who(token string) (*Caller, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return s.authn.Who(r)
}

// listTests is the right that tests ask about.
var listTests = Right{Verb: "list", Resource: "restoretests", Namespace: "team-a"}

// status returns that of the answer to who asks for the tests of a namespace.
func (s *scene) status(t *testing.T, token string) int {
	t.Helper()
	c, err := s.who(token)
	if err == nil {
		err = s.authz.Require(t.Context(), c, listTests)
	}
	if err == nil {
		return http.StatusOK
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Status
	}
	if p = Problem(err); p == nil {
		t.Error(err)
		return 0
	}
	return p.Status
}

func must[V any](t *testing.T, what string, got, want V) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}
