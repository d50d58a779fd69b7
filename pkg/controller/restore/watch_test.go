package restore

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	restorelisters "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
	"github.com/kymaros/kymaros/pkg/names"
)

// TestARestoreThatGoesOnIsNotLookedInto counts the requests of a Restore that does not change, second by second.
func TestARestoreThatGoesOnIsNotLookedInto(t *testing.T) {
	kube := kubefake.NewClientset()
	c := &Controller{kube: kube, client: fake.NewSimpleClientset(), still: map[string]stillness{}, judged: map[string]sets.Set[string]{}, options: Options{VeleroNamespace: "velero"}}
	var looks []int
	at := func(second int, r *velerov1.Restore, expired bool) {
		t.Helper()
		kube.ClearActions()
		s, then, rt := seen{restore: r}, now.Add(time.Duration(second)*time.Second), test()
		rt.Status.Run.Deadline = metav1.NewTime(then)
		if !expired {
			rt.Status.Run.Deadline = metav1.NewTime(then.Add(time.Second))
		}
		if err := c.inside(t.Context(), rt, &s, then); err != nil {
			t.Fatal(err)
		}
		if !expired && s.lookAgain <= 0 && r.Status.Phase == velerov1.RestorePhaseInProgress {
			t.Errorf("at second %d nobody asks to look again", second)
		}
		if n := len(kube.Actions()); n > 0 {
			looks = append(looks, second)
		}
	}
	r := restoreIn(velerov1.RestorePhaseInProgress, func(r *velerov1.Restore) { r.ResourceVersion = "1" })
	for second := range 200 {
		at(second, r, false)
	}
	if diff := cmp.Diff([]int{0, 10, 30, 70, 130, 190}, looks); diff != "" {
		t.Errorf("looks at seconds (-want +got):\n%s", diff)
	}
	looks = nil
	moved := r.DeepCopy()
	moved.ResourceVersion = "2"
	at(200, moved, false)
	at(209, moved, false)
	at(211, moved, true) // the deadline asks for the reason, whenever that is
	if diff := cmp.Diff([]int{200, 211}, looks); diff != "" {
		t.Errorf("looks after a change (-want +got):\n%s", diff)
	}
	at(212, restoreIn(velerov1.RestorePhaseCompleted), false)
	if len(c.still) > 0 {
		t.Errorf("what has ended is remembered for ever: %v", c.still)
	}
}

func TestALookTellsWhatIsWrong(t *testing.T) {
	began := func(r *velerov1.Restore) { r.Status.StartTimestamp = &metav1.Time{Time: now.Add(-time.Hour)} }
	youngServer := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "velero-x"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "velero", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now)}},
	}}}}
	serverDown := youngServer.DeepCopy()
	serverDown.Spec.Containers, serverDown.Status.ContainerStatuses = []corev1.Container{{Name: "velero"}}, nil
	hung := waiting(time.Minute)
	cordoned := waiting(time.Minute, waitingForNode(20*time.Second, "Unschedulable", "0/1 nodes are available: 1 node(s) were unschedulable."))
	cordoned.Spec.Volumes = nil
	gone := map[string][]corev1.PersistentVolumeClaim{"sbx-shop": {pending("data", "gone")}}
	for name, c := range map[string]struct {
		phase    velerov1.RestorePhase
		expired  bool
		objects  []runtime.Object
		stalled  bool
		hopeless int
	}{
		"a pod waits for a class that is gone":                  {velerov1.RestorePhaseInProgress, false, []runtime.Object{&hung}, false, 1},
		"a server that is younger, while Velero finalizes":      {velerov1.RestorePhaseFinalizing, false, []runtime.Object{youngServer}, true, 0},
		"the same in progress: it will say so itself":           {velerov1.RestorePhaseInProgress, false, []runtime.Object{youngServer}, false, 0},
		"the server does not run, at the deadline":              {velerov1.RestorePhaseInProgress, true, []runtime.Object{serverDown}, true, 0},
		"a pod waits for a cordoned node":                       {velerov1.RestorePhaseInProgress, false, []runtime.Object{&cordoned}, false, 0},
		"it still does at the deadline":                         {velerov1.RestorePhaseInProgress, true, []runtime.Object{&cordoned}, false, 1},
		"the server does not run, before":                       {velerov1.RestorePhaseInProgress, false, []runtime.Object{serverDown}, false, 0},
		"it does not run, at the deadline of a new Restore":     {velerov1.RestorePhaseNew, true, []runtime.Object{serverDown}, true, 0},
		"no server is to be seen, at the deadline":              {velerov1.RestorePhaseInProgress, true, nil, false, 0},
		"while Velero finalizes no pod of the sandbox is asked": {velerov1.RestorePhaseFinalizing, false, []runtime.Object{&hung}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := restoreIn(c.phase, began)
			controller := &Controller{kube: kubefake.NewClientset(c.objects...), client: fake.NewSimpleClientset(), options: Options{VeleroNamespace: "velero"},
				still: map[string]stillness{r.Name: {next: now, pause: firstLook}}}
			s := seen{restore: r}
			if err := controller.watch(t.Context(), test(), &s, gone, c.expired, now); err != nil {
				t.Fatal(err)
			}
			if (s.stalled != "") != c.stalled || len(s.hopeless) != c.hopeless {
				t.Errorf("stalled %q, hopeless %v; want %t, %d", s.stalled, s.hopeless, c.stalled, c.hopeless)
			}
		})
	}
}

