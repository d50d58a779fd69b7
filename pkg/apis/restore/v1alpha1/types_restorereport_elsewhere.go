package v1alpha1

// Segregation tells where a backup was made, as far as this cluster can know.
type Segregation struct {
	// Cluster is other, same, or unknown.
	// +kubebuilder:validation:Enum=other;same;unknown
	Cluster SourceCluster `json:"cluster"`
	// Basis is what that rests on.
	// +optional
	Basis string `json:"basis,omitempty"`
}

// SourceCluster is where a backup was made, seen from the cluster that restores it.
type SourceCluster string

// Places where a backup was made.
const (
	// ClusterOther: in another cluster.
	ClusterOther SourceCluster = "other"
	// ClusterSame: in this cluster.
	ClusterSame SourceCluster = "same"
	// ClusterUnknown: nothing that this cluster holds tells.
	ClusterUnknown SourceCluster = "unknown"
)

// MappingResult tells what a mapping did.
type MappingResult struct {
	// Kind of what was mapped.
	// +kubebuilder:validation:Enum=StorageClass;ImageRegistry;NodeSelector
	Kind MappingKind `json:"kind"`
	// From and To as in the RestoreTest; node labels as key=value.
	From string `json:"from"`
	// To is empty for a node selector that is left out.
	// +optional
	To string `json:"to,omitempty"`
	// Objects that it changed: claims, or pods; absent if they could not be counted.
	// +optional
	Objects *int32 `json:"objects,omitempty"`
	// Note says what is wrong, and what to do; empty if nothing is.
	// +optional
	Note string `json:"note,omitempty"`
}

// MappingKind is what a mapping is about.
type MappingKind string

// Kinds of mappings.
const (
	MappingStorageClass  MappingKind = "StorageClass"
	MappingImageRegistry MappingKind = "ImageRegistry"
	MappingNodeSelector  MappingKind = "NodeSelector"
)
