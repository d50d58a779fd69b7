package oci

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseRef(t *testing.T) {
	for in, want := range map[string]string{
		"web":                             "docker.io/library/web:latest",
		"kymaros/web:1":                   "docker.io/kymaros/web:1",
		"docker.io/web:1":                 "docker.io/library/web:1",
		"ghcr.io/kymaros/controller:v1":   "ghcr.io/kymaros/controller:v1",
		"localhost:5000/a/b/c":            "localhost:5000/a/b/c:latest",
		"registry.example:5000/a-b_c:x.y": "registry.example:5000/a-b_c:x.y",
	} {
		got, err := ParseRef(in)
		if err != nil || got.String() != want {
			t.Errorf("ParseRef(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "Web", "web:", "web@sha256:0000", "web:a b", "a//../b:/"} {
		if got, err := ParseRef(in); err == nil {
			t.Errorf("ParseRef(%q) = %v, want an error", in, got)
		}
	}
}

func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(root, "bin"), 0o755),
		os.WriteFile(filepath.Join(root, "bin/tool"), []byte("content"), 0o755),
		os.Link(filepath.Join(root, "bin/tool"), filepath.Join(root, "bin/twin")),
		os.Symlink("tool", filepath.Join(root, "bin/alias")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLayerHoldsFilesAndLinks(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteLayer(&buf, tree(t)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for r := tar.NewReader(&buf); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(h.Typeflag) + h.Linkname + string(content)
	}
	for name, want := range map[string]string{"bin/": "5", "bin/tool": "0content", "bin/twin": "1bin/tool", "bin/alias": "2tool"} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}

func TestLayerDoesNotDependOnTime(t *testing.T) {
	root := tree(t)
	var first, second bytes.Buffer
	if err := WriteLayer(&first, root); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(root, "bin/tool"), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if err := WriteLayer(&second, root); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two layers of the same files differ")
	}
}

func TestManifestDescribesItsBlobs(t *testing.T) {
	store := Store(t.TempDir())
	ref, err := ParseRef("kymaros/web:1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := store.Add(ref, Config{User: "65532", Entrypoint: []string{"/bin/tool"}}, tree(t))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Config descriptor
		Layers []descriptor
	}
	if err := json.Unmarshal(image.Manifest, &m); err != nil {
		t.Fatal(err)
	}
	other := Store(t.TempDir())
	if err := store.CopyTo(other, image); err != nil {
		t.Fatal(err)
	}
	for _, d := range append(m.Layers, m.Config) {
		content, err := os.ReadFile(other.Blob(strings.TrimPrefix(d.Digest, "sha256:")))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if "sha256:"+hex.EncodeToString(sum[:]) != d.Digest || int64(len(content)) != d.Size {
			t.Errorf("blob does not match %+v", d)
		}
	}
	if content, err := os.ReadFile(store.Blob(strings.TrimPrefix(m.Config.Digest, "sha256:"))); err != nil || !bytes.Contains(content, []byte(`"User":"65532"`)) {
		t.Errorf("config %s, %v", content, err)
	}
}
