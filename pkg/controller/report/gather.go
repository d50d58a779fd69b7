package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/pager"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/dependencies"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/sideeffects"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// parallel is how many requests one look has under way at a time: all of a test of one namespace. A list that is to be the newest may
// take the API server a tenth of a second of waiting for etcd, whatever there is in it.
const parallel = 32

// look is one look at the live cluster: many lists, each read page by page and thrown away, so that memory does not grow
// with what the namespaces hold. Of Secrets and ConfigMaps of the source namespaces only metadata is asked for; in the
// sandboxes they are read with their values, for the names of Services in them.
type look struct {
	c      *Controller
	filter completeness.Filter
	// runID is the id of the run, and restore the name of its Restore: its label is on all that came back.
	runID, restore string
	finder         dependencies.Finder
	bare           bare
	// began is when the backup did. claims are those of production, if a resource policy may leave their volumes out.
	began  time.Time
	claims map[string]*corev1.PersistentVolumeClaim

	tasks []task

	mu   sync.Mutex // guards seen and bare
	seen seen
}

// task is one request, or one list.
type task struct {
	what   string
	topics []topic // that cannot be told if it fails
	// secrets: that they may not be read is somebody's decision, and leaves the rest of topics standing.
	secrets bool
	do      func(context.Context) error
}

// gather looks at the source namespaces and the sandboxes of rt's run, with the list of its backup. What may not be read becomes unread; the error tells
// of what may succeed later.
func (c *Controller) gather(ctx context.Context, rt *v1alpha1.RestoreTest, list *inventory.List) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	sandbox, restore, _ := fragments(rt)
	l := &look{c: c, runID: rt.Status.Run.ID, restore: restore.Name, seen: seen{
		unread: map[topic]string{}, origin: volumes.Origin{Claims: map[string]volumes.Claim{}, Read: sets.New[string]()},
		mapped:    newMapped(rt.Status.Run.Spec.Restore),
		snapshots: map[string]string{}, sandboxes: map[string]*dependencies.Sandbox{}, back: sets.New[string](), unowned: sets.New[string](),
	}}
	l.finder.Domain = c.clusterDomain
	var sandboxes []string
	for _, ns := range sandbox.Namespaces {
		l.finder.Sources = append(l.finder.Sources, ns.Source)
		sandboxes = append(sandboxes, ns.Name)
	}

	backup, err := c.backups.Backups(c.veleroNamespace).Get(restore.BackupName)
	if err != nil && !apierrors.IsNotFound(err) {
		return seen{}, err
	}
	var spec *velerov1.BackupSpec
	if err == nil {
		l.seen.backup, spec = backup, &backup.Spec
		if policyName(backup) != "" {
			l.claims = map[string]*corev1.PersistentVolumeClaim{}
		}
	}
	compare := restore.BackupTime != nil
	if compare {
		l.began = restore.BackupTime.Time
		l.filter, err = completeness.NewFilter(restore.BackupTime.Time, spec, &rt.Status.Run.Spec, restore.Name)
		if err != nil {
			l.seen.unread[topicCompleteness] = err.Error()
			compare = false
		}
	} else {
		l.seen.unread[topicCompleteness] = "when the backup began is not known"
	}

	found := make([]*completeness.Namespace, len(sandbox.Namespaces))
	for i, ns := range sandbox.Namespaces {
		found[i] = completeness.NewNamespace(ns.Source)
		l.seen.sandboxes[ns.Source] = &dependencies.Sandbox{Services: map[string]dependencies.Service{}, Workloads: map[string]labels.Selector{}}
		l.sandbox(ns, found[i].Have)
		l.source(ns.Source, found[i])
		l.productionPods(found[i], level(rt))
	}
	l.transfers(restore.Name)
	names, unknown := list.Names()
	if l.seen.holds = names; unknown != nil { // the report says so: nobody else knows
		l.seen.notListed = unknown.Error()
	}
	l.volumes(sandboxes, "0")

	retry := l.run(ctx)
	if retry == nil && !l.seen.inventory.Knows(l.seen.claims) {
		l.tasks = nil
		l.volumes(sandboxes, "")
		retry = l.run(ctx)
	}
	l.tasks = nil
	l.snapshots()
	l.backedUp(rt)
	retry = errors.Join(retry, l.run(ctx))
	l.skipped()
	if compare && len(l.seen.gone) < len(found) {
		l.seen.secretsUnnamed = l.seen.secretNames(l.filter)
	}
	l.settle(found)
	for _, ns := range found {
		if compare && (ns.Listed || !slices.Contains(l.seen.gone, ns.Source)) {
			l.seen.namespaces = append(l.seen.namespaces, *ns)
		}
	}
	slices.Sort(l.seen.gone)
	for _, source := range l.seen.gone {
		l.seen.ledger.Gone(source)
	}
	l.seen.blocked = l.bare.blocked()
	return l.seen, retry
}

