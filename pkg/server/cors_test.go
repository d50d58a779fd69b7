package server

import (
	"net/http"
	"testing"
)

func TestOnlyPagesOfOriginsThatWereNamedReadAnswers(t *testing.T) {
	const portal = "https://portal.example.com"
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		s.options.Origins = []string{portal}
		for name, c := range map[string]struct {
			method, origin string
			asks           string // Access-Control-Request-Method
			code           int
			allowed        string
		}{
			"a page that was named":                  {http.MethodGet, portal, "", http.StatusOK, portal},
			"it asks whether it may write":           {http.MethodOptions, portal, "POST", http.StatusNoContent, portal},
			"a page of somebody else":                {http.MethodGet, "https://evil.example", "", http.StatusOK, ""},
			"it asks too":                            {http.MethodOptions, "https://evil.example", "POST", http.StatusMethodNotAllowed, ""},
			"a name that ends alike":                 {http.MethodGet, "https://evil-portal.example.com", "", http.StatusOK, ""},
			"the same name without encryption":       {http.MethodGet, "http://portal.example.com", "", http.StatusOK, ""},
			"another port":                           {http.MethodGet, portal + ":8443", "", http.StatusOK, ""},
			"a page of nobody":                       {http.MethodGet, "null", "", http.StatusOK, ""},
			"OPTIONS that asks for nothing":          {http.MethodOptions, portal, "", http.StatusMethodNotAllowed, portal},
			"no browser, or a page of this server's": {http.MethodGet, "", "", http.StatusOK, ""},
		} {
			headers := []string{"Origin", c.origin}
			if c.asks != "" {
				headers = append(headers, "Access-Control-Request-Method", c.asks)
			}
			w := s.do(c.method, ofTeam, "/api/v1/tests", headers...)
			h := w.Header()
			if w.Code != c.code || h.Get("Access-Control-Allow-Origin") != c.allowed {
				t.Errorf("%s: %d, allows %q; want %d, %q", name, w.Code, h.Get("Access-Control-Allow-Origin"), c.code, c.allowed)
			}
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: a page of another origin may use the cookie", name)
			}
		}
	})
}

func TestAnOriginIsASchemeAndAHost(t *testing.T) {
	for origin, good := range map[string]bool{
		"https://portal.example.com": true, "https://portal.example.com:8443": true, "http://127.0.0.1:3000": true,
		"*": false, "": false, "portal.example.com": false, "https://portal.example.com/": false, "https://*.example.com": false,
		"https://user@portal.example.com": false, "ftp://portal.example.com": false, "https://": false, "null": false,
	} {
		if err := CheckOrigin(origin); (err == nil) != good {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
