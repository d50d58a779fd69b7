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

// PodLog would be the tail of the logs of a pod.
//
// Deprecated: nothing writes it.
type PodLog struct {
	// PodName would be the name of the pod.
	PodName string `json:"podName"`
	// Namespace would be that of the pod.
	Namespace string `json:"namespace"`
	// Phase would be that of the pod.
	// +optional
	Phase string `json:"phase,omitempty"`
	// Containers would be those of the pod.
	// +optional
	// +listType=atomic
	Containers []ContainerLog `json:"containers,omitempty"`
}

// ContainerLog would be the tail of a container's log.
//
// Deprecated: nothing writes it.
type ContainerLog struct {
	// Name would be that of the container.
	Name string `json:"name"`
	// Type would be container, init, or previous for the instance before the last restart.
	// +kubebuilder:validation:Enum=container;init;previous
	Type string `json:"type"`
	// Log would be the tail.
	// +optional
	Log string `json:"log,omitempty"`
	// Truncated would tell that there were more lines.
	// +optional
	Truncated bool `json:"truncated,omitempty"`
	// TotalLines would count all lines.
	// +optional
	TotalLines int32 `json:"totalLines,omitempty"`
}

// ReportEvent would be an event of a sandbox.
//
// Deprecated: nothing writes it.
type ReportEvent struct {
	// Type would be that of the event, such as Warning.
	Type string `json:"type"`
	// Reason would be that of the event, in one word.
	Reason string `json:"reason"`
	// Message would be that of the event.
	Message string `json:"message"`
	// InvolvedObject would be the object of the event, "Kind/name".
	InvolvedObject string `json:"involvedObject"`
	// LastTimestamp would be when the event was last seen.
	// +optional
	LastTimestamp string `json:"lastTimestamp,omitempty"`
	// Count would be how often the event was seen.
	// +optional
	Count int32 `json:"count,omitempty"`
}
