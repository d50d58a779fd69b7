package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// HealthStatus is written by healthcheck.
type HealthStatus struct {
	// RunID is the run that this tells of.
	RunID string `json:"runID"`
	// StartTime is when waiting for pods began.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// PodsReadyTime is when the last pod became ready.
	// +optional
	PodsReadyTime *metav1.Time `json:"podsReadyTime,omitempty"`
	// LastReadyTime is when the last pod became ready, as PodsReadyTime, by the clock of its node: what that clock says of the
	// pods later is compared with it.
	// +optional
	LastReadyTime *metav1.Time `json:"lastReadyTime,omitempty"`
	// CompletionTime is when the last check ended. The time in which the pods are watched begins there.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// ObservedTime is when the time ended in which the pods were watched after the last check; absent if they were not, or not
	// for the whole of it.
	// +optional
	ObservedTime *metav1.Time `json:"observedTime,omitempty"`
	// Policy is the HealthCheckPolicy as it was when the run began. The run works with that, whatever becomes of it.
	// +optional
	Policy *PolicyVersion `json:"policy,omitempty"`
	// Pods that are ready, of those that the restored workloads ask for.
	// +optional
	Pods PodCount `json:"pods,omitempty"`
	// Blocked names what the sandbox refused to run or held up, and why, sorted: "source: Kind/name: reason". It says nothing
	// about the backup.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Blocked []string `json:"blocked,omitempty"`
	// Displaced names those of blocked that ran and had to go during the run, sorted, for production or for their node.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Displaced []string `json:"displaced,omitempty"`
	// NotCounted names pods that do their work once, "source: Pod/name", and those of a rollout that is stuck while the pods
	// before it serve, "source: Pod/name: why", sorted. They are neither waited for nor held against the run.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	NotCounted []string `json:"notCounted,omitempty"`
	// Checks that have a verdict, in the order of the policy.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Checks []CheckStatus `json:"checks,omitempty"`
}

// PolicyVersion tells which text of a HealthCheckPolicy is meant.
type PolicyVersion struct {
	// UID of the HealthCheckPolicy.
	UID types.UID `json:"uid"`
	// Generation of the HealthCheckPolicy: its metadata.generation.
	Generation int64 `json:"generation"`
	// Digest of its spec.
	// +optional
	Digest Digest `json:"digest,omitempty"`
}

// PodCount counts pods.
type PodCount struct {
	// Ready counts those of total that are ready, or would be but for readiness gates.
	// +optional
	Ready int32 `json:"ready"`
	// Total counts the pods that the restored workloads ask for, and restored pods without a workload, less those that the sandbox
	// refused and those of notCounted.
	// +optional
	Total int32 `json:"total"`
}

// CheckStatus is the verdict of one check.
type CheckStatus struct {
	// Name of the check in the HealthCheckPolicy.
	Name string `json:"name"`
	// Status is pass, fail, skip (it was not run) or unknown (it could not tell: it was cut off, or what it found may be the
	// sandbox's doing).
	// +kubebuilder:validation:Enum=pass;fail;skip;unknown
	Status CheckResult `json:"status"`
	// Duration of the check, all its attempts together. Absent if it was not run.
	// +optional
	Duration Duration `json:"duration,omitempty"`
	// Message never holds output of the application.
	// +optional
	Message string `json:"message,omitempty"`
	// ReadVolumes are the claims whose data a check with readsVolumes has read, "namespace: name", if it passed.
	// +optional
	// +listType=atomic
	ReadVolumes []string `json:"readVolumes,omitempty"`
}

// CheckResult is the outcome of a check.
type CheckResult string

// Outcomes of a check.
const (
	CheckPass CheckResult = "pass"
	CheckFail CheckResult = "fail"
	CheckSkip CheckResult = "skip"
	// CheckUnknown: the check could not tell. It was cut off, or what it found may be the sandbox's doing.
	CheckUnknown CheckResult = "unknown"
)
