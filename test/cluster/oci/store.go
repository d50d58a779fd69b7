package oci

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Config is how containers of an image run, unless their pod says otherwise.
type Config struct {
	Entrypoint []string `json:"Entrypoint,omitempty"`
	Env        []string `json:"Env,omitempty"`
	// User should be numeric: Kubernetes cannot tell that a named user is not root.
	User string `json:"User,omitempty"`
	// StopSignal ends a container, where SIGTERM does not do it well.
	StopSignal string `json:"StopSignal,omitempty"`
}

// Image is an image whose parts are in a Store.
type Image struct {
	Ref      Ref
	Manifest []byte
	// Blobs are the digests (without "sha256:") of all that the manifest refers to.
	Blobs []string
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	// Not compressed: the registry is on the node's own disk.
	layerType = "application/vnd.oci.image.layer.v1.tar"
)

// Store is a directory of blobs, each named by its digest.
type Store string

// Blob is the file of the blob with that digest.
func (s Store) Blob(digest string) string { return filepath.Join(string(s), "sha256", digest) }

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// Add makes an image of layers, the later above the earlier. A layer is a directory, or a tar file of one.
func (s Store) Add(ref Ref, config Config, sources ...string) (Image, error) {
	image := Image{Ref: ref}
	layers := []descriptor{}
	diffs := []string{}
	for _, source := range sources {
		d, err := s.write(layerType, func(w io.Writer) error { return copyLayer(w, source) })
		if err != nil {
			return Image{}, fmt.Errorf("layer of %s: %w", source, err)
		}
		layers = append(layers, d)
		diffs = append(diffs, d.Digest)
	}
	content, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "config": config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	if err != nil {
		return Image{}, err
	}
	configBlob, err := s.write(configType, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return Image{}, err
	}
	image.Manifest, err = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": configBlob, "layers": layers,
	})
	for _, d := range append(layers, configBlob) {
		image.Blobs = append(image.Blobs, d.Digest[len("sha256:"):])
	}
	return image, err
}

func copyLayer(w io.Writer, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return WriteLayer(w, source)
	}
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// write stores what fill writes.
func (s Store) write(mediaType string, fill func(io.Writer) error) (descriptor, error) {
	if err := os.MkdirAll(filepath.Dir(s.Blob("x")), 0o755); err != nil {
		return descriptor{}, err
	}
	f, err := os.CreateTemp(string(s), "blob-")
	if err != nil {
		return descriptor{}, err
	}
	defer os.Remove(f.Name()) // fails once it has been renamed
	defer f.Close()
	hash := sha256.New()
	counter := &counter{w: io.MultiWriter(f, hash)}
	if err := fill(counter); err != nil {
		return descriptor{}, err
	}
	digest := hex.EncodeToString(hash.Sum(nil))
	return descriptor{mediaType, "sha256:" + digest, counter.n}, errors.Join(f.Chmod(0o644), os.Rename(f.Name(), s.Blob(digest)))
}

// CopyTo puts the blobs of image into another store, as links where both are on one file system.
func (s Store) CopyTo(other Store, image Image) error {
	if err := os.MkdirAll(filepath.Dir(other.Blob("x")), 0o755); err != nil {
		return err
	}
	for _, digest := range image.Blobs {
		err := os.Link(s.Blob(digest), other.Blob(digest))
		if err == nil || errors.Is(err, fs.ErrExist) {
			continue
		}
		content, err := os.ReadFile(s.Blob(digest))
		if err != nil {
			return err
		}
		if _, err := other.write("", func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(content))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// counter counts the bytes that pass through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
