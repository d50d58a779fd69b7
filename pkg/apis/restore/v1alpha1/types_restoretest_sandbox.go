package v1alpha1

// SandboxSpec shapes the namespaces that are restored into.
type SandboxSpec struct {
	// NamespacePrefix starts the name of every sandbox: <prefix>-<test>-<6 characters>. It must not make one that begins with
	// kube- or openshift-.
	// +optional
	// +kubebuilder:default=rp-test
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!(self + '-').startsWith('kube-') && !(self + '-').startsWith('openshift-')",message="must not make names that begin with kube- or openshift-, for policies of clusters exempt such namespaces: choose another prefix"
	NamespacePrefix string `json:"namespacePrefix,omitempty"`
	// TTL is how long a sandbox may live at most; the run's verdict is due by then. The controller's flag --max-sandbox-ttl
	// bounds it, and timeout.
	// +optional
	TTL Duration `json:"ttl,omitempty"`
	// ResourceQuota bounds what one sandbox may request, and may not exceed the controller's flags --max-sandbox-cpu, -memory
	// and -storage. What is not given is what the flag says; without one, twice what production requests at the start of the
	// run, and never less than cpu 2, memory 4Gi and storage 10Gi.
	// +optional
	ResourceQuota SandboxQuota `json:"resourceQuota,omitempty"`
	// NetworkIsolation: strict lets no traffic in or out of any pod; group adds traffic among the sandboxes of the run. Names
	// of the source namespaces then mean their sandboxes, for pods that came out of the backup; no other name means
	// anything, and pods that a controller makes later get no answer at all.
	// +optional
	// +kubebuilder:default=strict
	// +kubebuilder:validation:Enum=strict;group
	NetworkIsolation NetworkIsolation `json:"networkIsolation,omitempty"`
	// PodSecurity is the Pod Security Standard that is enforced in the sandbox.
	// +optional
	// +kubebuilder:default=baseline
	// +kubebuilder:validation:Enum=baseline;restricted
	PodSecurity PodSecurity `json:"podSecurity,omitempty"`
}

// NetworkIsolation is a mode of isolation.
type NetworkIsolation string

// Modes of isolation.
const (
	IsolationStrict NetworkIsolation = "strict"
	IsolationGroup  NetworkIsolation = "group"
)

// PodSecurity is a level of the Pod Security Standards.
type PodSecurity string

// Levels of the Pod Security Standards that a sandbox may have.
const (
	PodSecurityBaseline   PodSecurity = "baseline"
	PodSecurityRestricted PodSecurity = "restricted"
)

// Quantity is a Kubernetes quantity, as text: "2", "500m", "4Gi".
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="isQuantity(self) && !quantity(self).isLessThan(quantity('0'))",message="must be a quantity such as 2, 500m or 4Gi"
type Quantity string

// SandboxQuota bounds what one sandbox may request.
type SandboxQuota struct {
	// CPU that all pods together may request.
	// +optional
	CPU Quantity `json:"cpu,omitempty"`
	// Memory that all pods together may request.
	// +optional
	Memory Quantity `json:"memory,omitempty"`
	// Storage that all claims together may request.
	// +optional
	Storage Quantity `json:"storage,omitempty"`
}
