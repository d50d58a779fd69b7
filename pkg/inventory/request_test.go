package inventory

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// requestLeft is a request that is there already.
func requestLeft(uid types.UID, labels map[string]string) *velerov1.DownloadRequest {
	return &velerov1.DownloadRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: veleroNamespace, Name: RequestName, UID: uid, Labels: labels},
		Status:     velerov1.DownloadRequestStatus{DownloadURL: "http://store/backups/weekly/weekly-resource-list.json.gz"},
	}
}

func TestARequestThatACrashLeftGoesFirst(t *testing.T) {
	f := giveOut("http://store" + theList)
	if err := f.client.Tracker().Add(requestLeft("left", map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})); err != nil {
		t.Fatal(err)
	}
	address, err := f.listAddress(t.Context(), test(), "nightly")
	if err != nil || address != "http://store"+theList {
		t.Fatalf("got %q, %v", address, err)
	}
	var deleted []string
	for _, a := range f.client.Actions() {
		if d, ok := a.(clienttesting.DeleteActionImpl); ok {
			if d.Name != RequestName || d.DeleteOptions.Preconditions == nil || d.DeleteOptions.Preconditions.UID == nil {
				t.Fatalf("deleted %s with %+v, want %s of one UID", d.Name, d.DeleteOptions.Preconditions, RequestName)
			}
			deleted = append(deleted, string(*d.DeleteOptions.Preconditions.UID))
		}
		if w, ok := a.(clienttesting.WatchActionImpl); ok && w.ListOptions.FieldSelector != "metadata.name="+RequestName {
			t.Errorf("a watch of %q, which RBAC does not let pass", w.ListOptions.FieldSelector)
		}
	}
	if want := []string{"left", ""}; !slices.Equal(deleted, want) {
		t.Errorf("UIDs of what was deleted, the new one last: %q", deleted)
	}
}

func TestARequestOfSomebodyElseIsLeftAlone(t *testing.T) {
	f := giveOut("http://store" + theList)
	if err := f.client.Tracker().Add(requestLeft("theirs", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(t.Context(), test(), backup(), nil); err == nil || !strings.Contains(err.Error(), RequestName+" in namespace velero has our name and is not ours; delete it") {
		t.Errorf("got %v", err)
	}
	if _, err := f.client.VeleroV1().DownloadRequests(veleroNamespace).Get(t.Context(), RequestName, metav1.GetOptions{}); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// nobodyAnswers has Velero give out nothing. The most requests that there were at a time are counted.
func nobodyAnswers() (f fixture, most *int) {
	most = new(int)
	f = giveOut("")
	now := 0
	f.client.PrependWatchReactor("downloadrequests", func(clienttesting.Action) (bool, watch.Interface, error) { return true, watch.NewFake(), nil })
	f.client.PrependReactor("create", "downloadrequests", func(clienttesting.Action) (bool, runtime.Object, error) {
		now++
		*most = max(*most, now)
		return false, nil, nil
	})
	f.client.PrependReactor("delete", "downloadrequests", func(clienttesting.Action) (bool, runtime.Object, error) {
		now--
		return false, nil, nil
	})
	return f, most
}

func TestAfterARequestThatVeleroLeavesUnansweredNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, most := nobodyAnswers()
		const runs = 10
		begin, ends := time.Now(), make(chan string, runs)
		for range runs {
			go func() {
				_, err := f.read(t.Context(), test(), backup(), nil)
				ends <- err.Error()
			}()
		}
		waited := 0
		for range runs {
			switch e := <-ends; {
			case strings.Contains(e, errSilent.Error()):
				waited++
			case !strings.Contains(e, "it does not answer the requests of other runs"):
				t.Errorf("error %s", e)
			}
		}
		if waited != 1 || *most != 1 {
			t.Errorf("%d waited for an answer, %d requests at a time; want one", waited, *most)
		}
		if took := time.Since(begin); took != readTimeout {
			t.Errorf("all knew after %s", took)
		}
		time.Sleep(silence) // of the bubble
		if _, err := f.read(t.Context(), test(), backup(), nil); !strings.Contains(err.Error(), errSilent.Error()) {
			t.Errorf("a minute later Velero is not asked again: %v", err)
		}
	})
}
