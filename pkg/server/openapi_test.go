package server

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

var update = flag.Bool("update", false, "write openapi.json instead of comparing with it")

// TestTheDocumentThatIsCheckedIn is what is served.
func TestTheDocumentThatIsCheckedIn(t *testing.T) {
	text, err := document(operations)
	if err != nil {
		t.Fatal(err)
	}
	const file = "openapi.json"
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, text) {
		t.Errorf("pkg/server/%s is not what is served: run hack/update-openapi.sh", file)
	}
	bubble(t, nil, func(t *testing.T, s *scene) {
		if w := s.get(ofNobody, "/openapi.json"); !bytes.Equal(w.Body.Bytes(), text) {
			t.Errorf("served is another: %d", w.Code)
		}
		if w := s.get("", "/openapi.json"); w.Code != http.StatusUnauthorized {
			t.Errorf("to whom nobody knows: %d", w.Code)
		}
	})
}

// described is the document, and what finds an operation in it.
var described = sync.OnceValues(func() (routers.Router, error) {
	text, err := document(operations)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// conform compares a request and its answer with the document: what is answered has to look as it says, and what is taken has to be
// what it lets through.
func conform(t *testing.T, r *http.Request, body string, w *httptest.ResponseRecorder) {
	t.Helper()
	router, err := described()
	if err != nil {
		t.Fatalf("the document: %v", err)
	}
	asked := r.Clone(context.Background())
	if asked.Method == http.MethodHead || asked.Header.Get("Access-Control-Request-Method") != "" {
		return // the document knows neither HEAD nor what browsers ask before a request
	}
	asked.Body = http.NoBody
	if body != "" {
		asked = httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(body))
		asked.Header = r.Header
	}
	route, values, err := router.FindRoute(asked)
	if err != nil {
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed && !undescribed[r.URL.Path] {
			t.Errorf("%s %s: %d, and the document does not know it: %v", r.Method, r.URL, w.Code, err)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: values, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(asked.Context(), in); err != nil && w.Code < 400 {
		t.Errorf("%s %s: %d, and by the document it is no request: %v", r.Method, r.URL, w.Code, err)
	}
	if w.Header().Get("Content-Type") == "text/event-stream" || w.Header().Get("Content-Encoding") != "" {
		return
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: in.Options}
	if w.Code != http.StatusNoContent && w.Code != http.StatusNotModified {
		out.SetBodyBytes(w.Body.Bytes())
	}
	if err := openapi3filter.ValidateResponse(asked.Context(), out); err != nil {
		t.Errorf("%s %s: the answer is not as the document says: %v", r.Method, r.URL, err)
	}
}

// undescribed are served and no part of the API.
var undescribed = map[string]bool{"/livez": true, "/readyz": true, "/metrics": true, "/openapi.json": true}
