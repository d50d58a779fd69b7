package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
	"github.com/kymaros/kymaros/test/fuzz"
)

var (
	fuzzRestores = flag.Int("fuzz-restores", 40, "with TestRandomRestoresChangeNothingOutsideOfSandboxes: how many")
	fuzzSeed     = flag.Uint64("fuzz-seed", 0, "with it: the seed that a failure has told; 0 for a new one")
)

// fuzzTest is the test that the Restores say they are of. There is none: the controller leaves them alone.
const fuzzTest = "fuzz"

// TestRandomRestoresChangeNothingOutsideOfSandboxes asks for Restores as somebody would who has stolen the token of the controller,
// and has Velero carry out what the fence accepts, while two runs are held. It has Velero for itself.
func TestRandomRestoresChangeNothingOutsideOfSandboxes(t *testing.T) {
	slow(t)
	held := map[string]*v1alpha1.RestoreTest{}
	var sandboxes []fuzz.Sandbox
	for _, source := range []string{web, storeDB} {
		rt := hold(t, source)
		held[source] = rt
		sandboxes = append(sandboxes, fuzz.Sandbox{Name: stage.SandboxOf(t, rt, source), Run: rt.Status.Run.ID, Source: source})
	}
	before, namespaces := outside(t), namespacesNow(t)
	seed := *fuzzSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	g := fuzz.New(seed, fuzz.World{
		Velero: stage.VeleroNamespace, System: stage.SystemNamespace, Team: cluster.Tests, Test: fuzzTest, Backups: []string{appsBackup, spareBackup, "none"},
		Sandboxes: sandboxes, Outside: []string{web, storeDB, storeWeb, ledger, taken, "velero", "kube-system", "kymaros-system", "default"},
		Absent: []string{cluster.Name("absent"), cluster.Name("none")}, Tag: cluster.Name("fuzz"),
	})
	t.Cleanup(func() { removeFuzz(t, namespaces) })

	accepted, refused := requestRestores(t, g)
	t.Logf("seed %d: %d Restores, accepted %d, refused %v", seed, *fuzzRestores, len(accepted), refused)
	if len(accepted)*10 < *fuzzRestores {
		t.Error("too few were accepted to prove anything")
	}
	phases := map[velerov1.RestorePhase]int{}
	restored := 0
	for _, name := range accepted {
		r := awaitCarriedOut(t, name)
		if r == nil {
			phases["gone"]++
			continue
		}
		phases[r.Status.Phase]++
		if p := r.Status.Progress; p != nil {
			restored += p.ItemsRestored
		}
	}
	t.Logf("Velero: %v, %d items", phases, restored)
	if restored == 0 {
		t.Error("Velero has restored nothing: that proves nothing")
	}
	for name := range namespacesNow(t) {
		if !namespaces[name] {
			empty(t, name)
		}
	}
	compare(t, before, outside(t))
	if t.Failed() {
		t.Logf("once more: -fuzz-seed %d", seed)
	}
	for source, rt := range held {
		cluster.Release(t, rt, source)
		cluster.AwaitEnd(t, rt)
	}
}

// hold has a run of the source held until it is released.
func hold(t *testing.T, source string) *v1alpha1.RestoreTest {
	t.Helper()
	check := stage.Hold(source)
	check.PodStatus.Timeout = "30m"
	rt := cluster.RestoreTest("fuzz-"+source, appsBackup, source)
	rt.Spec.Timeout = new(v1alpha1.Duration)
	*rt.Spec.Timeout = "45m"
	return cluster.AwaitHeld(t, cluster.Start(t, rt, check))
}

// requestRestores asks for the Restores. It fails t for each that may not be accepted, and returns the names of those that were,
// and how many were refused by whom.
func requestRestores(t *testing.T, g *fuzz.Generator) (accepted []string, refused map[string]int) {
	t.Helper()
	client, err := dynamic.NewForConfig(stolenToken())
	if err != nil {
		t.Fatal(err)
	}
	refused = map[string]int{}
	for range *fuzzRestores {
		existing := settledNamespaces(t)
		request := g.Restore()
		made, err := client.Resource(request.Resource).Namespace(request.Namespace).Create(t.Context(), &unstructured.Unstructured{Object: request.Body}, metav1.CreateOptions{})
		switch found := refusal.FindStringSubmatch(fmt.Sprint(err)); {
		case err == nil:
			accepted = append(accepted, made.GetName())
			for _, wrong := range fuzz.Wrong(made, existing) {
				t.Errorf("accepted: %s\n%s", wrong, request)
			}
		case found != nil:
			refused[found[3]]++
		case apierrors.IsForbidden(err) || apierrors.IsInvalid(err):
			refused[string(apierrors.ReasonForError(err))]++
		default:
			t.Errorf("%v\n%s", err, request)
		}
	}
	return accepted, refused
}