// run does all tasks, and returns the errors that may not come again.
func (l *look) run(ctx context.Context) error {
	failed := make([]error, len(l.tasks))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, t := range l.tasks {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			failed[i] = t.do(ctx)
		})
	}
	wg.Wait()
	var retry []error
	for i, err := range failed {
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", l.tasks[i].what, err)
		topics := l.tasks[i].topics
		if l.tasks[i].secrets && apierrors.IsForbidden(err) {
			topics = []topic{topicSecrets}
		}
		if len(topics) == 0 || topics[0] == topicSecrets {
			l.seen.ledger.Unread(err.Error())
		}
		for _, t := range topics {
			if l.seen.unread[t] == "" {
				l.seen.unread[t] = "could not be read: " + err.Error()
			}
		}
		if !apierrors.IsForbidden(err) {
			retry = append(retry, err)
			l.seen.failed(err.Error(), topics)
		}
	}
	return errors.Join(retry...)
}

func (l *look) add(what string, do func(context.Context) error, topics ...topic) {
	l.tasks = append(l.tasks, task{what: what, topics: topics, do: do})
}

// sandbox looks up what came back in a sandbox.
func (l *look) sandbox(ns v1alpha1.SandboxNamespace, have completeness.Names) {
	came := func(kind completeness.Kind, o metav1.Object) {
		if sideeffects.Back(o, l.restore) {
			l.seen.back.Insert(ns.Source)
			l.seen.ledger.Sandbox(ns.Source, kind.GroupKind(), o)
		}
		if l.filter.Restored(kind, o) {
			have.Add(kind, o.GetName())
		}
	}
	refer := func(refs []dependencies.Reference) { l.seen.references = append(l.seen.references, refs...) }
	box := l.seen.sandboxes[ns.Source]
	workload := func(name string, selector *metav1.LabelSelector) {
		if s, err := metav1.LabelSelectorAsSelector(selector); err == nil { // the API server takes no other
			box.Workloads[name] = s
		}
	}
	core, apps := l.c.kube.CoreV1(), l.c.kube.AppsV1()

	l.add("pods in sandbox "+ns.Name, func(ctx context.Context) error {
		return each(ctx, core.Pods(ns.Name).List, func(pod *corev1.Pod) {
			var refs []dependencies.Reference
			if metav1.GetControllerOf(pod) == nil { // others say what their workload says
				refs = l.finder.PodSpec(ns.Source, "Pod/"+pod.Name, &pod.Spec)
			}
			l.note(func() {
				if sideeffects.Back(pod, l.restore) {
					l.seen.back.Insert(ns.Source)
					l.seen.ledger.Sandbox(ns.Source, podKind, pod)
				}
				l.bare.came(ns.Source, pod.Name)
				l.seen.mapped.pod(pod, sideeffects.Back(pod, l.restore))
				l.seen.mounts = append(l.seen.mounts, volumes.MountsOf(pod)...)
				if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
					box.Pods = append(box.Pods, l.pod(pod))
				}
				refer(refs)
			})
		})
	}, topicVolumes, topicDependencies, topicSideEffects)
	l.add("deployments in sandbox "+ns.Name, func(ctx context.Context) error {
		return each(ctx, apps.Deployments(ns.Name).List, func(d *appsv1.Deployment) {
			refs := l.finder.PodSpec(ns.Source, "Deployment/"+d.Name, &d.Spec.Template.Spec)
			l.note(func() {
				came(completeness.Deployment, d)
				workload("Deployment/"+d.Name, d.Spec.Selector)
				l.seen.workloads = append(l.seen.workloads, volumes.WorkloadOf(ns.Source, "Deployment", d.Name, &d.Spec.Template.Spec))
				refer(refs)
			})
		})
	}, topicCompleteness, topicDependencies, topicSideEffects)
	l.add("statefulsets in sandbox "+ns.Name, func(ctx context.Context) error {
		return each(ctx, apps.StatefulSets(ns.Name).List, func(s *appsv1.StatefulSet) {
			refs := l.finder.PodSpec(ns.Source, "StatefulSet/"+s.Name, &s.Spec.Template.Spec)
			l.note(func() {
				came(completeness.StatefulSet, s)
				workload("StatefulSet/"+s.Name, s.Spec.Selector)
				l.seen.workloads = append(l.seen.workloads, volumes.WorkloadOf(ns.Source, "StatefulSet", s.Name, &s.Spec.Template.Spec, s.Spec.VolumeClaimTemplates...))
				refer(refs)
			})
		})
	}, topicCompleteness, topicDependencies, topicSideEffects)
	l.add("services in sandbox "+ns.Name, func(ctx context.Context) error {
		return each(ctx, core.Services(ns.Name).List, func(s *corev1.Service) {
			refs := l.finder.Service(ns.Source, s)
			l.note(func() {
				came(completeness.Service, s)
				box.Services[s.Name] = dependencies.Service{Selector: s.Spec.Selector, Alias: s.Spec.Type == corev1.ServiceTypeExternalName}
				refer(refs)
			})
		})
	}, topicCompleteness, topicDependencies, topicSideEffects)
	l.add("configmaps in sandbox "+ns.Name, func(ctx context.Context) error {
		return each(ctx, large(core.ConfigMaps(ns.Name).List), func(cm *corev1.ConfigMap) {
			refs := l.finder.ConfigMap(ns.Source, cm)
			l.note(func() { came(completeness.ConfigMap, cm); refer(refs) })
		})
	}, topicCompleteness, topicDependencies, topicSideEffects)
	l.add("persistentvolumeclaims in sandbox "+ns.Name, func(ctx context.Context) error {
		return each(ctx, core.PersistentVolumeClaims(ns.Name).List, func(pvc *corev1.PersistentVolumeClaim) {
			l.note(func() {
				came(completeness.PersistentVolumeClaim, pvc)
				l.seen.mapped.claim(pvc)
				l.seen.claims = append(l.seen.claims, volumes.ClaimOf(ns.Source, pvc))
			})
		})
	}, topicCompleteness, topicVolumes, topicSideEffects)
	l.neutralised(ns.Source, ns.Name)
	l.add("secrets in sandbox "+ns.Name, func(ctx context.Context) error {
		// Their values are looked into: not of a namespace that somebody has put into the status.
		var live *corev1.Namespace
		err := tried(ctx, func() (err error) {
			live, err = core.Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
			return err
		})
		if err != nil {
			return err
		}
		if live.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || live.Labels[v1alpha1.LabelRun] != l.runID {
			return fmt.Errorf("namespace %s is no sandbox of this run", ns.Name)
		}
		return each(ctx, large(core.Secrets(ns.Name).List), func(s *corev1.Secret) {
			refs := l.finder.Secret(ns.Source, s)
			l.note(func() { came(completeness.Secret, s); refer(refs) })
		})
	}, topicCompleteness, topicDependencies)
	l.tasks[len(l.tasks)-1].secrets = true
}

