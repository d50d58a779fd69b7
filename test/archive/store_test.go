// Package archive tests the archive of reports against a real object store, behind a proxy that breaks it.
package archive

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/kymaros/kymaros/pkg/archive/bucket"
	"github.com/kymaros/kymaros/test/store"
)

// program is the object store; -versitygw names one that is built already.
var program = flag.String("versitygw", "", "program of the object store; built if not given")

// gateway is the store.
var gateway *store.Store

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
	if gateway, err = store.Start("../..", *program, scratch); err != nil {
		return 1, err
	}
	defer gateway.Stop()
	return m.Run(), nil
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
	target, err := url.Parse("http://" + gateway.Address)
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
	if s.admin, err = gateway.Client(); err != nil {
		t.Fatal(err)
	}
	if err := s.admin.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: lock}); err != nil {
		t.Fatal(err)
	}
	s.credentials(store.AccessKey, store.SecretKey)
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
		Endpoint: s.proxy.URL, Bucket: s.name, Region: store.Region, Prefix: "/kept/",
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
