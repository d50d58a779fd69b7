// Package velero knows what the phases of Velero's objects mean. It is pure.
package velero

import velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

// Terminal tells whether Velero is done with a Restore in that phase. Every phase that is not known to be terminal, the
// empty one of a new Restore and those of later versions among them, is waiting.
func Terminal(phase velerov1.RestorePhase) bool {
	switch phase {
	case velerov1.RestorePhaseCompleted, velerov1.RestorePhasePartiallyFailed, velerov1.RestorePhaseFailed, velerov1.RestorePhaseFailedValidation:
		return true
	}
	return false
}

// Started tells whether Velero has begun with a Restore in that phase.
func Started(phase velerov1.RestorePhase) bool {
	return phase != "" && phase != velerov1.RestorePhaseNew
}

// Filling tells whether Velero is at work on the objects of a Restore in that phase and on the data of their volumes. Before it has
// made nothing, and in the phases of finalizing, which come after, it makes no more.
func Filling(phase velerov1.RestorePhase) bool {
	switch phase {
	case velerov1.RestorePhaseInProgress, velerov1.RestorePhaseWaitingForPluginOperations, velerov1.RestorePhaseWaitingForPluginOperationsPartiallyFailed:
		return true
	}
	return false
}

// Finalizing tells whether Velero has made all objects of a Restore in that phase, and filled their volumes. What is left to it is to set
// labels and reclaim policies of those volumes.
func Finalizing(phase velerov1.RestorePhase) bool {
	return phase == velerov1.RestorePhaseFinalizing || phase == velerov1.RestorePhaseFinalizingPartiallyFailed
}
