package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SideEffects tell what was kept from acting beside production. Objects of the backup are counted as Velero lists them,
// those that were neutralised as production has them now.
type SideEffects struct {
	// Withheld are objects of the backup that were not restored, by kind.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	Withheld []SideEffect `json:"withheld,omitempty"`
	// Neutralised are objects that were restored without what would have acted, by rule and kind. Each was looked at in the
	// sandbox.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	Neutralised []SideEffect `json:"neutralised,omitempty"`
	// Violations are objects of a sandbox that a rule should have changed and did not: "source: Kind/name: rule".
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	Violations []string `json:"violations,omitempty"`
	// NotTested names what this run shows nothing about, and why.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	NotTested []string `json:"notTested,omitempty"`
}

// SideEffect counts objects that one rule is about.
type SideEffect struct {
	// Rule says in one word what was done; the documentation lists them.
	Rule string `json:"rule"`
	// Kind with its group: Ingress.networking.k8s.io.
	Kind string `json:"kind"`
	// Count of objects.
	Count int32 `json:"count"`
	// Names of the first of them, "source/name", or the name of an object without a namespace.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Names []string `json:"names,omitempty"`
	// Reason says why.
	// +optional
	Reason string `json:"reason,omitempty"`
}

// Hygiene tells what a run left behind.
type Hygiene struct {
	// Status is clean, or leaked if something is left.
	// +kubebuilder:validation:Enum=clean;leaked
	Status HygieneStatus `json:"status"`
	// CleanedAt is when cleanup was done.
	CleanedAt metav1.Time `json:"cleanedAt"`
	// Leaked are the objects that are left.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Leaked []Leak `json:"leaked,omitempty"`
}

// HygieneStatus is the outcome of cleanup.
type HygieneStatus string

// Outcomes of cleanup.
const (
	HygieneClean  HygieneStatus = "clean"
	HygieneLeaked HygieneStatus = "leaked"
)

// PodLog is the tail of the logs of a pod.
type PodLog struct {
	PodName   string `json:"podName"`
	Namespace string `json:"namespace"`
	// +optional
	Phase string `json:"phase,omitempty"`
	// +optional
	// +listType=atomic
	Containers []ContainerLog `json:"containers,omitempty"`
}

// ContainerLog is the tail of a container's log.
type ContainerLog struct {
	Name string `json:"name"`
	// +kubebuilder:validation:Enum=container;init;previous
	Type string `json:"type"`
	// +optional
	Log string `json:"log,omitempty"`
	// +optional
	Truncated bool `json:"truncated,omitempty"`
	// +optional
	TotalLines int32 `json:"totalLines,omitempty"`
}

// ReportEvent is an event of a sandbox.
type ReportEvent struct {
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// InvolvedObject is "Kind/name".
	InvolvedObject string `json:"involvedObject"`
	// +optional
	LastTimestamp string `json:"lastTimestamp,omitempty"`
	// +optional
	Count int32 `json:"count,omitempty"`
}
