package progress

import (
	"bytes"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestLongSaysThatItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		before := os.Stderr
		os.Stderr = w
		done := Long("counting to %d", 3)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		done()
		done()
		synctest.Wait()
		os.Stderr = before
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if n, still := bytes.Count(said, []byte("counting to 3\n")), bytes.Count(said, []byte("  still counting to 3\n")); n != 3 || still != 2 {
			t.Errorf("said:\n%s", said)
		}
	})
}
