package server

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/server/caller"
)

// browser sends a request as one does, with the cookie of before.
func (s *scene) browser(method, path string, cookie *http.Cookie, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://kymaros.example"+path, http.NoBody)
	r.TLS = &tls.ConnectionState{}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestASession(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		w := s.browser(http.MethodPost, "/api/v1/session", nil, "Authorization", "Bearer "+ofTeam, caller.Header, "1", "Sec-Fetch-Site", "same-origin")
		if w.Code != http.StatusNoContent {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		text := w.Header().Get("Set-Cookie")
		for _, want := range []string{"__Host-kymaros=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict"} {
			if !strings.Contains(text, want) {
				t.Errorf("the cookie lacks %q", want)
			}
		}
		for _, never := range []string{"Max-Age", "Expires", "Domain"} {
			if strings.Contains(text, never) {
				t.Errorf("the cookie has %s", never)
			}
		}
		cookie := w.Result().Cookies()[0]
		for name, c := range map[string]struct {
			method, path string
			cookie       *http.Cookie
			header       []string
			code         int
		}{
			"reading":                    {http.MethodGet, "/api/v1/tests", cookie, nil, http.StatusOK},
			"reading without the cookie": {http.MethodGet, "/api/v1/tests", nil, nil, http.StatusUnauthorized},
			"a forged cookie":            {http.MethodGet, "/api/v1/tests", &http.Cookie{Name: caller.Cookie, Value: forged}, nil, http.StatusUnauthorized},
			"a header that is wrong beats the cookie":  {http.MethodGet, "/api/v1/tests", cookie, []string{"Authorization", "Bearer " + forged}, http.StatusUnauthorized},
			"writing from our page":                    {http.MethodPost, "/api/v1/tests/shop/trigger", cookie, []string{caller.Header, "1", "Sec-Fetch-Site", "same-origin"}, http.StatusOK},
			"writing by a form":                        {http.MethodPost, "/api/v1/tests/shop/trigger", cookie, nil, http.StatusForbidden},
			"writing from another site":                {http.MethodPost, "/api/v1/tests/shop/trigger", cookie, []string{caller.Header, "1", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
			"writing from a sibling domain":            {http.MethodPost, "/api/v1/tests/shop/trigger", cookie, []string{caller.Header, "1", "Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
			"writing from another origin":              {http.MethodDelete, "/api/v1/tests/shop", cookie, []string{caller.Header, "1", "Origin", "https://evil.example"}, http.StatusForbidden},
			"signing out by a form":                    {http.MethodDelete, "/api/v1/session", cookie, nil, http.StatusForbidden},
			"signing in by a form":                     {http.MethodPost, "/api/v1/session", nil, []string{"Authorization", "Bearer " + ofTeam}, http.StatusForbidden},
			"signing in with a token that is wrong":    {http.MethodPost, "/api/v1/session", nil, []string{"Authorization", "Bearer " + forged, caller.Header, "1"}, http.StatusUnauthorized},
			"signing in with a token that is too long": {http.MethodPost, "/api/v1/session", nil, []string{"Authorization", "Bearer " + strings.Repeat("a", 4000), caller.Header, "1"}, http.StatusBadRequest},
		} {
			if w := s.browser(c.method, c.path, c.cookie, c.header...); w.Code != c.code {
				t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.code)
			} else if w.Code >= 400 && w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s: a cookie is set", name)
			}
		}
		w = s.browser(http.MethodDelete, "/api/v1/session", cookie, caller.Header, "1")
		if text := w.Header().Get("Set-Cookie"); w.Code != http.StatusNoContent || !strings.HasPrefix(text, "__Host-kymaros=;") || !strings.Contains(text, "Max-Age=0") {
			t.Errorf("signing out: %d %q", w.Code, text)
		}
		if w := s.do(http.MethodPost, ofTeam, "/api/v1/session", caller.Header, "1"); w.Code != http.StatusBadRequest || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("signing in over plain http: %d", w.Code)
		}
	})
}
