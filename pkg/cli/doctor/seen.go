package doctor

import (
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// Seen is what was seen of a cluster. What could not be looked at is in Unseen, and is judged by nothing else.
type Seen struct {
	Now time.Time
	// System and Velero are the namespaces of Kymaros and Velero, Client is the version of this command.
	System, Velero, Client string
	// Unseen says why something could not be looked at, by what; a look that was denied is one.
	Unseen map[Look]string

	// Server is the version of the API server, ServerTime its clock when this machine's showed LocalTime.
	Server                string
	ServerTime, LocalTime time.Time
	// Admission tells whether ValidatingAdmissionPolicies are served.
	Admission bool
	Nodes     []corev1.Node
	// CRDs are the versions' schemas that differ from those of this command, by name: "" if it is as it should be, else what is wrong.
	CRDs map[string]string

	// Deployments and DaemonSets of Kymaros and Velero, by "namespace/name".
	Deployments map[string]*appsv1.Deployment
	DaemonSets  map[string]*appsv1.DaemonSet
	Leases      map[string]*coordinationv1.Lease // by name
	Priority    *schedulingv1.PriorityClass
	Classes     []storagev1.StorageClass
	// Modifiers are the ConfigMaps of Kymaros in the namespace of Velero.
	Modifiers map[string]bool
	// Fence are the differences from the fence as shipped.
	Fence     []string
	Isolation isolation.Proof
	// Certificate is that of the API; nil if no Secret holds one.
	Certificate *Certificate
	// Evidence is what is known of the keys that sign reports; nil if there is no controller.
	Evidence *Evidence

	Locations []velerov1.BackupStorageLocation
	Schedules []velerov1.Schedule
	Backups   []*velerov1.Backup
	Restores  []velerov1.Restore
	// SnapshotClasses tells of each VolumeSnapshotClass whether it has Velero's label; nil if the kind is not served.
	SnapshotClasses map[string]bool

	Load       Load
	Namespaces []corev1.Namespace
	Tests      []*v1alpha1.RestoreTest
	// Policies are HealthCheckPolicies, "namespace/name".
	Policies map[string]bool
	// Rights of the caller: why each is needed, by "verb resource", for those that are missing.
	Missing map[string]string
}

// Look is something that doctor looks at.
type Look string

// Looks.
const (
	LookServer      Look = "the version of the API server"
	LookNodes       Look = "nodes"
	LookCRDs        Look = "customresourcedefinitions"
	LookWorkloads   Look = "deployments and daemonsets of Kymaros and Velero"
	LookLease       Look = "the leases of the controllers"
	LookPriority    Look = "priorityclasses"
	LookClasses     Look = "storageclasses"
	LookCertificate Look = "the Secret of the API's certificate"
	LookPods        Look = "pods of all namespaces"
	LookEvidence    Look = "the keys that sign reports, and the newest reports"
	LookModifiers   Look = "configmaps in the namespace of Velero"
	LookFence       Look = "validatingadmissionpolicies and their bindings"
	LookCanaries    Look = "pods in namespace kymaros-canary"
	LookVelero      Look = "Velero's backups, schedules, restores and locations"
	LookSnapshots   Look = "volumesnapshotclasses"
	LookSpaces      Look = "namespaces"
	LookTests       Look = "restoretests and healthcheckpolicies"
	LookRights      Look = "your own rights"
)
