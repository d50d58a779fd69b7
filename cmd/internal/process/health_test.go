package process

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestReadyWhenTheCachesAreFilled(t *testing.T) {
	filled := false
	handler := NewHealth(Filled(func() bool { return filled })).Handler()
	ask := func(path string) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
	if got := ask("/livez"); got != http.StatusOK {
		t.Errorf("/livez answers %d before this process stands for election", got)
	}
	if got := ask("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d with empty caches", got)
	}
	filled = true
	if got := ask("/readyz"); got != http.StatusOK {
		t.Errorf("/readyz answers %d with filled caches", got)
	}
}
