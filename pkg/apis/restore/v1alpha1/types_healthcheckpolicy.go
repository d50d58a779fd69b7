package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HealthCheckPolicy says what a working application looks like.
//
// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=healthcheckpolicies,shortName=hcp,scope=Namespaced,categories=kymaros
// +kubebuilder:subresource:status
type HealthCheckPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec HealthCheckPolicySpec `json:"spec"`
	// +optional
	Status HealthCheckPolicyStatus `json:"status,omitempty"`
}

// HealthCheckPolicyList is a list of HealthCheckPolicies.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
type HealthCheckPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []HealthCheckPolicy `json:"items"`
}

// HealthCheckPolicyStatus is empty.
type HealthCheckPolicyStatus struct{}

// HealthCheckPolicySpec lists the checks. All run; none stops another.
type HealthCheckPolicySpec struct {
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Checks []HealthCheck `json:"checks"`
}

// HealthCheck is one check. The body that its type names must be there, and no other.
//
// +kubebuilder:validation:XValidation:rule="has(self.podStatus) == (self.type == 'podStatus')",message="type podStatus needs podStatus, and no other type may have it"
// +kubebuilder:validation:XValidation:rule="has(self.httpGet) == (self.type == 'httpGet')",message="type httpGet needs httpGet, and no other type may have it"
// +kubebuilder:validation:XValidation:rule="has(self.tcpSocket) == (self.type == 'tcpSocket')",message="type tcpSocket needs tcpSocket, and no other type may have it"
// +kubebuilder:validation:XValidation:rule="has(self.exec) == (self.type == 'exec')",message="type exec needs exec, and no other type may have it"
// +kubebuilder:validation:XValidation:rule="has(self.resourceExists) == (self.type == 'resourceExists')",message="type resourceExists needs resourceExists, and no other type may have it"
type HealthCheck struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string    `json:"name"`
	Type CheckType `json:"type"`
	// Namespace is the source namespace in whose sandbox the target is. Default: the one in which the target exists, and for
	// resourceExists see there.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// +optional
	PodStatus *PodStatusCheck `json:"podStatus,omitempty"`
	// +optional
	HTTPGet *HTTPGetCheck `json:"httpGet,omitempty"`
	// +optional
	TCPSocket *TCPSocketCheck `json:"tcpSocket,omitempty"`
	// +optional
	Exec *ExecCheck `json:"exec,omitempty"`
	// +optional
	ResourceExists *ResourceExistsCheck `json:"resourceExists,omitempty"`
}

// CheckType names a kind of check.
//
// +kubebuilder:validation:Enum=podStatus;httpGet;exec;tcpSocket;resourceExists
type CheckType string

// Kinds of checks.
const (
	CheckPodStatus      CheckType = "podStatus"
	CheckHTTPGet        CheckType = "httpGet"
	CheckTCPSocket      CheckType = "tcpSocket"
	CheckExec           CheckType = "exec"
	CheckResourceExists CheckType = "resourceExists"
)

// PodStatusCheck passes when enough of the selected pods are Ready, or would be but for readiness gates, whose controllers are
// not in a sandbox.
type PodStatusCheck struct {
	// +kubebuilder:validation:MinProperties=1
	LabelSelector map[string]string `json:"labelSelector"`
	// +kubebuilder:validation:Minimum=1
	MinReady int32 `json:"minReady"`
	// Timeout is how long to wait for them.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
}

// HTTPGetCheck passes when a GET answers with the expected status. It goes through a port-forward to a ready pod behind the
// Service, so no network policy stops it and nothing is opened for it.
type HTTPGetCheck struct {
	// Service in the sandbox.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Service string `json:"service"`
	// Port of the Service.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// Path with query. Redirects are not followed.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^/[!-~]*$`
	Path string `json:"path"`
	// +kubebuilder:validation:Minimum=100
	// +kubebuilder:validation:Maximum=599
	ExpectedStatus int32 `json:"expectedStatus"`
	// Scheme: https does not verify the certificate, whose names are those of production.
	// +optional
	// +kubebuilder:default=http
	// +kubebuilder:validation:Enum=http;https
	Scheme string `json:"scheme,omitempty"`
	// Timeout of each attempt. Default: healthChecks.timeout of the test, else 10s.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
	// Retries is the number of attempts in all.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Retries int32 `json:"retries,omitempty"`
}

// TCPSocketCheck passes when a connection to the port is accepted. It goes through a port-forward, as HTTPGetCheck does.
type TCPSocketCheck struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Service string `json:"service"`
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// Timeout of each attempt. Default: healthChecks.timeout of the test, else 10s.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
	// Retries is the number of attempts in all.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Retries int32 `json:"retries,omitempty"`
}

// ExecCheck passes when a command in a pod ends with the expected exit code and, with expect, prints what is expected. Its
// output is matched, never stored.
type ExecCheck struct {
	// +kubebuilder:validation:MinProperties=1
	PodSelector map[string]string `json:"podSelector"`
	// Container, default the pod's first.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Container string `json:"container,omitempty"`
	// Command is not run in a shell.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	Command []string `json:"command"`
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	SuccessExitCode int32 `json:"successExitCode,omitempty"`
	// Expect is matched against standard output without surrounding white space.
	// +optional
	Expect *Expectation `json:"expect,omitempty"`
	// ReadsVolumes says that the command reads all data of the volumes that the container mounts. Storage may load a volume out of
	// a snapshot only when it is read: with such a check that time is part of the RTO, without it the report says that it is not.
	// +optional
	ReadsVolumes bool `json:"readsVolumes,omitempty"`
	// Timeout of each attempt. Default: healthChecks.timeout of the test, else 30s. A command that is still running then is
	// left alone, for Kubernetes cannot end it; it goes with the sandbox.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
	// Retries is the number of attempts in all.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Retries int32 `json:"retries,omitempty"`
}

// Expectation about the output of a command: exactly one of its fields.
//
// +kubebuilder:validation:XValidation:rule="(has(self.equals) ? 1 : 0) + (has(self.regex) ? 1 : 0) + (has(self.integer) ? 1 : 0) == 1",message="give exactly one of equals, regex and integer"
type Expectation struct {
	// Equals is the whole output.
	// +optional
	Equals *string `json:"equals,omitempty"`
	// Regex matches somewhere in the output (RE2 syntax; anchor it with ^ and $).
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="''.matches(self) ? true : true",message="must be a regular expression in RE2 syntax"
	Regex *string `json:"regex,omitempty"`
	// Integer compares the output, read as a whole number.
	// +optional
	Integer *IntegerExpectation `json:"integer,omitempty"`
}

// IntegerExpectation compares a whole number: <output> <operator> <value>.
type IntegerExpectation struct {
	// +kubebuilder:validation:Enum=eq;ne;gt;ge;lt;le
	Operator string `json:"operator"`
	Value    int64  `json:"value"`
}

// ResourceExistsCheck passes when every named object exists in the sandbox of the check's namespace. In a run with several
// sandboxes and a check without a namespace one sandbox must have them all, and none may lack one that its source namespace
// has.
type ResourceExistsCheck struct {
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Resources []ResourceReference `json:"resources"`
}

// ResourceReference names an object in the sandbox.
type ResourceReference struct {
	// +kubebuilder:validation:Enum=Secret;ConfigMap;Service;PersistentVolumeClaim;Deployment;StatefulSet;Pod
	Kind string `json:"kind"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}
