// Package store runs a real object store that speaks S3, for tests.
package store

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Credentials of the one account, and the region.
const (
	AccessKey = "archive"
	SecretKey = "kept-in-a-file"
	Region    = "us-east-1"
)

// Store is one that runs.
type Store struct {
	// Address is where it answers on loopback, as host:port.
	Address string
	process *exec.Cmd
}

// Start starts a store, which keeps its objects in the directory scratch. program is that of the store; it is built if the name is
// empty, with the module in test/cluster/mods/s3 of the repository, whose top is root.
func Start(root, program, scratch string) (*Store, error) {
	if program == "" {
		program = filepath.Join(scratch, "versitygw")
		build := exec.Command("go", "build", "-mod=mod", "-trimpath", "-o", program, "github.com/versity/versitygw/cmd/versitygw")
		build.Dir = filepath.Join(root, "test/cluster/mods/s3")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", build, err, out)
		}
	}
	for _, dir := range []string{"objects", "versions"} {
		if err := os.Mkdir(filepath.Join(scratch, dir), 0o700); err != nil {
			return nil, err
		}
	}
	address, err := free()
	if err != nil {
		return nil, err
	}
	s := &Store{Address: address, process: exec.Command(program, "--access", AccessKey, "--secret", SecretKey, "--port", address,
		"posix", "--versioning-dir", filepath.Join(scratch, "versions"), filepath.Join(scratch, "objects"))}
	s.process.Dir, s.process.Stderr = scratch, os.Stderr
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	if err := wait.PollUntilContextTimeout(context.Background(), 100*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return true, conn.Close()
	}); err != nil {
		s.Stop()
		return nil, fmt.Errorf("the object store does not answer: %w", err)
	}
	return s, nil
}

// Stop ends it.
func (s *Store) Stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// Client returns one that may do all.
func (s *Store) Client() (*minio.Client, error) {
	return minio.New(s.Address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: Region})
}

// free returns an address on loopback that nobody listens on.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
