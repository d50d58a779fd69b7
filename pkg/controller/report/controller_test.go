package report

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/look"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// fixture is the controller before fake API servers that hold a RestoreTest and what its run left.
type fixture struct {
	*Controller
	client   *fake.Clientset
	kube     *kubefake.Clientset
	metadata *metadatafake.FakeMetadataClient
	dynamic  *dynamicfake.FakeDynamicClient
	tests    cache.Indexer
	events   *record.FakeRecorder
	factory  externalversions.SharedInformerFactory
}

func newFixture(t *testing.T, rt *v1alpha1.RestoreTest, objects ...runtime.Object) *fixture {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		client:   fake.NewClientset(append([]runtime.Object{rt.DeepCopy(), transferred(), backup()}, objects...)...),
		kube:     kubefake.NewClientset(cluster()...),
		metadata: metadatafake.NewSimpleMetadataClient(scheme, production()...),
		dynamic: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{look.SnapshotContents: "VolumeSnapshotContentList"}),
		events: record.NewFakeRecorder(1000),
	}
	f.factory = externalversions.NewSharedInformerFactory(f.client, 0)
	c, err := New(t.Context(), Options{
		Client: f.client, Kube: f.kube, Metadata: f.metadata, Dynamic: f.dynamic, Recorder: f.events, VeleroNamespace: velero,
		Lists: inventory.New(func(context.Context, *v1alpha1.RestoreTest, *velerov1.Backup, []string) (sideeffects.Inventory, error) {
			return nil, errors.New("nobody gives out lists here")
		}),
		Tests: f.factory.Restore().V1alpha1().RestoreTests(), Backups: f.factory.Velero().V1().Backups(),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Controller = c
	c.cluster.known, c.cluster.asked = v1alpha1.ClusterIdentity{UID: "cluster-uid", Kubernetes: "v1.36.3"}, time.Now()
	t.Cleanup(c.runner.Queue.ShutDown)
	f.tests = f.factory.Restore().V1alpha1().RestoreTests().Informer().GetIndexer()
	if err := f.tests.Add(rt); err != nil {
		t.Fatal(err)
	}
	if err := f.factory.Velero().V1().Backups().Informer().GetIndexer().Add(backup()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) sync(t *testing.T) (time.Duration, error) {
	t.Helper()
	key := cache.NewObjectName("prod", "shop")
	if rt, err := f.Controller.tests.RestoreTests(key.Namespace).Get(key.Name); err == nil && conditions.Began(rt) && !conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionReported)) {
		list, err := f.list(t.Context(), key, rt, decide(rt, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if list != nil {
			<-list.Ready()
		}
	}
	return f.Controller.sync(t.Context(), key)
}

// mustSync syncs, and shows the controller what it wrote, as a watch would.
func (f *fixture) mustSync(t *testing.T) *v1alpha1.RestoreTest {
	t.Helper()
	if _, err := f.sync(t); err != nil {
		t.Fatal(err)
	}
	rt := f.test(t)
	if err := f.tests.Update(rt); err != nil {
		t.Fatal(err)
	}
	return rt
}

func (f *fixture) test(t *testing.T) *v1alpha1.RestoreTest {
	t.Helper()
	rt, err := f.client.RestoreV1alpha1().RestoreTests("prod").Get(context.Background(), "shop", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// reports returns all reports, by name.
func (f *fixture) reports(t *testing.T) []v1alpha1.RestoreReport {
	t.Helper()
	list, err := f.client.RestoreV1alpha1().RestoreReports("prod").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.RestoreReport) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}

func (f *fixture) names(t *testing.T) []string {
	var names []string
	for _, r := range f.reports(t) {
		names = append(names, r.Name)
	}
	return names
}

// failOnce makes the next such request fail.
func failOnce(fake *clienttesting.Fake, verb, resource, subresource string, err error) {
	done := false
	fake.PrependReactor(verb, resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
		if done || a.GetSubresource() != subresource {
			return false, nil, nil
		}
		done = true
		return true, nil, err
	})
}

func forbid(fake *clienttesting.Fake, resource, namespace string) {
	fake.PrependReactor("list", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetNamespace() != namespace {
			return false, nil, nil
		}
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
	})
}

const first = "shop-20000101-000000"

func TestReport(t *testing.T) {
	t.Run("a run whose checks passed is reported, with what a look at the cluster shows", func(t *testing.T) {
		f := newFixture(t, test())
		rt := f.mustSync(t)
		reports := f.reports(t)
		if len(reports) != 1 {
			t.Fatalf("got %d reports", len(reports))
		}
		r := reports[0]
		equal(t, "result", r.Status.Result, v1alpha1.ResultPass)
		equal(t, "score", r.Status.Score, int32(100))
		equal(t, "completeness", r.Status.Completeness, v1alpha1.Completeness{
			Deployments: "0/0", StatefulSets: "1/1", Services: "1/1", ConfigMaps: "1/1", PVCs: "1/1",
		})
		equal(t, "method", r.Status.Volumes[0].Method, v1alpha1.VolumeFileSystemBackup)
		equal(t, "labels", r.Labels, map[string]string{
			v1alpha1.LabelTest: "shop", v1alpha1.LabelReportTest: "shop", v1alpha1.LabelRun: runID,
		})
		equal(t, "annotations", r.Annotations, map[string]string{v1alpha1.AnnotationRestoreTest: "prod/shop"})
		equal(t, "owners", len(r.OwnerReferences), 0)

		c := conditions.ForRun(rt, v1alpha1.ConditionReported)
		equal(t, "status", c.Status, metav1.ConditionTrue)
		equal(t, "message", c.Message, "pass, score 100: report "+first)
		equal(t, "score of the test", *rt.Status.LastScore, int32(100))
		equal(t, "result of the test", rt.Status.LastResult, v1alpha1.ResultPass)
		equal(t, "name in the test", rt.Status.LastReportRef, first)
		equal(t, "time in the test", rt.Status.LastRunAt.Equal(&r.Status.CompletedAt), true)
	})

	t.Run("a run that is reported is left alone", func(t *testing.T) {
		f := newFixture(t, test())
		f.mustSync(t)
		f.client.ClearActions()
		f.mustSync(t)
		for _, a := range f.client.Actions() {
			if a.GetVerb() != "get" { // get is ours, in the test
				t.Errorf("unexpected %s %s", a.GetVerb(), a.GetResource().Resource)
			}
		}
	})

	t.Run("a new run is waited for, and the last report stays named", func(t *testing.T) {
		score := int32(77)
		f := newFixture(t, test(stillRestoring, func(rt *v1alpha1.RestoreTest) {
			rt.Status.Report.RunID = "last"
			rt.Status.LastScore, rt.Status.LastResult, rt.Status.LastReportRef = &score, v1alpha1.ResultPartial, "old"
			rt.Status.Run.Deadline = metav1.NewTime(time.Now().Add(time.Hour))
			condition(v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonReportWritten)(rt)
		}))
		rt := f.mustSync(t)
		c := conditions.ForRun(rt, v1alpha1.ConditionReported)
		if c == nil || c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonWaiting {
			t.Errorf("got condition %+v", c)
		}
		equal(t, "last report", rt.Status.LastReportRef, "old")
		equal(t, "last score", *rt.Status.LastScore, score)
		equal(t, "reports", len(f.reports(t)), 0)
	})

	t.Run("an end before the restore is reported without a look at the cluster", func(t *testing.T) {
		f := newFixture(t, test(stillRestoring, condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonBackupNotFound)))
		f.mustSync(t)
		equal(t, "reason", f.reports(t)[0].Status.Reason, v1alpha1.ReasonBackupNotFound)
		equal(t, "requests", len(f.kube.Actions())+len(f.metadata.Actions()), 0)
	})

	t.Run("no values of production are asked for", func(t *testing.T) {
		f := newFixture(t, test())
		f.mustSync(t)
		for _, a := range f.kube.Actions() {
			if resource := a.GetResource().Resource; (resource == "secrets" || resource == "configmaps") && a.GetNamespace() != sandbox {
				t.Errorf("%s %s in namespace %s", a.GetVerb(), resource, a.GetNamespace())
			}
		}
	})

	t.Run("an RTO that was exceeded is told by an event, if the test asks for it", func(t *testing.T) {
		f := newFixture(t, test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.SLA.MaxRTO = "5s" }))
		f.mustSync(t)
		close(f.events.Events)
		var got []string
		for e := range f.events.Events {
			got = append(got, e)
		}
		equal(t, "events", got, []string{
			"Normal ReportWritten partial, score 89: report " + first,
			"Warning RTOExceeded sla.maxRTO: 20s, longer than 5s",
		})
	})
}

