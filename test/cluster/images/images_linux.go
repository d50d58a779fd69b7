// Package images makes the container images of a cluster: those of its own pods and those that tests run.
package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/oci"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// References of the images. None holds a port: Velero misreads such names.
const (
	Pause     = "docker.io/kymaros/pause:1"
	Busybox   = "docker.io/kymaros/busybox:1"
	LocalPath = "docker.io/kymaros/local-path-provisioner:1"
	Velero    = veleroRepository + build.VeleroVersion
	AWSPlugin = "docker.io/velero/velero-plugin-for-aws:" + build.AWSPluginVersion
	// Web serves the files in /www on port 8080 as user 65532, and has all of busybox's tools.
	Web = "docker.io/kymaros/demo-web:1"
	// Postgres is PostgreSQL 15; see postgres/entrypoint.sh.
	Postgres = "docker.io/kymaros/demo-postgres:15"
)

const veleroRepository = "docker.io/velero/velero:"

// VeleroOf is the reference of the image of a version of Velero, such as 1.18.2.
func VeleroOf(version string) string { return veleroRepository + "v" + version }

// definition is how one image is made.
type definition struct {
	ref    string
	config oci.Config
	// layers returns directories or tar files; tmp is a directory to make them in.
	layers func(ctx context.Context, m maker, tmp string) ([]string, error)
}

// maker is what definitions make images from.
type maker struct {
	// bin holds the programs, cache what is kept from one cluster to the next.
	bin, cache string
}

// definitions are all images. revision changes what is made of the same inputs: count it up with a change here.
const revision = 2

var definitions = []definition{
	{ref: Pause, config: oci.Config{Entrypoint: []string{"/pause"}, User: "65535"}, layers: pause},
	{ref: Busybox, config: oci.Config{Env: []string{"PATH=/bin"}}, layers: busybox},
	{ref: LocalPath, config: oci.Config{Entrypoint: []string{"/local-path-provisioner"}, Env: []string{"PATH=/"}}, layers: programs("/", "local-path-provisioner")},
	velero(Velero),
	{
		ref: AWSPlugin,
		config: oci.Config{Env: []string{"PATH=/plugins"}, User: "65532:65532",
			Entrypoint: []string{"cp-plugin", "/plugins/velero-plugin-for-aws", "/target/velero-plugin-for-aws"}},
		layers: programs("/plugins", "velero-plugin-for-aws", "cp-plugin"),
	},
	{
		ref: Web,
		config: oci.Config{Env: []string{"PATH=/bin", "HOME=/tmp"}, User: "65532:65532",
			Entrypoint: []string{"httpd", "-f", "-v", "-p", "8080", "-h", "/www"}},
		layers: busybox,
	},
	{
		ref: Postgres,
		config: oci.Config{Entrypoint: []string{"/entrypoint.sh"}, User: fmt.Sprintf("%d:%d", postgresID, postgresID), StopSignal: "SIGINT",
			Env: []string{"PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin", "PGDATA=/var/lib/postgresql/data/pgdata", "PGHOST=/tmp", "PGUSER=postgres", "LANG=C.UTF-8"}},
		layers: postgres,
	},
}

// velero is its image under that name. Users as in the images that Velero publishes: whether a restored pod may run restore-wait
// depends on it.
func velero(ref string) definition {
	return definition{ref: ref, config: oci.Config{Env: []string{"PATH=/", "HOME=/tmp"}, User: "cnb:cnb"},
		layers: programs("/", "velero", "velero-helper", "velero-restore-helper")}
}

// Make returns all images and the store that holds them, made from the programs in bin on the first call.
// It needs root, debootstrap and a static busybox.
func Make(ctx context.Context, bin string) (oci.Store, []oci.Image, error) {
	return makeOnce(ctx, bin, definitions)
}

// MakeVelero does so for the images of a version of Velero, of which its server's is the first.
func MakeVelero(ctx context.Context, bin, version string) (oci.Store, []oci.Image, error) {
	all := []definition{velero(VeleroOf(version))}
	if strings.HasPrefix(version, "1.15.") { // from 1.16 on pods wait in the server's image
		all = append(all, velero("docker.io/velero/velero-restore-helper:v"+version))
	}
	return makeOnce(ctx, bin, all)
}

func makeOnce(ctx context.Context, bin string, definitions []definition) (oci.Store, []oci.Image, error) {
	cache, err := build.CacheDir()
	if err != nil {
		return "", nil, err
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %+v", revision, filepath.Base(bin), entrypoint, describe(definitions)))
	dir := filepath.Join(cache, "images-"+hex.EncodeToString(hash[:])[:10])
	index := filepath.Join(dir, "images.json")
	if all, err := readIndex(index); err == nil {
		return oci.Store(dir), all, nil
	}
	unlock, err := build.Lock(dir + ".lock")
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	if all, err := readIndex(index); err == nil {
		return oci.Store(dir), all, nil
	}
	all, err := makeAll(ctx, maker{bin: bin, cache: cache}, oci.Store(dir), definitions)
	if err != nil {
		return "", nil, err
	}
	content, err := json.Marshal(all)
	if err != nil {
		return "", nil, err
	}
	return oci.Store(dir), all, os.WriteFile(index, content, 0o644)
}

func makeAll(ctx context.Context, m maker, store oci.Store, definitions []definition) ([]oci.Image, error) {
	var all []oci.Image
	for _, d := range definitions {
		progress.Printf("making image %s", d.ref)
		image, err := make1(ctx, m, store, d)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", d.ref, err)
		}
		all = append(all, image)
	}
	return all, nil
}

func make1(ctx context.Context, m maker, store oci.Store, d definition) (oci.Image, error) {
	ref, err := oci.ParseRef(d.ref)
	if err != nil {
		return oci.Image{}, err
	}
	tmp, err := os.MkdirTemp(m.cache, "image-")
	if err != nil {
		return oci.Image{}, err
	}
	defer os.RemoveAll(tmp)
	layers, err := d.layers(ctx, m, tmp)
	if err != nil {
		return oci.Image{}, err
	}
	return store.Add(ref, d.config, layers...)
}

// describe is everything about the definitions that can be compared.
func describe(definitions []definition) []any {
	var all []any
	for _, d := range definitions {
		all = append(all, d.ref, d.config)
	}
	return all
}

func readIndex(file string) ([]oci.Image, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []oci.Image
	return all, json.Unmarshal(content, &all)
}
