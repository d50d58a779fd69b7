package cleanup

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// volume returns one that a provisioner made a minute after the sandbox, for the claim of UID "claim".
func volume(policy corev1.PersistentVolumeReclaimPolicy, change ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pv", UID: "pv-uid", ResourceVersion: "5", CreationTimestamp: metav1.NewTime(now.Add(time.Minute)),
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": "csi.example.com"},
		},
		Spec: corev1.PersistentVolumeSpec{
			ClaimRef:                      &corev1.ObjectReference{Namespace: "sbx", Name: "data", UID: "claim"},
			PersistentVolumeReclaimPolicy: policy,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "1"}},
		},
	}
	for _, f := range change {
		f(pv)
	}
	return pv
}

func TestPlanForVolumes(t *testing.T) {
	const (
		retain  = corev1.PersistentVolumeReclaimRetain
		remove  = corev1.PersistentVolumeReclaimDelete
		recycle = corev1.PersistentVolumeReclaimRecycle
	)
	before := func(pv *corev1.PersistentVolume) { pv.CreationTimestamp = metav1.NewTime(now.Add(-time.Minute)) }
	byHand := func(pv *corev1.PersistentVolume) { pv.Annotations = nil }
	bound := func(pv *corev1.PersistentVolume) { pv.Annotations["pv.kubernetes.io/bound-by-controller"] = "yes" }
	unknown := func(pv *corev1.PersistentVolume) { pv.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{} }
	other := volume(retain, func(pv *corev1.PersistentVolume) { pv.Name, pv.Spec.ClaimRef.Namespace = "of-production", "shop" })
	changed := func(at time.Time) func(*corev1.PersistentVolume) {
		return func(pv *corev1.PersistentVolume) { pv.Status.LastPhaseTransitionTime = &metav1.Time{Time: at} }
	}
	const (
		sharing   = "it stands for the same storage as PersistentVolume of-production"
		older     = "it was there before the run began"
		unproved  = "no provisioner says that it made it"
		unclaimed = "its reclaim policy is Retain, and its claim is gone"
	)
	type want struct{ protect, reclaim, leaving, leaked string }
	for name, c := range map[string]struct {
		pvs    []*corev1.PersistentVolume
		claims []types.UID
		want   want
	}{
		"a volume of ours with Delete goes":                       {[]*corev1.PersistentVolume{volume(remove)}, []types.UID{"claim"}, want{leaving: "pv"}},
		"one that was free before with Retain stays":              {[]*corev1.PersistentVolume{volume(retain, bound)}, []types.UID{"claim"}, want{leaked: unproved}},
		"one of unknown storage with Retain stays":                {[]*corev1.PersistentVolume{volume(retain, unknown)}, []types.UID{"claim"}, want{leaked: "nothing here knows its kind of storage"}},
		"and goes on when its claim is gone":                      {[]*corev1.PersistentVolume{volume(remove)}, nil, want{leaving: "pv"}},
		"a volume of ours with Retain gets Delete":                {[]*corev1.PersistentVolume{volume(retain)}, []types.UID{"claim"}, want{reclaim: "pv", leaving: "pv"}},
		"so does one with Recycle":                                {[]*corev1.PersistentVolume{volume(recycle)}, []types.UID{"claim"}, want{reclaim: "pv", leaving: "pv"}},
		"with Retain and without a claim nothing proves it":       {[]*corev1.PersistentVolume{volume(retain)}, nil, want{leaked: unclaimed}},
		"a claim of the same name that is another proves nothing": {[]*corev1.PersistentVolume{volume(retain)}, []types.UID{"later"}, want{leaked: unclaimed}},
		"a volume of shared storage with Delete is protected":     {[]*corev1.PersistentVolume{volume(remove), other}, []types.UID{"claim"}, want{protect: "pv", leaked: sharing}},
		"also when its claim is gone":                             {[]*corev1.PersistentVolume{volume(remove), other}, nil, want{protect: "pv", leaked: sharing}},
		"one of shared storage with Retain stays":                 {[]*corev1.PersistentVolume{volume(retain), other}, []types.UID{"claim"}, want{leaked: sharing}},
		"a volume from before the run is protected":               {[]*corev1.PersistentVolume{volume(remove, before)}, []types.UID{"claim"}, want{protect: "pv", leaked: older}},
		"one from before the run with Recycle too":                {[]*corev1.PersistentVolume{volume(recycle, before)}, []types.UID{"claim"}, want{protect: "pv", leaked: older}},
		"one from before the run with Retain stays":               {[]*corev1.PersistentVolume{volume(retain, before)}, []types.UID{"claim"}, want{leaked: older}},
		"a volume that somebody made by hand is protected":        {[]*corev1.PersistentVolume{volume(remove, byHand)}, []types.UID{"claim"}, want{protect: "pv", leaked: unproved}},
		"one that somebody made by hand with Retain stays":        {[]*corev1.PersistentVolume{volume(retain, byHand)}, []types.UID{"claim"}, want{leaked: unproved}},
		"what an earlier run has left in a sandbox of this name is not this run's": {
			[]*corev1.PersistentVolume{volume(retain, before, changed(now.Add(-time.Second)))}, nil, want{},
		},
		"but what was released in this run is": {
			[]*corev1.PersistentVolume{volume(retain, before, changed(now.Add(time.Second)))}, nil, want{leaked: older},
		},
		"a volume of another namespace is nobody's business": {
			[]*corev1.PersistentVolume{volume(retain, func(pv *corev1.PersistentVolume) { pv.Spec.ClaimRef.Namespace = "shop" })}, []types.UID{"claim"}, want{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inventory := volumes.NewInventory("sbx")
			for _, pv := range c.pvs {
				inventory.Add(pv)
			}
			p := plan(inventory, sets.New(c.claims...), []box{{"sbx", run, now}})
			got := want{namesOf(p.protect), namesOf(p.reclaim), strings.Join(p.leaving, " "), ""}
			for _, l := range p.leaked {
				if l.run != run || l.Object != "persistentvolume/pv" || !strings.Contains(l.Reason, "by hand") {
					t.Errorf("leak %+v", l)
				}
				got.leaked += l.Reason
				if c.want.leaked != "" && strings.HasPrefix(l.Reason, c.want.leaked) {
					got.leaked = c.want.leaked
				}
			}
			if got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func namesOf(all []volumes.Volume) string {
	var list []string
	for _, v := range all {
		list = append(list, v.Name)
	}
	return strings.Join(list, " ")
}

func TestAPolicyIsChangedOnlyOfTheVolumeThatWasJudged(t *testing.T) {
	kube := kubefake.NewClientset(volume(corev1.PersistentVolumeReclaimDelete))
	judged := volumes.Volume{Name: "pv", UID: "pv-uid", ResourceVersion: "5"}
	c := &Controller{kube: kube}
	if err := c.secure(t.Context(), []volumes.Volume{judged, {Name: "gone"}}, corev1.PersistentVolumeReclaimRetain); err != nil {
		t.Fatal(err)
	}
	patch, ok := kube.Actions()[0].(clienttesting.PatchAction)
	if !ok || patch.GetName() != "pv" {
		t.Fatalf("got %v", kube.Actions())
	}
	var got map[string]any
	if err := json.Unmarshal(patch.GetPatch(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"metadata": map[string]any{"uid": "pv-uid", "resourceVersion": "5"},
		"spec":     map[string]any{"persistentVolumeReclaimPolicy": "Retain"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "persistentvolumes"}, "pv", errors.New("changed"))
	kube.PrependReactor("patch", "persistentvolumes", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, conflict })
	// What was decided has to be decided again, and no claim may go before.
	err := c.act(t.Context(), cache.ObjectName{}, nil, seen{
		namespaces: []*corev1.Namespace{namespace("sbx", live)}, planned: planned{protect: []volumes.Volume{judged}},
	})
	if !apierrors.IsConflict(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	for _, a := range kube.Actions() {
		if a.GetResource().Resource == "namespaces" {
			t.Errorf("%s of a namespace whose volumes are not secured", a.GetVerb())
		}
	}
}

func TestLeaksAreRemembered(t *testing.T) {
	of := func(run, object, reason string) leak { return leak{run, v1alpha1.Leak{Object: object, Reason: reason}} }
	status := &v1alpha1.CleanupStatus{RunID: run, Leaked: []v1alpha1.Leak{{Object: "a", Reason: "old"}, {Object: "c", Reason: "old"}}}
	got := leakedOf(run, []leak{of(run, "b", "new"), of(run, "a", "new"), of("other", "x", "new")}, status)
	want := []v1alpha1.Leak{{Object: "a", Reason: "new"}, {Object: "b", Reason: "new"}, {Object: "c", Reason: "old"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := leakedOf("next", nil, status); len(got) > 0 {
		t.Errorf("leaks of the run before count for this one: %v", got)
	}
	var many []leak
	for i := range maxLeaked + 1 {
		many = append(many, of(run, strings.Repeat("x", i+1), "r"))
	}
	if got := leakedOf(run, many, nil); len(got) != maxLeaked {
		t.Errorf("%d leaks, more than the API server takes", len(got))
	}
	if got := objects(leakedOf(run, many, nil)); !strings.HasSuffix(got, "and 236 more") {
		t.Errorf("message ends with %q", got[len(got)-20:])
	}
}

func content(name, policy string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
		"metadata": map[string]any{"name": name, "uid": "uid-" + name, "resourceVersion": "3", "labels": map[string]any{"velero.io/restore-name": names.Restore("shop", run)}},
		"spec":     map[string]any{"deletionPolicy": policy},
	}}
}

func TestSnapshotContents(t *testing.T) {
	kinds := map[schema.GroupVersionResource]string{snapshotContents: "VolumeSnapshotContentList"}
	foreign := content("foreign", "Retain")
	foreign.SetLabels(map[string]string{"velero.io/restore-name": "somebody-elses"})
	client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds,
		content("kept", "Retain"), content("dangerous", "Delete"), content("odd", ""), foreign)
	c := &Controller{dynamic: client}
	var s seen
	if err := c.snapshots(t.Context(), cache.NewObjectName("prod", "shop"), &s, []string{run}); err != nil {
		t.Fatal(err)
	}
	if got := snapshotNames(s.snapshots); got != "kept" {
		t.Errorf("to be deleted: %s, want what has Retain and is ours", got)
	}
	var leaked []string
	for _, l := range leakedOf(run, s.leaked, nil) {
		leaked = append(leaked, l.Object)
		if !strings.Contains(l.Reason, "set the policy to Retain") {
			t.Errorf("no remedy: %s", l.Reason)
		}
	}
	if diff := cmp.Diff([]string{"volumesnapshotcontent/dangerous", "volumesnapshotcontent/odd"}, leaked); diff != "" {
		t.Errorf("leaked (-want +got):\n%s", diff)
	}
	if err := c.deleteSnapshots(t.Context(), s.snapshots); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(client.Actions(), func(a clienttesting.Action) bool { return a.GetVerb() == "delete" })
	deletion, _ := client.Actions()[i].(clienttesting.DeleteActionImpl)
	if p := deletion.DeleteOptions.Preconditions; deletion.Name != "kept" || p == nil || *p.UID != "uid-kept" || *p.ResourceVersion != "3" {
		t.Errorf("got %+v", deletion)
	}

	client.PrependReactor("list", "volumesnapshotcontents", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(snapshotContents.GroupResource(), "")
	})
	s = seen{}
	if err := c.snapshots(t.Context(), cache.NewObjectName("prod", "shop"), &s, []string{run}); err != nil || len(s.snapshots)+len(s.leaked) > 0 {
		t.Errorf("without CSI snapshots in the cluster: %v, %+v", err, s)
	}
}

func TestSnapshotContentsAreListedOnceForASandboxThatHasNone(t *testing.T) {
	client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{snapshotContents: "VolumeSnapshotContentList"})
	c := &Controller{dynamic: client}
	look := func(want int) {
		t.Helper()
		client.ClearActions()
		s := seen{namespaces: []*corev1.Namespace{ending()}}
		if err := c.snapshotsLeft(t.Context(), cache.NewObjectName("prod", "shop"), &s); err != nil || len(client.Actions()) != want {
			t.Errorf("%d requests and error %v, want %d", len(client.Actions()), err, want)
		}
	}
	if err := client.Tracker().Add(content("kept", "Retain")); err != nil {
		t.Fatal(err)
	}
	look(1)
	look(1) // until it is gone
	if err := client.Tracker().Delete(snapshotContents, "", "kept"); err != nil {
		t.Fatal(err)
	}
	look(1)
	look(0)
}

func TestHygieneIsWrittenOnce(t *testing.T) {
	report := func(change func(*v1alpha1.RestoreReport)) *v1alpha1.RestoreReport {
		r := &v1alpha1.RestoreReport{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "prod", Name: "report", UID: "report-uid", Labels: map[string]string{v1alpha1.LabelRun: run},
			},
			Spec:   v1alpha1.RestoreReportSpec{TestRef: "shop", RunID: run},
			Status: &v1alpha1.RestoreReportStatus{Score: 97, Result: v1alpha1.ResultPass, Evidence: &v1alpha1.Evidence{Sequence: 7}},
		}
		for subresource, fields := range map[string]string{"": `{"f:spec":{}}`, "status": `{"f:status":{}}`} {
			r.ManagedFields = append(r.ManagedFields, metav1.ManagedFieldsEntry{
				Manager: "kymaros-report", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields),
			})
		}
		change(r)
		return r
	}
	leaked := []v1alpha1.Leak{{Object: "persistentvolume/pv", Reason: "r"}}
	refused := apierrors.NewInvalid(schema.GroupKind{Kind: "RestoreReport"}, "report", nil)
	for name, c := range map[string]struct {
		report  *v1alpha1.RestoreReport
		err     error // of the patch
		patches int
		written bool
		fails   bool
	}{
		"into the report of the run":                  {report(func(*v1alpha1.RestoreReport) {}), nil, 1, true, false},
		"not a second time":                           {report(func(r *v1alpha1.RestoreReport) { r.Hygiene = &v1alpha1.Hygiene{} }), nil, 0, false, false},
		"not into that of another run":                {report(func(r *v1alpha1.RestoreReport) { r.Labels[v1alpha1.LabelRun] = "other" }), nil, 0, false, false},
		"not into that of another run with our label": {report(func(r *v1alpha1.RestoreReport) { r.Spec.RunID = "other" }), nil, 0, false, false},
		"not into that of another test":               {report(func(r *v1alpha1.RestoreReport) { r.Spec.TestRef = "other" }), nil, 0, false, false},
		"not into one that somebody else wrote": {
			report(func(r *v1alpha1.RestoreReport) { r.ManagedFields[0].Manager = "kubectl-create" }), nil, 0, false, false,
		},
		"nothing waits for a report that takes none":  {report(func(*v1alpha1.RestoreReport) {}), refused, 1, false, false},
		"what may succeed later is tried again later": {report(func(*v1alpha1.RestoreReport) {}), apierrors.NewInternalError(errors.New("no")), 1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(c.report)
			var patches []string
			client.PrependReactor("patch", "restorereports", func(a clienttesting.Action) (bool, runtime.Object, error) {
				patches = append(patches, string(a.(clienttesting.PatchAction).GetPatch()))
				return c.err != nil, nil, c.err
			})
			has, written, err := (&Controller{client: client}).hygiene(t.Context(), cache.NewObjectName("prod", "shop"), run, leaked)
			if written != c.written || err != nil != c.fails || len(patches) != c.patches {
				t.Fatalf("written %t, %v, patches %q", written, err, patches)
			}
			if had := c.report.Hygiene != nil; (has != nil) != (written || had) {
				t.Errorf("the report has hygiene %+v", has)
			}
			if !written {
				return
			}
			got, err := client.RestoreV1alpha1().RestoreReports("prod").Get(t.Context(), "report", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if h := got.Hygiene; h == nil || h.Status != v1alpha1.HygieneLeaked || h.CleanedAt.IsZero() || !cmp.Equal(leaked, h.Leaked) {
				t.Errorf("hygiene %+v", h)
			}
			if digest, err := evidence.DigestOf(got.Hygiene); err != nil || has.Sequence != 7 || has.Digest != digest {
				t.Errorf("the digest is %+v, that of the report %s", has, digest)
			}
			if !strings.Contains(patches[0], `"uid":"report-uid"`) || strings.Contains(patches[0], "status\":{") || got.Status.Score != 97 {
				t.Errorf("patch %s, score %d", patches[0], got.Status.Score)
			}
		})
	}
	if h := hygieneOf(nil, now); h.Status != v1alpha1.HygieneClean {
		t.Errorf("a run that left nothing is %s", h.Status)
	}
}
