package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
)

// choose puts the backup to restore into s. Beside the backups only that is looked up on which the choice rests: one location
// and, if the backup has one, one resource policy; more where that shows that another backup is to be taken.
func (c *Controller) choose(ctx context.Context, rt *v1alpha1.RestoreTest, s *seen) error {
	list, err := c.backups.List(labels.Everything())
	if err != nil {
		return err
	}
	source := rt.Status.Run.Spec.BackupSource
	since, err := c.createdSince(ctx, source)
	if err != nil {
		return err
	}
	want := c.wanted(rt, s.resources, since)
	known := backups.Known{Locations: map[string]string{}, Policies: map[string]backups.Policy{}, Void: map[backups.ID][]string{}}
	read := map[string]v1alpha1.BackupLocation{}
	if source.Selection == v1alpha1.SelectOldestUnverified {
		if known.Verified, err = c.verified(ctx, rt); err != nil {
			return err
		}
	}
	for {
		choice, missing := backups.Choose(list, want, known)
		if missing != nil {
			return c.lacking(ctx, s, missing, list, source)
		}
		location, policy := known.Lacks(choice.Backup)
		if location == "" && policy == "" {
			var done bool
			if done, s.listing = c.hold(ctx, rt, choice, known); !done {
				if s.listing != "" {
					return nil
				}
				continue
			}
			s.backup, s.choice = choice.Backup, asStatus(choice, want.Now)
			return c.whence(ctx, s, read[choice.Backup.Spec.StorageLocation], source, since)
		}
		if location != "" {
			found := v1alpha1.BackupLocation{Name: location}
			if found.ReadOnly, known.Locations[location], err = c.unavailable(ctx, location); err != nil {
				return err
			}
			read[location] = found
		}
		if policy != "" {
			if known.Policies[policy], err = c.policy(ctx, policy); err != nil {
				return err
			}
		}
	}
}

// lacking puts into s why none of known can be restored, as far as Velero knows all of them: see backups.Incomplete. Locations are looked
// up only here, where a run ends.
func (c *Controller) lacking(ctx context.Context, s *seen, why error, known []*velerov1.Backup, source v1alpha1.BackupSource) error {
	s.missing = why
	named := slices.ContainsFunc(known, func(b *velerov1.Backup) bool { return b.Name == source.BackupName })
	if named || errors.As(why, new(backups.LocationError)) || errors.As(why, new(backups.ExhaustedError)) {
		return nil
	}
	locations, err := c.client.VeleroV1().BackupStorageLocations(c.options.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) { // without their definition there are none
		return nil
	}
	if err != nil {
		return fmt.Errorf("list BackupStorageLocations: %w", err)
	}
	s.missing = backups.Incomplete(why, locations.Items, source.StorageLocation, time.Now())
	return nil
}

// whence puts into s where its backup lies and was made. since are the times of createdSince.
func (c *Controller) whence(ctx context.Context, s *seen, location v1alpha1.BackupLocation, source v1alpha1.BackupSource, since map[string]time.Time) error {
	if location.Name != "" {
		s.location = &location
	}
	here := backups.Here{Since: since, Location: location}
	if backups.Found(s.backup) {
		if source.AllowOlderThanNamespace { // nobody has looked yet
			source.AllowOlderThanNamespace = false
			var err error
			if here.Since, err = c.createdSince(ctx, source); err != nil {
				return err
			}
		}
		system, err := c.kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
		if err == nil {
			here.Born = system.CreationTimestamp.Time
		} else if !apierrors.IsNotFound(err) {
			return fmt.Errorf("get namespace %s: %w", metav1.NamespaceSystem, err)
		}
	}
	origin := backups.Origin(s.backup, here)
	s.origin = &origin
	return nil
}

// wanted is what rt's run asks of a backup. since are the times at which the source namespaces were created.
func (c *Controller) wanted(rt *v1alpha1.RestoreTest, resources []string, since map[string]time.Time) backups.Wanted {
	return backups.Wanted{
		Source: rt.Status.Run.Spec.BackupSource, Resources: resources, Since: since,
		VeleroNamespace: c.options.VeleroNamespace, Now: time.Now(), Seed: rt.Status.Run.ID, Tried: tried(rt),
	}
}

