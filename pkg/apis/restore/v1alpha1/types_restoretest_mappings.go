package v1alpha1

// Mappings say what stands in this cluster for what the backup names, where that was made in another cluster. They change the copy
// that a test restores, never the backup, and nothing that anybody else restores. What a real restore here needs, Velero is told
// by its own ConfigMaps (change-storage-class, change-image-name).
type Mappings struct {
	// StorageClasses of claims in the backup. Templates of claims keep theirs.
	// +optional
	// +listType=map
	// +listMapKey=from
	// +kubebuilder:validation:MaxItems=16
	StorageClasses []StorageClassMapping `json:"storageClasses,omitempty"`
	// ImageRegistries of pods, those that controllers make later too. Of several that fit an image, the longest counts. They need
	// the MutatingAdmissionPolicy of manifests/mappings, so Kubernetes 1.36 or later; the report tells if nothing was mapped. To
	// name one takes the right to create pods in the source namespaces: other images run with their Secrets.
	// +optional
	// +listType=map
	// +listMapKey=from
	// +kubebuilder:validation:MaxItems=16
	ImageRegistries []ImageRegistryMapping `json:"imageRegistries,omitempty"`
	// NodeSelectors of pods in the backup. Affinity stays as it is, and so do templates: what a controller makes later has the
	// selector of the backup.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(m, self.exists_one(o, o.from == m.from))",message="maps a label twice: name each once"
	// +kubebuilder:validation:XValidation:rule="self.all(m, !has(m.to) || m.to.key == m.from.key || !self.exists(o, o.from.key == m.to.key))",message="maps a label to a key that is itself mapped: each pod is mapped once, so name the last label"
	NodeSelectors []NodeSelectorMapping `json:"nodeSelectors,omitempty"`
}

// StorageClassMapping has claims of one storage class ask for another.
//
// +kubebuilder:validation:XValidation:rule="self.from != self.to",message="from and to are the same"
type StorageClassMapping struct {
	// From is the class in the backup.
	From ClassName `json:"from"`
	// To is the class in this cluster.
	To ClassName `json:"to"`
}

// ClassName is the name of a storage class.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
type ClassName string

// ImageRegistryMapping has images come from another place.
//
// +kubebuilder:validation:XValidation:rule="self.from != self.to",message="from and to are the same"
type ImageRegistryMapping struct {
	// From is the beginning of images, up to a slash: registry.example.com, or registry.example.com/team. An image without a
	// registry is of docker.io, and one without a slash of docker.io/library.
	From ImagePrefix `json:"from"`
	// To takes its place.
	To ImagePrefix `json:"to"`
}

// ImagePrefix is a registry, or a registry and the beginning of a path, without a slash at the end.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9._:/]*[a-zA-Z0-9])?$`
type ImagePrefix string

// NodeSelectorMapping replaces a label in the node selectors of pods.
//
// +kubebuilder:validation:XValidation:rule="!has(self.to) || self.from.key != self.to.key || has(self.from.value) != has(self.to.value) || (has(self.from.value) && self.from.value != self.to.value)",message="from and to are the same"
type NodeSelectorMapping struct {
	// From is the label that a pod asks of its node.
	From NodeLabel `json:"from"`
	// To is what it asks instead; absent: nothing.
	// +optional
	To *NodeLabel `json:"to,omitempty"`
}

// NodeLabel is a label of nodes.
type NodeLabel struct {
	// Key of the label, with its prefix: kubernetes.io/hostname.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	Key string `json:"key"`
	// Value of the label. Absent: the empty one.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
	Value string `json:"value"`
}

// String is key=value.
func (l NodeLabel) String() string { return l.Key + "=" + l.Value }