func TestOnlyDataThatStillMovesForTheRestoreIsCancelled(t *testing.T) {
	of := func(name, uid string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "velero", Name: name, Labels: map[string]string{velerov1.RestoreUIDLabel: uid}}
	}
	podVolume := func(name, uid string, phase velerov1.PodVolumeRestorePhase) *velerov1.PodVolumeRestore {
		return &velerov1.PodVolumeRestore{ObjectMeta: of(name, uid), Status: velerov1.PodVolumeRestoreStatus{Phase: phase}}
	}
	download := func(name, uid string, phase velerov2alpha1.DataDownloadPhase) *velerov2alpha1.DataDownload {
		return &velerov2alpha1.DataDownload{ObjectMeta: of(name, uid), Status: velerov2alpha1.DataDownloadStatus{Phase: phase}}
	}
	already := podVolume("already", "ours", velerov1.PodVolumeRestorePhaseInProgress)
	already.Spec.Cancel = true
	objects := []runtime.Object{
		podVolume("new", "ours", ""), podVolume("moving", "ours", velerov1.PodVolumeRestorePhaseInProgress), already,
		podVolume("done", "ours", velerov1.PodVolumeRestorePhaseCompleted), podVolume("foreign", "theirs", ""),
		download("accepted", "ours", velerov2alpha1.DataDownloadPhaseAccepted), download("over", "ours", velerov2alpha1.DataDownloadPhaseFailed), download("other", "theirs", ""),
	}
	client := fake.NewSimpleClientset(objects...)
	c := &Controller{client: client}
	r := restoreIn(velerov1.RestorePhaseInProgress, func(r *velerov1.Restore) { r.Namespace, r.UID = "velero", "ours" })
	if err := c.cancel(t.Context(), plan{}, r); err != nil || len(client.Actions()) > 0 {
		t.Fatalf("nothing was to be cancelled: %v, %v", client.Actions(), err)
	}
	files, moved := []string{`moving {"spec":{"cancel":true}}`, `new {"spec":{"cancel":true}}`}, []string{`accepted {"spec":{"cancel":true}}`}
	for server, want := range map[string][]string{"1.16.2": moved, "1.17.0": slices.Concat(files, moved), "": slices.Concat(files, moved)} {
		client := fake.NewSimpleClientset(objects...)
		c := &Controller{client: client}
		p := plan{cancel: true}
		p.status.Velero = &v1alpha1.VeleroServer{Version: server}
		if err := c.cancel(t.Context(), p, r); err != nil {
			t.Fatal(err)
		}
		var cancelled []string
		for _, a := range client.Actions() {
			if p, ok := a.(interface {
				GetName() string
				GetPatch() []byte
			}); ok {
				cancelled = append(cancelled, fmt.Sprintf("%s %s", p.GetName(), p.GetPatch()))
			}
		}
		if diff := cmp.Diff(want, cancelled); diff != "" {
			t.Errorf("cancelled by Velero %q (-want +got):\n%s", server, diff)
		}
	}
}

