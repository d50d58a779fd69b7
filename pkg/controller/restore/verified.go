package restore

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/names"
)

// defaultHistoryLimit is that of the CRD.
const defaultHistoryLimit = 10

// verified returns when each backup last passed, by the reports of rt that are kept. They are listed for one choice and thrown
// away: nothing else wants them, and a watch would hold those of all tests.
func (c *Controller) verified(ctx context.Context, rt *v1alpha1.RestoreTest) (map[backups.ID]time.Time, error) {
	selector := labels.SelectorFromSet(labels.Set{v1alpha1.LabelReportTest: names.LabelValue(rt.Name)}).String()
	list, err := c.client.RestoreV1alpha1().RestoreReports(rt.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	passed := map[backups.ID]time.Time{}
	for i := range list.Items {
		r := &list.Items[i]
		if r.Status == nil || r.Status.Result != v1alpha1.ResultPass || r.Spec.TestRef != rt.Name || !controller.WroteReport(r) {
			continue
		}
		id := backups.IDOf(r.Status.Backup.Name, r.Status.Backup.StartedAt)
		if at := r.Status.StartedAt.Time; at.After(passed[id]) {
			passed[id] = at
		}
	}
	return passed, nil
}

// tried returns the backups that a search has tried, the newest first, if the run of rt is one of a search.
func tried(rt *v1alpha1.RestoreTest) []backups.ID {
	s := rt.Status.Search
	if rt.Status.Run.Trigger != v1alpha1.TriggerSearch || s == nil {
		return nil
	}
	ids := []backups.ID{backups.IDOf(s.Failed.BackupName, s.Failed.BackupTime)}
	for _, b := range s.Tried {
		ids = append(ids, backups.IDOf(b.BackupName, b.BackupTime))
	}
	return ids
}

// forgetful says that the test keeps fewer reports than there are backups to choose from: what was verified first is forgotten
// before the last is reached, and those of the newest never are.
func forgetful(spec *v1alpha1.RestoreTestSpec, choice *v1alpha1.BackupChoice) string {
	limit := int32(defaultHistoryLimit)
	if spec.HistoryLimit != nil {
		limit = *spec.HistoryLimit
	}
	if spec.BackupSource.Selection != v1alpha1.SelectOldestUnverified || choice.Candidates <= limit {
		return ""
	}
	return fmt.Sprintf("; there are %d backups to choose from, and spec.historyLimit keeps %d reports, so not all of them can be known to be verified: raise it, or lower spec.backupSource.maxAge",
		choice.Candidates, limit)
}
