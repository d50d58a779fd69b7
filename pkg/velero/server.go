package velero

import (
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
)

// ServerContainer is what Velero's installers call the container of its server.
const ServerContainer = "velero"

// Restarted says what became of the server of Velero that was at work on r, and "" while it is. pods are those of Velero's
// namespace.
func Restarted(r *velerov1.Restore, pods []corev1.Pod) string {
	if r.Status.StartTimestamp == nil || Terminal(r.Status.Phase) {
		return "" // a server that starts takes a new Restore up as if nothing had been
	}
	began := r.Status.StartTimestamp.Time
	crashed := false
	for i := range pods {
		for _, s := range pods[i].Status.ContainerStatuses {
			if s.Name != ServerContainer {
				continue
			}
			if s.State.Running != nil && !s.State.Running.StartedAt.Time.After(began) {
				return ""
			}
			ended := s.State.Terminated
			if ended == nil {
				ended = s.LastTerminationState.Terminated
			}
			crashed = crashed || s.State.Running != nil || ended != nil && ended.FinishedAt.Time.After(began)
		}
	}
	if crashed {
		return "Velero's server ended while it was at work on Restore " + r.Name + ", which may be the cause"
	}
	return "" // it is being replaced, or was stopped: the next look tells
}

// Down tells whether there is a server of Velero among pods and none of them runs. That there is none to be seen proves nothing.
func Down(pods []corev1.Pod) bool {
	servers, running := 0, 0
	for i := range pods {
		if slices.ContainsFunc(pods[i].Spec.Containers, func(c corev1.Container) bool { return c.Name == ServerContainer }) {
			servers++
		}
		if slices.ContainsFunc(pods[i].Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == ServerContainer && s.State.Running != nil }) {
			running++
		}
	}
	return servers > 0 && running == 0
}

// Interrupted tells whether Velero has ended r because its server had ended: it says so when the next one starts.
func Interrupted(r *velerov1.Restore) bool {
	return r.Status.Phase == velerov1.RestorePhaseFailed && strings.Contains(r.Status.FailureReason, "during the server starting")
}

// What Velero says when it got nothing out of the object store. Where it only takes, whatever breaks is the way; where it unpacks what
// it took, that may be broken. Gone are the words of stores for what is not there.
var (
	taking    = []string{"error downloading backup", "error setting up backup store", "error getting backup store"}
	unpacking = []string{"error fetching volume snapshots metadata", "fail to fetch csi volumesnapshots metadata"}
	broken    = []string{"gzip", "unexpected eof"}
	gone      = []string{"nosuchkey", "nosuchbucket", "notfound", "not found", "doesn't exist", "does not exist", "statuscode: 404", "error 404"}
)

// StoreAway tells whether Velero gave r up because it could not reach the object store, which says nothing about the backup in it.
func StoreAway(r *velerov1.Restore) bool {
	// Stores repeat what was asked for, and a backup may have any name.
	reason := strings.ReplaceAll(strings.ToLower(r.Status.FailureReason), r.Spec.BackupName, "")
	says := func(words string) bool { return strings.Contains(reason, words) }
	// Of two things Velero adds no word of its own: keys for the store that it cannot read, and plugins that take from it.
	bare := func(words string) bool {
		return strings.HasPrefix(strings.TrimPrefix(reason, "restore execution failed: "), words)
	}
	switch {
	case r.Status.Phase == velerov1.RestorePhaseFailed && bare("unable to get credentials"):
		return true
	case r.Status.Phase != velerov1.RestorePhaseFailed || slices.ContainsFunc(gone, says):
		return false
	case slices.ContainsFunc(unpacking, says):
		return !slices.ContainsFunc(broken, says)
	}
	return bare("rpc error:") || slices.ContainsFunc(taking, says)
}

// ServerImages returns the images of the servers among pods that run, or will, sorted and each once.
func ServerImages(pods []corev1.Pod) []string {
	var images []string
	for i := range pods {
		if pods[i].DeletionTimestamp != nil || pods[i].Status.Phase == corev1.PodFailed || pods[i].Status.Phase == corev1.PodSucceeded {
			continue
		}
		for _, container := range pods[i].Spec.Containers {
			if container.Name == ServerContainer {
				images = append(images, container.Image)
			}
		}
	}
	slices.Sort(images)
	return slices.Compact(images)
}
