package zoo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// patience is how long Velero and the report may take over so many objects, on a busy machine.
const patience = 10 * time.Minute

// TestZoo takes all animals through the real Velero, as it works for us, on a real cluster.
func TestZoo(t *testing.T) {
	cluster, err := stage.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	z := shelter(t, cluster)

	t.Run("with a default class, strict, nothing that waits", func(t *testing.T) {
		z.restore(t, cluster.RestoreTest("zoo-strict", z.backup, z.dry), func(a Animal) string { return a.Kept })
	})
	t.Run("without a default class, group, with data", func(t *testing.T) {
		again, err := cluster.WithoutDefaultClass(t.Context())
		t.Cleanup(func() {
			if err := again(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		rt := cluster.RestoreTest("zoo-group", z.backup, z.dry, z.wet, z.byHand)
		rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
		z.restore(t, rt, func(a Animal) string {
			if a.Kept == "" && classless(a) {
				return NoClass
			}
			return a.Kept
		})
	})
}

// classless tells whether a is a claim that no rule of ours gives a class.
func classless(a Animal) bool {
	if a.Resource.Resource != "persistentvolumeclaims" {
		return false
	}
	class, _, _ := unstructured.NestedString(a.Object.Object, "spec", "storageClassName")
	return class == ""
}

// zoo is one that lives on a cluster.
type zoo struct {
	*stage.Cluster
	// Namespaces: of most animals, of those with data, and of a pod with data on a volume made by hand, by a claim of class "". Over
	// such a claim Velero crashed.
	dry, wet, byHand string
	backup           string
	animals          map[string][]Animal // by namespace
}

// shelter makes a zoo and backs it up. It is gone when t ends.
func shelter(t *testing.T, c *stage.Cluster) *zoo {
	t.Helper()
	z := &zoo{Cluster: c, dry: c.Name("zoo"), byHand: c.Name("by-hand"), backup: c.Name("zoo"), animals: map[string][]Animal{}}
	z.wet = "0-" + strings.Repeat("w", 63-3-len(c.Suffix)) + "-" + c.Suffix
	there, gone, volumes, err := Beside(c.Suffix, z.dry)
	must(t, err)
	stop := func(context.Context) error { return nil }
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{
			z.free(ctx, volumes), c.DeleteNamespaces(ctx, c.Tests, z.dry, z.wet, z.byHand), z.remove(ctx, slices.Concat(there, gone, volumes)), stop(ctx), ignoreNotFound(c.DeleteBackup(ctx, z.backup)),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	must(t, c.CreateNamespace(t.Context(), c.Tests))
	must(t, z.create(t.Context(), "", slices.Concat(there, gone, volumes)))
	clean, err := c.DeployStatic(t.Context(), z.byHand)
	stop = clean
	must(t, err)
	z.admit(t, z.wet, Wet)
	stage.Until(t, time.Minute, func(ctx context.Context) error { return z.running(ctx, z.wet) })
	again, err := c.WithoutDefaultClass(t.Context()) // which claims would be given that have none
	t.Cleanup(func() {
		if err := again(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	must(t, err)
	z.admit(t, z.dry, In)
	must(t, z.remove(t.Context(), gone))
	must(t, c.Backup(t.Context(), z.backup, z.dry, z.wet, z.byHand))
	must(t, again(t.Context()))
	z.count(t)
	return z
}

// admit makes the animals of a new namespace.
func (z *zoo) admit(t *testing.T, namespace string, in func(suffix string) ([]Animal, error)) {
	t.Helper()
	animals, err := in(z.Suffix)
	must(t, err)
	z.animals[namespace] = animals
	must(t, z.CreateNamespace(t.Context(), namespace))
	must(t, z.AwaitAccount(t.Context(), namespace))
	must(t, z.create(t.Context(), namespace, animals))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// create makes animals, in a namespace or in none. The error names all that are refused: those are not legal.
func (z *zoo) create(ctx context.Context, namespace string, animals []Animal) error {
	var wg sync.WaitGroup
	next, errs := make(chan int), make([]error, len(animals))
	for range 8 {
		wg.Go(func() {
			for i := range next {
				a := animals[i]
				if _, err := z.Objects.Resource(a.Resource).Namespace(namespace).Create(ctx, a.Object, metav1.CreateOptions{}); err != nil {
					errs[i] = fmt.Errorf("%s: %w", a, err)
				}
			}
		})
	}
	for i := range animals {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// remove deletes what is in no namespace.
func (z *zoo) remove(ctx context.Context, animals []Animal) error {
	var errs []error
	for _, a := range animals {
		errs = append(errs, ignoreNotFound(z.Objects.Resource(a.Resource).Delete(ctx, a.Object.GetName(), metav1.DeleteOptions{})))
	}
	return errors.Join(errs...)
}

// free takes off what would hold animals when they are to go, and has nobody delete or empty a volume.
func (z *zoo) free(ctx context.Context, volumes []Animal) error {
	var errs []error
	for _, v := range volumes {
		_, err := z.Objects.Resource(v.Resource).Patch(ctx, v.Object.GetName(), types.MergePatchType, []byte(`{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}`), metav1.PatchOptions{})
		errs = append(errs, ignoreNotFound(err))
	}
	for namespace, animals := range z.animals {
		for _, a := range animals {
			if len(a.Object.GetFinalizers()) > 0 {
				_, err := z.Objects.Resource(a.Resource).Namespace(namespace).Patch(ctx, a.Object.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
				errs = append(errs, ignoreNotFound(err))
			}
		}
	}
	return errors.Join(errs...)
}

// running returns an error unless all pods of the namespace run.
func (z *zoo) running(ctx context.Context, namespace string) error {
	pods, err := z.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		if !stage.Ready(&pods.Items[i]) {
			return fmt.Errorf("pod %s is not ready", pods.Items[i].Name)
		}
	}
	return nil
}

// count fails t unless there are so many animals in the cluster, and prints how many there are of each kind.
func (z *zoo) count(t *testing.T) {
	t.Helper()
	counts, all := map[string]int{}, 0
	for namespace, animals := range z.animals {
		alive := map[schema.GroupVersionResource]map[string]bool{}
		for _, a := range animals {
			if alive[a.Resource] == nil {
				alive[a.Resource] = map[string]bool{}
				list, err := z.Objects.Resource(a.Resource).Namespace(namespace).List(t.Context(), metav1.ListOptions{})
				must(t, err)
				for i := range list.Items {
					alive[a.Resource][list.Items[i].GetName()] = true
				}
			}
			if alive[a.Resource][a.Object.GetName()] {
				counts[a.Resource.GroupResource().String()]++
				all++
			} else {
				t.Errorf("%s did not live until the backup", a)
			}
		}
	}
	t.Logf("%d objects, each odd in another way:", all)
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%4d %s", counts[kind], kind)
	}
	if all < least {
		t.Errorf("%d objects, want %d", all, least)
	}
}

// restore runs rt. Velero has to be as it was before, and able to back up meanwhile; each animal comes back unless kept says by which
// words it is refused.
func (z *zoo) restore(t *testing.T, rt *v1alpha1.RestoreTest, kept func(Animal) string) {
	t.Helper()
	began := time.Now()
	before := z.velero(t)
	rt.Spec.HealthChecks.PodReadyTimeout = "5s"
	rt.Spec.Sandbox.ResourceQuota = v1alpha1.SandboxQuota{} // what production asks for
	rt = z.Await(t, z.Start(t, rt), v1alpha1.ConditionRestored, v1alpha1.ReasonInProgress)
	backup := rt.Name
	t.Cleanup(func() {
		if err := ignoreNotFound(z.DeleteBackup(context.WithoutCancel(t.Context()), backup)); err != nil {
			t.Error(err)
		}
	})
	must(t, z.Backup(t.Context(), backup, z.Tests)) // production's
	stage.Until(t, patience, func(ctx context.Context) error {
		now, err := z.Current(ctx, rt)
		if err == nil && !conditions.Is(now, v1alpha1.ConditionReported, metav1.ConditionTrue) {
			err = errors.New(stage.Conditions(now))
		}
		return err
	})
	rt, report := z.AwaitEnd(t, rt)
	t.Logf("%.1500s", stage.Conditions(rt))
	t.Logf("%s %d, %s: %.300s", report.Status.Result, report.Status.Score, report.Status.Reason, report.Status.Message)
	if diff := cmp.Diff(before, z.velero(t)); diff != "" {
		t.Errorf("Velero is not what it was (-before +after):\n%s", diff)
	}
	z.calm(t, began)
	for _, ns := range rt.Status.Sandbox.Namespaces {
		z.compare(t, ns, began, kept)
	}
	t.Logf("after %v", time.Since(began).Round(time.Second))
}

// velero returns the restarts of each container of Velero's pods.
func (z *zoo) velero(t *testing.T) map[string]int32 {
	t.Helper()
	pods, err := z.Kube.CoreV1().Pods(stage.VeleroNamespace).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	all := map[string]int32{}
	for _, p := range pods.Items {
		for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			all[p.Name+" "+s.Name] = s.RestartCount
		}
	}
	return all
}

// calm fails t if Velero logged since then that something in it panicked, or that rules could not be applied.
func (z *zoo) calm(t *testing.T, since time.Time) {
	t.Helper()
	pods, err := z.Kube.CoreV1().Pods(stage.VeleroNamespace).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, pod := range pods.Items {
		log, err := z.Kube.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{SinceTime: &metav1.Time{Time: since}}).DoRaw(t.Context())
		must(t, err)
		for line := range bytes.Lines(log) {
			if bytes.Contains(bytes.ToLower(line), []byte("panic")) || bytes.Contains(line, []byte("in applying ")) {
				t.Errorf("%s: %.500s", pod.Name, line)
			}
		}
	}
}

// compare holds what Velero created in the sandbox, or could not, against what the zoo says.
func (z *zoo) compare(t *testing.T, ns v1alpha1.SandboxNamespace, since time.Time, kept func(Animal) string) {
	t.Helper()
	created := z.creations(t, ns.Name, since)
	for _, a := range z.animals[ns.Source] {
		answer, asked := created[a.Resource.GroupResource().String()+" "+a.Object.GetName()]
		switch want := kept(a); {
		case want == Left && asked && a.Kept == Left && !slices.ContainsFunc(namespaced(), func(k kind) bool { return k.resource == a.Resource && k.kept == "" }):
			t.Errorf("%s was asked for: %s", a, answer)
		case want == Left:
		case !asked:
			t.Errorf("%s: Velero did not try", a)
		case want == "" && answer != "":
			t.Errorf("%s does not come back: %s", a, answer)
		case want != "" && !strings.Contains(answer, want):
			t.Errorf("%s: %q, want %q", a, answer, want)
		}
	}
}

// creations returns what Velero tried to create in a namespace, by kind and name: "" if it could, and else why not.
func (z *zoo) creations(t *testing.T, namespace string, since time.Time) map[string]string {
	t.Helper()
	log, err := os.Open(filepath.Join(z.Dir, "audit.log"))
	must(t, err)
	defer log.Close()
	all := map[string]string{}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil { // the last line may be half written
			return all
		}
		if !bytes.Contains(line, []byte(`"system:serviceaccount:velero:`)) || !bytes.Contains(line, []byte(namespace)) {
			continue
		}
		var event struct {
			Verb           string
			ObjectRef      struct{ Resource, APIGroup, Namespace, Name string }
			ResponseStatus struct {
				Code    int
				Message string
			}
			RequestReceivedTimestamp time.Time
		}
		must(t, json.Unmarshal(line, &event))
		o := event.ObjectRef
		if event.Verb != "create" || o.Namespace != namespace || event.RequestReceivedTimestamp.Before(since) {
			continue
		}
		answer := ""
		if event.ResponseStatus.Code >= 400 {
			answer = fmt.Sprintf("%d %s", event.ResponseStatus.Code, event.ResponseStatus.Message)
		}
		all[schema.GroupResource{Group: o.APIGroup, Resource: o.Resource}.String()+" "+o.Name] = answer
	}
}
