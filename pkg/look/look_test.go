package look

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

// fakes are the API servers that a Looker asks.
type fakes struct {
	kube     *kubefake.Clientset
	metadata *metadatafake.FakeMetadataClient
	velero   *fake.Clientset
}

func newLooker(t *testing.T, objects ...runtime.Object) (*Looker, fakes) {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	f := fakes{kube: kubefake.NewClientset(objects...), metadata: metadatafake.NewSimpleMetadataClient(scheme), velero: fake.NewClientset()}
	return New(Clients{
		Kube: f.kube, Metadata: f.metadata, Velero: f.velero, VeleroNamespace: "velero",
		Dynamic: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{SnapshotContents: "VolumeSnapshotContentList"}),
	}), f
}

// run is one of namespace shop.
var run = Run{ID: "one", Restore: "restore", Backup: "nightly", Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: "box"}}}

func shop(change func(*corev1.Namespace)) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	if change != nil {
		change(ns)
	}
	return ns
}

func box() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "box", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: "one"}}}
}

// diary notes what it is handed. It fails if two things are handed at a time.
type diary struct {
	t    *testing.T
	busy atomic.Bool
	all  []string
}

func (d *diary) note(format string, args ...any) {
	if d.busy.Swap(true) {
		d.t.Error("an observer was handed two things at a time")
	}
	time.Sleep(time.Microsecond) // so that another has the time to come in
	d.all = append(d.all, fmt.Sprintf(format, args...))
	d.busy.Store(false)
}

func (d *diary) Source(namespace string, kind schema.GroupKind, o metav1.Object) {
	d.note("source %s %s/%s", namespace, kind.Kind, o.GetName())
}

func (d *diary) Sandbox(source string, kind schema.GroupKind, o metav1.Object) {
	d.note("sandbox %s %s/%s", source, kind.Kind, o.GetName())
}

func (d *diary) Beside(o runtime.Object) { d.note("beside %T", o) }

func TestEachKindOfAPlaceIsInTheTableOnce(t *testing.T) {
	there := map[string]bool{}
	for _, r := range table {
		key := fmt.Sprintf("%d %s", r.place, r.kind)
		if there[key] {
			t.Errorf("%s in place %d is in the table twice", r.kind, r.place)
		}
		there[key] = true
		if r.place == Source && r.kind == Secret {
			t.Error("Secrets of production are listed")
		}
		if r.place == Source && r.kind == ConfigMap && r.whole != nil {
			t.Error("ConfigMaps of production are read with their values")
		}
	}
}

func TestEveryObserverIsHandedEveryObjectOnce(t *testing.T) {
	var objects []runtime.Object
	var want []string
	for i := range 50 {
		for _, in := range []string{"shop", "box"} {
			name := fmt.Sprintf("pod-%d", i)
			objects = append(objects, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: name}})
			want = append(want, map[string]string{"shop": "source", "box": "sandbox"}[in]+" shop Pod/"+name)
		}
		objects = append(objects, &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pv-%d", i)}}, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "box", Name: fmt.Sprintf("s-%d", i)}})
		want = append(want, "beside *v1.PersistentVolume", fmt.Sprintf("sandbox shop Secret/s-%d", i))
	}
	k, _ := newLooker(t, append(objects, shop(nil), box())...)
	one, two := &diary{t: t}, &diary{t: t}
	l := k.Look(run, one, two)
	if err := l.Do(t.Context(), append(l.Table(), l.PersistentVolumes("0"))...); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	for _, d := range []*diary{one, two} {
		slices.Sort(d.all)
		if diff := cmp.Diff(want, d.all); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestWhatIsAskedForOfEachKind(t *testing.T) {
	k, f := newLooker(t, shop(nil), box())
	l := k.Look(run)
	if err := l.Do(t.Context(), l.Table()...); err != nil {
		t.Fatal(err)
	}
	for _, a := range f.kube.Actions() {
		list, ok := a.(clienttesting.ListActionImpl)
		if !ok {
			continue
		}
		what := a.GetNamespace() + "/" + a.GetResource().Resource
		if large := what == "box/configmaps" || what == "box/secrets"; (list.ListOptions.Limit == 20) != large {
			t.Errorf("%s: pages of %d", what, list.ListOptions.Limit)
		}
		if cached := what == "shop/pods"; (list.ListOptions.ResourceVersion == "0") != cached {
			t.Errorf("%s: as of version %q", what, list.ListOptions.ResourceVersion)
		}
	}
}

func TestNamespacesThatAreGone(t *testing.T) {
	for name, c := range map[string]struct {
		there []runtime.Object
		fault error
		gone  []string
		lists bool
	}{
		"one that is there":              {there: []runtime.Object{shop(nil)}, lists: true},
		"one that is being deleted":      {there: []runtime.Object{shop(func(ns *corev1.Namespace) { ns.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} })}, gone: []string{"shop"}, lists: true},
		"one that does not exist":        {gone: []string{"shop"}},
		"one that may not be asked for":  {fault: apierrors.NewForbidden(schema.GroupResource{Resource: "namespaces"}, "shop", errors.New("no")), lists: true},
		"one that cannot be asked for":   {fault: errors.New("broken"), lists: true},
		"one of which nobody knows more": {fault: context.DeadlineExceeded, lists: true},
	} {
		t.Run(name, func(t *testing.T) {
			k, f := newLooker(t, append(c.there, box())...)
			if c.fault != nil {
				f.kube.PrependReactor("get", "namespaces", func(a clienttesting.Action) (bool, runtime.Object, error) {
					return a.(clienttesting.GetAction).GetName() == "shop", nil, c.fault
				})
			}
			l := k.Look(run)
			err := l.Do(t.Context(), l.Table()...)
			if diff := cmp.Diff(c.gone, l.Gone()); diff != "" {
				t.Errorf("gone (-want +got):\n%s", diff)
			}
			if again := c.fault != nil && !apierrors.IsForbidden(c.fault); (err != nil) != again || (l.Unread.Why(Completeness) != "") != (c.fault != nil) {
				t.Errorf("error %v, unread %q", err, l.Unread.Why(Completeness))
			}
			lists := 0
			for _, a := range append(f.kube.Actions(), f.metadata.Actions()...) {
				if a.GetVerb() == "list" && a.GetNamespace() == "shop" {
					lists++
				}
			}
			if (lists > 0) != c.lists {
				t.Errorf("%d lists", lists)
			}
			if !l.Read(Source, Pod, "shop") {
				t.Error("pods count as not read")
			}
		})
	}
}

