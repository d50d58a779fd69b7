package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/scope"
)

// namespace gathers what is known of ns, and judges it.
func (in *look) namespace(ns *corev1.Namespace) Namespace {
	n := Namespace{Name: ns.Name, Schedules: in.schedules(ns.Name), Tests: in.testsOf(ns.Name)}
	choice, err := in.choose(ns)
	if err == nil {
		n.Backup, n.BackupTime, n.LeavesOut = choice.Backup.Name, choice.Backup.Status.StartTimestamp, choice.LeavesOut
	}
	runs := in.runs(ns)
	n.Proof = runs.proof(func(*v1alpha1.RestoreReport) bool { return true })
	for _, c := range in.claims[ns.Name] {
		if !c.Ephemeral {
			n.Volumes = append(n.Volumes, in.volume(c, choice.Backup, runs))
		}
	}
	slices.SortFunc(n.Volumes, func(a, b Volume) int { return strings.Compare(a.Claim, b.Claim) })
	if why, yes := ignored(ns); yes {
		n.State, n.Why = Ignored, why
		return n
	}
	n.State, n.Why = in.judge(n, err, runs)
	return n
}

// judge returns the state, and why it is not the best.
func (in *look) judge(n Namespace, noBackup error, runs runs) (State, string) {
	if newest := runs.newest(); newest != nil && newest.Status.Result == v1alpha1.ResultFail {
		return Failed, fmt.Sprintf("report %s: %s", newest.Name, newest.Status.Reason)
	}
	why := slices.Clone(in.Unseen)
	for _, v := range n.Volumes {
		switch v.State {
		case NoData, LeftOut, Unclear, TooNew, InBackup:
			why = append(why, v.Claim+" "+texts[v.State])
		case Proven, Nothing:
		}
	}
	switch {
	case noBackup != nil && len(n.Schedules) == 0 && !slices.ContainsFunc(in.Backups, func(b *velerov1.Backup) bool { return backups.Selects(b, n.Name) }):
		return Unprotected, "no schedule and no backup of Velero takes it"
	case noBackup != nil:
		return Unprotected, noBackup.Error()
	case n.Proof == nil && len(n.Tests) == 0:
		return Unproven, "no test restores it"
	case n.Proof == nil:
		return Unproven, "no report that is kept shows that it restores"
	case len(n.LeavesOut) > 0:
		why = append(why, "the backup leaves out "+strings.Join(n.LeavesOut, "; "))
	}
	if narrow := in.narrow(n.Proof, n.Name); narrow != "" {
		why = append(why, narrow)
	}
	if len(why) > 0 {
		return Partial, strings.Join(why, "; ")
	}
	if age := in.Now.Sub(n.Proof.Time.Time); in.MaxAge > 0 && age > in.MaxAge {
		return Stale, fmt.Sprintf("proven %s ago, and %s is accepted", age.Truncate(time.Minute), in.MaxAge)
	}
	return Verified, ""
}

var texts = map[VolumeState]string{
	NoData:   "is in no backup with its data",
	LeftOut:  "is left out of backups by a label",
	Unclear:  "may be in the backup or not",
	TooNew:   "is younger than the backup",
	InBackup: "is in the backup, not proven",
}

// narrow says what the test of a proof leaves out of the namespace. Its spec is that of now: a report holds no selector of labels.
func (in *look) narrow(p *Proof, namespace string) string {
	for _, rt := range in.tests[namespace] {
		if rt.Namespace != p.Namespace || rt.Name != p.Test {
			continue
		}
		switch {
		case len(rt.Spec.BackupSource.LabelSelector) > 0:
			return fmt.Sprintf("test %s restores only what some labels select", rt.Name)
		case rt.Spec.Restore != nil && len(rt.Spec.Restore.ExcludedResources) > 0:
			return fmt.Sprintf("test %s leaves out some kinds", rt.Name)
		}
	}
	return ""
}

// choose chooses a backup of ns as a test would.
func (in *look) choose(ns *corev1.Namespace) (backups.Choice, error) {
	want, known := in.wanted(ns), backups.Known{Locations: in.Locations}
	selecting := slices.DeleteFunc(slices.Clone(in.Backups), func(b *velerov1.Backup) bool { return !backups.Selects(b, ns.Name) })
	if choice, err := backups.Choose(selecting, want, known); err == nil {
		return choice, nil
	}
	return backups.Choose(in.Backups, want, known) // which says why, of all
}

// wanted is what a test that changes nothing would ask of a backup of ns.
func (in *look) wanted(ns *corev1.Namespace) backups.Wanted {
	resources, _ := scope.Resources(nil, nil) // fails only on wishes, and there are none
	return backups.Wanted{
		Source:          v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: ns.Name}}, AllowOlderThanNamespace: in.allowsOlder(ns.Name)},
		Resources:       resources,
		Since:           map[string]time.Time{ns.Name: ns.CreationTimestamp.Time},
		VeleroNamespace: in.VeleroNamespace, Now: in.Now,
	}
}

// schedules returns Velero's that take the namespace.
func (in *look) schedules(namespace string) (all []string) {
	for _, s := range in.Schedules {
		if !backups.Selects(&velerov1.Backup{Spec: s.Spec.Template}, namespace) {
			continue
		}
		text := s.Name + " (" + s.Spec.Schedule + ")"
		if s.Spec.Paused {
			text += ", paused"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func (in *look) testsOf(namespace string) (all []string) {
	for _, rt := range in.tests[namespace] {
		all = append(all, rt.Namespace+"/"+rt.Name)
	}
	slices.Sort(all)
	return all
}

// allowsOlder tells whether a test of the namespace takes backups that are older than it.
func (in *look) allowsOlder(namespace string) bool {
	return slices.ContainsFunc(in.tests[namespace], func(rt *v1alpha1.RestoreTest) bool { return rt.Spec.BackupSource.AllowOlderThanNamespace })
}
