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

	// Spec lists the checks.
	Spec HealthCheckPolicySpec `json:"spec"`
	// Status is empty.
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

	// Items are the HealthCheckPolicies.
	Items []HealthCheckPolicy `json:"items"`
}

// HealthCheckPolicyStatus is empty.
type HealthCheckPolicyStatus struct{}

// HealthCheckPolicySpec lists the checks. All run; none stops another.
type HealthCheckPolicySpec struct {
	// Checks of the restored application, at most 64. All run; none stops another. With none at all a run is never more than
	// "partial".
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
	// Name of the check, by which status and reports tell of it. No two checks of a policy have the same.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Type of the check: podStatus, httpGet, exec, tcpSocket or resourceExists. The field of that name must be there too, and none
	// of the other four.
	Type CheckType `json:"type"`
	// Namespace is the source namespace in whose sandbox the target is. Default: the one in which the target exists, and for
	// resourceExists see there.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// PodStatus passes when enough of the selected pods are Ready, or would be but for readiness gates, whose controllers are not in
	// a sandbox.
	// +optional
	PodStatus *PodStatusCheck `json:"podStatus,omitempty"`
	// HTTPGet passes when a GET answers with the expected status. It goes through a port-forward to a ready pod behind the Service,
	// so no network policy stops it and nothing is opened for it.
	// +optional
	HTTPGet *HTTPGetCheck `json:"httpGet,omitempty"`
	// TCPSocket passes when a connection to the port is accepted. It goes through a port-forward, as httpGet does.
	// +optional
	TCPSocket *TCPSocketCheck `json:"tcpSocket,omitempty"`
	// Exec passes when a command in a pod ends with the expected exit code and, with expect, prints what is expected. Its output is
	// matched, never stored.
	// +optional
	Exec *ExecCheck `json:"exec,omitempty"`
	// ResourceExists passes when every named object exists in the sandbox of the check's namespace. In a run with several sandboxes
	// and a check without a namespace one sandbox must have them all, and none may lack one that its source namespace has.
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

// PodStatusCheck says which pods must be ready.
type PodStatusCheck struct {
	// LabelSelector selects the pods that carry all these labels, of which there must be one at least.
	// +kubebuilder:validation:MinProperties=1
	LabelSelector map[string]string `json:"labelSelector"`
	// MinReady is how many of the pods must be ready, 1 or more. The check passes as soon as they are.
	// +kubebuilder:validation:Minimum=1
	MinReady int32 `json:"minReady"`
	// Timeout is how long to wait for them. Default: healthChecks.timeout of the test, else 30s.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
}

// HTTPGetCheck says what is asked for, and which answer passes.
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
	// ExpectedStatus is the HTTP status that passes, 100 to 599; no other does.
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

// TCPSocketCheck says which port must accept connections.
type TCPSocketCheck struct {
	// Service in the sandbox.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Service string `json:"service"`
	// Port of the Service, 1 to 65535.
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

// ExecCheck says what is run in which pod, and how it must end.
type ExecCheck struct {
	// PodSelector selects the pods that carry all these labels, of which there must be one at least. The command runs in one of the
	// pods, by preference one that is ready.
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
	// SuccessExitCode is the exit code that passes, 0 to 255; no other does. Default 0.
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
	// Operator: eq (equal), ne (not equal), gt (greater), ge (greater or equal), lt (less) or le (less or equal).
	// +kubebuilder:validation:Enum=eq;ne;gt;ge;lt;le
	Operator string `json:"operator"`
	// Value with which the output is compared, a whole number of 64 bits.
	Value int64 `json:"value"`
}

// ResourceExistsCheck says which objects must exist.
type ResourceExistsCheck struct {
	// Resources that must exist, 1 to 256.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Resources []ResourceReference `json:"resources"`
}

// ResourceReference names an object in the sandbox.
type ResourceReference struct {
	// Kind of the object: Secret, ConfigMap, Service, PersistentVolumeClaim, Deployment, StatefulSet or Pod.
	// +kubebuilder:validation:Enum=Secret;ConfigMap;Service;PersistentVolumeClaim;Deployment;StatefulSet;Pod
	Kind string `json:"kind"`
	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}
