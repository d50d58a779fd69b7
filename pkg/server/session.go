package server

import (
	"net/http"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	sessionPath = "/api/v1/session"
	// sessionCookie holds the token of a browser, which no script can read. The prefix has browsers take it from this host alone,
	// over TLS alone.
	sessionCookie = "__Host-kymaros"
	// maxCookie is what browsers keep of one.
	maxCookie = 3800
	// writeHeader is sent with requests that change something and carry no token but the cookie. A form of a foreign page cannot
	// send it, and its scripts have to ask first, which nobody here answers.
	writeHeader = "X-Kymaros-Request"
)

// foreign knows requests that browsers send for pages of others.
var foreign http.CrossOriginProtection

// credential returns the token of a request: of its header, or else of its cookie. It is never taken from the address, which ends up
// in logs.
func credential(r *http.Request) (string, error) {
	if token, ok := bearer(r); ok {
		return token, nil
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" || r.TLS == nil {
		return "", errNoToken
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := ownPage(r); err != nil {
			return "", err
		}
	}
	return cookie.Value, nil
}

// ownPage returns a problem if a request may be of a foreign page.
func ownPage(r *http.Request) error {
	if r.Header.Get(writeHeader) == "" || foreign.Check(r) != nil {
		return problem.New(http.StatusForbidden, "with a cookie, what changes something takes the header %s, sent by a page of this origin", writeHeader)
	}
	return nil
}

// signIn gives a browser its own token back as a cookie. Nothing of it is kept here, and it is good for as long as the token is.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	token, ok := bearer(r)
	var err error
	switch {
	case !ok:
		err = errNoToken
	case r.TLS == nil:
		err = problem.New(http.StatusBadRequest, "sign in over https: over plain http a browser would send the cookie to whoever listens")
	case len(token) > maxCookie:
		err = problem.New(http.StatusBadRequest, "the token is longer than the %d bytes that a cookie holds: take one of kubectl create token NAME --audience %s", maxCookie, Audience)
	default:
		err = ownPage(r)
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
	if err := ownPage(r); err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	setSession(w, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

// setSession sets the cookie until the browser is closed, or takes it away if age is negative.
func setSession(w http.ResponseWriter, token string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}
