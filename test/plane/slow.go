package plane

import "testing"

// Slow leaves a test out with -short, which make test has. It is for what takes long and that few changes can break.
func Slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: make test-integration runs it")
	}
}
