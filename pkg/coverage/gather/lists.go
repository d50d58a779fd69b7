package gather

import (
	"context"
	"fmt"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// list is one kind; page reads and uses one page, and returns where the next begins.
type list struct {
	resource, namespace string
	// doubt is what nobody can say of a namespace without it.
	doubt []string
	page  func(metav1.ListOptions) (next string, err error)
}

func (l list) right() string {
	if l.namespace == "" {
		return fmt.Sprintf("list %s in all namespaces", l.resource)
	}
	return fmt.Sprintf("list %s in namespace %s", l.resource, l.namespace)
}

// read reads pages until there is none left; tooMany: it gave up before.
func (l list) read() (tooMany bool, err error) {
	options := metav1.ListOptions{Limit: pageSize}
	for range maxPages {
		if options.Continue, err = l.page(options); err != nil || options.Continue == "" {
			return false, err
		}
	}
	return true, nil
}

// took has a page be used, unless it could not be read.
func took(l metav1.ListInterface, err error, use func()) (next string, _ error) {
	if err != nil {
		return "", err
	}
	use()
	return l.GetContinue(), nil
}

func (p Place) backups(ctx context.Context, in *coverage.Input) list {
	return list{"backups.velero.io", p.VeleroNamespace, []string{"not all backups were looked at"}, func(o metav1.ListOptions) (string, error) {
		l, err := p.Kymaros.VeleroV1().Backups(p.VeleroNamespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				l.Items[i].ManagedFields = nil
				in.Backups = append(in.Backups, &l.Items[i])
			}
		})
	}}
}

func (p Place) claims(ctx context.Context, in *coverage.Input) list {
	return list{"persistentvolumeclaims", p.Namespace, []string{"its volumes were not looked at"}, func(o metav1.ListOptions) (string, error) {
		l, err := p.Core.PersistentVolumeClaims(p.Namespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				in.Claims = append(in.Claims, coverage.ClaimOf(&l.Items[i]))
			}
		})
	}}
}

func (p Place) schedules(ctx context.Context, in *coverage.Input) list {
	return list{"schedules.velero.io", p.VeleroNamespace, nil, func(o metav1.ListOptions) (string, error) {
		l, err := p.Kymaros.VeleroV1().Schedules(p.VeleroNamespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				in.Schedules = append(in.Schedules, &l.Items[i])
			}
		})
	}}
}

func (p Place) locations(ctx context.Context, in *coverage.Input) list {
	return list{"backupstoragelocations.velero.io", p.VeleroNamespace, []string{"whether its backup can still be read was not looked at"}, func(o metav1.ListOptions) (string, error) {
		l, err := p.Kymaros.VeleroV1().BackupStorageLocations(p.VeleroNamespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				if at := &l.Items[i]; at.Status.Phase == velerov1.BackupStorageLocationPhaseUnavailable {
					in.Locations[at.Name] = "is Unavailable: " + at.Status.Message
				}
			}
		})
	}}
}

func (p Place) pods(ctx context.Context, in *coverage.Input) list {
	return list{"pods", p.Namespace, nil, func(o metav1.ListOptions) (string, error) {
		l, err := p.Core.Pods(p.Namespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				in.Mounts = append(in.Mounts, volumes.MountsOf(&l.Items[i])...)
			}
		})
	}}
}

// holdings is what backups say of single volumes.
type holdings struct {
	byLabel map[string][]volumes.Backed // by the label of the backup
	// unnamed: some are known by their pod only.
	unnamed bool
}

func (h *holdings) add(labels map[string]string, b volumes.Backed) {
	label := labels[velerov1.BackupNameLabel]
	h.byLabel[label] = append(h.byLabel[label], b)
	h.unnamed = h.unnamed || b.Claim == ""
}

func (p Place) podVolumeBackups(ctx context.Context, into *holdings) list {
	return list{"podvolumebackups.velero.io", p.VeleroNamespace, nil, func(o metav1.ListOptions) (string, error) {
		l, err := p.Kymaros.VeleroV1().PodVolumeBackups(p.VeleroNamespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				into.add(l.Items[i].Labels, volumes.BackedUp(&l.Items[i]))
			}
		})
	}}
}

func (p Place) dataUploads(ctx context.Context, into *holdings) list {
	return list{"datauploads.velero.io", p.VeleroNamespace, nil, func(o metav1.ListOptions) (string, error) {
		l, err := p.Kymaros.VeleroV2alpha1().DataUploads(p.VeleroNamespace).List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				into.add(l.Items[i].Labels, volumes.UploadOf(&l.Items[i]))
			}
		})
	}}
}
