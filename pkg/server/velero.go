package server

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/times"
	"github.com/kymaros/kymaros/pkg/velero"
)

// veleroSchedule has the names of fields that older clients read.
type veleroSchedule struct {
	Name       string   `json:"Name"`
	Cron       string   `json:"Cron"`
	Namespaces []string `json:"Namespaces"`
	LastBackup string   `json:"LastBackup"`
}

// schedules are asked for with the caller's token: this program has no right to them.
func (s *Server) schedules(r *request) (any, error) {
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	list, err := clients.Kymaros.VeleroV1().Schedules(s.options.VeleroNamespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, s.ofVelero(err, "schedules")
	}
	all := []veleroSchedule{}
	for _, o := range list.Items {
		all = append(all, veleroSchedule{o.Name, o.Spec.Schedule, append([]string{}, o.Spec.Template.IncludedNamespaces...), times.Stamp(times.Of(o.Status.LastBackup))})
	}
	slices.SortFunc(all, func(a, b veleroSchedule) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// provider is what there is of Velero.
type provider struct {
	Provider string `json:"provider"`
	// Status is connected, or not found.
	Status    string `json:"status"`
	Namespace string `json:"namespace"`
	// Version is what the tag of the server's image says; empty if it says none, or to who may not list pods there.
	Version        string `json:"version,omitempty"`
	DefaultBSL     string `json:"defaultBSL,omitempty"`
	BackupCount    int    `json:"backupCount"`
	ScheduleCount  int    `json:"scheduleCount"`
	LastBackupAge  string `json:"lastBackupAge,omitempty"`
	LastBackupName string `json:"lastBackupName,omitempty"`
}

func (s *Server) provider(r *request) (any, error) {
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	ns, cached := s.options.VeleroNamespace, metav1.ListOptions{ResourceVersion: "0"}
	found := provider{Provider: "velero", Status: "not found", Namespace: ns}
	locations, err := clients.Kymaros.VeleroV1().BackupStorageLocations(ns).List(ctx, cached)
	if apierrors.IsNotFound(err) {
		return found, nil
	}
	if err != nil {
		return nil, s.ofVelero(err, "backupstoragelocations")
	}
	for _, l := range locations.Items {
		found.Status = "connected"
		if l.Spec.Default {
			found.DefaultBSL = l.Name
		}
	}
	schedules, err := clients.Kymaros.VeleroV1().Schedules(ns).List(ctx, cached)
	if err != nil {
		return nil, s.ofVelero(err, "schedules")
	}
	found.ScheduleCount = len(schedules.Items)
	backups, err := clients.Kymaros.VeleroV1().Backups(ns).List(ctx, cached)
	if err != nil {
		return nil, s.ofVelero(err, "backups")
	}
	found.BackupCount = len(backups.Items)
	var newest time.Time
	for _, b := range backups.Items {
		if began := times.Of(b.Status.StartTimestamp); began.After(newest) {
			newest, found.LastBackupName = began, b.Name
		}
	}
	if !newest.IsZero() {
		found.LastBackupAge = times.Span(s.now().Sub(newest))
	}
	pods, err := clients.Core.Pods(ns).List(ctx, cached)
	switch {
	case apierrors.IsForbidden(err): // all else was told
	case err != nil:
		return nil, s.ofVelero(err, "pods")
	default:
		found.Version = versionOf(pods.Items)
	}
	return found, nil
}

// versionOf returns the version of the one server among pods of Velero; "" if none is known.
func versionOf(pods []corev1.Pod) string {
	images := velero.ServerImages(pods)
	if len(images) != 1 {
		return ""
	}
	if v := velero.VersionOf(images[0]); v != nil {
		return "v" + v.String()
	}
	return ""
}

// ofVelero says which right is missing, or that there is no Velero.
func (s *Server) ofVelero(err error, resource string) error {
	switch {
	case apierrors.IsForbidden(err):
		p := problem.New(http.StatusForbidden, "this takes your own right to list %s.velero.io in namespace %s: ask for a role that allows it", resource, s.options.VeleroNamespace)
		p.Right = fmt.Sprintf("list %s.velero.io in namespace %s", resource, s.options.VeleroNamespace)
		return p
	case apierrors.IsNotFound(err):
		return problem.New(http.StatusNotFound, "the cluster has no %s.velero.io: install Velero", resource)
	}
	return refused(err)
}
