package v1alpha1

import "k8s.io/apimachinery/pkg/types"

// Digest is the SHA-256 of canonical JSON (RFC 8785): "sha256:" and 64 hexadecimal digits.
//
// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
type Digest string

// Evidence says whose a report is, and ties it to the report before it of the same test: that one is missing, changed or there twice
// shows (`kubectl kymaros verify`). It is written with the verdict, by report. All digests of reports are over what the API server
// stores, without status.evidence.envelope; package evidence says of what.
type Evidence struct {
	// Sequence numbers the reports of the test, by namespace and name, from 1 and without a gap.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	Sequence int64 `json:"sequence"`
	// Previous is the digest of the record before: of its verdict, and of its hygiene as it was when this run ended. Absent in the
	// first record.
	// +optional
	Previous Digest `json:"previous,omitempty"`
	// Pruned are the records that historyLimit has removed, and those that go now that this one is there. The chain is whole
	// without them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Pruned []PrunedRecords `json:"pruned,omitempty"`
	// Cluster in which the test ran.
	// +optional
	Cluster ClusterIdentity `json:"cluster,omitempty,omitzero"`
	// Test whose run it was.
	// +optional
	Test TestIdentity `json:"test,omitempty,omitzero"`
	// Backup that was restored.
	// +optional
	Backup BackupIdentity `json:"backup,omitempty,omitzero"`
	// Kymaros is the version of the controller that wrote the report.
	// +optional
	Kymaros string `json:"kymaros,omitempty"`
	// Controls are those that the test's annotation kymaros.io/controls names, sorted: what its owner says it is evidence for.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Controls []string `json:"controls,omitempty"`
	// KeyID is the key that signs the report: the first 16 hexadecimal digits of the SHA-256 of the public key (SPKI, DER).
	// +optional
	KeyID string `json:"keyID,omitempty"`
	// NotSigned says why the report is not signed; empty if it is.
	// +optional
	NotSigned string `json:"notSigned,omitempty"`
	// Envelope holds the signature. It is not part of the digests, for it signs them.
	// +optional
	Envelope *Envelope `json:"envelope,omitempty"`
}

// PrunedRecords are records in a row that are not kept.
type PrunedRecords struct {
	// From is the sequence of the first of them.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	From int64 `json:"from"`
	// To is the sequence of the last of them.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	To int64 `json:"to"`
	// Previous is that of From: it stands for the link to the record before, if that is kept.
	// +optional
	Previous Digest `json:"previous,omitempty"`
}

// ClusterIdentity tells clusters apart.
type ClusterIdentity struct {
	// UID is that of namespace kube-system.
	// +optional
	UID types.UID `json:"uid,omitempty"`
	// Kubernetes is the version of the API server.
	// +optional
	Kubernetes string `json:"kubernetes,omitempty"`
}

// TestIdentity tells which test, as it was when, was run.
type TestIdentity struct {
	// UID of the RestoreTest.
	// +optional
	UID types.UID `json:"uid,omitempty"`
	// Generation of the spec that was run; absent if it was changed during the run.
	// +optional
	// +kubebuilder:validation:Maximum=9007199254740991
	Generation int64 `json:"generation,omitempty"`
	// SpecDigest is the digest of the spec that was run.
	// +optional
	SpecDigest Digest `json:"specDigest,omitempty"`
	// PolicyDigest is the digest of the spec of the HealthCheckPolicy, as it was when its checks began.
	// +optional
	PolicyDigest Digest `json:"policyDigest,omitempty"`
}

// BackupIdentity tells which backup was restored; status.backup has its name and time.
type BackupIdentity struct {
	// UID of the Velero Backup; absent if it was gone by the end of the run.
	// +optional
	UID types.UID `json:"uid,omitempty"`
	// ObjectsDigest is the digest of the list of what the backup holds, by kind and name; absent if that could not be read.
	// +optional
	ObjectsDigest Digest `json:"objectsDigest,omitempty"`
}

// Envelope is a DSSE envelope of an in-toto statement, whose predicate type is https://kymaros.io/restore-report/v1.
type Envelope struct {
	// PayloadType is application/vnd.in-toto+json.
	PayloadType string `json:"payloadType"`
	// Payload is the statement, in base64.
	Payload string `json:"payload"`
	// Signatures are by the key of keyID.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Signatures []EnvelopeSignature `json:"signatures"`
}

// EnvelopeSignature is a signature of an envelope.
type EnvelopeSignature struct {
	// KeyID is the key that made the signature, as keyID of the evidence.
	// +optional
	KeyID string `json:"keyid,omitempty"`
	// Sig is the signature in base64: of Ed25519, or of ECDSA with P-256 and SHA-256 in ASN.1.
	Sig string `json:"sig"`
}

// HygieneDigest tells which hygiene was written into a report.
type HygieneDigest struct {
	// Sequence of the report.
	Sequence int64 `json:"sequence"`
	// Digest of its hygiene.
	Digest Digest `json:"digest"`
}
