package serve

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// guard lets in only who knows the address that was printed. Other programs and people of this machine reach the port as well, and so
// do pages of others in the user's browser.
type guard struct {
	// hosts are what the header Host may say: a name that somebody else has point to this machine is none of them.
	hosts []string
	// secret is the path of the address, which gives a browser the cookie. It is known to the address alone, and in no later one.
	secret string
	// cookie is its name, which other ports of this machine do not share, and session what it holds.
	cookie, session string
	next            http.Handler
}

func newGuard(port string, next http.Handler) *guard {
	g := &guard{secret: "/" + rand.Text() + "/", cookie: "kymaros-dashboard-" + port, session: rand.Text(), next: next}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		g.hosts = append(g.hosts, host+":"+port)
		if port == "80" { // which browsers leave out
			g.hosts = append(g.hosts, host)
		}
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !slices.Contains(g.hosts, strings.ToLower(r.Host)):
		refuse(w, http.StatusMisdirectedRequest, "this is the dashboard of `kubectl kymaros dashboard`: open the address that it printed")
	case r.Method == http.MethodGet && equal(r.URL.Path, g.secret):
		g.enter(w)
	case foreign(r):
		refuse(w, http.StatusForbidden, "pages of others are not let in: open the address that `kubectl kymaros dashboard` printed")
	case !g.knows(r):
		refuse(w, http.StatusUnauthorized, "open the address that `kubectl kymaros dashboard` printed, with all that is in it")
	default:
		g.next.ServeHTTP(w, r)
	}
}

// enter gives the browser its cookie, and sends it on. A redirect would not do: coming from a link on another page, the browser would
// leave the cookie out.
func (g *guard) enter(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // Secure is for TLS, and this never leaves the machine
	hide(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>Kymaros</title><p><a href="/">To the dashboard</a></p>` + "\n"))
}

// foreign tells whether a browser sends a request for a page of somebody else, another port of this machine included: cookies know
// of no ports.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

func (g *guard) knows(r *http.Request) bool {
	cookie, err := r.Cookie(g.cookie)
	return err == nil && equal(cookie.Value, g.session)
}

// equal takes as long whatever a and b have in common.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func refuse(w http.ResponseWriter, status int, text string) {
	hide(w)
	http.Error(w, text, status)
}

// hide has browsers keep an answer, and the address that it came from, to themselves.
func hide(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}
