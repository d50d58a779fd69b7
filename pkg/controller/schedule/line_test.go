package schedule

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

func named(name string, edits ...edit) *v1alpha1.RestoreTest {
	return test(append([]edit{func(rt *v1alpha1.RestoreTest) { rt.Name, rt.UID = name, "uid-"+"x" }}, edits...)...)
}

// foreign is a Restore or Backup that somebody else made.
func foreignRestore(phase velerov1.RestorePhase) *velerov1.Restore {
	return &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "emergency"}, Status: velerov1.RestoreStatus{Phase: phase}}
}

func backupOf(namespace string, phase velerov1.BackupPhase) *velerov1.Backup {
	return &velerov1.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "nightly"}, Spec: velerov1.BackupSpec{IncludedNamespaces: []string{namespace}},
		Status: velerov1.BackupStatus{Phase: phase}}
}

func TestWhoGetsHisTurn(t *testing.T) {
	due := func(minutes int) edit { return inLineSince(now.Add(time.Duration(minutes) * time.Minute)) }
	of := func(source string) edit {
		return func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.Namespaces[0].Name = source }
	}
	for name, c := range map[string]struct {
		objects []runtime.Object
		options Options
		want    []string
	}{
		"one to restore and one to be made ready": {[]runtime.Object{named("a", due(-3)), named("b", due(-2)), named("c", due(-1))}, Options{RunsAhead: 1}, []string{"a", "b"}},
		"nobody ahead, if nobody shall be":        {[]runtime.Object{named("a", due(-3)), named("b", due(-2))}, Options{}, []string{"a"}},
		"who holds it has it":                     {[]runtime.Object{named("a", ran(now, false)), named("b", due(-2)), named("c", due(-1))}, Options{RunsAhead: 1}, []string{"b"}},
		"nobody while somebody else restores":     {[]runtime.Object{named("a", due(-3)), foreignRestore(velerov1.RestorePhaseInProgress)}, Options{RunsAhead: 1}, nil},
		"nobody while somebody else is about to":  {[]runtime.Object{named("a", due(-3)), foreignRestore("")}, Options{RunsAhead: 1}, nil},
		"again when that is over":                 {[]runtime.Object{named("a", due(-3)), foreignRestore(velerov1.RestorePhaseCompleted)}, Options{RunsAhead: 1}, []string{"a"}},
		"not who is being backed up":              {[]runtime.Object{named("a", due(-3)), named("b", due(-2), of("other")), backupOf("shop", velerov1.BackupPhaseInProgress)}, Options{}, []string{"b"}},
		"nobody during any backup, if so wanted":  {[]runtime.Object{named("b", due(-2), of("other")), backupOf("shop", velerov1.BackupPhaseInProgress)}, Options{WaitForAnyBackup: true}, nil},
		"a backup that is made keeps nobody back": {[]runtime.Object{named("a", due(-3)), backupOf("shop", velerov1.BackupPhaseCompleted)}, Options{}, []string{"a"}},
		"what Velero does for a run that is over": {[]runtime.Object{named("a", due(-3)), &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "left",
			Labels: map[string]string{v1alpha1.LabelRun: "gone", v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}, Status: velerov1.RestoreStatus{Phase: velerov1.RestorePhaseInProgress}}}, Options{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.RequireFence, c.options.VeleroNamespace, c.options.MaxRestores, c.options.StalledAfter = true, "velero", 1, time.Hour
			client := fake.NewClientset(c.objects...)
			factory := externalversions.NewSharedInformerFactory(client, 0)
			schedule, err := New(t.Context(), c.options, client, factory.Restore().V1alpha1().RestoreTests(), factory.Velero().V1(),
				func(context.Context) (string, error) { return "", nil }, record.NewFakeRecorder(100))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			factory.StartWithContext(ctx)
			factory.WaitForCacheSync(ctx.Done())
			stop()
			factory.Shutdown()
			for range 3 { // the cache, which is old now, gives nobody a second turn
				if _, err := schedule.advance(t.Context(), now); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, o := range c.objects {
				rt, ok := o.(*v1alpha1.RestoreTest)
				if !ok || conditions.Began(rt) {
					continue
				}
				live, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if conditions.Began(live) {
					got = append(got, live.Name)
				}
			}
			if writes := writes(client); !slices.Equal(got, c.want) || writes != len(c.want) {
				t.Errorf("%v in %d writes, want %v", got, writes, c.want)
			}
		})
	}
}

// writes counts those of status.
func writes(client *fake.Clientset) (n int) {
	for _, a := range client.Actions() {
		if a.GetVerb() == "patch" {
			n++
		}
	}
	return n
}

func TestWhoWaitsSaysOnceThatVeleroStalls(t *testing.T) {
	var objects []runtime.Object
	for i := range 5 {
		objects = append(objects, named(fmt.Sprintf("t-%d", i), inLineSince(now.Add(-2*time.Hour))))
	}
	client := fake.NewClientset(append(objects, foreignRestore(velerov1.RestorePhaseInProgress))...)
	factory := externalversions.NewSharedInformerFactory(client, 0)
	schedule, err := New(t.Context(), Options{VeleroNamespace: "velero", MaxRestores: 1, StalledAfter: time.Hour}, client, factory.Restore().V1alpha1().RestoreTests(),
		factory.Velero().V1(), func(context.Context) (string, error) { return "", nil }, record.NewFakeRecorder(100))
	if err != nil {
		t.Fatal(err)
	}
	factory.StartWithContext(t.Context())
	factory.WaitForCacheSync(t.Context().Done())
	if _, err := schedule.advance(t.Context(), now); err != nil || writes(client) != 5 {
		t.Fatalf("%d writes, %v", writes(client), err)
	}
	for _, rt := range schedule.line.Waiting() {
		live, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if c := live.Status.Conditions[0]; c.Reason != v1alpha1.ReasonVeleroStalled || c.Status != metav1.ConditionTrue {
			t.Errorf("%s: %+v", rt.Name, c)
		}
	}
}

func TestATurnThatTheCacheDoesNotShowIsForgottenWithItsRun(t *testing.T) {
	given := turns{{Namespace: "team", Name: "a"}: "run"}
	waits := func(id string) *v1alpha1.RestoreTest {
		return named("a", inLineSince(now), func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = id })
	}
	began := waits("run")
	began.Status.Run.StartTime = metav1.NewTime(now)
	for name, c := range map[string]struct {
		rt   *v1alpha1.RestoreTest
		want bool
	}{
		"the cache is old":                       {waits("run"), true},
		"the cache shows it":                     {began, false},
		"the next run of the test is due":        {waits("next"), false}, // or it would wait for ever
		"another test has a run of another name": {named("b", inLineSince(now)), false},
	} {
		if got := given.stale(c.rt); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
