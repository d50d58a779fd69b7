package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// validated is how long ago Velero may have looked at a location: it does every minute.
const validated = time.Hour

var ofVelero = []check{
	{"velero", "server", []Look{LookWorkloads}, func(s *Seen) []Result {
		d := s.Deployments[s.Velero+"/velero"]
		switch {
		case d == nil:
			return fail("there is no deployment velero in namespace "+s.Velero, "install Velero, or say where it is with --velero-namespace")
		case d.Status.ReadyReplicas == 0:
			return fail("deployment "+s.Velero+"/velero is not ready", "kubectl -n "+s.Velero+" logs deployment/velero")
		}
		return ok("deployment " + s.Velero + "/velero is ready")
	}},
	{"velero", "version", []Look{LookWorkloads}, func(s *Seen) []Result {
		image, v := veleroVersion(s)
		switch {
		case image == "":
			return nil
		case v == nil:
			return warn("the tag of Velero's image is no version: "+image, "give the controller --velero-version=vX.Y.Z")
		case velero.TooOld(v):
			return fail("Velero "+v.String()+" is older than "+velero.Oldest, "update Velero: no test runs with it")
		case velero.LosesSnapshots(v):
			return fail("Velero "+v.String()+" restores no CSI snapshots", "update Velero to 1.16.1 or newer")
		default:
			return ok("Velero " + v.String())
		}
	}},
	{"velero", "node agent", []Look{LookWorkloads, LookVelero}, func(s *Seen) []Result {
		d := s.DaemonSets[s.Velero+"/node-agent"]
		switch {
		case d == nil && slices.ContainsFunc(s.Backups, func(b *velerov1.Backup) bool {
			return b.Spec.DefaultVolumesToFsBackup != nil && *b.Spec.DefaultVolumesToFsBackup || b.Spec.SnapshotMoveData != nil && *b.Spec.SnapshotMoveData
		}):
			return fail("there is no node agent, and backups need one for the data of volumes", "velero install --use-node-agent")
		case d == nil:
			return ok("there is no node agent, and no backup needs one")
		case d.Status.NumberReady < d.Status.DesiredNumberScheduled:
			return warn(fmt.Sprintf("the node agent is ready on %d of %d nodes: volumes cannot be restored on the others", d.Status.NumberReady, d.Status.DesiredNumberScheduled),
				"kubectl -n "+s.Velero+" get pods -l name=node-agent -o wide")
		}
		return ok(fmt.Sprintf("the node agent is ready on %d nodes", d.Status.NumberReady))
	}},
	{"velero", "locations", []Look{LookVelero}, locations},
	{"velero", "schedules", []Look{LookVelero}, schedules},
	{"velero", "backups", []Look{LookVelero}, func(s *Seen) (all []Result) {
		newest := map[string]*velerov1.Backup{}
		for _, b := range s.Backups {
			name := b.Labels[velerov1.ScheduleNameLabel]
			if n := newest[name]; name != "" && finished(b) && (n == nil || began(b).After(began(n))) {
				newest[name] = b
			}
		}
		if len(s.Backups) == 0 {
			return fail("Velero has no backup", "velero backup create, or velero schedule create")
		}
		for _, sc := range s.Schedules {
			b := newest[velero.LabelValue(sc.Name)]
			if b != nil && b.Status.Phase != velerov1.BackupPhaseCompleted {
				all = append(all, warn(fmt.Sprintf("the newest backup of schedule %s, %s, is %s", sc.Name, b.Name, b.Status.Phase), "velero backup describe "+b.Name+" --details")...)
			}
		}
		if len(all) == 0 {
			return ok(fmt.Sprintf("%d backups, and the newest of each schedule is Completed", len(s.Backups)))
		}
		return all
	}},
	{"velero", "snapshot class", []Look{LookVelero, LookSnapshots}, func(s *Seen) []Result {
		uses := slices.ContainsFunc(s.Backups, func(b *velerov1.Backup) bool { return b.Status.CSIVolumeSnapshotsAttempted > 0 })
		switch labelled := anyTrue(s.SnapshotClasses); {
		case uses && s.SnapshotClasses == nil:
			return fail("backups hold CSI snapshots, and the cluster serves no VolumeSnapshotClass", "install the snapshot CRDs and controller of your CSI driver")
		case uses && !labelled:
			return fail("no VolumeSnapshotClass has the label velero.io/csi-volumesnapshot-class", "kubectl label volumesnapshotclass NAME velero.io/csi-volumesnapshot-class=true")
		}
		return ok("CSI snapshots have their class, or none are taken")
	}},
	{"velero", "queue", []Look{LookVelero}, func(s *Seen) []Result {
		for i := range s.Restores {
			r := &s.Restores[i]
			if r.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy || velero.Terminal(r.Status.Phase) || s.Now.Sub(r.CreationTimestamp.Time) < time.Hour {
				continue
			}
			return warn(fmt.Sprintf("Restore %s, which is no test's, has been waiting or under way for %s: no test runs meanwhile", r.Name, duration.HumanDuration(s.Now.Sub(r.CreationTimestamp.Time))),
				"velero restore describe "+r.Name+"; kubectl -n "+s.Velero+" logs deployment/velero")
		}
		return ok("no Restore of others keeps tests waiting")
	}},
}

