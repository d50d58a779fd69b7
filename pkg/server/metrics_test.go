package server

import (
	"net/http"
	"strings"
	"testing"
)

func TestScrapesGetTheFormatThatTheyAskFor(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		if w := s.get(ofAdmin, "/api/v1/tests"); w.Code != http.StatusOK { // something to count
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for accept, want := range map[string]struct{ kind, family, ends string }{
			"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": {"application/openmetrics-text; version=1.0.0", "# TYPE kymaros_api_requests counter\n", "\n# EOF\n"},
			"text/plain;version=0.0.4": {"text/plain; version=0.0.4", "# TYPE kymaros_api_requests_total counter\n", "\n"},
			"":                         {"text/plain; version=0.0.4", "# TYPE kymaros_api_requests_total counter\n", "\n"},
		} {
			w := s.get(ofAdmin, "/metrics", "Accept", accept)
			if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(kind, want.kind) {
				t.Errorf("Accept %q: %d %s, want %s", accept, w.Code, kind, want.kind)
			}
			for _, text := range []string{want.family, `kymaros_api_requests_total{code="200",route="GET /api/v1/tests"} `, "process_start_time_seconds "} {
				if !strings.Contains(w.Body.String(), text) {
					t.Errorf("Accept %q: no %q in the answer", accept, text)
				}
			}
			if !strings.HasSuffix(w.Body.String(), want.ends) {
				t.Errorf("Accept %q: the answer does not end with %q", accept, want.ends)
			}
		}
	})
}
