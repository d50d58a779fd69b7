package velero

import (
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
)

func TestPhases(t *testing.T) {
	for phase, want := range map[velerov1.RestorePhase]struct{ terminal, started bool }{
		"":                              {false, false},
		velerov1.RestorePhaseNew:        {false, false},
		velerov1.RestorePhaseInProgress: {false, true},
		velerov1.RestorePhaseWaitingForPluginOperations:                {false, true},
		velerov1.RestorePhaseWaitingForPluginOperationsPartiallyFailed: {false, true},
		velerov1.RestorePhaseFinalizing:                                {false, true},
		velerov1.RestorePhaseFinalizingPartiallyFailed:                 {false, true},
		"APhaseOfALaterVersion":                                        {false, true},
		velerov1.RestorePhaseCompleted:                                 {true, true},
		velerov1.RestorePhasePartiallyFailed:                           {true, true},
		velerov1.RestorePhaseFailed:                                    {true, true},
		velerov1.RestorePhaseFailedValidation:                          {true, true},
	} {
		if got := Terminal(phase); got != want.terminal {
			t.Errorf("%q is terminal: %v", phase, got)
		}
		if got := Started(phase); got != want.started {
			t.Errorf("%q is started: %v", phase, got)
		}
	}
}

func TestVeleroMakesObjectsOrFinishes(t *testing.T) {
	for phase, want := range map[velerov1.RestorePhase]struct{ filling, finalizing bool }{
		"":                                              {},
		velerov1.RestorePhaseNew:                        {},
		velerov1.RestorePhaseInProgress:                 {filling: true},
		velerov1.RestorePhaseFinalizing:                 {finalizing: true},
		velerov1.RestorePhaseFailed:                     {},
		"APhaseOfALaterVersion":                         {},
		velerov1.RestorePhaseCompleted:                  {},
		velerov1.RestorePhaseWaitingForPluginOperations: {filling: true},
		velerov1.RestorePhaseWaitingForPluginOperationsPartiallyFailed: {filling: true},
		velerov1.RestorePhaseFinalizingPartiallyFailed:                 {finalizing: true},
	} {
		if got := Filling(phase); got != want.filling {
			t.Errorf("%q is filling: %v", phase, got)
		}
		if got := Finalizing(phase); got != want.finalizing {
			t.Errorf("%q is finalizing: %v", phase, got)
		}
	}
}
