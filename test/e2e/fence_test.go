package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// It takes a part of the fence away, so it runs alone.
func TestNoRunStartsWithoutTheFence(t *testing.T) {
	cluster.Untouched(t, web)
	put := func(ctx context.Context) {
		if err := cluster.ApplyFence(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { put(context.WithoutCancel(t.Context())) })
	// It is for Velero: the controller finds it missing by looking, not by trying.
	bindings := cluster.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
	if err := bindings.Delete(t.Context(), "kymaros-restored", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	rt := cluster.Start(t, cluster.RestoreTest("fenceless", appsBackup, web), webAnswers())
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err != nil {
			return err
		}
		c := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionScheduled)
		if conditions.Began(now) || c == nil || c.Reason != v1alpha1.ReasonFenceNotIntact || !strings.Contains(c.Message, "kymaros-restored is missing") {
			return fmt.Errorf("want no run, and Scheduled with reason FenceNotIntact\n%s", stage.Conditions(now))
		}
		return nil
	})
	put(t.Context())
	_, report := cluster.AwaitEnd(t, rt)
	verdict(t, report, v1alpha1.ResultPass, "Passed")
	if report.Status.Fence != v1alpha1.FenceIntact {
		t.Errorf("fence %q in the report", report.Status.Fence)
	}
}

// refusedRestore is how the fence refuses a Restore. That its target is production another policy sees too, and the API server names any.
var refusedRestore = regexp.MustCompile(`'kymaros-(restores|mapping)' with binding .* kymaros fence: `)

// TestARestoreThatAsksForWhatIsForbiddenIsRefused writes Restores as a controller that was taken over would.
func TestARestoreThatAsksForWhatIsForbiddenIsRefused(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, web)
	client, err := versioned.NewForConfig(stolenToken())
	if err != nil {
		t.Fatal(err)
	}
	sandbox := cluster.Name("nowhere")
	for name, edit := range map[string]func(*velerov1.Restore){
		"of every namespace":                  func(r *velerov1.Restore) { r.Spec.IncludedNamespaces, r.Spec.NamespaceMapping = nil, nil },
		"of a pattern":                        func(r *velerov1.Restore) { r.Spec.IncludedNamespaces = []string{"*"} },
		"onto its source":                     func(r *velerov1.Restore) { r.Spec.NamespaceMapping = nil },
		"mapped onto its source":              func(r *velerov1.Restore) { r.Spec.NamespaceMapping[web] = web },
		"of what belongs to the cluster":      func(r *velerov1.Restore) { r.Spec.IncludeClusterResources = new(true) },
		"of what belongs to it by default":    func(r *velerov1.Restore) { r.Spec.IncludeClusterResources = nil },
		"that changes what exists":            func(r *velerov1.Restore) { r.Spec.ExistingResourcePolicy = velerov1.PolicyTypeUpdate },
		"without modifiers":                   func(r *velerov1.Restore) { r.Spec.ResourceModifier = nil },
		"with other modifiers":                func(r *velerov1.Restore) { r.Spec.ResourceModifier.Name = "mine" },
		"of all kinds":                        func(r *velerov1.Restore) { r.Spec.IncludedResources = nil },
		"of policies":                         func(r *velerov1.Restore) { r.Spec.IncludedResources = []string{"networkpolicies.networking.k8s.io"} },
		"of whatever a schedule backed up":    func(r *velerov1.Restore) { r.Spec.BackupName, r.Spec.ScheduleName = "", "nightly" },
		"that keeps the node ports":           func(r *velerov1.Restore) { r.Spec.PreserveNodePorts = new(true) },
		"that takes the volumes of the cloud": func(r *velerov1.Restore) { r.Spec.RestorePVs = new(true) },
		"that runs commands": func(r *velerov1.Restore) {
			r.Spec.Hooks.Resources = []velerov1.RestoreResourceHookSpec{{Name: "a", PostHooks: []velerov1.RestoreResourceHook{{
				Exec: &velerov1.ExecRestoreHook{Command: []string{"/bin/true"}},
			}}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := fencedRestore("kymaros-refused", appsBackup, web, sandbox)
			r.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: "none"}
			r.Spec.IncludedResources, r.Spec.IncludeClusterResources = []string{"pods"}, new(false)
			r.Spec.ResourceModifier = &corev1.TypedLocalObjectReference{Kind: "ConfigMap", Name: "kymaros-sandbox-modifiers"}
			edit(r)
			_, err := client.VeleroV1().Restores(r.Namespace).Create(t.Context(), r, metav1.CreateOptions{})
			if !apierrors.IsForbidden(err) || !refusedRestore.MatchString(err.Error()) {
				t.Errorf("got %v, want it refused by kymaros-restores", err)
			}
			if err == nil {
				deleteRestore(t, r.Name)
			}
		})
	}
}

