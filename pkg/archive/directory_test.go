package archive

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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
