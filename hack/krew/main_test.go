package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const release = "v0.1.0"

// TestMain has the test be the program of an archive, when it is run as that.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(release)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func platformOf(goos, arch string) platform {
	p := platform{URI: "https://example.com/releases/" + release + "/" + goos + "-" + arch + ".tar.gz", SHA256: strings.Repeat("0a", 32)}
	p.Selector.MatchLabels = map[string]string{"os": goos, "arch": arch}
	p.Bin = p.bin()
	return p
}

func template(t *testing.T) *manifest {
	t.Helper()
	text, err := os.ReadFile("../krew.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(bytes.ReplaceAll(text, []byte("VERSION"), []byte(release)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range platforms {
		goos, arch, _ := strings.Cut(p, "/")
		m.Spec.Platforms = append(m.Spec.Platforms, platformOf(goos, arch))
	}
	return m
}

func TestManifest(t *testing.T) {
	last := func(m *manifest) *platform { return &m.Spec.Platforms[len(m.Spec.Platforms)-1] }
	for name, tc := range map[string]struct {
		change func(*manifest)
		want   string
	}{
		"as it is":                       {func(*manifest) {}, ""},
		"of an older krew":               {func(m *manifest) { m.APIVersion = "krew.googlecontainertools.github.com/v1alpha1" }, "apiVersion is"},
		"of another kind":                {func(m *manifest) { m.Kind = "Receipt" }, "kind is"},
		"called otherwise than its file": {func(m *manifest) { m.Metadata.Name = "other" }, `the plugin is called "other"`},
		"a version without v":            {func(m *manifest) { m.Spec.Version = "0.1.0" }, "version is"},
		"no version at all":              {func(m *manifest) { m.Spec.Version = "vnext" }, "version is"},
		"two lines of description":       {func(m *manifest) { m.Spec.ShortDescription = "a\nb" }, "shortDescription is"},
		"nothing said":                   {func(m *manifest) { m.Spec.Description = "" }, "no description"},
		"no page":                        {func(m *manifest) { m.Spec.Homepage = "example.com" }, "homepage is"},
		"a platform is missing":          {func(m *manifest) { m.Spec.Platforms = m.Spec.Platforms[1:] }, "the platforms are"},
		"a platform is there twice":      {func(m *manifest) { m.Spec.Platforms = append(m.Spec.Platforms, m.Spec.Platforms[0]) }, "the platforms are"},
		"another key":                    {func(m *manifest) { last(m).Selector.MatchLabels["libc"] = "musl" }, "the selector must name"},
		"an archive of another release":  {func(m *manifest) { last(m).URI = strings.ReplaceAll(last(m).URI, release, "v0.0.9") }, "want a file of release"},
		"an archive over http":           {func(m *manifest) { last(m).URI = "http" + strings.TrimPrefix(last(m).URI, "https") }, "over https"},
		"no checksum":                    {func(m *manifest) { last(m).SHA256 = "" }, "sha256 is"},
		"a program kubectl cannot find":  {func(m *manifest) { last(m).Bin = "kymaros" }, "bin is"},
	} {
		t.Run(name, func(t *testing.T) {
			m := template(t)
			tc.change(m)
			var got []string
			for _, err := range m.faults() {
				got = append(got, err.Error())
			}
			if tc.want == "" && len(got) > 0 || tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want) {
				t.Errorf("faults are %q, want %q", got, tc.want)
			}
		})
	}
	if _, err := parse([]byte("spec: {platform: []}")); err == nil {
		t.Error("a field that krew does not know was accepted")
	}
}

func TestArchive(t *testing.T) {
	at, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	here := platformOf(runtime.GOOS, runtime.GOARCH)
	elsewhere := platformOf(runtime.GOOS, "riscv64")
	both := map[string][]byte{"LICENSE": nil, here.Bin: program}
	for name, tc := range map[string]struct {
		of      platform
		files   map[string][]byte
		mode    int64
		release string
		broken  bool
		want    string
	}{
		"as it is":                {here, both, 0o755, release, false, ""},
		"without the license":     {here, map[string][]byte{here.Bin: program}, 0o755, release, false, "the archive holds"},
		"with more in it":         {here, map[string][]byte{"LICENSE": nil, here.Bin: program, "notes": nil}, 0o755, release, false, "the archive holds"},
		"nobody can run it":       {here, both, 0o644, release, false, "cannot be run by everybody"},
		"of another platform":     {elsewhere, both, 0o755, release, false, "the program is built for"},
		"of another release":      {here, both, 0o755, "v0.2.0", false, "and not v0.2.0"},
		"another than the sum is": {here, both, 0o755, release, true, "and the manifest says"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data := pack(t, tc.files, tc.mode)
			p := tc.of
			p.SHA256 = fmt.Sprintf("%x", sha256.Sum256(data))
			if tc.broken {
				data = append(data, 0)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(p.URI)), data, 0o600); err != nil {
				t.Fatal(err)
			}
			err := p.archive(dir, tc.release)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func pack(t *testing.T, files map[string][]byte, mode int64) []byte {
	t.Helper()
	var all bytes.Buffer
	packed, err := gzip.NewWriterLevel(&all, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(packed)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}
