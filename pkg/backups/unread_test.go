package backups

import (
	"errors"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestIncomplete(t *testing.T) {
	none := errors.New("there is no Backup")
	location := func(name string, change func(*velerov1.BackupStorageLocation)) velerov1.BackupStorageLocation {
		l := velerov1.BackupStorageLocation{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(now.Add(-time.Minute))}}
		l.Status.Phase = velerov1.BackupStorageLocationPhaseAvailable
		if change != nil {
			change(&l)
		}
		return l
	}
	read := func(l *velerov1.BackupStorageLocation) { l.Status.LastSyncedTime = &metav1.Time{Time: now} }
	refused := func(l *velerov1.BackupStorageLocation) {
		l.Status.Phase, l.Status.Message = velerov1.BackupStorageLocationPhaseUnavailable, "Access\n Denied"
	}
	const away = "there is no Backup; but Velero has not read BackupStorageLocation "
	const see = " yet, so there may be one: see `velero backup-location get`"
	for name, test := range map[string]struct {
		locations []velerov1.BackupStorageLocation
		named     string
		want      string // "" if it is the backup's fault
	}{
		"no location":   {},
		"all were read": {locations: []velerov1.BackupStorageLocation{location("a", read), location("b", read)}},
		"one of several was never read, and nobody can": {locations: []velerov1.BackupStorageLocation{location("a", read), location("old", refused)}},
		"Velero is not to read any": {locations: []velerov1.BackupStorageLocation{location("a", func(l *velerov1.BackupStorageLocation) {
			l.CreationTimestamp = metav1.NewTime(now.Add(-24 * time.Hour))
		})}},
		"the store was never there":  {locations: []velerov1.BackupStorageLocation{location("dr", refused)}, want: away + "dr (Unavailable: Access Denied)" + see},
		"it is read in a moment":     {locations: []velerov1.BackupStorageLocation{location("dr", nil)}, want: away + "dr (Available)" + see},
		"nobody has looked at all":   {locations: []velerov1.BackupStorageLocation{location("dr", func(l *velerov1.BackupStorageLocation) { l.Status.Phase = "" })}, want: away + "dr (not validated)" + see},
		"it was read, and is away":   {locations: []velerov1.BackupStorageLocation{location("dr", func(l *velerov1.BackupStorageLocation) { read(l); refused(l) })}},
		"another than the named one": {locations: []velerov1.BackupStorageLocation{location("a", refused), location("dr", read)}, named: "dr"},
		"the named one":              {locations: []velerov1.BackupStorageLocation{location("a", read), location("dr", refused)}, named: "dr", want: away + "dr (Unavailable: Access Denied)" + see},
		"Velero is not to read it": {locations: []velerov1.BackupStorageLocation{location("a", func(l *velerov1.BackupStorageLocation) {
			l.Spec.BackupSyncPeriod = &metav1.Duration{}
		})}},
		"it is to read it each hour": {locations: []velerov1.BackupStorageLocation{location("a", func(l *velerov1.BackupStorageLocation) {
			l.Spec.BackupSyncPeriod = &metav1.Duration{Duration: time.Hour}
		})}, want: away + "a (Available)" + see},
	} {
		got := Incomplete(none, test.locations, test.named, now)
		if want := errors.Is(got, none); want != (test.want == "") || errors.As(got, new(LocationError)) == want || !want && got.Error() != test.want {
			t.Errorf("%s: %v, want %q", name, got, test.want)
		}
	}
}
