package controller

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

func running() *v1alpha1.RestoreTest {
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", ResourceVersion: "7"},
		Status:     v1alpha1.RestoreTestStatus{Run: &v1alpha1.RunStatus{ID: "run"}},
	}
}

func creating() (metav1.Condition, v1alpha1.RestoreTestStatus) {
	return metav1.Condition{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonCreating, Message: "creating"},
		v1alpha1.RestoreTestStatus{Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: "sbx"}}}}
}

// writer returns a StatusWriter of the sandbox controller, the client it writes with and the events it records.
func writer(rt *v1alpha1.RestoreTest) (*StatusWriter, *fake.Clientset, *record.FakeRecorder) {
	client, events := fake.NewClientset(rt), record.NewFakeRecorder(10)
	return &StatusWriter{Controller: Sandbox, Tests: client.RestoreV1alpha1(), Recorder: events}, client, events
}

func TestWriteSendsOnlyWhatItsControllerOwns(t *testing.T) {
	rt := running()
	w, client, _ := writer(rt)
	var sent string
	client.PrependReactor("patch", "restoretests", func(action clienttesting.Action) (bool, runtime.Object, error) {
		sent = string(action.(clienttesting.PatchAction).GetPatch())
		return true, rt, nil
	})
	condition, own := creating()
	if err := w.Write(t.Context(), rt, condition, own); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"resourceVersion":"7"`, `"sandbox":{"runID":"run","namespaces":[{"source":"shop","name":"sbx"}]}`, `"type":"SandboxReady"`} {
		if !strings.Contains(sent, want) {
			t.Errorf("not sent: %s\nin %s", want, sent)
		}
	}
	for _, alien := range []string{`"run":`, `"phase"`, `"restore"`, `"health"`, `"observedGeneration"`, `null`} {
		if strings.Contains(sent, alien) {
			t.Errorf("sent %s, which is not sandbox's\nin %s", alien, sent)
		}
	}
}

func TestWriteRefusesWhatAnotherControllerOwns(t *testing.T) {
	rt := running()
	w, client, _ := writer(rt)
	condition, own := creating()
	own.LastResult = v1alpha1.ResultPass
	if err := w.Write(t.Context(), rt, condition, own); err == nil || !strings.Contains(err.Error(), "status.lastResult") {
		t.Errorf("got %v, want an error that names the field", err)
	}
	if n := len(client.Actions()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestWriteSendsNothingTwice(t *testing.T) {
	rt := running()
	w, client, events := writer(rt)
	condition, own := creating()
	rt.Status.Sandbox = own.Sandbox
	rt.Status.Conditions = []metav1.Condition{condition}
	if err := w.Write(t.Context(), rt, condition, own); err != nil {
		t.Fatal(err)
	}
	if n := len(client.Actions()); n > 0 || len(events.Events) > 0 {
		t.Errorf("%d requests and %d events for what is there already", n, len(events.Events))
	}
	own.Sandbox = own.Sandbox.DeepCopy()
	own.Sandbox.Namespaces[0].UID = "uid"
	if err := w.Write(t.Context(), rt, condition, own); err != nil {
		t.Fatal(err)
	}
	if len(client.Actions()) != 1 || len(events.Events) > 0 {
		t.Errorf("%d requests and %d events for a new UID, want one request and no event", len(client.Actions()), len(events.Events))
	}
}

func TestWriteRecordsWhatNeedsALookAndNoStepThatWentWell(t *testing.T) {
	rt := running()
	w, _, events := writer(rt)
	condition, own := creating()
	write := func(status metav1.ConditionStatus, reason, message string) {
		t.Helper()
		condition.Status, condition.Reason, condition.Message = status, reason, message
		if err := w.Write(t.Context(), rt, condition, own); err != nil {
			t.Fatal(err)
		}
		rt.Status.Sandbox, rt.Status.Conditions = own.Sandbox, []metav1.Condition{condition}
	}
	write(metav1.ConditionUnknown, v1alpha1.ReasonWaiting, "no news")
	write(metav1.ConditionUnknown, v1alpha1.ReasonCreating, "one")
	write(metav1.ConditionUnknown, v1alpha1.ReasonCreating, "two")
	write(metav1.ConditionUnknown, v1alpha1.ReasonStuck, "three")
	write(metav1.ConditionUnknown, v1alpha1.ReasonStuck, "four")
	write(metav1.ConditionTrue, v1alpha1.ReasonGuarded, "five")
	rt.Status.Run.ID, own.Sandbox = "next", &v1alpha1.SandboxStatus{RunID: "next"}
	write(metav1.ConditionFalse, v1alpha1.ReasonRejected, "six")
	close(events.Events)
	var got []string
	for e := range events.Events {
		got = append(got, e)
	}
	if diff := cmp.Diff([]string{"Warning Stuck three", "Warning Rejected six"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWritePassesOnAConflict(t *testing.T) {
	rt := running()
	w, client, events := writer(rt)
	client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewConflict(v1alpha1.Resource("restoretests"), "shop", nil)
	})
	condition, own := creating()
	if err := w.Write(t.Context(), rt, condition, own); !apierrors.IsConflict(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	if len(events.Events) > 0 {
		t.Error("an event tells of a transition that was not written")
	}
}

func TestATurnThatWasMissedIsAWarning(t *testing.T) {
	rt := running()
	w, _, events := writer(rt)
	w.Controller = Schedule
	missed := metav1.Condition{Type: v1alpha1.ConditionScheduled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonMissedTurn, Message: "3 runs did not start"}
	if err := w.Write(t.Context(), rt, missed, v1alpha1.RestoreTestStatus{Run: rt.Status.Run}); err != nil {
		t.Fatal(err)
	}
	if got := <-events.Events; got != "Warning MissedTurn 3 runs did not start" {
		t.Errorf("event %q", got)
	}
}

func TestWriteSendsNothingThatWouldMeetItsOwnWrite(t *testing.T) {
	rt := running()
	rt.UID = "behind"
	w, client, _ := writer(rt)
	newer := rt.DeepCopy()
	newer.ResourceVersion = "8"
	client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) { return true, newer, nil })
	condition, own := creating()
	if err := w.Write(t.Context(), rt, condition, own); err != nil {
		t.Fatal(err)
	}
	condition.Message = "another"
	if err := w.Write(t.Context(), rt, condition, own); !apierrors.IsConflict(err) || len(client.Actions()) != 1 {
		t.Errorf("%d requests and error %v from a cache that is behind, want one and a conflict", len(client.Actions()), err)
	}
	if err := w.Write(t.Context(), newer, condition, own); err != nil || len(client.Actions()) != 2 {
		t.Errorf("%d requests and error %v from the newest, want two and none", len(client.Actions()), err)
	}
}
