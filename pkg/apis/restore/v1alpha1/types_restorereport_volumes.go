package v1alpha1

// VolumeReport tells where the data of a claim in a sandbox came from.
type VolumeReport struct {
	// Namespace is the source namespace.
	Namespace string `json:"namespace"`
	// Claim is the name of the PersistentVolumeClaim.
	Claim string `json:"claim"`
	// Method by which data came back: fileSystemBackup, csiSnapshot, dataMover, nativeSnapshot; or why none did. Nothing is lost
	// with emptyInProduction, pending, unused and ephemeral. With notRestored and restoreHook the test did not bring back what a
	// real restore would. With notInBackup, leftOut (on purpose), partlyRestored, empty (no data source was found) and preBound
	// (the volume was not made for this run), what production has is not proven to come back.
	// +kubebuilder:validation:Enum=fileSystemBackup;csiSnapshot;dataMover;nativeSnapshot;empty;preBound;emptyInProduction;pending;unused;ephemeral;leftOut;notRestored;restoreHook;notInBackup;partlyRestored
	Method VolumeMethod `json:"method"`
	// Volume is the PersistentVolume that the claim is bound to.
	// +optional
	Volume string `json:"volume,omitempty"`
	// SharedWith are other PersistentVolumes that stand for the same storage: none, as it should be, after a comparison with
	// all of them.
	// +optional
	// +listType=set
	SharedWith []string `json:"sharedWith,omitempty"`
	// Bytes restored, where known.
	// +optional
	// +kubebuilder:validation:Maximum=9007199254740991
	Bytes int64 `json:"bytes,omitempty"`
	// Duration of the data transfer, where known.
	// +optional
	Duration Duration `json:"duration,omitempty"`
	// MountedBy is a pod that mounts the claim, "pod/name".
	// +optional
	MountedBy string `json:"mountedBy,omitempty"`
	// Message says why the method is what it is, where that needs saying, and what else is wrong with the volume.
	// +optional
	Message string `json:"message,omitempty"`
}

// VolumeMethod is how data came into a volume.
type VolumeMethod string

// Methods.
const (
	VolumeFileSystemBackup VolumeMethod = "fileSystemBackup"
	VolumeCSISnapshot      VolumeMethod = "csiSnapshot"
	VolumeDataMover        VolumeMethod = "dataMover"
	VolumeNativeSnapshot   VolumeMethod = "nativeSnapshot"
	VolumePreBound         VolumeMethod = "preBound"
	VolumeEmpty            VolumeMethod = "empty"
	// VolumeEmptyInProduction: the volume held nothing when it was backed up.
	VolumeEmptyInProduction VolumeMethod = "emptyInProduction"
	// VolumePending: the claim has no volume in production either.
	VolumePending VolumeMethod = "pending"
	// VolumeUnused: no container mounts the claim, though a pod names it, and nothing shows that one ever did.
	VolumeUnused VolumeMethod = "unused"
	// VolumeEphemeral: the volume of one pod, which begins empty whenever the pod is made anew.
	VolumeEphemeral VolumeMethod = "ephemeral"
	// VolumeLeftOut: somebody left the volume out of the backup on purpose.
	VolumeLeftOut VolumeMethod = "leftOut"
	// VolumeNotRestored: its data is in the backup, and the test left out what it comes back with.
	VolumeNotRestored VolumeMethod = "notRestored"
	// VolumeRestoreHook: the volume is not in the backup, and a restore hook, which is not run, would fill it.
	VolumeRestoreHook VolumeMethod = "restoreHook"
	// VolumeNotInBackup: no data of the volume is in the backup.
	VolumeNotInBackup VolumeMethod = "notInBackup"
	// VolumePartlyRestored: fewer bytes came back than the backup holds.
	VolumePartlyRestored VolumeMethod = "partlyRestored"
)
