package stage

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"text/template"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
)

//go:embed testdata/*.yaml
var apps embed.FS

// App is an application to deploy: a file of testdata, and what stands in its braces.
type App struct {
	File      string
	Namespace string
	// Peer is the namespace of a service that the application names in its environment.
	Peer string
	// Domain is what that name ends with; empty for nothing.
	Domain string
	// Class is a storage class of one of its claims.
	Class string
	// Volume is a PersistentVolume that one of its claims is bound to.
	Volume string
	// Grace is how many seconds its pods ask for to stop, if not 1.
	Grace int
}

// resources of the kinds in testdata.
var resources = map[string]schema.GroupVersionResource{
	"Secret":                {Version: "v1", Resource: "secrets"},
	"ConfigMap":             {Version: "v1", Resource: "configmaps"},
	"Service":               {Version: "v1", Resource: "services"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Pod":                   {Version: "v1", Resource: "pods"},
	"ServiceAccount":        {Version: "v1", Resource: "serviceaccounts"},
	"RoleBinding":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"NetworkPolicy":         {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	"Ingress":               {Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	"CronJob":               {Group: "batch", Version: "v1", Resource: "cronjobs"},
	"Job":                   {Group: "batch", Version: "v1", Resource: "jobs"},
	"DaemonSet":             {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"Gadget":                gadgets,
	"Deployment":            {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":           {Group: "apps", Version: "v1", Resource: "statefulsets"},
}

// Deploy creates the application in a namespace of its own. It does not wait for its pods.
func (c *Cluster) Deploy(ctx context.Context, app App) error {
	if err := c.CreateNamespace(ctx, app.Namespace); err != nil {
		return err
	}
	return c.Add(ctx, app)
}

// Add creates the application in a namespace that exists.
func (c *Cluster) Add(ctx context.Context, app App) error {
	file, err := template.New(app.File).ParseFS(apps, "testdata/"+app.File)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := file.Execute(&text, app); err != nil {
		return err
	}
	documents := yaml.NewYAMLOrJSONDecoder(&text, 4096)
	for {
		var o unstructured.Unstructured
		if err := documents.Decode(&o.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", app.File, err)
		}
		resource, ok := resources[o.GetKind()]
		if !ok {
			return fmt.Errorf("%s: unknown kind %q", app.File, o.GetKind())
		}
		if _, err := c.Objects.Resource(resource).Namespace(app.Namespace).Create(ctx, &o, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", app.File, err)
		}
	}
}

// CreateNamespace creates a namespace.
func (c *Cluster) CreateNamespace(ctx context.Context, name string) error {
	_, err := c.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	return err
}

// AwaitAccount waits until pods can be made in a new namespace: they need its ServiceAccount.
func (c *Cluster) AwaitAccount(ctx context.Context, namespace string) error {
	return Poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		_, err := c.Kube.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// DeleteNamespaces deletes namespaces and waits until they are gone.
func (c *Cluster) DeleteNamespaces(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := c.Kube.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return Poll(ctx, 4*time.Minute, func(ctx context.Context) error {
		for _, name := range names {
			_, err := c.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
			if err == nil {
				return fmt.Errorf("namespace %s still exists", name)
			}
			if !apierrors.IsNotFound(err) {
				return err
			}
		}
		return nil
	})
}

// AwaitPods waits until the namespace has that many pods and all are ready.
func (c *Cluster) AwaitPods(ctx context.Context, namespace string, count int) error {
	return Poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		pods, err := c.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for i := range pods.Items {
			if Ready(&pods.Items[i]) {
				ready++
			}
		}
		if ready != count || len(pods.Items) != count {
			return fmt.Errorf("%d of %d pods of namespace %s are ready, want %d", ready, len(pods.Items), namespace, count)
		}
		return nil
	})
}

// Ready tells whether the pod is ready and is to stay.
func Ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// Backup has Velero back up the namespaces, with the files of their volumes, and waits until that is completed.
func (c *Cluster) Backup(ctx context.Context, name string, namespaces ...string) error {
	return c.BackupWithin(ctx, RunTimeout, name, namespaces...)
}

// BackupWithin does so for what takes longer.
func (c *Cluster) BackupWithin(ctx context.Context, timeout time.Duration, name string, namespaces ...string) error {
	b := NewBackup(name, namespaces...)
	yes := true
	b.Spec.DefaultVolumesToFsBackup = &yes
	return c.BackUp(ctx, timeout, b, velerov1.BackupPhaseCompleted)
}

// NewBackup returns a backup of the namespaces that Velero keeps for a day.
func NewBackup(name string, namespaces ...string) *velerov1.Backup {
	return &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: VeleroNamespace, Name: name},
		Spec:       velerov1.BackupSpec{IncludedNamespaces: namespaces, TTL: metav1.Duration{Duration: 24 * time.Hour}},
	}
}

// BackUp has Velero make the backup, and waits until it has come to that phase.
func (c *Cluster) BackUp(ctx context.Context, timeout time.Duration, b *velerov1.Backup, phase velerov1.BackupPhase) error {
	backups := c.Kymaros.VeleroV1().Backups(VeleroNamespace)
	if _, err := backups.Create(ctx, b, metav1.CreateOptions{}); err != nil {
		return err
	}
	return Poll(ctx, timeout, func(ctx context.Context) error {
		b, err := backups.Get(ctx, b.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if b.Status.Phase != phase {
			return fmt.Errorf("backup %s is %q, not %q", b.Name, b.Status.Phase, phase)
		}
		return nil
	})
}

// DeleteBackup has Velero delete a backup, its data and its Restores, as `velero backup delete` does.
func (c *Cluster) DeleteBackup(ctx context.Context, name string) error {
	_, err := c.Kymaros.VeleroV1().DeleteBackupRequests(VeleroNamespace).Create(ctx, &velerov1.DeleteBackupRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: VeleroNamespace, GenerateName: name + "-"},
		Spec:       velerov1.DeleteBackupRequestSpec{BackupName: name},
	}, metav1.CreateOptions{})
	return err
}

// AwaitBackupDeleted has Velero delete a backup, and waits until it is gone. Velero gives a deletion up, and leaves the backup, when
// its Restores are not finalized within a minute: its only worker does that after the restores that others wait for. So it is
// asked again then.
func (c *Cluster) AwaitBackupDeleted(ctx context.Context, name string) error {
	requests, backups := c.Kymaros.VeleroV1().DeleteBackupRequests(VeleroNamespace), c.Kymaros.VeleroV1().Backups(VeleroNamespace)
	return Poll(ctx, RunTimeout, func(ctx context.Context) error {
		if _, err := backups.Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return nil
		} else if err != nil {
			return err
		}
		list, err := requests.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var givenUp []string
		for _, r := range list.Items {
			if r.Spec.BackupName != name {
				continue
			}
			if r.Status.Phase != velerov1.DeleteBackupRequestPhaseProcessed {
				return fmt.Errorf("the deletion of backup %s is %q", name, r.Status.Phase)
			}
			givenUp = append(givenUp, r.Status.Errors...)
		}
		if err := c.DeleteBackup(ctx, name); err != nil {
			return err
		}
		return fmt.Errorf("the deletion of backup %s was asked for; given up before: %q", name, givenUp)
	})
}
