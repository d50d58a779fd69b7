package backups

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestWhereABackupWasMade(t *testing.T) {
	began := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	readOnly := v1alpha1.BackupLocation{Name: "primary", ReadOnly: true}
	shared := v1alpha1.BackupLocation{Name: "primary"}
	before, after := began.Add(-time.Hour), began.Add(time.Hour)
	for name, c := range map[string]struct {
		created time.Time
		started bool
		here    Here
		want    v1alpha1.SourceCluster
		says    string
	}{
		"asked for here": {began.Add(-time.Second), true, Here{Born: before, Location: shared}, v1alpha1.ClusterSame, "before its work began"},
		"asked for here in the second in which it began": {began, true, Here{Born: before, Location: readOnly}, v1alpha1.ClusterSame, "before its work began"},
		"found, older than the cluster":                  {after, true, Here{Born: began.Add(time.Minute), Location: shared}, v1alpha1.ClusterOther, "before this cluster existed"},
		"found in what is read-only":                     {after, true, Here{Born: before, Location: readOnly}, v1alpha1.ClusterOther, "ReadOnly for this cluster"},
		"its namespace was made here since": {after, true,
			Here{Born: before, Since: map[string]time.Time{"shop": after}, Location: readOnly}, v1alpha1.ClusterOther, "ReadOnly for this cluster"},
		"its namespace was here": {after, true,
			Here{Born: before, Since: map[string]time.Time{"shop": before, "bank": began}, Location: readOnly}, v1alpha1.ClusterUnknown, "namespace bank, shop was here"},
		"found in what this cluster writes to": {after, true, Here{Born: before, Location: shared}, v1alpha1.ClusterUnknown, "accessMode is ReadOnly would show"},
		"the age of the cluster is not known":  {after, true, Here{Location: shared}, v1alpha1.ClusterUnknown, "found it in location primary"},
		"it does not say when it began":        {after, false, Here{Location: readOnly}, v1alpha1.ClusterUnknown, "status.startTimestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &velerov1.Backup{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(c.created)}}
			if c.started {
				b.Status.StartTimestamp = &metav1.Time{Time: began}
			}
			if got := Origin(b, c.here); got.Cluster != c.want || !strings.Contains(got.Basis, c.says) {
				t.Errorf("got %+v, want %s: %q", got, c.want, c.says)
			}
		})
	}
}