// unavailable returns why Velero restores nothing from a BackupStorageLocation, or "" if it does, and whether Velero may only read it.
func (c *Controller) unavailable(ctx context.Context, name string) (readOnly bool, why string, err error) {
	location, err := c.client.VeleroV1().BackupStorageLocations(c.options.VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, "does not exist", nil
	case err != nil:
		return false, "", fmt.Errorf("get BackupStorageLocation %s: %w", name, err)
	}
	readOnly = location.Spec.AccessMode == velerov1.BackupStorageLocationAccessModeReadOnly
	switch location.Status.Phase {
	case velerov1.BackupStorageLocationPhaseAvailable:
		return readOnly, "", nil
	case "":
		return readOnly, "Velero has not validated yet", nil
	}
	why = "is " + string(location.Status.Phase)
	if said := strings.Fields(location.Status.Message); len(said) > 0 {
		why += ": " + strings.Join(said, " ")
	}
	return readOnly, why, nil
}

// policy reads the ConfigMap that is a backup's resource policy, if somebody lets it: the controller needs none but its own.
func (c *Controller) policy(ctx context.Context, name string) (backups.Policy, error) {
	rules, err := c.kube.CoreV1().ConfigMaps(c.options.VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return backups.Policy{Unknown: "is not there any more"}, nil
	}
	if apierrors.IsForbidden(err) {
		return backups.Policy{Unknown: "is not for kymaros-controller to read; the report tells what it left out"}, nil
	}
	if err != nil {
		return backups.Policy{}, fmt.Errorf("get ConfigMap %s: %w", name, err)
	}
	return backups.ParsePolicy(rules.Data), nil
}

func asStatus(choice backups.Choice, now time.Time) *v1alpha1.BackupChoice {
	status := &v1alpha1.BackupChoice{
		LeavesOut: choice.LeavesOut, NewerBackups: choice.Newer.Entries, NewerCount: int32(choice.Newer.Total), NewerFailed: int32(choice.Newer.Failed),
		OlderCount: int32(choice.Older), Candidates: int32(choice.Candidates),
	}
	if began := choice.Backup.Status.StartTimestamp; began != nil {
		status.Age = v1alpha1.Of(max(now.Sub(began.Time), 0).Truncate(time.Second))
	}
	return status
}

// asText and fromText carry a part of the status over a restart, on the Restore.
func asText[T any](part *T) string {
	if part == nil {
		return ""
	}
	text, err := json.Marshal(part)
	if err != nil {
		return "" // plain fields are always marshalled
	}
	return string(text)
}

func fromText[T any](text string) *T {
	part := new(T)
	if text == "" || json.Unmarshal([]byte(text), part) != nil {
		return nil // made by an earlier version
	}
	return part
}

// ofBackup is what every message about a backup says besides: what it lacks, what there is that is newer, and whether it is too old.
func ofBackup(rt *v1alpha1.RestoreTest, status v1alpha1.RestoreStatus) string {
	var said strings.Builder
	if status.BackupPhase == string(velerov1.BackupPhasePartiallyFailed) {
		fmt.Fprintf(&said, "; backup %s is PartiallyFailed", status.BackupName)
	}
	choice := status.BackupChoice
	if choice == nil {
		return said.String()
	}
	if len(choice.LeavesOut) > 0 {
		fmt.Fprintf(&said, "; backup %s leaves out %s: name another one, or leave that out of the test", status.BackupName, strings.Join(first(choice.LeavesOut), "; "))
	}
	if newer := int(choice.NewerCount); newer > 0 {
		const most = 3
		shown := choice.NewerBackups[:min(most, len(choice.NewerBackups))]
		fmt.Fprintf(&said, "; newer backups were not used: %s", strings.Join(shown, "; "))
		if newer > len(shown) {
			fmt.Fprintf(&said, "; and %d more", newer-len(shown))
		}
	}
	said.WriteString(forgetful(&rt.Status.Run.Spec, choice))
	if bound := rt.Status.Run.Spec.BackupSource.MaxBackupAge; bound != "" {
		limit, err := bound.Parse()
		age, unknown := choice.Age.Parse()
		switch {
		case err != nil || unknown != nil:
		case choice.Age == "":
			fmt.Fprintf(&said, "; the age of backup %s is not known, for it does not say when it began (status.startTimestamp)", status.BackupName)
		case age > limit:
			fmt.Fprintf(&said, "; backup %s was %s old, and spec.backupSource.maxBackupAge is %s: see why there is no newer one", status.BackupName, age, limit)
		}
	}
	return said.String()
}
