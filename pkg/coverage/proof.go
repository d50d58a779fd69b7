package coverage

import (
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// runs are the reports about a namespace that show something, the newest run first.
type runs []*v1alpha1.RestoreReport

// runs returns those about ns. A report about a backup that began before ns was created is about another namespace of that name,
// unless a test says otherwise.
func (in *look) runs(ns *corev1.Namespace) runs {
	older := in.allowsOlder(ns.Name)
	var all runs
	for _, r := range in.reports[ns.Name] {
		began := r.Status.Backup.StartedAt
		if older || began == nil || !began.Time.Before(ns.CreationTimestamp.Time) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b *v1alpha1.RestoreReport) int { return b.Status.StartedAt.Compare(a.Status.StartedAt.Time) })
	return all
}

// newest returns the newest run of the newest backup: an older backup that passes, as a search finds it, does not make up for a newer
// one that fails.
func (r runs) newest() *v1alpha1.RestoreReport {
	for _, report := range r {
		if report.Status.Trigger != v1alpha1.TriggerSearch {
			return report
		}
	}
	return nil
}

// proof returns the newest that passed and shows it, or nil.
func (r runs) proof(shows func(*v1alpha1.RestoreReport) bool) *Proof {
	for _, report := range r {
		if s := report.Status; s.Result == v1alpha1.ResultPass && shows(report) {
			return &Proof{
				Namespace: report.Namespace, Report: report.Name, Test: report.Spec.TestRef, Time: s.StartedAt,
				Backup: s.Backup.Name, BackupTime: s.Backup.StartedAt, Score: s.Score,
			}
		}
	}
	return nil
}

// volume tells of a claim whether its data is in the backup, nil if there is none, and proven. A proof by an older backup does not
// count where the newest is known to lack the data.
func (in *look) volume(c Claim, backup *velerov1.Backup, runs runs) Volume {
	v := Volume{Claim: c.Name, Capacity: c.Capacity, State: in.data(c, backup)}
	if v.State == Nothing {
		return v
	}
	var came bool
	v.Proof = runs.proof(func(report *v1alpha1.RestoreReport) bool {
		began := report.Status.Backup.StartedAt
		return (began == nil || !began.Time.Before(c.Created)) && slices.ContainsFunc(report.Status.Volumes, func(r v1alpha1.VolumeReport) bool {
			came = volumes.CameBack(r)
			return r.Namespace == c.Namespace && r.Claim == c.Name && volumes.ConsequenceOf(r) == volumes.NothingLost
		})
	})
	if v.Proof != nil && (v.State != NoData && v.State != LeftOut || !came) {
		v.State = Proven
	}
	return v
}

// data tells whether the backup holds the data of the claim.
func (in *look) data(c Claim, backup *velerov1.Backup) VolumeState {
	var looked bool
	if backup != nil {
		_, looked = in.Held[backup.Name]
	}
	switch {
	case c.Pending:
		return Nothing
	case c.Labels[velerov1.ExcludeFromBackupLabel] == "true":
		return LeftOut
	case backup == nil:
		return NoData
	case backup.Status.StartTimestamp != nil && backup.Status.StartTimestamp.Time.Before(c.Created):
		return TooNew
	case in.held(c, backup.Name):
		return InBackup
	case !looked, backup.Status.VolumeSnapshotsCompleted > 0, backup.Status.CSIVolumeSnapshotsCompleted > 0:
		return Unclear
	}
	return NoData
}

// held tells whether the backup says that it holds data of the claim.
func (in *look) held(c Claim, backup string) bool {
	return slices.ContainsFunc(in.Held[backup], func(b volumes.Backed) bool {
		if b.Namespace != c.Namespace || b.Phase != string(velerov1.PodVolumeBackupPhaseCompleted) {
			return false
		}
		return b.Claim == c.Name || b.Claim == "" && slices.ContainsFunc(in.Mounts, func(m volumes.Mount) bool {
			return m.Namespace == c.Namespace && m.Claim == c.Name && m.Pod == b.Pod && m.Volume == b.Volume
		})
	})
}
