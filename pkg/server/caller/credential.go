package caller

import (
	"net/http"
	"strings"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// Cookie holds the token of a browser, which no script can read. The prefix has browsers take it from this host alone,
	// over TLS alone.
	Cookie = "__Host-kymaros"
	// Header is sent with requests that change something and carry no token but the cookie. A form of a foreign page cannot
	// send it, and its scripts have to ask first, which nobody here answers.
	Header = "X-Kymaros-Request"
)

// foreign knows requests that browsers send for pages of others.
var foreign http.CrossOriginProtection

// Credential returns the token of a request: of its header, or else of its cookie. It is never taken from the address, which ends up
// in logs. The error is ErrNoToken, or a problem if the cookie may have been sent by a foreign page.
func Credential(r *http.Request) (string, error) {
	if token, ok := Bearer(r); ok {
		return token, nil
	}
	cookie, err := r.Cookie(Cookie)
	if err != nil || cookie.Value == "" || r.TLS == nil {
		return "", ErrNoToken
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := OwnPage(r); err != nil {
			return "", err
		}
	}
	return cookie.Value, nil
}

// Bearer returns the token of the header of a request.
func Bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// OwnPage returns a problem if a request may be of a foreign page.
func OwnPage(r *http.Request) error {
	if r.Header.Get(Header) == "" || foreign.Check(r) != nil {
		return problem.New(http.StatusForbidden, "with a cookie, what changes something takes the header %s, sent by a page of this origin", Header)
	}
	return nil
}