func TestCrashes(t *testing.T) {
	t.Run("after the report was made, its status is still written, into the same one", func(t *testing.T) {
		f := newFixture(t, test())
		failOnce(&f.client.Fake, "update", "restorereports", "status", errors.New("crash"))
		if _, err := f.sync(t); err == nil {
			t.Fatal("no error")
		}
		equal(t, "status", f.reports(t)[0].Status, (*v1alpha1.RestoreReportStatus)(nil))
		rt := f.mustSync(t)
		equal(t, "reports", f.names(t), []string{first})
		equal(t, "result", f.reports(t)[0].Status.Result, v1alpha1.ResultPass)
		equal(t, "name in the test", rt.Status.LastReportRef, first)
	})

	t.Run("after its status was written, the report is final, and the test takes its numbers", func(t *testing.T) {
		f := newFixture(t, test())
		failOnce(&f.client.Fake, "patch", "restoretests", "status", errors.New("crash"))
		if _, err := f.sync(t); err == nil {
			t.Fatal("no error")
		}
		written := f.reports(t)[0]
		f.kube.ClearActions()
		// What a second look would show must not matter any more.
		if err := f.client.Tracker().Delete(velerov1.SchemeGroupVersion.WithResource("podvolumerestores"), velero, "pvr"); err != nil {
			t.Fatal(err)
		}
		rt := f.mustSync(t)
		equal(t, "reports", f.reports(t), []v1alpha1.RestoreReport{written})
		equal(t, "score", *rt.Status.LastScore, written.Status.Score)
		equal(t, "looks", len(f.kube.Actions()), 0)
	})

	t.Run("a report that another worker made between the look and the creation is taken", func(t *testing.T) {
		f := newFixture(t, test())
		f.client.PrependReactor("create", "restorereports", func(a clienttesting.Action) (bool, runtime.Object, error) {
			r := newReport(test(), first)
			r.Status = &v1alpha1.RestoreReportStatus{Score: 99, Result: v1alpha1.ResultPass}
			writtenBy("kymaros-report")(r)
			if err := f.client.Tracker().Add(r); err != nil {
				t.Fatal(err)
			}
			return false, nil, nil
		})
		rt := f.mustSync(t)
		equal(t, "reports", f.names(t), []string{first})
		equal(t, "score", *rt.Status.LastScore, int32(99))
	})

	t.Run("a name that belongs to another run is left to it", func(t *testing.T) {
		other := stored(first, 10)
		f := newFixture(t, test(), other)
		rt := f.mustSync(t)
		equal(t, "reports", f.names(t), []string{first, first + "-abcdef"})
		equal(t, "name in the test", rt.Status.LastReportRef, first+"-abcdef")
		equal(t, "score of the other", f.reports(t)[0].Status.Score, int32(50))
	})

	t.Run("a test that runs again meanwhile is not judged by its old state", func(t *testing.T) {
		f := newFixture(t, test())
		next := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "next" })
		if err := f.client.Tracker().Update(v1alpha1.Resource("restoretests").WithVersion("v1alpha1"), next, "prod"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.sync(t); !apierrors.IsConflict(err) {
			t.Errorf("got %v, want a conflict", err)
		}
		equal(t, "reports", len(f.reports(t)), 0)
	})

	t.Run("guards that are changed during the look still count", func(t *testing.T) {
		f := newFixture(t, test())
		newer := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Violations = []string{"quota deleted"} })
		if err := f.client.Tracker().Update(v1alpha1.Resource("restoretests").WithVersion("v1alpha1"), newer, "prod"); err != nil {
			t.Fatal(err)
		}
		f.mustSync(t)
		equal(t, "reason", f.reports(t)[0].Status.Reason, "GuardsViolated")
	})
}

