package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// Attacks by somebody who has stolen the token of the controller. They change what all tests share, so they run alone.

// stolen are the clients of somebody with the controller's token.
type stolen struct {
	kube    kubernetes.Interface
	kymaros versioned.Interface
}

// stolenToken is how to speak as the token of a pod of the controller.
func stolenToken() *rest.Config {
	config := rest.CopyConfig(cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + stage.SystemNamespace + ":" + stage.Controller,
		Extra:    map[string][]string{"authentication.kubernetes.io/pod-name": {stage.Controller + "-taken-over"}},
	}
	return config
}

func steal(t *testing.T) stolen {
	t.Helper()
	config := stolenToken()
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	v, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return stolen{k, v}
}

var denied = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: kymaros fence: `)

// refusedBy fails t unless the policy has refused what err tells of, and returns whether it has. Of several that refuse the
// same, the API server names any.
func refusedBy(t *testing.T, what, policy string, err error, others ...string) bool {
	t.Helper()
	found := denied.FindStringSubmatch(fmt.Sprint(err))
	if apierrors.IsForbidden(err) && found != nil && (found[1] == policy || slices.Contains(others, found[1])) {
		return true
	}
	t.Errorf("%s: got %v, want it refused by %s", what, err, policy)
	return false
}

const groupModifiers = "kymaros-group-modifiers"

// keepModifiers puts the modifiers for group back when t ends.
func keepModifiers(t *testing.T) {
	t.Helper()
	configMaps := cluster.Kube.CoreV1().ConfigMaps(stage.VeleroNamespace)
	shipped, err := configMaps.Get(t.Context(), groupModifiers, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := setModifiers(context.WithoutCancel(t.Context()), cluster.Kube, func(c *corev1.ConfigMap) { c.Data, c.Labels = shipped.Data, shipped.Labels })
		if err != nil {
			t.Error(err)
		}
	})
}

// setModifiers changes the modifiers for group.
func setModifiers(ctx context.Context, by kubernetes.Interface, change func(*corev1.ConfigMap)) error {
	configMaps := by.CoreV1().ConfigMaps(stage.VeleroNamespace)
	now, err := configMaps.Get(ctx, groupModifiers, metav1.GetOptions{})
	if err != nil {
		return err
	}
	change(now)
	_, err = configMaps.Update(ctx, now, metav1.UpdateOptions{})
	return err
}

// patch is one operation of a JSON patch in the rules of Velero.
type patch struct {
	Operation string `json:"operation"`
	Path      string `json:"path"`
	Value     string `json:"value,omitempty"`
}

// turning returns a rule by which the ConfigMap of that name becomes an object of another kind, with those fields.
func turning(t *testing.T, name, apiVersion, kind string, fields map[string]any) any {
	t.Helper()
	patches := []patch{{"replace", "/apiVersion", apiVersion}, {"replace", "/kind", kind}, {"remove", "/data", ""}}
	for field, value := range fields {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		patches = append(patches, patch{"add", "/" + field, string(text)})
	}
	return map[string]any{"conditions": map[string]any{"groupResource": "configmaps", "resourceNameRegex": "^" + name + "$"}, "patches": patches}
}

// lure creates a namespace with a ConfigMap of each name, and a backup of it. Both go when t ends.
func lure(t *testing.T, names ...string) (namespace, backup string) {
	t.Helper()
	namespace = cluster.Name("lure")
	throwAway(t, namespace)
	for _, name := range names {
		c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"a": "b"}}
		if _, err := cluster.Kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), c, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.Backup(t.Context(), namespace, namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.DeleteBackup(context.WithoutCancel(t.Context()), namespace); err != nil {
			t.Error(err)
		}
	})
	return namespace, namespace
}

// throwAway creates a namespace that goes when t ends.
func throwAway(t *testing.T, name string) {
	t.Helper()
	if err := cluster.CreateNamespace(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.DeleteNamespaces(context.WithoutCancel(t.Context()), name); err != nil {
			t.Error(err)
		}
	})
}

// carriedOut creates a Restore and waits until Velero is done with it.
func carriedOut(t *testing.T, r *velerov1.Restore) {
	t.Helper()
	if _, err := cluster.Kymaros.VeleroV1().Restores(r.Namespace).Create(t.Context(), r, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteRestore(t, r.Name) })
	awaitCompletion(t, r.Name)
}

func awaitCompletion(t *testing.T, name string) {
	t.Helper()
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		now, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && now.Status.CompletionTimestamp == nil {
			err = fmt.Errorf("restore %s is %q", name, now.Status.Phase)
		}
		return err
	})
}

// TestAStolenTokenGetsNoRightsThroughVelero takes the way from the rules for Velero to rights in kube-system, for which a
// namespace stands that is thrown away: rules turn a ConfigMap of a backup into a Restore, which nobody looks at, for it is
// Velero's own, and that turns another into rights.
func TestAStolenTokenGetsNoRightsThroughVelero(t *testing.T) {
	keepModifiers(t)
	token := steal(t)
	system, victim := cluster.Name("stands-for-kube-system"), cluster.Name("no-such-backup")
	throwAway(t, system)
	names := map[string]string{}
	for _, name := range []string{"restore", "rights", "deletion", "location", "volume"} {
		names[name] = cluster.Name("attack-" + name)
	}
	source, backup := lure(t, names["restore"], names["rights"], names["deletion"], names["location"], names["volume"])
	modifier := &corev1.TypedLocalObjectReference{Kind: "ConfigMap", Name: groupModifiers}
	rules, err := json.Marshal(map[string]any{"version": "v1", "resourceModifierRules": []any{
		turning(t, names["restore"], "velero.io/v1", "Restore", map[string]any{"spec": velerov1.RestoreSpec{
			BackupName: backup, IncludedNamespaces: []string{source}, NamespaceMapping: map[string]string{source: system}, ResourceModifier: modifier,
		}}),
		turning(t, names["rights"], "rbac.authorization.k8s.io/v1", "RoleBinding", map[string]any{
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
			"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}},
		}),
		turning(t, names["deletion"], "velero.io/v1", "DeleteBackupRequest", map[string]any{"spec": map[string]any{"backupName": victim}}),
		turning(t, names["location"], "velero.io/v1", "BackupStorageLocation", map[string]any{"spec": map[string]any{
			"provider": "aws", "objectStorage": map[string]any{"bucket": "evil"}, "accessMode": "ReadOnly",
		}}),
		turning(t, names["volume"], "velero.io/v1", "PodVolumeRestore", map[string]any{"spec": map[string]any{
			"pod": map[string]any{"kind": "Pod", "namespace": system, "name": "db"}, "volume": "data", "backupStorageLocation": "default",
			"repoIdentifier": "", "snapshotID": "none", "sourceNamespace": source, "uploaderType": "kopia",
		}}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	write := func(c *corev1.ConfigMap) { c.Data = map[string]string{"rules.yaml": string(rules)} }
	t.Run("it writes rules", func(t *testing.T) {
		refusedBy(t, "rules that turn ConfigMaps into anything", "kymaros-writes-own", setModifiers(t.Context(), token.kube, write))
	})
	for name, into := range map[string]string{"it restores into Velero's namespace": stage.VeleroNamespace, "it restores into a namespace of others": system} {
		t.Run(name, func(t *testing.T) {
			r := fencedRestore("kymaros-attack-mapped", backup, source, into)
			r.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: "none"}
			r.Spec.IncludedResources, r.Spec.IncludeClusterResources = []string{"configmaps"}, new(false)
			r.Spec.ResourceModifier = modifier
			_, err := token.kymaros.VeleroV1().Restores(r.Namespace).Create(t.Context(), r, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			refusedBy(t, "a Restore into "+into, "kymaros-mapping", err)
		})
	}
	t.Run("Velero obeys such rules and such a Restore", func(t *testing.T) {
		if err := setModifiers(t.Context(), cluster.Kube, write); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { removeMade(t, names) })
		since := time.Now()
		r := fencedRestore("kymaros-attack", backup, source, stage.VeleroNamespace)
		r.Spec.IncludedResources, r.Spec.ResourceModifier = []string{"configmaps"}, modifier
		carriedOut(t, r)
		got := refusals(t, since)
		for object, want := range map[string]string{
			"restores.velero.io " + names["restore"]: "kymaros-restored", "deletebackuprequests.velero.io " + names["deletion"]: "kymaros-restored",
			"backupstoragelocations.velero.io " + names["location"]: "kymaros-restored", "podvolumerestores.velero.io " + names["volume"]: "kymaros-movers",
			"rolebindings.rbac.authorization.k8s.io " + names["rights"]: "kymaros-restored",
		} {
			if got[object] != want {
				t.Errorf("Velero makes %s: refused by %q, want %s", object, got[object], want)
			}
		}
		_, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(t.Context(), names["restore"], metav1.GetOptions{})
		if ignoreNotFound(err) != nil {
			t.Fatal(err)
		}
		if err == nil {
			awaitCompletion(t, names["restore"])
		}
		bindings, err := cluster.Kube.RbacV1().RoleBindings(system).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bindings.Items {
			t.Errorf("RoleBinding %s gives %v the ClusterRole %s in %s", b.Name, b.Subjects, b.RoleRef.Name, system)
		}
	})
}

// removeMade deletes what Velero has made in its namespace, if anything.
func removeMade(t *testing.T, names map[string]string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	velero := cluster.Kymaros.VeleroV1()
	deleteRestore(t, names["restore"])
	var errs []error
	note := func(err error) { errs = append(errs, ignoreNotFound(err)) }
	note(velero.DeleteBackupRequests(stage.VeleroNamespace).Delete(ctx, names["deletion"], metav1.DeleteOptions{}))
	note(velero.BackupStorageLocations(stage.VeleroNamespace).Delete(ctx, names["location"], metav1.DeleteOptions{}))
	note(velero.PodVolumeRestores(stage.VeleroNamespace).Delete(ctx, names["volume"], metav1.DeleteOptions{}))
	note(cluster.Kube.RbacV1().RoleBindings(stage.VeleroNamespace).Delete(ctx, names["rights"], metav1.DeleteOptions{}))
	for _, name := range names {
		note(cluster.Kube.CoreV1().ConfigMaps(stage.VeleroNamespace).Delete(ctx, name, metav1.DeleteOptions{}))
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestAStolenTokenPlantsNothingInRestoresOfOthers: a label makes a ConfigMap of Velero's namespace the configuration of a plugin.
func TestAStolenTokenPlantsNothingInRestoresOfOthers(t *testing.T) {
	keepModifiers(t)
	plant := func(c *corev1.ConfigMap) {
		c.Labels = maps.Clone(c.Labels)
		c.Labels["velero.io/plugin-config"], c.Labels["velero.io/change-image-name"] = "", "RestoreItemAction"
		c.Data = map[string]string{"case1": "docker.io/kymaros/demo-web,evil.example/demo-web"}
	}
	refusedBy(t, "a configuration for Velero's plugins", "kymaros-writes-own", setModifiers(t.Context(), steal(t).kube, plant))

	into := cluster.Name("disaster")
	throwAway(t, into)
	r := fencedRestore("disaster", appsBackup, web, into)
	r.Spec.IncludedResources = []string{"deployments.apps"}
	carriedOut(t, r)
	got, err := cluster.Kube.AppsV1().Deployments(into).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if image := got.Spec.Template.Spec.Containers[0].Image; !strings.HasPrefix(image, "docker.io/kymaros/") {
		t.Errorf("an administrator's own restore brings %s", image)
	}
}
