package scope

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Ephemeral tells whether a claim is that of an ephemeral volume, which comes and goes with its pod, and so begins empty in production
// too. Owners of other kinds keep their data: a StatefulSet owns its claims where persistentVolumeClaimRetentionPolicy says Delete, and
// operators of databases own those of their clusters.
func Ephemeral(claim metav1.Object) bool {
	owner := metav1.GetControllerOf(claim)
	return owner != nil && owner.Kind == "Pod" && owner.APIVersion == "v1"
}
