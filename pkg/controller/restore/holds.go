package restore

import (
	"context"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
)

// mostLists is how many backups one run is looked into for one that holds something of each namespace.
const mostLists = 3

// hold tells whether the choice stands, by the list of what the backup holds. Where it does not, known has what it lacks, for
// another choice; listing names the backup whose list is still to come. A list is asked for only where there is another
// backup to take, and one that cannot be had speaks against no backup.
func (c *Controller) hold(ctx context.Context, rt *v1alpha1.RestoreTest, choice backups.Choice, known backups.Known) (stands bool, listing string) {
	b := choice.Backup
	if !alternatives(choice) || known.Listed(b) || len(known.Void) >= mostLists {
		return true, ""
	}
	list := c.options.Lists.Ask(ctx, rt, b.Name, b, func() { c.runner.Queue.Add(cache.NewObjectName(rt.Namespace, rt.Name)) })
	if !list.IsReady() {
		return false, b.Name
	}
	var void []string
	if names, err := list.Names(); err == nil {
		void = backups.Void(names, rt.Status.Run.Spec.BackupSource)
	}
	known.Void[backups.IDOf(b.Name, b.Status.StartTimestamp)] = void
	return len(void) == 0, ""
}

// alternatives tells whether there is another backup that would do as well.
func alternatives(choice backups.Choice) bool { return choice.Older > 0 || choice.Candidates > 1 }

// peek asks for the list of the backup that will most likely be restored, while the sandbox is made: Velero has to be asked for
// it, and nobody is to wait when the turn comes. It looks at nothing but what is in the caches.
func (c *Controller) peek(ctx context.Context, rt *v1alpha1.RestoreTest) error {
	list, err := c.backups.List(labels.Everything())
	if err != nil {
		return err
	}
	choice, err := backups.Choose(list, c.wanted(rt, nil, nil), backups.Known{})
	if err != nil || !alternatives(choice) {
		return nil //nolint:nilerr // that is said when the turn comes
	}
	c.options.Lists.Ask(ctx, rt, choice.Backup.Name, choice.Backup, func() {})
	return nil
}
