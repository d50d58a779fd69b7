package velero

import (
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
)

// Fault is what kept Velero from moving the data of a volume, if that says nothing about the backup.
type Fault int

// Faults.
const (
	// NoFault: it may be the backup, or it is not known what it was.
	NoFault Fault = iota
	// NotPrepared: the cluster did not bring about what the data is moved by, before any of it was read.
	NotPrepared
	// MoverEnded: a node agent ended while it moved the data, or the pod did that it moves it in, or somebody had it given up.
	MoverEnded
	// StoreLost: the object store could not be reached, or did not answer.
	StoreLost
)

// What Velero 1.15 to 1.18 says in PodVolumeRestores and DataDownloads, in lower case.
var (
	// restarted is said by a node agent that starts, of what it finds under way, and ended by a pod that is asked to end.
	restarted = []string{"during the server starting, mark it as", "data path restore canceled: ", "timed out waiting for fs restore to complete"}
	// preparing are the beginnings of what is said before data is read.
	preparing = []string{
		"timeout on preparing ", "error to expose ", "error exposing host path ", "exposed pvr is not ready", "exposed snapshot is not ready",
		"restore exposer is not ready", "failed to set exposer parameters", "error to create data path", "error initializing data path",
		"error to update status to in progress",
	}
	// unprepared are words of it that may be of the application: that its pod does not run, or that it mounts no claim.
	unprepared = []string{"target pvc"}
	// reading are the beginnings of what is said of data, and of the repository that it is in.
	reading = []string{"data path restore failed:", "error to initialize data path"}
	// lost are words of the way to a store, and of stores that do not answer for now. That it refuses something is not among them: some
	// refuse what is not there.
	lost = []string{
		"dial tcp", "connection refused", "connection reset by peer", "i/o timeout", "tls handshake timeout", "no such host", "no route to host",
		"network is unreachable", "server misbehaving", "client.timeout exceeded", "context deadline exceeded", "statuscode: 5", "response 5",
		"googleapi: error 5", "internal server error", "bad gateway", "service unavailable", "gateway timeout", "slowdown",
		"reduce your request rate", "server not initialized",
	}
	// spoilt are words of a repository that does not read what it got.
	spoilt = []string{"unreadable", "decrypt", "decompress", "authentication failed", "checksum", "corrupt", "malformed", "invalid"}
)

// FaultOf returns what kept Velero from moving the data of a volume, by the phase of its PodVolumeRestore or DataDownload, which has
// ended, and by what that says. Words that are not known are NoFault.
func FaultOf(phase, message string) Fault {
	message = strings.ToLower(strings.TrimSpace(message))
	says := func(words string) bool { return strings.Contains(message, words) }
	begins := func(words string) bool { return strings.HasPrefix(message, words) }
	switch velerov1.PodVolumeRestorePhase(phase) {
	case velerov1.PodVolumeRestorePhaseCanceled: // no data leads to that: what cannot be read is Failed
		if says("expose error") || says("exposing pod") {
			return NotPrepared
		}
		return MoverEnded
	case velerov1.PodVolumeRestorePhaseFailed:
	default:
		return NoFault
	}
	switch {
	case slices.ContainsFunc(restarted, says), message == reading[0]: // who fails says why, and who is killed does not
		return MoverEnded
	case slices.ContainsFunc(preparing, begins) && !slices.ContainsFunc(unprepared, says):
		return NotPrepared
	case !slices.ContainsFunc(reading, begins) || slices.ContainsFunc(slices.Concat(gone, broken, spoilt), says):
		return NoFault
	case slices.ContainsFunc(lost, says):
		return StoreLost
	}
	return NoFault
}

// maxWords is how much is told of what another has said, in bytes.
const maxWords = 512

// Words returns what another has said as one line that has an end.
func Words(said string) string {
	said = strings.Join(strings.Fields(said), " ")
	if len(said) > maxWords {
		return strings.ToValidUTF8(said[:maxWords-3], "") + "…"
	}
	return said
}
