package archive

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAFileHasItsNameWhenItIsWholeAndIsNeverOverwritten(t *testing.T) {
	d := Directory(t.TempDir())
	if err := os.WriteFile(d.path(unfinished), []byte("half"), 0o600); err != nil { // of a process that was killed
		t.Fatal(err)
	}
	for range 2 { // as after a restart
		if err := d.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const name = "cluster/reports/prod/shop/000001-a.report.json"
	if err := d.Put(t.Context(), name, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), name, []byte("two")); !errors.Is(err, ErrThere) {
		t.Errorf("the second has error %v", err)
	}
	if body, err := d.Get(t.Context(), name); string(body) != "one" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	info, err := os.Stat(d.path(name))
	if err != nil || info.Mode().Perm() != 0o440 {
		t.Errorf("%v, %v: want it read-only", info.Mode(), err)
	}
	if left, err := os.ReadDir(d.path(unfinished)); len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestADirectoryListsItsFilesAfterAName(t *testing.T) {
	d := Directory(t.TempDir())
	if names, err := d.List(t.Context(), "no/such", ""); len(names) > 0 || err != nil {
		t.Errorf("got %v, %v", names, err)
	}
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/000003-x", "a/000001-x", "a/000002-x", "a/b/000009-x"} {
		if err := d.Put(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	names, err := d.List(t.Context(), "a", "000002")
	if want := []string{"000002-x", "000003-x"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("got %v, %v, want %v", names, err, want)
	}
}

func TestADirectoryThatIsNotMountedIsNotMade(t *testing.T) {
	d := Directory(filepath.Join(t.TempDir(), "none"))
	if err := d.Prepare(t.Context()); err == nil {
		t.Error("it was")
	}
}

// Two archives may run for a moment, when one takes the place of the other.
func TestOfAllThatWriteOneNameOneDoesAndNobodySeesAHalf(t *testing.T) {
	d := Directory(t.TempDir())
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	const names, writers = 40, 4
	stop, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			seen, err := d.List(t.Context(), "a", "")
			if err != nil {
				t.Error(err)
			}
			for _, name := range seen {
				if body, err := d.Get(t.Context(), "a/"+name); err != nil || !strings.HasPrefix(name, "report-") || len(body) != 10000 {
					t.Errorf("%s has %d bytes, %v", name, len(body), err)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for n := range names {
		name := fmt.Sprintf("a/report-%03d", n)
		var wrote atomic.Int32
		var body atomic.Value
		var all sync.WaitGroup
		start := make(chan struct{})
		for w := range writers {
			all.Go(func() {
				<-start
				mine := bytes.Repeat([]byte{byte('a' + w)}, 10000)
				switch err := d.Put(t.Context(), name, mine); {
				case err == nil:
					wrote.Add(1)
					body.Store(mine)
				case !errors.Is(err, ErrThere):
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		got, err := d.Get(t.Context(), name)
		if want, _ := body.Load().([]byte); err != nil || wrote.Load() != 1 || !bytes.Equal(got, want) {
			t.Errorf("%s: %d wrote it, %v", name, wrote.Load(), err)
		}
	}
	close(stop)
	<-looked
}