// holdsAgainstVelero has Velero restore the hazards by Restores that are named as ours are and say none of what ours do: the
// fence is all that is left.
func holdsAgainstVelero(t *testing.T, h stage.Hazards) {
	cluster.Untouched(t, web)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("fenced", appsBackup, web), stage.Hold(web)))
	sandbox := stage.SandboxOf(t, rt, web)

	t.Run("in a sandbox", func(t *testing.T) {
		got := refused(t, h, "kymaros-unmodified", sandbox,
			"services", "cronjobs.batch", "jobs.batch", "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io",
			"rolebindings.rbac.authorization.k8s.io", "endpoints", "serviceaccounts", "pods")
		for object := range got {
			if kind, name, _ := strings.Cut(object, " "); kind == "pods" && strings.HasPrefix(name, "node-agent-") {
				got["pods node-agent"] = got[object] // the rest of its name is by chance
			}
		}
		// Each of these is refused by one policy only: of more, the API server names any.
		for object, want := range map[string]string{
			"services front": "kymaros-restored-fields", "services legacy": "",
			"cronjobs.batch mails": "kymaros-restored-fields", "pods node-agent": "kymaros-restored-fields",
			"jobs.batch migrate": "kymaros-restored", "ingresses.networking.k8s.io front": "kymaros-restored",
			"rolebindings.rbac.authorization.k8s.io shop-edits": "kymaros-restored", "endpoints legacy": "kymaros-restored",
		} {
			if got[object] != want {
				t.Errorf("%s: refused by %q, want %q", object, got[object], want)
			}
		}
		if by := got["networkpolicies.networking.k8s.io allow-all"]; by != "kymaros-guards" && by != "kymaros-restored" {
			t.Errorf("a policy that opens the sandbox: refused by %q, want kymaros-guards or kymaros-restored", by)
		}
	})
	t.Run("in a namespace that is no sandbox", func(t *testing.T) {
		other := cluster.Name("astray")
		if err := cluster.CreateNamespace(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := cluster.DeleteNamespaces(context.WithoutCancel(t.Context()), other); err != nil {
				t.Error(err)
			}
		})
		nothingLands(t, h, "kymaros-astray", other)
	})
	cluster.Release(t, rt, web)
	cluster.AwaitEnd(t, rt)
	t.Run("in a sandbox that was torn down, and that Velero makes anew", func(t *testing.T) {
		t.Cleanup(func() {
			if err := cluster.DeleteNamespaces(context.WithoutCancel(t.Context()), sandbox); err != nil {
				t.Error(err)
			}
		})
		nothingLands(t, h, "kymaros-late", sandbox)
	})
}

// nothingLands fails t if anything of the hazards lands in a namespace that is no sandbox.
func nothingLands(t *testing.T, h stage.Hazards, name, namespace string) {
	t.Helper()
	got := refused(t, h, name, namespace, "services", "serviceaccounts", "cronjobs.batch")
	for _, object := range []string{"services legacy", "serviceaccounts shop"} {
		if got[object] != "kymaros-restored" {
			t.Errorf("%s: refused by %q, want kymaros-restored", object, got[object])
		}
	}
	ns, err := cluster.Kube.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if ignoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err == nil && ns.Labels[v1alpha1.LabelManagedBy] != "" {
		t.Errorf("namespace %s is a sandbox: %v", namespace, ns.Labels)
	}
	have, err := cluster.Snapshot(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	for object := range have {
		// What the cluster puts into every namespace.
		if !strings.HasPrefix(object, "namespaces ") && !strings.HasSuffix(object, "/kube-root-ca.crt") && !strings.HasSuffix(object, "/default") {
			t.Errorf("%s landed", object)
		}
	}
}

// refused has Velero restore kinds of the hazards into a namespace. It returns by which policy of the fence each object was
// refused; objects that no policy refused are not in it.
func refused(t *testing.T, h stage.Hazards, name, into string, resources ...string) map[string]string {
	t.Helper()
	since := time.Now()
	r := fencedRestore(name, h.Sound, h.Namespace, into)
	r.Spec.IncludedResources, r.Spec.IncludeClusterResources = resources, new(true)
	restores := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace)
	if _, err := restores.Create(t.Context(), r, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteRestore(t, r.Name) })
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		now, err := restores.Get(ctx, r.Name, metav1.GetOptions{})
		if err == nil && now.Status.CompletionTimestamp == nil {
			err = fmt.Errorf("restore %s is %s", r.Name, now.Status.Phase)
		}
		r = now
		return err
	})
	if r.Status.Phase != velerov1.RestorePhasePartiallyFailed || r.Status.Errors == 0 {
		t.Errorf("restore %s: %s, %d errors", r.Name, r.Status.Phase, r.Status.Errors)
	}
	return refusals(t, since)
}

// fencedRestore returns a Restore whose objects are those of a test, for it is called as theirs are.
func fencedRestore(name, backup, source, into string) *velerov1.Restore {
	return &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{Namespace: stage.VeleroNamespace, Name: cluster.Name(name)},
		Spec:       velerov1.RestoreSpec{BackupName: backup, IncludedNamespaces: []string{source}, NamespaceMapping: map[string]string{source: into}},
	}
}

func deleteRestore(t *testing.T, name string) {
	t.Helper()
	err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{})
	if ignoreNotFound(err) != nil {
		t.Error(err)
	}
}

// refusal is the answer by which a policy of the fence refuses an object.
var refusal = regexp.MustCompile(`^(\S+) "([^"]+)" is forbidden: ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: kymaros fence: `)

// refusals reads in the audit log what the fence has refused Velero since then.
func refusals(t *testing.T, since time.Time) map[string]string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(cluster.Dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(log[:bytes.LastIndexByte(log, '\n')+1])) // the last line may be half written
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte("system:serviceaccount:"+stage.VeleroNamespace+":")) {
			continue
		}
		var event struct {
			ResponseStatus           metav1.Status
			RequestReceivedTimestamp time.Time
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		found := refusal.FindStringSubmatch(event.ResponseStatus.Message)
		if event.ResponseStatus.Code == http.StatusForbidden && found != nil && !event.RequestReceivedTimestamp.Before(since) {
			all[found[1]+" "+found[2]] = found[3]
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Error("the audit log tells of no refusal")
	}
	return all
}
