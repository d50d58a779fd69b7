package backups

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Wanted is what a run asks of a backup.
type Wanted struct {
	Source v1alpha1.BackupSource
	// Resources are all that is restored, plural with group.
	Resources []string
	// Since tells when the source namespaces were created that exist: one that does not restricts nothing.
	Since map[string]time.Time
	// VeleroNamespace is where the backups are.
	VeleroNamespace string
	Now             time.Time
	// Seed is what a choice at random rests on: the id of the run, so that a controller that was restarted chooses the same.
	Seed string
	// Tried are the backups that a search for one that restores has tried, the newest first. An older one is chosen than the last.
	Tried []ID
}

// latest tells whether the best is wanted, and of those that hold as much the newest.
func (w Wanted) latest() bool {
	return len(w.Tried) == 0 && (w.Source.Selection == "" || w.Source.Selection == v1alpha1.SelectLatest)
}

// Known is what has been looked up beside the backups. What has not is taken to be well.
type Known struct {
	// Locations says of a BackupStorageLocation why nothing can be restored from it, or "" if it can.
	Locations map[string]string
	// Policies by the name of their ConfigMap.
	Policies map[string]Policy
	// Verified says when a backup last passed. It is asked for OldestUnverified alone.
	Verified map[ID]time.Time
	// Void are the source namespaces of which a backup holds nothing, as Void found in its list.
	Void map[ID][]string
}

// Lacks names what has to be looked up to be sure of b: a BackupStorageLocation and a ConfigMap with its resource policy.
func (k Known) Lacks(b *velerov1.Backup) (location, policy string) {
	if _, known := k.Locations[b.Spec.StorageLocation]; !known {
		location = b.Spec.StorageLocation
	}
	if ref := b.Spec.ResourcePolicy; ref != nil {
		if _, known := k.Policies[ref.Name]; !known {
			policy = ref.Name
		}
	}
	return location, policy
}

func (k Known) policy(b *velerov1.Backup) Policy {
	if b.Spec.ResourcePolicy == nil {
		return Policy{}
	}
	return k.Policies[b.Spec.ResourcePolicy.Name]
}

// Choice is the backup to restore.
type Choice struct {
	Backup *velerov1.Backup
	// LeavesOut says what its filters leave out of what is wanted.
	LeavesOut []string
	// Newer are the newer backups of a source namespace that latest passed over.
	Newer Newer
	// Older counts the older backups that hold as much, and Candidates those among which another selection than latest chose.
	Older, Candidates int
}

// LocationError tells that nothing can be restored from where the backup lies, or that Velero has not read yet where one may lie.
type LocationError string

func (e LocationError) Error() string { return string(e) }

// olderError tells that a backup began before a source namespace was created, and would do otherwise.
type olderError string

func (e olderError) Error() string { return string(e) }

// Choose returns the backup to restore: the named one, or the best of all. "Newest" is by status.startTimestamp: the creation
// time of a Backup object changes when Velero syncs it from its store. The error says what is missing and what to do; it
// is a LocationError if only the location is, and an ExhaustedError where a search is at its end.
func Choose(backups []*velerov1.Backup, want Wanted, known Known) (Choice, error) {
	choice, err := choose(backups, want, known)
	if err != nil && len(want.Tried) > 0 && !errors.As(err, new(LocationError)) {
		err = ExhaustedError(err.Error()) // it says nothing about those that were tried
	}
	return choice, err
}

func choose(backups []*velerov1.Backup, want Wanted, known Known) (Choice, error) {
	if name := want.Source.BackupName; name != "" && name != "latest" {
		i := slices.IndexFunc(backups, func(b *velerov1.Backup) bool { return b.Name == name })
		if i < 0 {
			return Choice{}, fmt.Errorf("spec.backupSource.backupName: there is no Backup %q in namespace %s; name one that `velero backup get` lists, or latest",
				name, want.VeleroNamespace)
		}
		if err := contradicts(backups[i], want.Source); err != nil {
			return Choice{}, err
		}
		named := judge(backups[i], want, known)
		return Choice{Backup: named.Backup, LeavesOut: named.leavesOut}, named.refused
	}
	if len(backups) == 0 {
		return Choice{}, fmt.Errorf("there is no Backup in namespace %s yet; make one with `velero backup create`, or a schedule", want.VeleroNamespace)
	}
	backups, err := offered(backups, want)
	if err != nil {
		return Choice{}, err
	}
	var judged, usable []*candidate
	for _, b := range backups {
		c := judge(b, want, known)
		judged = append(judged, c)
		if c.refused == nil {
			usable = append(usable, c)
		}
	}
	if len(usable) == 0 {
		return Choice{}, noneOf(judged, want)
	}
	if !want.latest() {
		if usable, err = young(usable, want); err != nil {
			return Choice{}, err
		}
	}
	compareData(usable)
	best := slices.MinFunc(usable, compare)
	if best.filtered() && slices.ContainsFunc(judged, func(c *candidate) bool { return !c.filtered() && errors.As(c.refused, new(LocationError)) }) {
		// What part of the application came back would be laid to the backup.
		for _, c := range usable {
			c.refused = fmt.Errorf("backup %s leaves out %s", c.Name, strings.Join(c.leavesOut, "; "))
		}
		return Choice{}, noneOf(judged, want)
	}
	equals := slices.DeleteFunc(slices.Clone(usable), func(c *candidate) bool { return rank(c, best) != 0 })
	if !want.latest() {
		return selected(equals, want, known)
	}
	return Choice{Backup: best.Backup, LeavesOut: best.leavesOut, Newer: newer(best, judged, want), Older: older(best, equals)}, nil
}