// pod returns what references to and from a pod depend on. One that Velero restored has our DNS if the rule for it was
// applied; one that a controller made later never has.
func (l *look) pod(pod *corev1.Pod) dependencies.Pod {
	ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
	return dependencies.Pod{
		Name: pod.Name, Labels: pod.Labels, Ready: ready && pod.DeletionTimestamp == nil,
		Answered: pod.Spec.DNSPolicy == corev1.DNSNone && pod.Labels[velerov1.RestoreNameLabel] == l.restore,
		Uses:     dependencies.Uses(&pod.Spec),
	}
}

func (l *look) note(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

// each hands every item of a list to do, page by page.
func each[L, T runtime.Object](ctx context.Context, list func(context.Context, metav1.ListOptions) (L, error), do func(T)) error {
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (page runtime.Object, err error) {
		err = tried(ctx, func() error { page, err = list(ctx, o); return err })
		return page, err
	})
	return pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		item, ok := o.(T)
		if !ok {
			return fmt.Errorf("unexpected %T in a list", o)
		}
		do(item)
		return nil
	})
}

// large is list in short pages: one object of its kind may be as large as the API server stores any.
func large[L runtime.Object](list func(context.Context, metav1.ListOptions) (L, error)) func(context.Context, metav1.ListOptions) (L, error) {
	return func(ctx context.Context, o metav1.ListOptions) (L, error) {
		o.Limit = min(o.Limit, 20)
		return list(ctx, o)
	}
}
