package server

import (
	"net/http"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	sessionPath = "/api/v1/session"
	// maxCookie is what browsers keep of one.
	maxCookie = 3800
)

// signIn gives a browser its own token back as a cookie. Nothing of it is kept here, and it is good for as long as the token is.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	token, ok := caller.Bearer(r)
	var err error
	switch {
	case !ok:
		err = caller.ErrNoToken
	case r.TLS == nil:
		err = problem.New(http.StatusBadRequest, "sign in over https: over plain http a browser would send the cookie to whoever listens")
	case len(token) > maxCookie:
		err = problem.New(http.StatusBadRequest, "the token is longer than the %d bytes that a cookie holds: take one of kubectl create token NAME --audience %s", maxCookie, caller.Audience)
	default:
		err = caller.OwnPage(r)
	}
	if err == nil {
		_, err = s.identify(w, r)
	}
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	setSession(w, token, 0)
	w.WriteHeader(http.StatusNoContent)
}

// signOut takes the cookie away.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if err := caller.OwnPage(r); err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	setSession(w, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

// setSession sets the cookie until the browser is closed, or takes it away if age is negative.
func setSession(w http.ResponseWriter, token string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: caller.Cookie, Value: token, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}
