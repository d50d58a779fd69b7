package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// TestCallersActWithTheirOwnTokenAlone: whatever this program knows itself by, a client for a caller knows nothing of it.
func TestCallersActWithTheirOwnTokenAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of-the-pod"), 0o600); err != nil {
		t.Fatal(err)
	}
	var heard []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard = append(heard, r.Header.Get("Authorization")+r.Header.Get("Impersonate-User"))
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	for name, config := range map[string]*rest.Config{
		"the token of the pod, in a file": {BearerTokenFile: file, BearerToken: "of-the-pod"},
		"a token":                         {BearerToken: "of-the-pod"},
		"a password":                      {Username: "us", Password: "secret"},
		"somebody to be":                  {Impersonate: rest.ImpersonationConfig{UserName: "admin"}},
	} {
		t.Run(name, func(t *testing.T) {
			heard = nil
			config.Host = server.URL
			theirs, err := as(config)("of-the-caller")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = theirs.Kymaros.RestoreV1alpha1().RestoreTests("team-a").List(t.Context(), metav1.ListOptions{})
			_, _ = theirs.Core.Namespaces().List(t.Context(), metav1.ListOptions{})
			if len(heard) != 2 || heard[0] != "Bearer of-the-caller" || heard[1] != heard[0] {
				t.Errorf("the API server hears %q", heard)
			}
		})
	}
}
