package stored

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kymaros/kymaros/pkg/evidence"
)

// Where exported files stand.
const (
	ReportDir = evidence.ReportDir
	KeyDir    = "keys"
	HeadsFile = "heads.json"
	// What comes after the name of a report: all of it; what its digest is of; the signature; and for people.
	StoredEnd  = evidence.StoredEnd
	VerdictEnd = ".verdict.json"
	SealEnd    = ".dsse.json"
	PageEnd    = ".html"
)

// FileOf returns where a report stands among exported files, without what comes after its name.
func FileOf(r *evidence.Record) string {
	return path.Join(ReportDir, r.Namespace, r.Test, fmt.Sprintf("%06d-%s", r.Sequence(), r.Name))
}

// EachIn calls look with every report of an exported directory that is wanted, by the name that FileOf gave it, with several at once,
// and do with what it returned, by namespace, test and number.
func EachIn[T any](dir string, wanted func(file string) bool, look func(*Report) (T, error), do func(T) error) error {
	root := filepath.Join(dir, ReportDir)
	if _, err := os.Stat(root); err != nil {
		return fmt.Errorf("%s is no directory that `kubectl kymaros export` wrote: %w", dir, err)
	}
	files := func(yield func(string, error) bool) {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, StoredEnd) {
				return err
			}
			file, err := filepath.Rel(dir, strings.TrimSuffix(path, StoredEnd))
			if err == nil && wanted(filepath.ToSlash(file)) && !yield(path, nil) {
				err = filepath.SkipAll
			}
			return err
		})
		if err != nil {
			yield("", err)
		}
	}
	return ordered(files, func(path string) (of T, err error) {
		r, err := ReadFile(path)
		if err != nil {
			return of, err
		}
		return look(r)
	}, do)
}

// All wants every report, see EachIn.
func All(string) bool { return true }

// ReadFile reads one exported report.
func ReadFile(file string) (*Report, error) {
	body, err := os.ReadFile(file) //nolint:gosec // of the directory that the user names
	if err != nil {
		return nil, err
	}
	r, err := parse(body)
	if err == nil {
		err = r.seal()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// HeadsIn returns the heads of an exported directory.
func HeadsIn(dir string) ([]Head, error) {
	body, err := os.ReadFile(filepath.Join(dir, HeadsFile)) //nolint:gosec // the user names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var heads []Head
	if err == nil {
		err = json.Unmarshal(body, &heads)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", HeadsFile, err)
	}
	return heads, nil
}
