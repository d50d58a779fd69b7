package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	chain "github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/names"
)

// defaultHistoryLimit is that of the CRD.
const defaultHistoryLimit = 10

// find returns the report of rt's run among those that say they are of rt, nil if there is none, and the names of those that say that
// they are of that run and that this controller did not write.
func find(reports []v1alpha1.RestoreReport, rt *v1alpha1.RestoreTest) (report *v1alpha1.RestoreReport, foreign []string) {
	for i := range reports {
		switch r := &reports[i]; {
		case r.Labels[v1alpha1.LabelRun] != rt.Status.Run.ID:
		case !controller.WroteReport(r):
			foreign = append(foreign, r.Name)
		case report == nil && ofRun(r, rt):
			report = r
		}
	}
	return report, foreign
}

// history returns the reports that say they are of rt, of whichever run. It asks the API server: a cache may not know yet what was
// written a moment ago, nor by whom.
func (c *Controller) history(ctx context.Context, rt *v1alpha1.RestoreTest) ([]v1alpha1.RestoreReport, error) {
	selector := labels.SelectorFromSet(labels.Set{v1alpha1.LabelReportTest: names.LabelValue(rt.Name)}).String()
	list, err := c.client.RestoreV1alpha1().RestoreReports(rt.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	return list.Items, nil
}

// prune deletes the reports that v says go: the oldest of rt beyond its historyLimit.
func (c *Controller) prune(ctx context.Context, rt *v1alpha1.RestoreTest, v *verdict) error {
	reports := c.client.RestoreV1alpha1().RestoreReports(rt.Namespace)
	var failed []error
	for _, old := range going(v.past, rt, v.status.Evidence) {
		err := reports.Delete(ctx, old.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &old.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			failed = append(failed, fmt.Errorf("delete report %s: %w", old.Name, err))
		}
	}
	return errors.Join(failed...)
}

// going returns those of rt's reports that go now that there is one with e: those that e says were pruned, and of those that have no
// number the ones that are too many.
func going(past []v1alpha1.RestoreReport, rt *v1alpha1.RestoreTest, e *v1alpha1.Evidence) []v1alpha1.RestoreReport {
	tooMany := surplus(past, rt)
	if e == nil {
		return tooMany
	}
	all := slices.DeleteFunc(tooMany, numbered)
	for _, r := range past {
		if numbered(r) && r.Spec.TestRef == rt.Name && controller.WroteReport(&r) && chain.Pruned(e, r.Status.Evidence.Sequence) {
			all = append(all, r)
		}
	}
	return all
}

func numbered(r v1alpha1.RestoreReport) bool { return r.Status != nil && r.Status.Evidence != nil }

// surplus returns the oldest of rt's reports beyond its historyLimit. That of the current run is never among them, nor one that this
// controller did not write, nor one of a search that status tells of: the failure that it follows would go first.
func surplus(reports []v1alpha1.RestoreReport, rt *v1alpha1.RestoreTest) []v1alpha1.RestoreReport {
	limit := defaultHistoryLimit
	if l := rt.Status.Run.Spec.HistoryLimit; l != nil {
		limit = int(*l)
	}
	mine := slices.DeleteFunc(slices.Clone(reports), func(r v1alpha1.RestoreReport) bool {
		return !controller.WroteReport(&r) || r.Spec.TestRef != rt.Name || ofRun(&r, rt) || ofSearch(&r, rt.Status.Search)
	})
	slices.SortFunc(mine, func(a, b v1alpha1.RestoreReport) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return mine[:max(len(mine)-(limit-1), 0)]
}

// ofSearch tells whether a search rests on r.
func ofSearch(r *v1alpha1.RestoreReport, s *v1alpha1.SearchStatus) bool {
	return s != nil && (r.Name == s.Failed.Report || s.LastGood != nil && r.Name == s.LastGood.Report ||
		slices.ContainsFunc(s.Tried, func(b v1alpha1.TriedBackup) bool { return b.Report == r.Name }))
}

// ofRun tells whether r, which this controller wrote, is the report of rt's run. By its spec, which nobody can change: labels
// and annotations are anybody's.
func ofRun(r *v1alpha1.RestoreReport, rt *v1alpha1.RestoreTest) bool {
	return r.Spec.TestRef == rt.Name && r.Spec.RunID == rt.Status.Run.ID
}
