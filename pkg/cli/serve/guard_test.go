package serve

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask sends a request to g for a host, with headers as pairs.
func ask(g *guard, method, host, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestOnlyWhoKnowsTheAddressIsLetIn(t *testing.T) {
	g := newGuard("4000", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	entered := ask(g, "GET", "127.0.0.1:4000", g.secret)
	cookies := (&http.Response{Header: entered.Header()}).Cookies()
	if entered.Code != 200 || len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Domain != "" {
		t.Fatalf("%d %+v", entered.Code, cookies)
	}
	if strings.Contains(cookies[0].Value, strings.Trim(g.secret, "/")) || entered.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the address goes on: %+v %v", cookies[0], entered.Header())
	}
	cookie := cookies[0].Name + "=" + cookies[0].Value
	for sentence, c := range map[string]struct {
		method, host, path string
		header             []string
		want               int
	}{
		"with the cookie":                              {"GET", "127.0.0.1:4000", "/tests", []string{"Cookie", cookie}, http.StatusTeapot},
		"by the other name of this machine":            {"POST", "LocalHost:4000", "/api/v1/tests", []string{"Cookie", cookie}, http.StatusTeapot},
		"a request of the page itself":                 {"GET", "127.0.0.1:4000", "/api/v1/me", []string{"Cookie", cookie, "Sec-Fetch-Site", "same-origin"}, http.StatusTeapot},
		"an address that somebody typed":               {"GET", "127.0.0.1:4000", "/", []string{"Cookie", cookie, "Sec-Fetch-Site", "none"}, http.StatusTeapot},
		"without it":                                   {"GET", "127.0.0.1:4000", "/", nil, http.StatusUnauthorized},
		"a file, without it":                           {"GET", "127.0.0.1:4000", "/static/icon.svg", nil, http.StatusUnauthorized},
		"with another cookie":                          {"GET", "127.0.0.1:4000", "/", []string{"Cookie", cookies[0].Name + "=x"}, http.StatusUnauthorized},
		"with the cookie of another port":              {"GET", "127.0.0.1:4000", "/", []string{"Cookie", "kymaros-dashboard-4001=" + cookies[0].Value}, http.StatusUnauthorized},
		"with a token":                                 {"GET", "127.0.0.1:4000", "/api/v1/me", []string{"Authorization", "Bearer x"}, http.StatusUnauthorized},
		"with another secret":                          {"GET", "127.0.0.1:4000", "/AAAAAAAAAAAAAAAAAAAAAAAAAA/", nil, http.StatusUnauthorized},
		"with the secret, but not to read":             {"POST", "127.0.0.1:4000", g.secret, nil, http.StatusUnauthorized},
		"the name of somebody else, that points here":  {"GET", "evil.example:4000", "/", []string{"Cookie", cookie}, http.StatusMisdirectedRequest},
		"the secret, by the name of somebody else":     {"GET", "evil.example:4000", g.secret, nil, http.StatusMisdirectedRequest},
		"another port":                                 {"GET", "127.0.0.1:4001", "/", []string{"Cookie", cookie}, http.StatusMisdirectedRequest},
		"no port":                                      {"GET", "localhost", "/", []string{"Cookie", cookie}, http.StatusMisdirectedRequest},
		"a page of another port, to which it is sent":  {"GET", "127.0.0.1:4000", "/api/v1/tests", []string{"Cookie", cookie, "Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"a page of another site":                       {"POST", "127.0.0.1:4000", "/api/v1/tests", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"the secret, by a link on a page of elsewhere": {"GET", "127.0.0.1:4000", g.secret, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusOK},
	} {
		if got := ask(g, c.method, c.host, c.path, c.header...).Code; got != c.want {
			t.Errorf("%s: got %d, want %d", sentence, got, c.want)
		}
	}
	if other := newGuard("4000", nil); other.secret == g.secret || other.session == g.session || len(other.secret) < 22 {
		t.Errorf("secrets are %q, %q", other.secret, g.secret)
	}
}

func TestAtThePortThatBrowsersLeaveOutTheHostHasNone(t *testing.T) {
	g := newGuard("80", http.NotFoundHandler())
	if got := ask(g, "GET", "localhost", g.secret).Code; got != 200 {
		t.Errorf("%d", got)
	}
}