func TestTheReasonIsToldThoughVeleroCannotBeFreed(t *testing.T) {
	volume := &velerov1.PodVolumeRestore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "v", Labels: map[string]string{velerov1.RestoreUIDLabel: "ours"}}}
	client := fake.NewSimpleClientset(volume)
	refused, told := errors.New("the fence refuses it"), false
	client.PrependReactor("patch", "podvolumerestores", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, refused })
	client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) {
		told = true
		return true, test(), nil
	})
	c := &Controller{client: client, status: controller.StatusWriter{Controller: controller.Restore, Tests: client.RestoreV1alpha1(), Recorder: record.NewFakeRecorder(9)}}
	r := restoreIn(velerov1.RestorePhaseInProgress, func(r *velerov1.Restore) { r.Namespace = "velero" })
	p := decide(test(), seen{restore: r, hopeless: []obstacle{{message: "why"}}}, now)
	if err := c.tell(t.Context(), test(), p, r); !errors.Is(err, refused) || !told {
		t.Errorf("told: %t, and the error is %v", told, err)
	}
}

// TestTheRestoreOnWhichVeleroStalledIsDeleted also when it is not terminal, or every server that starts takes it up.
func TestTheRestoreOnWhichVeleroStalledIsDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		reason string
		edit   func(*velerov1.Restore)
		want   int
	}{
		"at once":                            {v1alpha1.ReasonVeleroStalled, func(*velerov1.Restore) {}, 1},
		"but once":                           {v1alpha1.ReasonVeleroStalled, func(r *velerov1.Restore) { r.DeletionTimestamp = &metav1.Time{Time: now} }, 0},
		"cleanup deletes what is terminal":   {v1alpha1.ReasonVeleroStalled, func(r *velerov1.Restore) { r.Status.Phase = velerov1.RestorePhaseFailed }, 0},
		"and what ended for another reason":  {v1alpha1.ReasonDeadlineExceeded, func(*velerov1.Restore) {}, 0},
		"nothing that only has its name":     {v1alpha1.ReasonVeleroStalled, func(r *velerov1.Restore) { r.Labels = nil }, 0},
		"nothing of another test's, or none": {v1alpha1.ReasonVeleroStalled, func(r *velerov1.Restore) { r.Annotations = nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(createdBefore)
			r := restoreIn(velerov1.RestorePhaseFinalizingPartiallyFailed, func(r *velerov1.Restore) {
				r.Namespace, r.UID, r.Labels, r.Annotations = "velero", "uid", map[string]string{v1alpha1.LabelRun: "run"}, names.Annotations(rt)
			})
			c.edit(r)
			store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
			if err := store.Add(r); err != nil {
				t.Fatal(err)
			}
			client := fake.NewSimpleClientset(r)
			controller := &Controller{client: client, restores: velerolisters.NewRestoreLister(store).Restores("velero")}
			if err := controller.abandon(t.Context(), rt, &metav1.Condition{Reason: c.reason}); err != nil {
				t.Fatal(err)
			}
			if len(client.Actions()) != c.want {
				t.Errorf("requests %v, want %d", client.Actions(), c.want)
			}
		})
	}
}

func TestTheRestoreOnWhichVeleroStalledIsDeletedThoughTheReportWasFaster(t *testing.T) {
	for name, edit := range map[string]func(*v1alpha1.RestoreTest){
		"the run is reported": func(rt *v1alpha1.RestoreTest) {
			rt.Status.Report = &v1alpha1.ReportStatus{RunID: "run"}
			rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue})
		},
		"the test is being deleted": func(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = &metav1.Time{Time: now} },
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(createdBefore, edit)
			rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{
				Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonVeleroStalled,
			})
			r := restoreIn(velerov1.RestorePhaseFinalizing, func(r *velerov1.Restore) {
				r.Namespace, r.UID, r.Labels, r.Annotations = "velero", "uid", map[string]string{v1alpha1.LabelRun: "run"}, names.Annotations(rt)
			})
			tests, restores := cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace), cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
			if err := errors.Join(tests.Add(rt), restores.Add(r)); err != nil {
				t.Fatal(err)
			}
			client := fake.NewSimpleClientset(r)
			c := &Controller{client: client, tests: restorelisters.NewRestoreTestLister(tests), restores: velerolisters.NewRestoreLister(restores).Restores("velero")}
			if _, err := c.sync(t.Context(), cache.NewObjectName(rt.Namespace, rt.Name)); err != nil {
				t.Fatal(err)
			}
			if actions := client.Actions(); len(actions) != 1 || actions[0].GetVerb() != "delete" {
				t.Errorf("requests %v, want the deletion", actions)
			}
		})
	}
}

var byNamespace = cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
