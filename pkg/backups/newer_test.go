package backups

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// https://github.com/vmware-tanzu/helm-charts/issues/562: backups fail for 122 days before the usual alert says so.
func TestEveryNewerBackupThatFailedIsSaid(t *testing.T) {
	good := backup("good", completed, 25*day)
	night := func(n int, phase velerov1.BackupPhase, edits ...edit) *velerov1.Backup {
		return backup(fmt.Sprintf("night-%d", n), phase, time.Duration(n)*day, edits...)
	}
	var nights []*velerov1.Backup
	for n := 1; n <= 24; n++ {
		nights = append(nights, night(n, []velerov1.BackupPhase{failed, partial}[n%2]))
	}
	latest, err := Choose(append(slices.Clone(nights), good), wanted(t), Known{})
	switch {
	case err != nil || latest.Backup != good:
		t.Fatalf("chosen %v, %v", latest.Backup, err)
	case latest.Newer.Total != 24 || latest.Newer.Failed != 24 || len(latest.Newer.Entries) != mostNewer:
		t.Errorf("%d newer, %d failed, %d named; want 24, 24, %d", latest.Newer.Total, latest.Newer.Failed, len(latest.Newer.Entries), mostNewer)
	case !strings.HasPrefix(latest.Newer.Entries[0], "night-1: PartiallyFailed"):
		t.Errorf("the first is %q, not the newest", latest.Newer.Entries[0])
	}

	for name, r := range map[string]row{
		"with Velero's reason, in one line": {
			backups: []*velerov1.Backup{good, night(1, failed, status(func(s *velerov1.BackupStatus) { s.FailureReason = "no space\n\tleft" }))},
			newer:   []string{"night-1: Failed, begun 2026-03-09T12:00:00Z: no space left"}, failed: 1,
		},
		"what Velero did not even begin": {
			backups: []*velerov1.Backup{good, backup("wrong", velerov1.BackupPhaseFailedValidation, 0, func(b *velerov1.Backup) {
				b.CreationTimestamp, b.Status.StartTimestamp = metav1.NewTime(now.Add(-time.Hour)), nil
				b.Status.ValidationErrors = []string{"backup can't be created because BackupStorageLocation default is in Unavailable status."}
			})},
			newer: []string{"wrong: FailedValidation, begun 2026-03-10T11:00:00Z: backup can't be created because BackupStorageLocation default"}, failed: 1,
		},
		"not one that is being made": {backups: []*velerov1.Backup{good, backup("running", velerov1.BackupPhaseInProgress, time.Hour), backup("queued", "", time.Minute)}},
		"but one that has been for a day": {
			backups: []*velerov1.Backup{good, backup("hung", velerov1.BackupPhaseInProgress, 2*day)}, newer: []string{"hung: InProgress, begun 2026-03-08T12:00:00Z: it has not ended after a day"}, failed: 1,
		},
		"not one that failed for others": {
			backups: []*velerov1.Backup{good, night(1, failed, including("crm")), night(2, failed, labelled("team=crm")), night(3, failed, including("shop"))},
			newer:   []string{"night-2: Failed", "night-3: Failed"},
		},
		"those that failed first": {
			backups: []*velerov1.Backup{good, night(1, completed, kinds("secrets")), night(2, failed)}, newer: []string{"night-2", "night-1"}, failed: 1,
		},
		"one that is being deleted": {
			backups: []*velerov1.Backup{good, night(1, failed, func(b *velerov1.Backup) { b.DeletionTimestamp = &metav1.Time{Time: now} })},
			newer:   []string{"night-1: Failed, begun 2026-03-09T12:00:00Z: it is being deleted"},
		},
		"one that has expired": {
			backups: []*velerov1.Backup{good, night(1, completed, status(func(s *velerov1.BackupStatus) { s.Expiration = &metav1.Time{Time: now.Add(-time.Hour)} }))},
			newer:   []string{"night-1: Completed, begun 2026-03-09T12:00:00Z: it has expired"},
		},
		"one that does not say when it began": {
			backups: []*velerov1.Backup{good, night(1, completed, func(b *velerov1.Backup) {
				b.CreationTimestamp, b.Status.StartTimestamp = metav1.NewTime(now), nil
			})},
			newer: []string{"it does not say when it began (status.startTimestamp)"},
		},
		"none for a test that names its backup": {backups: []*velerov1.Backup{good, night(1, failed)}, want: named("good")},
		"in few words": {
			backups: []*velerov1.Backup{good, night(1, failed, status(func(s *velerov1.BackupStatus) { s.FailureReason = strings.Repeat("é", 9999) + "end" }))},
			newer:   []string{"éé…"}, failed: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.chosen = "good"
			r.check(t)
		})
	}
}

// https://github.com/ministryofjustice/analytical-platform/issues/9582: a location is Unavailable, and nobody knows since when.
func TestABackupInALocationThatIsNotAvailableIsNotTried(t *testing.T) {
	down := Known{Locations: map[string]string{"primary": "is Unavailable", "copy": ""}}
	for name, r := range map[string]row{
		"one elsewhere is taken, and the newer one said": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, at("primary")), backup("old", completed, day, at("copy"))}, known: down,
			chosen: "old", newer: []string{"new: Completed, begun 2026-03-10T11:00:00Z: it is in BackupStorageLocation primary (spec.storageLocation), which is Unavailable"},
		},
		"without another one it is the location that is at fault, first of all": {
			backups: []*velerov1.Backup{backup("a", failed, 0), backup("new", completed, time.Hour, at("primary"))}, known: down,
			err: []string{"can be used: backup new is in BackupStorageLocation primary", "which is Unavailable", "velero backup-location get"}, elsewhere: true,
		},
		"one that leaves out a part does not stand in for it": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, at("primary")), backup("payments", completed, time.Minute, at("copy"), labelled("team=payments"))}, known: down,
			err: []string{"can be used: backup new is in BackupStorageLocation primary", "backup payments leaves out what its spec.labelSelector"}, elsewhere: true,
		},
		"but for another that leaves out a part": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, at("primary"), noKinds("secrets")), backup("old", completed, day, at("copy"), noKinds("secrets"))}, known: down,
			chosen: "old", leavesOut: []string{"secrets (spec.excludedResources)"}, newer: []string{"new: Completed"},
		},
		"nor the named one": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, at("primary"))}, known: down, want: named("new"), err: []string{"is Unavailable"}, elsewhere: true,
		},
		"one that could not be used either way says so": {
			backups: []*velerov1.Backup{backup("new", failed, time.Hour, at("primary"))}, known: down, want: named("new"), err: []string{"is Failed"},
		},
		"one that names no location has a good one": {backups: []*velerov1.Backup{backup("new", completed, time.Hour)}, known: down, chosen: "new"},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}
