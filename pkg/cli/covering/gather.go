package covering

import (
	"context"
	"fmt"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// gather looks at the cluster. Unseen names what this user may not see; what then is not known counts as not proven.
func gather(ctx context.Context, c client.Clients, veleroNamespace string, now time.Time, maxAge time.Duration) (in coverage.Input, unseen []string, err error) {
	in = coverage.Input{Now: now, MaxAge: maxAge, VeleroNamespace: veleroNamespace, Locations: map[string]string{}}
	namespaces, err := c.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return in, nil, fmt.Errorf("list namespaces: %w", err)
	}
	in.Namespaces = namespaces.Items
	may := func(what string, err error) error {
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) { // no right, or no such kind
			unseen = append(unseen, what)
			return nil
		}
		return err
	}
	for _, look := range []func() error{
		func() error { return may("persistentvolumeclaims", claims(ctx, c, &in)) },
		func() error { return backups(ctx, c, &in) }, // without them nothing is known of anything
		func() error { return may("schedules of Velero", schedules(ctx, c, &in)) },
		func() error { return may("locations of Velero", locations(ctx, c, &in)) },
		func() error { return may("Velero's podvolumebackups or datauploads", held(ctx, c, &in)) },
		func() (err error) {
			in.Tests, err = c.Tests(ctx, "", "")
			return may("restoretests", err)
		},
		func() (err error) {
			in.Reports, _, err = c.Reports(ctx, "", "")
			return may("restorereports", err)
		},
	} {
		if err := look(); err != nil {
			return in, nil, err
		}
	}
	return in, unseen, nil
}

func claims(ctx context.Context, c client.Clients, in *coverage.Input) error {
	list, err := c.Kube.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		in.Claims = append(in.Claims, coverage.ClaimOf(&list.Items[i]))
	}
	return nil
}

func backups(ctx context.Context, c client.Clients, in *coverage.Input) error {
	list, err := c.Kymaros.VeleroV1().Backups(in.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list Backups of Velero: %w", err)
	}
	for i := range list.Items {
		in.Backups = append(in.Backups, &list.Items[i])
	}
	return nil
}

func schedules(ctx context.Context, c client.Clients, in *coverage.Input) error {
	list, err := c.Kymaros.VeleroV1().Schedules(in.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		in.Schedules = append(in.Schedules, &list.Items[i])
	}
	return nil
}

func locations(ctx context.Context, c client.Clients, in *coverage.Input) error {
	list, err := c.Kymaros.VeleroV1().BackupStorageLocations(in.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		if l := &list.Items[i]; l.Status.Phase == velerov1.BackupStorageLocationPhaseUnavailable {
			in.Locations[l.Name] = "is Unavailable: " + l.Status.Message
		}
	}
	return nil
}

// held reads what backups say of single volumes.
func held(ctx context.Context, c client.Clients, in *coverage.Input) error {
	byLabel := map[string][]volumes.Backed{}
	pods, err := c.Kymaros.VeleroV1().PodVolumeBackups(in.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		label := pods.Items[i].Labels[velerov1.BackupNameLabel]
		byLabel[label] = append(byLabel[label], volumes.BackedUp(&pods.Items[i]))
	}
	uploads, err := c.Kymaros.VeleroV2alpha1().DataUploads(in.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range uploads.Items {
		label := uploads.Items[i].Labels[velerov1.BackupNameLabel]
		byLabel[label] = append(byLabel[label], volumes.UploadOf(&uploads.Items[i]))
	}
	in.Held = map[string][]volumes.Backed{}
	unnamed := false
	for _, b := range in.Backups {
		all := byLabel[velero.LabelValue(b.Name)]
		in.Held[b.Name] = all
		for _, one := range all {
			unnamed = unnamed || one.Claim == ""
		}
	}
	if !unnamed {
		return nil
	}
	list, err := c.Kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{}) // only they tell which claim a backup of a pod's volume is of
	if apierrors.IsForbidden(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range list.Items {
		in.Mounts = append(in.Mounts, volumes.MountsOf(&list.Items[i])...)
	}
	return nil
}
