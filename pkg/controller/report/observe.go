package report

import (
	"context"
	"errors"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/blocked"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/dependencies"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/look"
	"github.com/kymaros/kymaros/pkg/mappings"
	"github.com/kymaros/kymaros/pkg/sideeffects"
	pkgvelero "github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// seen is what one look at the live cluster showed: what each observer makes of it, and what is known of the backup.
type seen struct {
	// backup as Velero has it; nil if it is gone.
	backup *velerov1.Backup
	// holds is what the backup holds; notListed says why that could not be read.
	holds     sideeffects.Inventory
	notListed string

	complete completeness.Seen
	refers   dependencies.Result
	volumes  volumes.Look
	effects  sideeffects.Seen
	blocked  blocked.Seen
	mapped   []v1alpha1.MappingResult
	// unread is what could not be read.
	unread look.Unread
}

// observers are those of one look.
type observers struct {
	complete *completeness.Observer
	refers   *dependencies.Observer
	volumes  *volumes.Observer
	effects  *sideeffects.Observer
	blocked  *blocked.Observer
	mapped   *mappings.Observer
}

// All observers are alike.
var (
	_ look.Teller[completeness.Seen]        = (*completeness.Observer)(nil)
	_ look.Teller[dependencies.Result]      = (*dependencies.Observer)(nil)
	_ look.Teller[volumes.Look]             = (*volumes.Observer)(nil)
	_ look.Besides                          = (*volumes.Observer)(nil)
	_ look.Teller[sideeffects.Seen]         = (*sideeffects.Observer)(nil)
	_ look.Teller[blocked.Seen]             = (*blocked.Observer)(nil)
	_ look.Teller[[]v1alpha1.MappingResult] = (*mappings.Observer)(nil)
)

// observation is a look under way.
type observation struct {
	*look.Look
	observers
	rt      *v1alpha1.RestoreTest
	sources []string
	policy  completeness.Holdings // what of it is the resource policy
	seen    seen
}

// observe looks at the source namespaces and the sandboxes of rt's run, with the list of its backup. What may not be read becomes unread;
// the error tells of what may succeed later.
func (c *Controller) observe(ctx context.Context, rt *v1alpha1.RestoreTest, list *inventory.List) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, look.Timeout)
	defer cancel()
	_, restore, _ := fragments(rt)
	backup, err := c.backups.Backups(c.veleroNamespace).Get(restore.BackupName)
	if apierrors.IsNotFound(err) {
		backup, err = nil, nil
	}
	if err != nil {
		return seen{}, err
	}
	o := c.begin(rt, backup)
	names, unknown := list.Names()
	if o.seen.holds = names; unknown != nil { // the report says so: nobody else knows
		o.seen.notListed = unknown.Error()
	}
	again := o.Do(ctx, slices.Concat(o.Table(), o.Transfers(), []look.Request{o.PersistentVolumes("0")})...)
	for _, source := range o.sources {
		if o.Read(look.Source, look.Pod, source) {
			o.volumes.PodsRead(source)
		}
	}
	if v := o.volumes.Result(); again == nil && !v.Inventory.Knows(v.Claims) {
		o.volumes.Anew()
		again = o.Do(ctx, o.PersistentVolumes(""))
	}
	again = errors.Join(again, o.Do(ctx, o.open()...))
	return o.end(again)
}

