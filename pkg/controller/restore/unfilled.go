package restore

import (
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// unfilled is what is known of the volumes that a Restore which ended in part did not fill, for what says nothing about the backup.
type unfilled struct {
	// agentless are pods whose volumes no node agent took up.
	agentless []string
	// gaveUp is what else Velero gave up.
	gaveUp []move
	// doubtful: it gave up one more, for what may be the backup.
	doubtful bool
}

// move is a PodVolumeRestore or DataDownload that did not come to its end.
type move struct {
	message string
	fault   velero.Fault
	// errors is how many Velero may count for it.
	errors int
}

// verdict returns what is to be said of u, and the reason for which the run ends: none, if one of so many errors of the Restore may be of
// something else. One more may be that of the log, where the backup lies.
func (u unfilled) verdict(errors int, location *v1alpha1.BackupLocation) (reason, message string) {
	var texts []string
	known := len(u.agentless) // Velero counts one for each pod
	if known > 0 {
		texts = append(texts, "no node agent of Velero took up the volumes of pods: "+strings.Join(first(u.agentless), "; ")+
			"; see whether its DaemonSet node-agent is there and has a pod on each node, and since when")
	}
	if len(u.gaveUp) > 0 {
		var messages []string
		for _, m := range u.gaveUp {
			messages, known = append(messages, m.message), known+m.errors
		}
		slices.Sort(messages)
		texts = append(texts, "Velero gave up to move the data of volumes: "+strings.Join(first(messages), "; "))
	}
	message = strings.Join(texts, "; ")
	if message == "" || u.doubtful {
		return "", message
	}
	if errors > known {
		log := velero.LogNotWritten(location, int32(errors-known))
		if log == "" {
			return "", message
		}
		message += log
	}
	is := func(fault velero.Fault) bool {
		return slices.ContainsFunc(u.gaveUp, func(m move) bool { return m.fault == fault })
	}
	switch {
	case len(u.agentless) > 0 || is(velero.NotPrepared):
		return v1alpha1.ReasonClusterLacks, message
	case is(velero.MoverEnded):
		return v1alpha1.ReasonVeleroStalled, message
	}
	return v1alpha1.ReasonBackupLocationUnavailable, message
}
