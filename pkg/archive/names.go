package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/names"
)

const (
	// digits of a digest that stand in a name: enough for no two reports to have the same.
	digits = 16
	// maxReport leaves room for the rest of a file's name, of which file systems take 255 bytes.
	maxReport = 200
	// noCluster is the directory of reports of clusters that could not be told apart.
	noCluster = "unknown"
)

// dirOf returns where the reports of a row's test are.
func dirOf(r *row) string {
	cluster := r.cluster
	if cluster == "" {
		cluster = noCluster
	}
	return path.Join(cluster, evidence.ReportDir, r.namespace, r.test)
}

// number begins the names of all objects with that sequence, and no other.
func number(sequence int64) string { return fmt.Sprintf("%06d", sequence) }

// stemOf begins the name of a row's object: what says which report it is.
func stemOf(r *row) string { return number(r.sequence) + "-" + names.Shorten(r.name, maxReport) }

// nameOf returns the name of an object with those bytes.
func nameOf(stem string, body []byte) string {
	sum := sha256.Sum256(body)
	return stem + "-" + hex.EncodeToString(sum[:])[:digits] + evidence.StoredEnd
}

// parsed returns what is in a name; ok is false for what nobody here wrote.
func parsed(name string) (stem string, sequence int64, ok bool) {
	rest, ours := strings.CutSuffix(name, evidence.StoredEnd)
	cut := len(rest) - digits - 1
	if !ours || cut <= 0 || rest[cut] != '-' {
		return "", 0, false
	}
	first, _, _ := strings.Cut(rest, "-")
	sequence, err := strconv.ParseInt(first, 10, 64)
	return rest[:cut], sequence, err == nil && sequence > 0
}
