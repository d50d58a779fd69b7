package restore

import (
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/velero"
)

// wakeHolding enqueues the tests that had their turn and need Velero: one or two, however long the line is.
func (c *Controller) wakeHolding(queue controller.Queue) {
	for _, rt := range c.line.Holding() {
		queue.Add(cache.NewObjectName(rt.Namespace, rt.Name))
	}
}

// before returns the test that had its turn before rt and whose Restore leaves no room for one more beside all; "" if there is room.
func (c *Controller) before(rt *v1alpha1.RestoreTest, all []*velerov1.Restore) string {
	room := c.options.MaxRestores
	for _, r := range all {
		if r.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy && !velero.Terminal(r.Status.Phase) {
			room--
		}
	}
	for _, other := range c.line.Holding() {
		switch {
		case other.Namespace == rt.Namespace && other.Name == rt.Name:
			return ""
		case conditions.Is(other, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue) && !created(other) && inDoubt(other) == "":
			if room--; room <= 0 {
				return other.Namespace + "/" + other.Name
			}
		}
	}
	return ""
}

// foreign returns the Restores of others that Velero is not done with, for which r is to make way; none if it need not.
func (c *Controller) foreign(r *velerov1.Restore) ([]string, error) {
	if !c.options.Yield || velero.Terminal(r.Status.Phase) {
		return nil, nil
	}
	all, err := c.restores.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r *velerov1.Restore) bool { return r.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy })
	return busy(all, c.options.MaxRestores), nil
}