// begin returns a look at rt's run with nothing read.
func (c *Controller) begin(rt *v1alpha1.RestoreTest, backup *velerov1.Backup) *observation {
	sandbox, restore, _ := fragments(rt)
	spec := &rt.Status.Run.Spec
	run := volumes.Run{Restore: restore.Name, Began: rt.Status.Run.StartTime.Time, Backup: backup}
	for _, ns := range sandbox.Namespaces {
		run.Sources, run.Sandboxes = append(run.Sources, ns.Source), append(run.Sandboxes, ns.Name)
	}
	o := &observation{rt: rt, sources: run.Sources, seen: seen{backup: backup}}
	var filter completeness.Filter
	unknown := "when the backup began is not known"
	if restore.BackupTime != nil {
		run.BackupBegan, unknown = restore.BackupTime.Time, ""
		var backupSpec *velerov1.BackupSpec
		if backup != nil {
			backupSpec = &backup.Spec
		}
		var err error
		if filter, err = completeness.NewFilter(restore.BackupTime.Time, backupSpec, spec, restore.Name); err != nil {
			unknown = err.Error()
		}
	}
	o.observers = observers{
		complete: completeness.NewObserver(filter, run.Sources...),
		refers:   dependencies.NewObserver(dependencies.Finder{Sources: run.Sources, Domain: c.clusterDomain}, restore.Name, spec.Sandbox.NetworkIsolation),
		volumes:  volumes.NewObserver(run),
		effects:  sideeffects.NewObserver(restore.Name),
		blocked:  blocked.NewObserver(filter, spec.Sandbox.PodSecurity),
		mapped:   mappings.NewObserver(restore.Name, spec.Restore),
	}
	o.Look = c.looker.Look(look.Run{ID: rt.Status.Run.ID, Restore: restore.Name, Backup: restore.BackupName, Namespaces: sandbox.Namespaces},
		o.complete, o.refers, o.volumes, o.effects, o.blocked, o.mapped)
	if unknown != "" {
		o.Unread.Cannot(look.Completeness, unknown)
	}
	return o
}

// open returns the requests that what was read leaves open: why snapshots are no volumes, if a claim waits for one; what the backup says
// of single volumes, if there are some into which nothing was written; and what its resource policy leaves out, if nothing else tells.
// Most reports need none.
func (o *observation) open() (all []look.Request) {
	so := seen{volumes: o.volumes.Result()}
	if volumes.Awaited(so.volumes.Claims) {
		all = append(all, o.Snapshots())
	}
	if o.seen.backup == nil {
		return all // Velero deletes all of it with the Backup
	}
	open := o.Unread.Why(look.Volumes) == "" && slices.ContainsFunc(volumeReports(o.rt, so), func(v v1alpha1.VolumeReport) bool { return !volumes.CameBack(v) })
	if open {
		all = append(all, o.Held()...)
	}
	o.policy.PolicyName = pkgvelero.PolicyName(o.seen.backup)
	if o.policy.PolicyName != "" && (open || o.seen.notListed != "") {
		all = append(all, o.Policy(o.policy.PolicyName, func(cm *corev1.ConfigMap, err error) {
			if err == nil {
				o.policy.Policy, err = pkgvelero.ReadPolicy(cm.Data)
			}
			if err != nil {
				o.policy.PolicyUnread = err.Error()
			}
		}))
	}
	return all
}

// end has the observers make up their minds.
func (o *observation) end(again error) (seen, error) {
	s := o.seen
	s.blocked = o.blocked.Result()
	for _, source := range o.sources {
		if err := s.blocked.Failed[source]; err != nil {
			again = errors.Join(again, o.Unread.Failed("pods in namespace "+source, err))
		}
	}
	for _, source := range o.Gone() {
		o.complete.Gone(source)
		o.effects.Gone(source)
	}
	for _, what := range o.Unread.Beside() {
		o.effects.Unread(what)
	}
	holds := o.policy
	holds.Names, holds.NotListed = s.holds, s.notListed
	o.complete.Holds(holds)
	if s.complete = o.complete.Result(); s.complete.Unknown != "" {
		o.Unread.Cannot(look.Completeness, s.complete.Unknown)
	}
	o.volumes.Policy(holds.Policy)
	s.refers, s.volumes, s.effects, s.mapped = o.refers.Result(), o.volumes.Result(), o.effects.Result(), o.mapped.Result()
	s.unread = o.Unread
	return s, again
}