func TestAListThatFailsIsNotRead(t *testing.T) {
	k, f := newLooker(t, shop(nil), box())
	f.kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	})
	l := k.Look(run)
	if err := l.Do(t.Context(), l.Table()...); err != nil {
		t.Errorf("what is forbidden is asked for again: %v", err)
	}
	if l.Read(Source, Pod, "shop") || l.Read(Sandbox, Pod, "shop") || !l.Read(Sandbox, Service, "shop") {
		t.Error("what was read and what was not are mixed up")
	}
	if got := l.Unread.Why(Volumes); !strings.HasPrefix(got, "could not be read: pods in sandbox box: pods is forbidden") {
		t.Errorf("volumes: %q", got)
	}
	if got := l.Unread.Beside(); len(got) != 1 || !strings.HasPrefix(got[0], "pods in namespace shop: ") {
		t.Errorf("beside: %q", got)
	}
}

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newLooker(t)
		var last func()
		for range turns {
			done, err := k.Turn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last = done
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Turn(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one turn more: %v", err)
		}
		last()
		if _, err := k.Turn(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAKindThatIsNotServedIsNotAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, f := newLooker(t)
		served := false
		for _, resource := range []string{"datadownloads", "datauploads"} {
			f.velero.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
				return !served, nil, apierrors.NewNotFound(schema.GroupResource{Resource: resource}, "")
			})
		}
		asked := func() int {
			f.velero.ClearActions()
			l := k.Look(run)
			if err := errors.Join(l.Do(t.Context(), l.Transfers()...), l.Do(t.Context(), l.Held()...)); err != nil || l.Unread.Why(Volumes) != "" {
				t.Errorf("a kind that is not served is an error: %v", err)
			}
			return len(f.velero.Actions()) - 2 // those of file-system backup are always asked for
		}
		for _, step := range []struct {
			after  time.Duration
			served bool
			want   int
		}{{want: 1}, {want: 0}, {after: believed - time.Second, served: true, want: 0}, {after: time.Second, served: true, want: 2}, {served: true, want: 2}} {
			time.Sleep(step.after)
			served = step.served
			if got := asked(); got != step.want {
				t.Errorf("%+v: asked %d times", step, got)
			}
		}
	})
}

func TestAKindThatFailsIsAskedForAgain(t *testing.T) {
	k, f := newLooker(t)
	f.velero.PrependReactor("list", "datadownloads", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "datadownloads"}, "", errors.New("no"))
	})
	for range 2 {
		f.velero.ClearActions()
		l := k.Look(run)
		if err := l.Do(t.Context(), l.Transfers()...); err != nil || l.Unread.Why(Volumes) == "" || len(f.velero.Actions()) != 2 {
			t.Errorf("error %v, unread %q, %d requests", err, l.Unread.Why(Volumes), len(f.velero.Actions()))
		}
	}
}

func TestOnlyWhatIsOfTheRunIsListedBeside(t *testing.T) {
	k, f := newLooker(t)
	l := k.Look(run)
	if err := l.Do(t.Context(), append(l.Transfers(), l.Held()...)...); err != nil {
		t.Fatal(err)
	}
	for _, a := range f.velero.Actions() {
		want := velerov1.RestoreNameLabel + "=restore"
		if r := a.GetResource().Resource; r == "podvolumebackups" || r == "datauploads" {
			want = velerov1.BackupNameLabel + "=nightly"
		}
		if got := a.(clienttesting.ListAction).GetListRestrictions().Labels.String(); got != want {
			t.Errorf("%s: %s, want %s", a.GetResource().Resource, got, want)
		}
	}
}
