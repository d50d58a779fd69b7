package integration

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

const listRequest = "kymaros-inventory-prober"

func TestTheListOfABackupIsAskedForUnderOneName(t *testing.T) {
	plane.Slow(t)
	applyForTest(t, "testdata/inventory.yaml")
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/backups/"), "/")
		packed := gzip.NewWriter(w)
		_ = json.NewEncoder(packed).Encode(map[string][]string{"batch/v1/Job": {"src-" + name + "/migrate"}})
		_ = packed.Close()
	}))
	t.Cleanup(store.Close)
	requests := kymaros.VeleroV1().DownloadRequests(veleroNamespace)
	address := func(backup string) string {
		return fmt.Sprintf("%s/backups/%s/%s-resource-list.json.gz", store.URL, backup, backup)
	}

	// A controller that was killed has left a request, which Velero has answered since.
	_, err := requests.Create(t.Context(), &velerov1.DownloadRequest{
		ObjectMeta: metav1.ObjectMeta{Name: listRequest, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}},
		Status:     velerov1.DownloadRequestStatus{DownloadURL: address("another")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	playVelero(t, address)
	c := alone(t)
	var tests []*v1alpha1.RestoreTest
	for _, name := range []string{"listed-a", "listed-b", "listed-c"} { // whose runs end at about the same time
		source(t, "src-"+name)
		b := backup(t, name, "src-"+name)
		b.Spec.StorageLocation = "default"
		if _, err := kymaros.VeleroV1().Backups(veleroNamespace).Update(t.Context(), b, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, createTest(t, restoreTest(newNamespace(t, name), name)))
	}
	for _, rt := range tests {
		_, report := awaitEnd(t, rt)
		effects := report.Status.SideEffects
		if !slices.ContainsFunc(effects.Withheld, func(e v1alpha1.SideEffect) bool {
			return e.Kind == "Job.batch" && slices.Equal(e.Names, []string{"src-" + rt.Name + "/migrate"})
		}) {
			t.Errorf("%s: withheld %+v, not tested %q: want the Job that its own backup lists", rt.Name, effects.Withheld, effects.NotTested)
		}
	}
	if made := c.created("downloadrequests", listRequest); made != len(tests) {
		t.Errorf("%d requests %s were made, want %d", made, listRequest, len(tests))
	}
	for _, r := range c.seen(func(r *request) bool {
		return strings.Contains(r.path, "/downloadrequests") && r.code >= http.StatusBadRequest
	}) {
		if r.code != http.StatusConflict {
			t.Errorf("%s: %d", &r, r.code)
		}
	}
	left, err := requests.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("requests are left: %v, %v", left, err)
	}
}

// playVelero answers requests for lists until t ends.
func playVelero(t *testing.T, address func(backup string) string) {
	t.Helper()
	requests := kymaros.VeleroV1().DownloadRequests(veleroNamespace)
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := requests.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var playing sync.WaitGroup
	playing.Go(func() {
		for change := range changes.ResultChan() {
			r, ok := change.Object.(*velerov1.DownloadRequest)
			if !ok || r.Status.DownloadURL != "" {
				continue
			}
			answer := fmt.Sprintf(`{"status":{"phase":"Processed","downloadURL":%q}}`, address(r.Spec.Target.Name))
			_, _ = requests.Patch(ctx, r.Name, types.MergePatchType, []byte(answer), metav1.PatchOptions{}) // it may be gone
		}
	})
	t.Cleanup(func() {
		cancel()
		playing.Wait()
	})
}
