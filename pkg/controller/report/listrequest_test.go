package report

import (
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
		ObjectMeta: metav1.ObjectMeta{Namespace: velero, Name: requestName, UID: uid, Labels: labels},
		Status:     velerov1.DownloadRequestStatus{DownloadURL: "http://store/backups/weekly/weekly-resource-list.json.gz"},
	}
}

func TestARequestThatACrashLeftGoesFirst(t *testing.T) {
	f := newFixture(t, test())
	giveOut(f, "http://store"+theList)
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
			if d.Name != requestName || d.DeleteOptions.Preconditions == nil || d.DeleteOptions.Preconditions.UID == nil {
				t.Fatalf("deleted %s with %+v, want %s of one UID", d.Name, d.DeleteOptions.Preconditions, requestName)
			}
			deleted = append(deleted, string(*d.DeleteOptions.Preconditions.UID))
		}
		if w, ok := a.(clienttesting.WatchActionImpl); ok && w.ListOptions.FieldSelector != "metadata.name="+requestName {
			t.Errorf("a watch of %q, which RBAC does not let pass", w.ListOptions.FieldSelector)
		}
	}
	equal(t, "UIDs of what was deleted, the new one last", deleted, []string{"left", ""})
}

func TestARequestOfSomebodyElseIsLeftAlone(t *testing.T) {
	f := newFixture(t, test())
	giveOut(f, "http://store"+theList)
	if err := f.client.Tracker().Add(requestLeft("theirs", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.inventory(t.Context(), test(), stocked(), nil); err == nil || !strings.Contains(err.Error(), requestName+" in namespace velero has our name and is not ours; delete it") {
		t.Errorf("got %v", err)
	}
	if _, err := f.client.VeleroV1().DownloadRequests(velero).Get(t.Context(), requestName, metav1.GetOptions{}); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// nobodyAnswers has Velero give out nothing. The most requests that there were at a time are counted.
func nobodyAnswers(f *fixture) (most *int) {
	most = new(int)
	giveOut(f, "")
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
	return most
}

func TestRunsThatEndAtOnceAskOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, test())
		most := nobodyAnswers(f)
		type end struct {
			after time.Duration
			err   string
		}
		const runs = workers + 1
		begin, ends := time.Now(), make(chan end, runs)
		for range runs {
			go func() {
				_, err := f.inventory(t.Context(), test(), stocked(), nil)
				ends <- end{time.Since(begin), err.Error()}
			}()
		}
		waited := 0
		for i := range runs {
			e := <-ends
			if e.after > turnTimeout+inventoryTimeout {
				t.Errorf("one had its error after %v", e.after)
			}
			switch {
			case strings.Contains(e.err, "the list of backup nightly was not read: other runs"):
				waited++
			case !strings.Contains(e.err, "no answer in time"):
				t.Errorf("error %d is %s", i, e.err)
			}
		}
		equal(t, "those that waited in vain", waited, runs-workers)
		equal(t, "requests at a time", *most, 1)
		if _, err := f.turnToAsk(t.Context()); err != nil {
			t.Errorf("afterwards nobody may ask: %v", err)
		}
	})
}