func TestDeletion(t *testing.T) {
	t.Run("a test that is deleted during its run is reported", func(t *testing.T) {
		f := newFixture(t, test(stillRestoring, deleted))
		f.mustSync(t)
		equal(t, "reason", f.reports(t)[0].Status.Reason, v1alpha1.ReasonTestDeleted)
	})

	t.Run("a test that is deleted during the look is not judged by a sandbox that may be going", func(t *testing.T) {
		f := newFixture(t, test())
		if err := f.client.Tracker().Update(v1alpha1.Resource("restoretests").WithVersion("v1alpha1"), test(deleted), "prod"); err != nil {
			t.Fatal(err)
		}
		f.mustSync(t)
		equal(t, "reason", f.reports(t)[0].Status.Reason, v1alpha1.ReasonTestDeleted)
	})

	t.Run("in a namespace that is being deleted there is no report, and no end of trying", func(t *testing.T) {
		f := newFixture(t, test(deleted))
		terminating := apierrors.NewForbidden(v1alpha1.Resource("restorereports"), first, errors.New("namespace is being terminated"))
		terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
		failOnce(&f.client.Fake, "create", "restorereports", "", terminating)
		rt := f.mustSync(t)
		c := conditions.ForRun(rt, v1alpha1.ConditionReported)
		equal(t, "status", c.Status, metav1.ConditionTrue)
		equal(t, "message", c.Message, "No report: namespace prod is being deleted, so nothing can be stored in it")
		equal(t, "name in the test", rt.Status.LastReportRef, "")
		equal(t, "reports", len(f.reports(t)), 0)
	})

	t.Run("a test that is gone is nothing to do", func(t *testing.T) {
		f := newFixture(t, test())
		if err := f.tests.Delete(test()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.sync(t); err != nil {
			t.Error(err)
		}
	})
}

func TestHistory(t *testing.T) {
	other := func(r *v1alpha1.RestoreReport) { r.Spec.TestRef = "other" }
	unmarked := func(r *v1alpha1.RestoreReport) { r.Annotations = nil }
	f := newFixture(t, test(), // which keeps 2
		stored("a-oldest", 400), stored("b-older", 300, unmarked), stored("c-old", 200), stored("d-of-another-test", 500, other),
		stored("e-by-somebody", 500, writtenBy("kubectl-create")), stored("f-by-somebody", 1, writtenBy("kubectl-create")))
	f.mustSync(t)
	equal(t, "reports", f.names(t), []string{"c-old", "d-of-another-test", "e-by-somebody", "f-by-somebody", first})
	for _, a := range f.client.Actions() {
		if d, ok := a.(clienttesting.DeleteActionImpl); ok && (d.DeleteOptions.Preconditions == nil || string(*d.DeleteOptions.Preconditions.UID) != d.Name) {
			t.Errorf("report %s is deleted without its UID", d.Name)
		}
	}
}

func TestHistoryThatCannotBePrunedDoesNotHoldUpTheRun(t *testing.T) {
	f := newFixture(t, test(), stored("a", 400), stored("b", 300), stored("c", 200))
	failOnce(&f.client.Fake, "delete", "restorereports", "", errors.New("no"))
	rt := f.mustSync(t)
	equal(t, "reported", conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue), true)
	equal(t, "reports", f.names(t), []string{"a", "c", first})
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Run("ConfigMaps of production that are forbidden make completeness not tested, not incomplete", func(t *testing.T) {
		f := newFixture(t, test())
		forbid(&f.metadata.Fake, "configmaps", "shop")
		f.mustSync(t)
		level := f.reports(t)[0].Status.ValidationLevels.Completeness
		equal(t, "status", level.Status, v1alpha1.LevelNotTested)
		equal(t, "max", level.Max, int32(20))
		equal(t, "points", level.Points, int32(0))
		if !strings.Contains(level.Detail, "configmaps in namespace shop") {
			t.Errorf("detail %q does not name what could not be read", level.Detail)
		}
	})
	for _, row := range []struct {
		name string
		deny func(*fixture)
	}{
		{"Secrets that are forbidden in the sandbox are not tested, rather than missing, and the rest passes", func(f *fixture) { forbid(&f.kube.Fake, "secrets", sandbox) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFixture(t, test())
			row.deny(f)
			f.mustSync(t)
			status := f.reports(t)[0].Status
			complete, references := status.ValidationLevels.Completeness, status.ValidationLevels.CrossNamespaceDeps
			equal(t, "status", complete.Status, v1alpha1.LevelPass)
			equal(t, "detail", complete.Detail, "4 of 4 objects came back, Secrets not counted")
			equal(t, "not tested", complete.NotTested, []string{noSecrets})
			equal(t, "secrets", status.Completeness.Secrets, "")
			equal(t, "configmaps", status.Completeness.ConfigMaps, "1/1")
			equal(t, "references not tested", references.NotTested, []string{noSecrets})
			equal(t, "result", status.Result, v1alpha1.ResultPass)
			equal(t, "message", status.Message, "Passed, with what could be tested: not compared, or not looked through for references: "+noSecrets+".")
		})
	}
	t.Run("Secrets that the API server fails to list make completeness not tested", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, test())
			f.kube.PrependReactor("list", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("broken") })
			time.Sleep(time.Hour)
			f.mustSync(t)
			equal(t, "status", f.reports(t)[0].Status.ValidationLevels.Completeness.Status, v1alpha1.LevelNotTested)
			equal(t, "result", f.reports(t)[0].Status.Result, v1alpha1.ResultInconclusive)
		})
	})
	t.Run("PodVolumeRestores that are forbidden make the volumes unknown, not empty", func(t *testing.T) {
		f := newFixture(t, test())
		forbid(&f.client.Fake, "podvolumerestores", velero)
		f.mustSync(t)
		status := f.reports(t)[0].Status
		equal(t, "result", status.Result, v1alpha1.ResultPartial)
		equal(t, "reason", status.Reason, v1alpha1.ReasonNotTested)
		equal(t, "volumes", len(status.Volumes), 0)
	})
	t.Run("a Velero without a data mover has no DataDownloads, which is no error", func(t *testing.T) {
		f := newFixture(t, test())
		f.client.PrependReactor("list", "datadownloads", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "datadownloads"}, "")
		})
		f.mustSync(t)
		equal(t, "result", f.reports(t)[0].Status.Result, v1alpha1.ResultPass)
	})
	t.Run("a list of volumes that is older than the claims is read again", func(t *testing.T) {
		f := newFixture(t, test())
		lists := 0
		f.kube.PrependReactor("list", "persistentvolumes", func(clienttesting.Action) (bool, runtime.Object, error) {
			lists++
			return lists == 1, &corev1.PersistentVolumeList{}, nil
		})
		f.mustSync(t)
		equal(t, "lists", lists, 2)
		equal(t, "result", f.reports(t)[0].Status.Result, v1alpha1.ResultPass)
	})
	t.Run("PersistentVolumes that are forbidden make the volumes unknown", func(t *testing.T) {
		f := newFixture(t, test())
		forbid(&f.kube.Fake, "persistentvolumes", "")
		f.mustSync(t)
		equal(t, "reason", f.reports(t)[0].Status.Reason, v1alpha1.ReasonNotTested)
	})
	t.Run("pods that are forbidden make dependencies and volumes unknown", func(t *testing.T) {
		f := newFixture(t, test())
		forbid(&f.kube.Fake, "pods", sandbox)
		f.mustSync(t)
		levels := f.reports(t)[0].Status.ValidationLevels
		equal(t, "dependencies", levels.CrossNamespaceDeps.Max, int32(10))
		equal(t, "completeness", levels.Completeness.Status, v1alpha1.LevelPass)
	})
	t.Run("a source namespace that is gone is no failure", func(t *testing.T) {
		f := newFixture(t, test())
		if err := f.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("namespaces"), "", "shop"); err != nil {
			t.Fatal(err)
		}
		f.mustSync(t)
		status := f.reports(t)[0].Status
		equal(t, "max", status.ValidationLevels.Completeness.Max, int32(0))
		equal(t, "result", status.Result, v1alpha1.ResultPass)
	})
	t.Run("a request that fails is made again, and the look goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, test())
			failOnce(&f.kube.Fake, "list", "pods", "", errors.New("hiccup"))
			f.mustSync(t)
			equal(t, "score", f.reports(t)[0].Status.Score, int32(100))
		})
	})
	t.Run("a fault that ends before the deadline is waited out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, test())
			broken := true
			f.kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
				return broken, nil, errors.New("etcd has a bad moment")
			})
			time.Sleep(59 * time.Minute)
			if _, err := f.sync(t); err == nil {
				t.Fatal("no error")
			}
			equal(t, "reports", len(f.reports(t)), 0)
			broken = false
			f.mustSync(t)
			equal(t, "score", f.reports(t)[0].Status.Score, int32(100))
		})
	})
	t.Run("a fault that lasts makes the run inconclusive", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, test())
			f.kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("broken") })
			time.Sleep(time.Hour)
			f.mustSync(t)
			equal(t, "result", f.reports(t)[0].Status.Result, v1alpha1.ResultInconclusive)
			equal(t, "reason", f.reports(t)[0].Status.Reason, v1alpha1.ReasonNotRead)
			now := f.test(t).Status
			equal(t, "last result", now.LastResult, v1alpha1.ResultInconclusive)
			equal(t, "last score", now.LastScore, nil)
		})
	})
}

func TestADeadlineIsKeptWithoutAnyEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFixture(t, test(stillRestoring))
		f.factory.Start(ctx.Done())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Run(ctx)
		}()
		time.Sleep(3609 * time.Second)
		synctest.Wait()
		equal(t, "reports within the grace", len(f.reports(t)), 0)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		reports := f.reports(t)
		if len(reports) != 1 {
			t.Fatalf("got %d reports", len(reports))
		}
		equal(t, "reason", reports[0].Status.Reason, v1alpha1.ReasonUnattended)
		equal(t, "result", reports[0].Status.Result, v1alpha1.ResultInconclusive)
		equal(t, "completed", reports[0].Status.CompletedAt.Time.UTC(), at(3610).Time)
		if c := meta.FindStatusCondition(f.test(t).Status.Conditions, v1alpha1.ConditionReported); c.Status != metav1.ConditionTrue {
			t.Errorf("got %+v", c)
		}
		cancel()
		<-done
		f.factory.Shutdown()
	})
}
