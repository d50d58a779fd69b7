package build

import (
	"fmt"
	"testing"
	"time"
)

func TestABuildTellsHowFarItIs(t *testing.T) {
	began := time.Now()
	w := &work{began: began, left: 200}
	far := func(after time.Duration, want string) {
		t.Helper()
		if got := w.far(began.Add(after)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	compile := func(n int) {
		for i := range n {
			fmt.Fprintf(w, "k8s.io/kubernetes/pkg/p%d\n", i)
		}
	}
	far(0, "0 of 200 packages compiled")
	compile(49)
	far(time.Minute, "49 of 200 packages compiled")
	compile(51)
	far(2*time.Minute, "100 of 200 packages compiled; the rest takes about 2 minutes")
	far(time.Minute, "100 of 200 packages compiled; the rest takes about a minute")
	far(10*time.Second, "100 of 200 packages compiled; the rest takes less than a minute")
	fmt.Fprintf(w, "# k8s.io/kubernetes/pkg/p1\npkg/p1/a.go:7:2: undefined: b\n\n")
	far(time.Minute, "100 of 200 packages compiled; the rest takes about a minute")
	compile(100)
	far(time.Minute, "all 200 packages compiled; linking")
	compile(1) // a count may be off, when others build too
	far(time.Minute, "all 201 packages compiled; linking")
}
