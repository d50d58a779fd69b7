package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/test/plane"
	"github.com/kymaros/kymaros/test/store"
)

// TestReportsOutliveTheClusterInABucket has kymaros-archive write into a bucket whose objects are locked. The store is away when the first
// runs end, which wait for nothing; and the process is killed, and started again.
func TestReportsOutliveTheClusterInABucket(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an object store")
	}
	gateway, err := store.Start(top, "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Stop)
	admin, err := gateway.Client()
	if err != nil {
		t.Fatal(err)
	}
	const bucket = "evidence"
	if err := admin.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	var back atomic.Bool
	// What is signed is the host that was asked, so that stays.
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: gateway.Address})
		r.Out.Host = r.In.Host
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !back.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)

	a := newArchive(t)
	a.sink = []string{"--s3-endpoint=" + proxy.URL, "--s3-bucket=" + bucket, "--s3-prefix=kept", "--s3-lock-mode=COMPLIANCE", "--s3-lock-days=7"}
	for flag, text := range map[string]string{"access": store.AccessKey, "secret": store.SecretKey} {
		file := filepath.Join(t.TempDir(), flag)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a.sink = append(a.sink, "--s3-"+flag+"-key-file="+file)
	}
	a.start()
	c := &chain{t, shop(t, "bucketed")}
	for range 2 {
		c.run() // as fast as ever, or it fails
	}
	a.says("kymaros_archive_pending_reports 2")
	back.Store(true)
	reports := &kept{t: t, admin: admin, bucket: bucket, under: "/reports/" + c.rt.Namespace + "/"}
	reports.awaits(2)
	a.says("kymaros_archive_pending_reports 0")
	a.kill()
	c.run()
	a.start()
	reports.awaits(3)
	a.kill()

	dir := t.TempDir()
	for _, o := range reports.versions(t.Context()) {
		info, err := admin.StatObject(t.Context(), bucket, o.Key, minio.StatObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		until, err := time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
		if left := time.Until(until); err != nil || info.Metadata.Get("X-Amz-Object-Lock-Mode") != "COMPLIANCE" || left < 6*24*time.Hour {
			t.Errorf("%s is locked until %s, %v: %v", o.Key, until, err, info.Metadata)
		}
		_, name, _ := strings.Cut(o.Key, reports.under)
		if err := admin.FGetObject(t.Context(), bucket, o.Key, filepath.Join(dir, "reports", c.rt.Namespace, name), minio.GetObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	kymaros(t, "verify", c.rt.Name, "--from", dir).wants(t, exit.Verified, "intact #1–#3")
	if log, err := os.ReadFile(a.log); err != nil || strings.Contains(string(log), "forbidden") || !strings.Contains(string(log), "not archived yet") {
		t.Errorf("it asked for what it may not, or did not say that the store was away, %v:\n%s", err, log)
	}
}

// kept are the reports of one test in a bucket.
type kept struct {
	t             *testing.T
	admin         *minio.Client
	bucket, under string
}

// versions returns all there are of all objects, those that are hidden by others too.
func (k *kept) versions(ctx context.Context) (all []minio.ObjectInfo) {
	k.t.Helper()
	for o := range k.admin.ListObjects(ctx, k.bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		if o.Err != nil {
			k.t.Fatal(o.Err)
		}
		if strings.HasPrefix(o.Key, "kept/") && strings.Contains(o.Key, k.under) {
			all = append(all, o)
		}
	}
	return all
}

// awaits waits for so many objects, each with one version.
func (k *kept) awaits(n int) {
	k.t.Helper()
	plane.Eventually(k.t, 100*time.Millisecond, 2*time.Minute, func(ctx context.Context) error {
		all := k.versions(ctx)
		if len(all) != n {
			return fmt.Errorf("%d objects, want %d", len(all), n)
		}
		return nil
	})
	seen := map[string]bool{}
	for _, o := range k.versions(k.t.Context()) {
		if seen[o.Key] {
			k.t.Errorf("%s was written twice", o.Key)
		}
		seen[o.Key] = true
	}
}
