package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// policy is what a page may do: run and draw what this server holds, and ask this server. No text ever becomes a script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

//go:embed all:assets
var files embed.FS

// kinds by the end of a name. There are no others.
var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// pages are the first parts of addresses at which the pages know something to show. The script shows what.
var pages = map[string]bool{"": true, "tests": true, "reports": true, "compare": true, "coverage": true, "policies": true}

// asset is a file as it is sent.
type asset struct {
	kind, tag     string
	plain, packed []byte
	// hashed: the name tells what is in it, so a browser never has to ask again.
	hashed bool
}

// Handler serves the pages.
type Handler struct{ assets map[string]*asset }

// New reads and packs the files, once. It fails only by a mistake in this program.
func New() (*Handler, error) {
	h := &Handler{assets: map[string]*asset{}}
	err := fs.WalkDir(files, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		a, err := read(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		h.assets[strings.TrimPrefix(name, "assets")] = a
		return nil
	})
	if err == nil && h.assets["/index.html"] == nil {
		err = fs.ErrNotExist
	}
	return h, err
}

func read(name string) (*asset, error) {
	plain, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	kind, ok := kinds[path.Ext(name)]
	if !ok {
		return nil, fmt.Errorf("no kind is known for files of this name")
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	hash := sha256.Sum256(plain)
	return &asset{
		kind: kind, tag: `"` + base64.RawURLEncoding.EncodeToString(hash[:12]) + `"`, plain: plain, packed: packed.Bytes(),
		hashed: strings.HasPrefix(path.Base(name), "index-"),
	}, nil
}

// Serve answers a request for a page or for what it is made of. It returns false if there is no such thing: then nothing is sent.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	status := http.StatusOK
	a := h.assets[r.URL.Path]
	if a == nil || path.Ext(r.URL.Path) == ".html" {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if !pages[first] {
			// People get a page that says so. Programs get what the API says of addresses that it does not know.
			if first == "api" || first == "static" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
				return false
			}
			status = http.StatusNotFound
		}
		a = h.assets["/index.html"]
	}
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Content-Type", a.kind)
	header.Set("ETag", a.tag)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if a.hashed {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if status == http.StatusOK && r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(a.packed) < len(a.plain) {
		header.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the caller has gone if this fails
	}
	return true
}
