package dashboard

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func newHandler(t *testing.T) *Handler {
	t.Helper()
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask returns nil if nothing is served there.
func ask(h *Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if !h.Serve(w, r) {
		return nil
	}
	return w
}

func TestWhatIsServedWhere(t *testing.T) {
	h := newHandler(t)
	const html = "text/html,application/xhtml+xml"
	for name, c := range map[string]struct {
		method, path, accept string
		want                 int // 0: nothing
	}{
		"the overview":                  {"GET", "/", html, 200},
		"a head of it":                  {"HEAD", "/", html, 200},
		"a test with a dot in its name": {"GET", "/tests/team-a/shop.v2", html, 200},
		"a page, to whoever does not say what they take": {"GET", "/reports", "", 200},
		"no page at the name of its file":                {"GET", "/index.html", html, 404},
		"the icon":                                       {"GET", "/static/icon.svg", "", 200},
		"a page that is not there":                       {"GET", "/settings", html, 404},
		"no page to a program":                           {"GET", "/settings", "application/json", 0},
		"no page for an address of the API":              {"GET", "/api/v1/nothing", html, 0},
		"no page for a file that is gone":                {"GET", "/static/index-old.js", html, 0},
		"nothing is changed":                             {"POST", "/", html, 0},
	} {
		w := ask(h, c.method, c.path, "Accept", c.accept)
		got := 0
		if w != nil {
			got = w.Code
			if c.method == "HEAD" && w.Body.Len() > 0 || c.method == "GET" && w.Body.Len() == 0 {
				t.Errorf("%s: %d bytes", name, w.Body.Len())
			}
		}
		if got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestNoPageMayFetchOrRunAnythingFromElsewhere(t *testing.T) {
	h := newHandler(t)
	for name, a := range h.assets {
		w := ask(h, http.MethodGet, strings.TrimSuffix(name, "index.html"))
		csp := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s lacks %s: %s", name, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", name, csp)
		}
		for _, address := range regexp.MustCompile(`https?://[\w.]+`).FindAllString(string(a.plain), -1) {
			// Names of namespaces, and the text of an error: nobody fetches them.
			if address != "http://www.w3.org" && address != "https://github.com" {
				t.Errorf("%s names %s", name, address)
			}
		}
	}
}

func TestAssetsAreSentOnceAndPacked(t *testing.T) {
	h := newHandler(t)
	page := ask(h, http.MethodGet, "/")
	named := regexp.MustCompile(`/static/index-[\w-]+\.(?:js|css)`).FindAllString(page.Body.String(), -1)
	if len(named) != 2 {
		t.Fatalf("the page names %v", named)
	}
	first := 0
	for _, name := range append(named, "/") {
		w := ask(h, http.MethodGet, name, "Accept-Encoding", "br, gzip")
		first += w.Body.Len()
		if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", name, w.Header())
		}
		unpack, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unpack)
		if err != nil || !bytes.Equal(text, ask(h, http.MethodGet, name).Body.Bytes()) {
			t.Errorf("%s: packed, it is something else: %v", name, err)
		}
		cache := w.Header().Get("Cache-Control")
		if immutable := strings.Contains(cache, "immutable"); immutable != (name != "/") {
			t.Errorf("%s: Cache-Control %q", name, cache)
		}
		again := ask(h, http.MethodGet, name, "If-None-Match", w.Header().Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s, asked for again: %d", name, again.Code)
		}
	}
	if first > 80<<10 {
		t.Errorf("the first look takes %d bytes, and should take 80 KiB at most", first)
	}
}
