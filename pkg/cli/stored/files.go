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

// EachIn calls do with every report of an exported directory, by namespace, test and number.
func EachIn(dir string, do func(*Report) error) error {
	root := filepath.Join(dir, ReportDir)
	if _, err := os.Stat(root); err != nil {
		return fmt.Errorf("%s is no directory that `kubectl kymaros export` wrote: %w", dir, err)
	}
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, StoredEnd) {
			return err
		}
		r, err := ReadFile(file)
		if err != nil {
			return err
		}
		return do(r)
	})
}

// ReadFile reads one exported report.
func ReadFile(file string) (*Report, error) {
	body, err := os.ReadFile(file) //nolint:gosec // of the directory that the user names
	if err != nil {
		return nil, err
	}
	r, err := parse(body)
	if err == nil {
		r.Record, err = evidence.Of(r.Fields)
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