// settledNamespaces are the namespaces that there are, and what each is a sandbox for. Those that Velero has made this moment the
// API server may not know yet where it looks namespaces up.
func settledNamespaces(t *testing.T) map[string]*fuzz.Sandbox {
	t.Helper()
	list, err := cluster.Kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*fuzz.Sandbox{}
	for i := range list.Items {
		if ns := &list.Items[i]; time.Since(ns.CreationTimestamp.Time) > 3*time.Second {
			all[ns.Name] = fuzz.SandboxOf(ns.Name, ns.Labels, ns.Annotations)
		}
	}
	return all
}

func namespacesNow(t *testing.T) map[string]bool {
	t.Helper()
	list, err := cluster.Kube.CoreV1().Namespaces().List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for i := range list.Items {
		all[list.Items[i].Name] = true
	}
	return all
}

// awaitCarriedOut waits until Velero is done with a Restore. It returns nil for one that is gone: the garbage collector removes those
// whose owner, which the fuzz makes up, there is not.
func awaitCarriedOut(t *testing.T, name string) (r *velerov1.Restore) {
	t.Helper()
	done := []velerov1.RestorePhase{velerov1.RestorePhaseCompleted, velerov1.RestorePhasePartiallyFailed, velerov1.RestorePhaseFailed, velerov1.RestorePhaseFailedValidation}
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		var err error
		r, err = cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			r, err = nil, nil
		case err == nil && !slices.Contains(done, r.Status.Phase):
			err = fmt.Errorf("restore %s is %q", name, r.Status.Phase)
		}
		return err
	})
	return r
}

// outside returns what is in namespaces that are no sandboxes, but for what changes there by itself: leases and Velero's notes
// on its store. Of Velero's namespace it leaves out the Restores that were asked for.
func outside(t *testing.T) map[string]string {
	t.Helper()
	all, err := cluster.Snapshot(t.Context(), web, ledger, storeDB, storeWeb, taken, shop.Namespace, "default", "kube-system", stage.VeleroNamespace, stage.SystemNamespace)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(name, _ string) bool {
		return slices.ContainsFunc([]string{
			"leases.coordination.k8s.io ", "backupstoragelocations.velero.io ", "backuprepositories.velero.io ", "serverstatusrequests.velero.io ",
			"restores.velero.io " + stage.VeleroNamespace + "/kymaros-",
		}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	return all
}

// empty fails t if anything but what the cluster puts into every namespace is in one that Velero has made.
func empty(t *testing.T, namespace string) {
	t.Helper()
	have, err := cluster.Snapshot(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	for object := range have {
		if !strings.HasPrefix(object, "namespaces ") && !strings.HasSuffix(object, "/kube-root-ca.crt") && !strings.HasSuffix(object, "/default") {
			t.Errorf("%s landed", object)
		}
	}
}

// removeFuzz removes the Restores, and the namespaces that Velero has made for them.
func removeFuzz(t *testing.T, before map[string]bool) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	of := metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + fuzzTest}
	restores := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace)
	err := restores.DeleteCollection(ctx, metav1.DeleteOptions{}, of)
	if err == nil { // Velero takes its finalizers off
		err = stage.Poll(ctx, time.Minute, func(ctx context.Context) error {
			left, err := restores.List(ctx, of)
			if err == nil && len(left.Items) > 0 {
				err = fmt.Errorf("%d Restores are left", len(left.Items))
			}
			return err
		})
	}
	if err != nil {
		t.Error(err)
	}
	for name := range namespacesNow(t) {
		if !before[name] {
			if err := cluster.DeleteNamespaces(ctx, name); err != nil {
				t.Error(err)
			}
		}
	}
}