// veleroVersion returns the image of Velero's server, and the version that the controller takes it for.
func veleroVersion(s *Seen) (image string, v *version.Version) {
	d := s.Deployments[s.Velero+"/velero"]
	if d == nil {
		return "", nil
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		if c.Name == velero.ServerContainer {
			image = c.Image
		}
	}
	v = velero.VersionOf(image)
	if c := s.Deployments[s.System+"/kymaros-controller"]; c != nil {
		if given, err := version.ParseSemantic(valueOf(c, "--velero-version=")); err == nil {
			v = given
		}
	}
	return image, v
}

func locations(s *Seen) (all []Result) {
	if len(s.Locations) == 0 {
		return fail("Velero has no BackupStorageLocation", "velero backup-location create")
	}
	for i := range s.Locations {
		l := &s.Locations[i]
		describe := "kubectl -n " + s.Velero + " describe backupstoragelocation " + l.Name
		switch {
		case l.Status.Phase != velerov1.BackupStorageLocationPhaseAvailable:
			all = append(all, fail(strings.TrimSuffix(fmt.Sprintf("backup location %s is %s: %s", l.Name, orUnknown(string(l.Status.Phase)), l.Status.Message), ": "), describe)...)
		case l.Status.LastValidationTime != nil && s.Now.Sub(l.Status.LastValidationTime.Time) > validated && (l.Spec.ValidationFrequency == nil || l.Spec.ValidationFrequency.Duration > 0):
			all = append(all, warn(fmt.Sprintf("Velero last looked at backup location %s %s", l.Name, since(s, ptrMicro(l.Status.LastValidationTime))), "kubectl -n "+s.Velero+" logs deployment/velero")...)
		}
	}
	if len(all) == 0 {
		return ok(fmt.Sprintf("%d backup locations are Available", len(s.Locations)))
	}
	return all
}

func schedules(s *Seen) (all []Result) {
	for i := range s.Schedules {
		sc := &s.Schedules[i]
		switch {
		case sc.Status.Phase == velerov1.SchedulePhaseFailedValidation:
			all = append(all, fail(fmt.Sprintf("schedule %s is not valid: %s", sc.Name, strings.Join(sc.Status.ValidationErrors, "; ")), "velero schedule describe "+sc.Name)...)
		case sc.Spec.Paused:
			all = append(all, warn("schedule "+sc.Name+" is paused: it makes no backups", "velero schedule unpause "+sc.Name)...)
		}
	}
	if len(all) == 0 {
		return ok(fmt.Sprintf("%d schedules", len(s.Schedules)))
	}
	return all
}

func finished(b *velerov1.Backup) bool {
	switch b.Status.Phase {
	case velerov1.BackupPhaseCompleted, velerov1.BackupPhasePartiallyFailed, velerov1.BackupPhaseFailed, velerov1.BackupPhaseFailedValidation:
		return true
	}
	return false
}

func began(b *velerov1.Backup) time.Time {
	if b.Status.StartTimestamp == nil {
		return b.CreationTimestamp.Time
	}
	return b.Status.StartTimestamp.Time
}

func anyTrue(m map[string]bool) bool {
	for _, v := range m {
		if v {
			return true
		}
	}
	return false
}

func orUnknown(s string) string {
	if s == "" {
		return "not looked at by Velero yet"
	}
	return s
}

func ptrMicro(t *metav1.Time) *metav1.MicroTime { return &metav1.MicroTime{Time: t.Time} }

// since says how long ago t was.
func since(s *Seen, t *metav1.MicroTime) string {
	if t == nil {
		return "never"
	}
	return duration.HumanDuration(s.Now.Sub(t.Time)) + " ago"
}