// candidate is a backup that was judged.
type candidate struct {
	*velerov1.Backup
	holding
	// refused says why it cannot be restored, if so.
	refused error
}

func judge(b *velerov1.Backup, want Wanted, known Known) *candidate {
	h := held(b, want, known.policy(b))
	if h.void = known.Void[IDOf(b.Name, b.Status.StartTimestamp)]; len(h.void) > 0 {
		h.leavesOut = append(h.leavesOut, "everything of namespace "+strings.Join(h.void, ", "))
	}
	return &candidate{b, h, refuse(b, h, want, known)}
}

// compareData marks those without data of volumes, if another has some: where none has, volumes may have none to take.
func compareData(usable []*candidate) {
	if !slices.ContainsFunc(usable, func(c *candidate) bool { return !c.partly && tookData(c.Backup) }) {
		return
	}
	for _, c := range usable {
		if c.dataless = isFalse(c.Spec.SnapshotVolumes) && !tookData(c.Backup); c.dataless {
			c.leavesOut = append(c.leavesOut, "data of volumes, unless their pods ask for it (spec.snapshotVolumes)")
		}
	}
}

// compare is negative if a is better than b. See the comment of the package.
func compare(a, b *candidate) int {
	return cmp.Or(rank(a, b), began(b.Backup).Compare(began(a.Backup)), strings.Compare(b.Name, a.Name))
}

// rank is negative if a holds more than b, whenever they began.
func rank(a, b *candidate) int {
	for _, worse := range [][2]bool{
		{len(a.void) > len(b.void), len(b.void) > len(a.void)},
		{a.partly, b.partly},
		{a.kinds > b.kinds, b.kinds > a.kinds},
		{a.dataless, b.dataless},
		{a.Status.Phase != velerov1.BackupPhaseCompleted, b.Status.Phase != velerov1.BackupPhaseCompleted},
	} {
		switch {
		case worse[0] && !worse[1]:
			return 1
		case worse[1] && !worse[0]:
			return -1
		}
	}
	return 0
}

// noneOf tells why no backup can be used, those first that are nearest to it.
func noneOf(judged []*candidate, want Wanted) error {
	var away, older, why []string
	for _, c := range judged {
		switch err := c.refused; {
		case errors.As(err, new(LocationError)):
			away = append(away, err.Error())
		case errors.As(err, new(olderError)):
			older = append(older, err.Error())
		default:
			why = append(why, err.Error())
		}
	}
	slices.Sort(away)
	slices.Sort(older)
	slices.Sort(why)
	text := fmt.Sprintf("no Backup in namespace %s can be used: %s", want.VeleroNamespace, first(slices.Concat(away, older, why)))
	if len(away) > 0 {
		return LocationError(text)
	}
	return errors.New(text)
}

// refuse returns why b cannot be restored, or nil. A name of a namespace can be used again: what was backed up before the
// namespace was created may be another's data.
func refuse(b *velerov1.Backup, h holding, want Wanted, known Known) error {
	no := func(format string, args ...any) error {
		return fmt.Errorf("backup %s %s", b.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case b.DeletionTimestamp != nil:
		return no("is being deleted")
	case b.Status.Phase != velerov1.BackupPhaseCompleted && b.Status.Phase != velerov1.BackupPhasePartiallyFailed:
		return no("is %s, not Completed", phaseOf(b))
	case b.Status.Expiration != nil && b.Status.Expiration.Time.Before(want.Now):
		return no("has expired")
	case empty(b):
		return no("is %s and holds nothing: Velero backed up 0 items (status.progress); correct its filters and make a new one", b.Status.Phase)
	}
	if h.nothing != "" {
		return no("%s", h.nothing)
	}
	for i, ns := range want.Source.Namespaces {
		if created := want.Since[ns.Name]; !want.Source.AllowOlderThanNamespace && began(b).Before(created) {
			return olderError(fmt.Sprintf("backup %s, begun %s, is older than namespace %q (spec.backupSource.namespaces[%d]), created %s, and may hold what was in another of that name; make a new backup, or set spec.backupSource.allowOlderThanNamespace",
				b.Name, moment(began(b)), ns.Name, i, moment(created)))
		}
	}
	if why := known.Locations[b.Spec.StorageLocation]; why != "" {
		return LocationError(fmt.Sprintf("backup %s is in BackupStorageLocation %s (spec.storageLocation), which %s; see `velero backup-location get`",
			b.Name, b.Spec.StorageLocation, why))
	}
	return nil
}

// empty tells whether Velero has counted what it backed up, and there was nothing.
func empty(b *velerov1.Backup) bool {
	return b.Status.Progress != nil && b.Status.Progress.ItemsBackedUp == 0
}

func began(b *velerov1.Backup) time.Time {
	if b.Status.StartTimestamp == nil {
		return time.Time{}
	}
	return b.Status.StartTimestamp.Time
}

func phaseOf(b *velerov1.Backup) velerov1.BackupPhase {
	if b.Status.Phase == "" {
		return velerov1.BackupPhaseNew
	}
	return b.Status.Phase
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// first joins the first few of all, and counts the rest: a message has an end.
func first(all []string) string {
	const most = 3
	if len(all) <= most {
		return strings.Join(all, "; ")
	}
	return fmt.Sprintf("%s (and %d more)", strings.Join(all[:most], "; "), len(all)-most)
}

func keys(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
