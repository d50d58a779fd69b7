package restore

import (
	"context"
	"fmt"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// moves are what Velero made for a Restore to move data by.
type moves struct {
	podVolumes []velerov1.PodVolumeRestore
	downloads  []velerov2alpha1.DataDownload
}

// podVolumes returns the PodVolumeRestores that Velero made for r.
func (c *Controller) podVolumes(ctx context.Context, r *velerov1.Restore) ([]velerov1.PodVolumeRestore, error) {
	list, err := c.client.VeleroV1().PodVolumeRestores(r.Namespace).List(ctx, madeFor(r))
	if err != nil {
		return nil, fmt.Errorf("list PodVolumeRestores: %w", err)
	}
	return list.Items, nil
}

// downloads returns the DataDownloads that Velero made for r; none where there is no data mover.
func (c *Controller) downloads(ctx context.Context, r *velerov1.Restore) ([]velerov2alpha1.DataDownload, error) {
	list, err := c.client.VeleroV2alpha1().DataDownloads(r.Namespace).List(ctx, madeFor(r))
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list DataDownloads: %w", err)
	}
	return list.Items, nil
}

func madeFor(r *velerov1.Restore) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: labels.SelectorFromSet(labels.Set{velerov1.RestoreUIDLabel: string(r.UID)}).String()}
}

// gaveUp returns what Velero gave up for what says nothing about the backup, and whether it gave up more.
func (m moves) gaveUp(rt *v1alpha1.RestoreTest, server *v1alpha1.VeleroServer) (all []move, doubtful bool) {
	sources := sourcesOf(rt)
	add := func(what string, phase, message string, errors int) {
		fault := velero.FaultOf(phase, message)
		if fault == velero.NoFault {
			doubtful = doubtful || phase == string(velerov1.PodVolumeRestorePhaseFailed)
			return
		}
		what += " is " + phase
		if message != "" {
			what += ": " + velero.Words(message)
		}
		all = append(all, move{what, fault, errors})
	}
	for i := range m.podVolumes {
		v := &m.podVolumes[i]
		add(nameOfPodVolume(v, sources), string(v.Status.Phase), v.Status.Message, 1)
	}
	errors := 1
	if velero.CountsTwice(versionOf(server)) {
		errors = 2
	}
	for i := range m.downloads {
		d := &m.downloads[i]
		add(nameOfDownload(d, sources), string(d.Status.Phase), d.Status.Message, errors)
	}
	return all, doubtful
}

// versionOf returns the version of a server of Velero, nil if it is not known.
func versionOf(server *v1alpha1.VeleroServer) *version.Version {
	if server == nil {
		return nil
	}
	v, err := version.ParseSemantic(server.Version)
	if err != nil {
		return nil
	}
	return v
}

// over tells whether what moves data does so no more in that phase.
func over(phase string) bool {
	switch velerov1.PodVolumeRestorePhase(phase) { // DataDownloads have the same
	case velerov1.PodVolumeRestorePhaseCompleted, velerov1.PodVolumeRestorePhaseFailed, velerov1.PodVolumeRestorePhaseCanceled:
		return true
	}
	return false
}

// sourcesOf returns the source namespaces of rt by the name of the sandbox.
func sourcesOf(rt *v1alpha1.RestoreTest) map[string]string {
	sources := map[string]string{}
	for _, ns := range rt.Status.Sandbox.Namespaces {
		sources[ns.Name] = ns.Source
	}
	return sources
}

func nameOfPodVolume(v *velerov1.PodVolumeRestore, sources map[string]string) string {
	return fmt.Sprintf("%s: PodVolumeRestore %s of Pod/%s", sources[v.Spec.Pod.Namespace], v.Name, v.Spec.Pod.Name)
}

func nameOfDownload(d *velerov2alpha1.DataDownload, sources map[string]string) string {
	return fmt.Sprintf("%s: DataDownload %s of claim %s", sources[d.Spec.TargetVolume.Namespace], d.Name, d.Spec.TargetVolume.PVC)
}
