// Package archive tests the archive of reports against a real object store, behind a proxy that breaks it.
package archive

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/kymaros/kymaros/pkg/archive/bucket"
)

const (
	accessKey = "archive"
	secretKey = "kept-in-a-file"
)

// program is the object store; -versitygw names one that is built already.
var program = flag.String("versitygw", "", "program of the object store; built if not given")

// address is where it answers.
var address string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "archive: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	scratch, err := os.MkdirTemp("", "kymaros-archive-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if *program == "" {
		*program = filepath.Join(scratch, "versitygw")
		build := exec.Command("go", "build", "-mod=mod", "-trimpath", "-o", *program, "github.com/versity/versitygw/cmd/versitygw")
		build.Dir = "../cluster/mods/s3"
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("%s: %w\n%s", build, err, out)
		}
	}
	for _, dir := range []string{"objects", "versions"} {
		if err := os.Mkdir(filepath.Join(scratch, dir), 0o700); err != nil {
			return 1, err
		}
	}
	if address, err = free(); err != nil {
		return 1, err
	}
	store := exec.Command(*program, "--access", accessKey, "--secret", secretKey, "--port", address,
		"posix", "--versioning-dir", filepath.Join(scratch, "versions"), filepath.Join(scratch, "objects"))
	store.Dir, store.Stderr = scratch, os.Stderr
	if err := store.Start(); err != nil {
		return 1, err
	}
	defer func() { _ = store.Process.Kill(); _ = store.Wait() }()
	for range 300 {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return m.Run(), conn.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return 1, errors.New("the object store does not answer")
}

// free returns an address on loopback that nobody listens on.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// scene is a bucket of its own, behind a proxy that does to requests what breaks says.
type scene struct {
	t      *testing.T
	name   string
	proxy  *httptest.Server
	breaks atomic.Pointer[func(w http.ResponseWriter, r *http.Request, pass http.Handler)]
	admin  *minio.Client
	dir    string
}

func newScene(t *testing.T, name string, lock bool) *scene {
	t.Helper()
	s := &scene{t: t, name: name, dir: t.TempDir()}
	target, err := url.Parse("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	// What is signed is the host that was asked, so that stays.
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }, ErrorLog: log.New(io.Discard, "", 0)}
	s.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if breaks := s.breaks.Load(); breaks != nil {
			(*breaks)(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(s.proxy.Close)
	if s.admin, err = minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "us-east-1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.admin.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: lock}); err != nil {
		t.Fatal(err)
	}
	s.credentials(accessKey, secretKey)
	return s
}

func (s *scene) credentials(access, secret string) {
	s.t.Helper()
	for file, text := range map[string]string{"access": access, "secret": secret} {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// bucket returns the sink, as a process makes it.
func (s *scene) bucket(edits ...func(*bucket.Options)) *bucket.Bucket {
	s.t.Helper()
	o := bucket.Options{
		Endpoint: s.proxy.URL, Bucket: s.name, Region: "us-east-1", Prefix: "/kept/",
		AccessKeyFile: filepath.Join(s.dir, "access"), SecretKeyFile: filepath.Join(s.dir, "secret"),
	}
	for _, e := range edits {
		e(&o)
	}
	b, err := bucket.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *scene) broken(how func(w http.ResponseWriter, r *http.Request, pass http.Handler)) {
	if how == nil {
		s.breaks.Store(nil)
		return
	}
	s.breaks.Store(&how)
}

// stored returns the bytes of an object as somebody else sees them.
func (s *scene) stored(name string) string {
	s.t.Helper()
	object, err := s.admin.GetObject(context.WithoutCancel(s.t.Context()), s.name, "kept/"+name, minio.GetObjectOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer object.Close()
	body, err := io.ReadAll(object)
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return string(body)
}
