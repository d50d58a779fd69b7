package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/kymaros/kymaros/pkg/archive"
	"github.com/kymaros/kymaros/pkg/archive/bucket"
	"github.com/kymaros/kymaros/test/store"
)

const object = "cluster/reports/prod/shop/000001-shop-0123456789abcdef.report.json"

func TestABucketTakesAnObjectOnceAndNeverOverwritesIt(t *testing.T) {
	s := newScene(t, "once", false)
	b := s.bucket()
	for range 2 { // as after a restart
		if err := b.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Put(t.Context(), object, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), object, []byte("two")); !errors.Is(err, archive.ErrThere) {
		t.Errorf("the second has error %v", err)
	}
	if body, err := b.Get(t.Context(), object); string(body) != "one" || err != nil || s.stored(object) != "one" {
		t.Errorf("got %q, %v; stored is %q", body, err, s.stored(object))
	}
}

func TestABucketListsItsObjectsAfterAName(t *testing.T) {
	s := newScene(t, "listed", false)
	b := s.bucket()
	if names, err := b.List(t.Context(), "a", ""); len(names) > 0 || err != nil {
		t.Errorf("got %v, %v", names, err)
	}
	var want []string
	for n := range 12 {
		name := fmt.Sprintf("%06d-x", n)
		if err := b.Put(t.Context(), "a/"+name, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if n >= 7 {
			want = append(want, name)
		}
	}
	for _, name := range []string{"a/b/000009-x", "ab/000010-x"} {
		if err := b.Put(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := b.List(t.Context(), "a", "000007"); err != nil || !slices.Equal(names, want) {
		t.Errorf("got %v, %v, want %v", names, err, want)
	}
}

func TestAStoreThatIsBrokenFailsAndTakesTheObjectWhenItIsBack(t *testing.T) {
	for name, how := range map[string]func(w http.ResponseWriter, r *http.Request, pass http.Handler){
		"it-fails": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusInternalServerError)
		},
		"it-is-busy": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"it-hangs-up": func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
		"it-is-slow": func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body) // a server sees that the client has gone only then
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, name, false)
			b := s.bucket()
			s.broken(how)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			if err := b.Put(ctx, object, []byte("one")); err == nil || errors.Is(err, archive.ErrThere) {
				t.Errorf("put has error %v", err)
			}
			if _, err := b.List(ctx, "cluster", ""); err == nil {
				t.Error("list has no error")
			}
			if _, err := b.Get(ctx, object); err == nil {
				t.Error("get has no error")
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
			s.broken(nil)
			if err := b.Put(t.Context(), object, []byte("one")); err != nil {
				t.Fatal(err)
			}
			if got := s.stored(object); got != "one" {
				t.Errorf("stored is %q", got)
			}
		})
	}
}

func TestAnAnswerThatIsLostLosesNoObject(t *testing.T) {
	s := newScene(t, "lost", false)
	b := s.bucket()
	s.broken(func(_ http.ResponseWriter, r *http.Request, pass http.Handler) {
		pass.ServeHTTP(&deaf{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	})
	if err := b.Put(t.Context(), object, []byte("one")); err == nil {
		t.Error("put has no error")
	}
	s.broken(nil)
	if err := b.Put(t.Context(), object, []byte("one")); !errors.Is(err, archive.ErrThere) {
		t.Errorf("the next has error %v", err)
	}
	if got := s.stored(object); got != "one" {
		t.Errorf("stored is %q", got)
	}
}

// deaf takes an answer and gives it to nobody.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

func TestAStoreThatOverwritesIsRefused(t *testing.T) {
	s := newScene(t, "careless", false)
	s.broken(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("ETag", `"0"`) // whatever it is asked
		w.WriteHeader(http.StatusOK)
	})
	if err := s.bucket().Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "If-None-Match") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsAreReadAgain(t *testing.T) {
	s := newScene(t, "rotated", false)
	s.credentials("nobody", "none")
	b := s.bucket()
	if err := b.Prepare(t.Context()); err == nil {
		t.Fatal("anybody may write")
	}
	s.credentials(store.AccessKey, store.SecretKey)
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestObjectsAreLocked(t *testing.T) {
	s := newScene(t, "locked", true)
	b := s.bucket(func(o *bucket.Options) { o.Mode, o.Retention = "COMPLIANCE", 48*time.Hour })
	if err := b.Put(t.Context(), object, []byte("one")); err != nil {
		t.Fatal(err)
	}
	info, err := s.admin.StatObject(t.Context(), s.name, "kept/"+object, minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until, err := time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	if left := time.Until(until); err != nil || info.Metadata.Get("X-Amz-Object-Lock-Mode") != "COMPLIANCE" || left < 47*time.Hour || left > 48*time.Hour {
		t.Errorf("locked until %s, %v: %v", until, err, info.Metadata)
	}
	if err := s.admin.RemoveObject(t.Context(), s.name, "kept/"+object, minio.RemoveObjectOptions{VersionID: info.VersionID}); err == nil {
		t.Error("it can be removed")
	}
}
