package doctor

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/component-base/version"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/fence"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/names"
)

var snapshotClasses = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotclasses"}

// gatherer looks at a cluster.
type gatherer struct {
	*Seen
	c       client.Clients
	objects dynamic.Interface
}

// gather looks at everything. Only an API server that does not answer at all is an error.
func gather(ctx context.Context, f *client.Factory, c client.Clients) (*Seen, error) {
	objects, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		return nil, err
	}
	g := gatherer{Seen: &Seen{Now: f.Now(), System: f.System, Velero: f.Velero, Client: version.Get().GitVersion, Unseen: map[Look]string{}}, c: c, objects: objects}
	if err := g.server(ctx); err != nil {
		return nil, err
	}
	for look, do := range map[Look]func(context.Context) error{
		LookNodes: g.nodes, LookCRDs: g.crds, LookWorkloads: g.workloads, LookLease: g.lease, LookPriority: g.priority, LookClasses: g.classes,
		LookModifiers: g.modifiers, LookFence: g.fence, LookCanaries: g.canaries, LookVelero: g.velero, LookSnapshots: g.snapshots,
		LookSpaces: g.namespaces, LookTests: g.tests, LookRights: g.rights, LookPods: g.pods, LookCertificate: g.certificate, LookEvidence: g.evidence,
	} {
		if err := do(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			g.Unseen[look] = strings.TrimSpace(err.Error())
		}
	}
	return g.Seen, nil
}

func (g gatherer) nodes(ctx context.Context) error {
	list, err := g.c.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err == nil {
		g.Nodes = list.Items
	}
	return err
}

func (g gatherer) workloads(ctx context.Context) error {
	g.Deployments, g.DaemonSets = map[string]*appsv1.Deployment{}, map[string]*appsv1.DaemonSet{}
	for _, name := range []string{g.System + "/kymaros-controller", g.System + "/" + prober, g.System + "/kymaros-dns", g.System + "/" + api, g.System + "/" + notifier, g.Seen.Velero + "/velero"} {
		namespace, base, _ := strings.Cut(name, "/")
		d, err := g.c.Kube.AppsV1().Deployments(namespace).Get(ctx, base, metav1.GetOptions{})
		if err == nil {
			g.Deployments[name] = d
		} else if !apierrors.IsNotFound(err) {
			return err
		}
	}
	for _, name := range []string{canary.Namespace + "/" + canaries[0], canary.Namespace + "/" + canaries[1], g.Seen.Velero + "/node-agent"} {
		namespace, base, _ := strings.Cut(name, "/")
		d, err := g.c.Kube.AppsV1().DaemonSets(namespace).Get(ctx, base, metav1.GetOptions{})
		if err == nil {
			g.DaemonSets[name] = d
		} else if !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (g gatherer) lease(ctx context.Context) error {
	g.Leases = map[string]*coordinationv1.Lease{}
	for _, name := range leaders {
		l, err := g.c.Kube.CoordinationV1().Leases(g.System).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			g.Leases[name] = l
		} else if !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (g gatherer) priority(ctx context.Context) error {
	p, err := g.c.Kube.SchedulingV1().PriorityClasses().Get(ctx, names.PriorityClass, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	g.Priority = p
	return err
}

func (g gatherer) classes(ctx context.Context) error {
	list, err := g.c.Kube.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err == nil {
		g.Classes = list.Items
	}
	return err
}

func (g gatherer) modifiers(ctx context.Context) error {
	g.Modifiers = map[string]bool{}
	for _, name := range modifiers {
		_, err := g.c.Kube.CoreV1().ConfigMaps(g.Seen.Velero).Get(ctx, name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		g.Modifiers[name] = err == nil
	}
	return nil
}

// fence compares it with what is shipped. What the controller's flag permits beside that is part of it.
func (g gatherer) fence(ctx context.Context) error {
	var permitted []string
	if d, err := g.c.Kube.AppsV1().Deployments(g.System).Get(ctx, "kymaros-controller", metav1.GetOptions{}); err == nil {
		for _, container := range d.Spec.Template.Spec.Containers {
			for _, arg := range container.Args {
				if list, ok := strings.CutPrefix(arg, "--permitted-resources="); ok && list != "" {
					permitted = strings.Split(list, ",")
				}
			}
		}
	}
	checker, err := fence.NewChecker(g.c.Kube, g.c.Kymaros, g.System, g.Seen.Velero, permitted)
	if err != nil {
		return err
	}
	g.Fence, err = checker.Differences(ctx)
	return err
}

func (g gatherer) canaries(ctx context.Context) (err error) {
	g.Isolation, err = isolation.Look(ctx, g.c.Kube)
	return err
}

func (g gatherer) velero(ctx context.Context) error {
	api := g.c.Kymaros.VeleroV1()
	locations, err := api.BackupStorageLocations(g.Seen.Velero).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	schedules, err := api.Schedules(g.Seen.Velero).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	backups, err := api.Backups(g.Seen.Velero).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	restores, err := api.Restores(g.Seen.Velero).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	g.Locations, g.Schedules, g.Restores = locations.Items, schedules.Items, restores.Items
	g.Backups = []*velerov1.Backup{}
	for i := range backups.Items {
		g.Backups = append(g.Backups, &backups.Items[i])
	}
	return nil
}

func (g gatherer) snapshots(ctx context.Context) error {
	list, err := g.objects.Resource(snapshotClasses).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	g.SnapshotClasses = map[string]bool{}
	for i := range list.Items {
		g.SnapshotClasses[list.Items[i].GetName()] = list.Items[i].GetLabels()["velero.io/csi-volumesnapshot-class"] == "true"
	}
	return nil
}

func (g gatherer) namespaces(ctx context.Context) error {
	list, err := g.c.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err == nil {
		g.Namespaces = list.Items
	}
	return err
}

func (g gatherer) tests(ctx context.Context) (err error) {
	if g.Tests, err = g.c.Tests(ctx, "", ""); err != nil {
		return err
	}
	policies, err := g.c.Kymaros.RestoreV1alpha1().HealthCheckPolicies("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	g.Policies = map[string]bool{}
	for _, p := range policies.Items {
		g.Policies[p.Namespace+"/"+p.Name] = true
	}
	return nil
}
