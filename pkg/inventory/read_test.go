package inventory

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

var contents = map[string][]string{
	"apps/v1/Deployment": {"shop/web", "other/web"}, "v1/Namespace": {"shop", "other"}, "example.com/v1beta1/Gadget": {"shop/g"}, "v1/Secret": {"other/s"},
}

func packed(t *testing.T, what any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := json.NewEncoder(w).Encode(what); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadInventory(t *testing.T) {
	got, err := readInventory(bytes.NewReader(packed(t, contents)), []string{"shop"})
	if err != nil {
		t.Fatal(err)
	}
	want := sideeffects.Inventory{
		{Group: "apps", Kind: "Deployment"}: {"shop/web"}, {Kind: "Namespace"}: {"shop", "other"}, {Group: "example.com", Kind: "Gadget"}: {"shop/g"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, broken := range map[string][]byte{
		"not compressed": []byte("{}"), "cut off": packed(t, contents)[:40], "no object": packed(t, "x"), "no names": packed(t, map[string]string{"v1/Pod": "x"}),
		"no kind": packed(t, map[string][]string{"a/b/c/Pod": {"shop/x"}}),
	} {
		if got, err := readInventory(bytes.NewReader(broken), []string{"shop"}); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

// theList is where Velero keeps the list of the backup.
const theList = "/backups/nightly/nightly-resource-list.json.gz"

const veleroNamespace = "velero"

// test is a RestoreTest in a run.
func test() *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "tests", Name: "shop", UID: "uid"}}
	rt.Status.Run = &v1alpha1.RunStatus{ID: "run-1"}
	rt.Status.Run.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "shop"}}
	return rt
}

func backup() *velerov1.Backup {
	return &velerov1.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: veleroNamespace, Name: "nightly"}, Spec: velerov1.BackupSpec{StorageLocation: "default"}}
}

type fixture struct {
	*velero
	client *fake.Clientset
}

// giveOut has Velero give out address for each list that is asked for.
func giveOut(address string) fixture {
	f := fixture{client: fake.NewClientset(location(nil, nil))}
	f.velero = &velero{client: f.client, namespace: veleroNamespace, requestName: RequestName, asking: make(chan struct{}, 1)}
	f.client.PrependWatchReactor("downloadrequests", func(clienttesting.Action) (bool, watch.Interface, error) {
		w := watch.NewFake()
		go w.Modify(&velerov1.DownloadRequest{Status: velerov1.DownloadRequestStatus{Phase: velerov1.DownloadRequestPhaseProcessed, DownloadURL: address}})
		return true, w, nil
	})
	return f
}

func location(ca []byte, config map[string]string) *velerov1.BackupStorageLocation {
	return &velerov1.BackupStorageLocation{
		ObjectMeta: metav1.ObjectMeta{Namespace: veleroNamespace, Name: "default"},
		Spec: velerov1.BackupStorageLocationSpec{Config: config, StorageType: velerov1.StorageType{
			ObjectStorage: &velerov1.ObjectStorageLocation{CACert: ca},
		}},
	}
}

func TestInventory(t *testing.T) {
	answer := packed(t, contents)
	var hits int
	store := http.NewServeMux()
	store.HandleFunc(theList, func(w http.ResponseWriter, _ *http.Request) { hits++; _, _ = w.Write(answer) })
	store.HandleFunc("/gone"+theList, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	store.HandleFunc("/elsewhere"+theList, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, theList, http.StatusFound) })
	store.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) { hits++; _, _ = w.Write(answer) })
	plain, secure := httptest.NewServer(store), httptest.NewTLSServer(store)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})

	for name, tt := range map[string]struct {
		address string
		at      *velerov1.BackupStorageLocation
		wantErr string
	}{
		"a list is read": {address: plain.URL + theList},
		"a store is trusted whose authority Velero trusts":  {address: secure.URL + theList, at: location(ca, nil)},
		"a store is not trusted without":                    {address: secure.URL + theList, wantErr: "cannot be reached from here"},
		"unless Velero does not ask either":                 {address: secure.URL + theList, at: location(nil, map[string]string{"insecureSkipTLSVerify": "true"})},
		"an authority that is none is named":                {address: secure.URL + theList, at: location([]byte("x"), nil), wantErr: "caCert of BackupStorageLocation default"},
		"a store that refuses is named":                     {address: plain.URL + "/gone" + theList + "?key=secret", wantErr: "answers 403"},
		"nobody is followed elsewhere":                      {address: plain.URL + "/elsewhere" + theList, wantErr: "answers 302"},
		"a store that is down is named without its address": {address: "http://127.0.0.1:1" + theList + "?key=secret", wantErr: "cannot be reached from here"},
		"one that names the list in a parameter is read":    {address: plain.URL + "/other?object=backups%2Fnightly%2Fnightly-resource-list.json.gz"},
		"the list of another backup is none":                {address: plain.URL + "/backups/weekly/weekly-resource-list.json.gz?key=secret", wantErr: "something else"},
		"nor is that of one with a longer name":             {address: plain.URL + "/backups/x-nightly/x-nightly-resource-list.json.gz", wantErr: "something else"},
		"an address that cannot be read is not repeated":    {address: "http://%zz" + theList + "?key=secret", wantErr: "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			f := giveOut(tt.address)
			if tt.at != nil {
				if err := f.client.Tracker().Update(velerov1.SchemeGroupVersion.WithResource("backupstoragelocations"), tt.at, veleroNamespace); err != nil {
					t.Fatal(err)
				}
			}
			got, err := f.read(t.Context(), test(), backup(), []string{"shop"})
			if left, listErr := f.client.VeleroV1().DownloadRequests(veleroNamespace).List(t.Context(), metav1.ListOptions{}); listErr != nil || len(left.Items) > 0 {
				t.Errorf("requests are left: %v, %v", left, listErr)
			}
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got[schema.GroupKind{Group: "apps", Kind: "Deployment"}]) != 1 {
				t.Errorf("got %v", got)
			}
		})
	}
	if hits != 4 {
		t.Errorf("the list was given out %d times", hits)
	}
}

func TestInventoryOfABackupThatIsGone(t *testing.T) {
	f := giveOut("")
	if _, err := f.read(t.Context(), test(), nil, nil); err == nil {
		t.Error("no error")
	}
	f.client.PrependWatchReactor("downloadrequests", func(clienttesting.Action) (bool, watch.Interface, error) {
		w := watch.NewFake()
		w.Stop()
		return true, w, nil
	})
	if _, err := f.read(t.Context(), test(), backup(), nil); err == nil || !strings.Contains(fmt.Sprint(err), "lost") {
		t.Errorf("got %v", err)
	}
}
