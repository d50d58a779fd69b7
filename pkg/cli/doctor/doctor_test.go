package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/names"
)

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// veleroServer has a container besides, as meshes and administrators add them.
func veleroServer(image string) *appsv1.Deployment {
	d := deployment("example.com/proxy:v9.9.9")
	d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "velero", Image: image})
	return d
}

func deployment(image string) *appsv1.Deployment {
	d := &appsv1.Deployment{Status: appsv1.DeploymentStatus{ReadyReplicas: 1}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Image: image}}
	return d
}

// certificate returns one that is good for a year, and for so long from now on.
func certificate(left time.Duration) *Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	end := now.Add(left)
	what := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, what, what, key.Public(), key)
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return &Certificate{"tls", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}
}

func daemonSet() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 2, NumberReady: 2}}
}

// healthy returns a cluster in which nothing is wrong.
func healthy() *Seen {
	renewed, began, looked := metav1.NewMicroTime(now.Add(-3*time.Second)), ago(8*time.Hour), ago(time.Minute)
	never := corev1.PreemptNever
	node := func(name string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{
			Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
			Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi")},
		}}
	}
	return &Seen{
		Now: now, System: "kymaros-system", Velero: "velero", Client: "v0.1.0", Unseen: map[Look]string{},
		Server: "v1.36.3", ServerTime: now, LocalTime: now, Admission: true,
		Nodes: []corev1.Node{node("node-1"), node("node-2")},
		CRDs:  map[string]string{"restoretests.restore.kymaros.io": "", "restorereports.restore.kymaros.io": ""},
		Deployments: map[string]*appsv1.Deployment{
			"kymaros-system/kymaros-controller": deployment("registry:5000/kymaros:v0.1.3"), "kymaros-system/kymaros-prober": deployment("registry:5000/kymaros:v0.1.3"), "kymaros-system/kymaros-dns": deployment("kymaros:v0.1.3"),
			"kymaros-system/kymaros-api": deployment("kymaros:v0.1.3"), "kymaros-system/kymaros-notify": deployment("kymaros:v0.1.3"),
			"velero/velero": veleroServer("velero/velero:v1.18.3"),
		},
		DaemonSets: map[string]*appsv1.DaemonSet{
			"kymaros-canary/canary-fenced": daemonSet(), "kymaros-canary/canary-control": daemonSet(), "velero/node-agent": daemonSet(),
		},
		Leases: map[string]*coordinationv1.Lease{
			"kymaros-controller": {Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}}, "kymaros-prober": {Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}},
		},
		Priority: &schedulingv1.PriorityClass{Value: -1000, PreemptionPolicy: &never},
		Classes: []storagev1.StorageClass{
			{ObjectMeta: metav1.ObjectMeta{Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}}},
			{ObjectMeta: metav1.ObjectMeta{Name: names.NoClass}},
		},
		Modifiers: map[string]bool{"kymaros-sandbox-modifiers": true, "kymaros-group-modifiers": true, "kymaros-sandbox-no-class": true, "kymaros-group-no-class": true},
		Isolation: isolation.Proof{State: v1alpha1.IsolationProven},
		Locations: []velerov1.BackupStorageLocation{{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Status: velerov1.BackupStorageLocationStatus{Phase: velerov1.BackupStorageLocationPhaseAvailable, LastValidationTime: &looked}}},
		Schedules: []velerov1.Schedule{{ObjectMeta: metav1.ObjectMeta{Name: "nightly"}}},
		Backups: []*velerov1.Backup{{
			ObjectMeta: metav1.ObjectMeta{Name: "nightly-1", Labels: map[string]string{velerov1.ScheduleNameLabel: "nightly"}},
			Spec:       velerov1.BackupSpec{DefaultVolumesToFsBackup: new(true), StorageLocation: "default"},
			Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &began, CSIVolumeSnapshotsAttempted: 1},
		}},
		SnapshotClasses: map[string]bool{"csi": true},
		Namespaces:      []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "shop", CreationTimestamp: ago(1000 * time.Hour)}}},
		Tests: []*v1alpha1.RestoreTest{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", CreationTimestamp: ago(100 * time.Hour)},
			Spec: v1alpha1.RestoreTestSpec{
				BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}}, Schedule: v1alpha1.Schedule{Cron: "0 3 * * *"},
				HealthChecks: v1alpha1.HealthChecks{PolicyRef: "shop"}, Sandbox: v1alpha1.SandboxSpec{NetworkIsolation: v1alpha1.IsolationGroup},
			},
			Status: v1alpha1.RestoreTestStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionScheduled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNextRunPlanned}}},
		}},
		Policies: map[string]bool{"team/shop": true},
		Load: Load{
			Nodes:      map[string]Request{"node-1": {1000, 4 << 30}, "node-2": {1000, 8 << 30}},
			Namespaces: map[string][]Request{"shop": {{1000, 2 << 30}, {1000, 2 << 30}}},
		},
	}
}

func scheduled(reason string) func(*Seen) {
	return func(s *Seen) {
		s.Tests[0].Status.Conditions[0].Reason, s.Tests[0].Status.Conditions[0].Message = reason, "what it says"
	}
}

func notified(status metav1.ConditionStatus, reason string) func(*Seen) {
	return func(s *Seen) {
		s.Tests[0].Status.Conditions = append(s.Tests[0].Status.Conditions,
			metav1.Condition{Type: v1alpha1.ConditionNotified, Status: status, Reason: reason, Message: "slack answers 404"})
	}
}

func TestNothingIsWrongWithAHealthyCluster(t *testing.T) {
	all := Check(healthy())
	for _, r := range all {
		if r.State != OK || r.Fix != "" {
			t.Errorf("%+v", r)
		}
	}
	s := healthy()
	s.Certificate = certificate(100 * 24 * time.Hour)
	for _, r := range Check(s) {
		if r.Check == "certificate" && (r.State != OK || !strings.Contains(r.Text, "100 days")) {
			t.Errorf("%+v", r)
		}
	}
	if len(all) < 25 || Code(all) != 0 {
		t.Errorf("%d results, exit code %d", len(all), Code(all))
	}
}

func TestEachFaultIsFoundAlone(t *testing.T) {
	for sentence, c := range map[string]struct {
		plant func(*Seen)
		check string
		state State
		text  string
	}{
		"Kubernetes is too old":                    {func(s *Seen) { s.Server = "v1.29.4" }, "version", Failed, "older than 1.30"},
		"admission policies are not served":        {func(s *Seen) { s.Admission = false }, "admission", Failed, "not served"},
		"the clocks differ":                        {func(s *Seen) { s.ServerTime = now.Add(2 * time.Minute) }, "clock", Warning, "differ by 2m0s"},
		"a quota is less than production requests": {func(s *Seen) { s.Tests[0].Spec.Sandbox.ResourceQuota.CPU = "1500m" }, "quota", Warning, "request cpu 2, and its sandbox allows 1500m"},
		"a flag is less than production requests": {func(s *Seen) {
			s.Deployments["kymaros-system/kymaros-controller"].Spec.Template.Spec.Containers[0].Args = []string{"--max-sandbox-memory=3Gi"}
		}, "quota", Warning, "request memory 4Gi, and its sandbox allows 3Gi"},
		"a pod fits no node":            {func(s *Seen) { s.Load.Nodes["node-1"], s.Load.Nodes["node-2"] = Request{3200, 0}, Request{0, 15 << 30} }, "room", Warning, "a pod of namespace shop that requests cpu 1 and memory 2Gi"},
		"the pods together fit nowhere": {func(s *Seen) { s.Load.Nodes["node-1"], s.Load.Nodes["node-2"] = Request{2800, 0}, Request{3300, 0} }, "room", Warning, "the nodes have cpu 1900m and memory 32Gi left"},
		"the API is not ready":          {func(s *Seen) { s.Deployments["kymaros-system/kymaros-api"].Status.ReadyReplicas = 0 }, "api", Warning, "do not answer"},
		"a certificate has ended":       {func(s *Seen) { s.Certificate = certificate(-time.Hour) }, "certificate", Failed, "ended 2026-11-26"},
		"a certificate ends soon":       {func(s *Seen) { s.Certificate = certificate(9*24*time.Hour + time.Minute) }, "certificate", Warning, "ends in 9 days"},
		"a certificate is not good yet": {func(s *Seen) { s.Certificate = certificate(1000 * 24 * time.Hour) }, "certificate", Failed, "begins 20"},
		"a certificate has another key": {func(s *Seen) {
			s.Certificate = certificate(100 * 24 * time.Hour)
			s.Certificate.Key = certificate(time.Hour).Key
		}, "certificate", Failed, "cannot be used"},
		"restored pods come first": {func(s *Seen) { s.Priority.Value = 1 }, "priority", Failed, "drive out others"},
		"no node is ready":         {func(s *Seen) { s.Nodes = nil }, "nodes", Failed, "none of 0 nodes"},
		"a node takes no pods":     {func(s *Seen) { s.Nodes[1].Spec.Unschedulable = true }, "nodes", Warning, "1 of 2 nodes"},
		"a node is short of memory": {func(s *Seen) {
			s.Nodes[1].Status.Conditions = append(s.Nodes[1].Status.Conditions, corev1.NodeCondition{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionTrue})
		}, "nodes", Warning, "MemoryPressure"},
		"a sandbox does not go": {func(s *Seen) {
			gone := ago(time.Hour)
			s.Namespaces = append(s.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "rp-1", DeletionTimestamp: &gone, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}})
		}, "namespaces", Failed, "sandbox rp-1 has been going"},
		"another namespace does not go": {func(s *Seen) {
			gone := ago(time.Hour)
			s.Namespaces = append(s.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "old", DeletionTimestamp: &gone}})
		}, "namespaces", Warning, "namespace old"},
		"the class for claims without one is missing": {func(s *Seen) { s.Classes = s.Classes[:1] }, "storage class", Failed, names.NoClass},
		"there is no default class":                   {func(s *Seen) { s.Classes[0].Annotations = nil }, "storage class", Warning, "no default"},
		"a right is missing":                          {func(s *Seen) { s.Missing = map[string]string{"patch restoretests": "run"} }, "rights", Warning, "may not patch restoretests (run)"},
		"a definition is missing":                     {func(s *Seen) { s.CRDs["restoretests.restore.kymaros.io"] = missing }, "definitions", Failed, "is missing"},
		"a definition is another version's":           {func(s *Seen) { s.CRDs["restoretests.restore.kymaros.io"] = "is not that of this version" }, "definitions", Warning, "not that of this version"},
		"there is no controller": {func(s *Seen) {
			delete(s.Deployments, "kymaros-system/kymaros-controller")
		}, "controller", Failed, "is missing: no test runs"},
		"the controller is not ready":       {func(s *Seen) { s.Deployments["kymaros-system/kymaros-controller"].Status.ReadyReplicas = 0 }, "controller", Failed, "not ready"},
		"the controller is another version": {func(s *Seen) { s.Client = "v0.3.0" }, "version", Warning, "and this command v0.3.0"},
		"there is no prober":                {func(s *Seen) { delete(s.Deployments, "kymaros-system/kymaros-prober") }, "prober", Failed, "none ends"},
		"the prober is of another image": {func(s *Seen) {
			s.Deployments["kymaros-system/kymaros-prober"] = deployment("registry:5000/kymaros:v0.1.2")
		}, "halves", Warning, "and kymaros-prober registry:5000"},
		"the prober asks for another proof of isolation": {func(s *Seen) {
			s.Deployments["kymaros-system/kymaros-controller"].Spec.Template.Spec.Containers[0].Args = []string{"--isolation-proof=report"}
		}, "halves", Failed, "--isolation-proof=report, and kymaros-prober"},
		"no controller ever led": {func(s *Seen) { delete(s.Leases, "kymaros-controller") }, "leader", Failed, "no kymaros-controller ever led"},
		"no prober ever led":     {func(s *Seen) { delete(s.Leases, "kymaros-prober") }, "leader", Failed, "no kymaros-prober ever led"},
		"no controller leads": {func(s *Seen) {
			old := metav1.NewMicroTime(now.Add(-time.Hour))
			s.Leases["kymaros-controller"].Spec.RenewTime = &old
		}, "leader", Failed, "60m ago"},
		"there is no DNS": {func(s *Seen) { delete(s.Deployments, "kymaros-system/kymaros-dns") }, "dns", Failed, "kymaros-dns is missing"},
		"there is no DNS, and nobody asks it": {func(s *Seen) {
			delete(s.Deployments, "kymaros-system/kymaros-dns")
			s.Tests[0].Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationStrict
		}, "dns", Warning, "kymaros-dns is missing"},
		"the priority class is missing": {func(s *Seen) { s.Priority = nil }, "priority", Failed, "is missing"},
		"the priority class preempts":   {func(s *Seen) { s.Priority.PreemptionPolicy = nil }, "priority", Failed, "drive out"},
		"modifiers are missing":         {func(s *Seen) { s.Modifiers["kymaros-group-modifiers"] = false }, "modifiers", Failed, "kymaros-group-modifiers is missing"},
		"the fence is not whole":        {func(s *Seen) { s.Fence = []string{"ValidatingAdmissionPolicy x is missing"} }, "fence", Failed, "x is missing"},
		"canaries are missing":          {func(s *Seen) { delete(s.DaemonSets, "kymaros-canary/canary-fenced") }, "canaries", Failed, "canary-fenced is missing"},
		"a canary is not ready":         {func(s *Seen) { s.DaemonSets["kymaros-canary/canary-control"].Status.NumberReady = 1 }, "canaries", Failed, "1 of 2 pods"},
		"policies are not enforced": {func(s *Seen) {
			s.Isolation = isolation.Proof{State: v1alpha1.IsolationNotEnforced, Message: "on node-1"}
		}, "proof", Failed, "not enforced: on node-1"},
		"they are, and too late for new pods": {func(s *Seen) {
			s.Isolation.Moment = &v1alpha1.IsolationMoment{State: v1alpha1.MomentSeen, Longest: "120ms", Message: "until 120ms after its first instruction"}
		}, "proof", Warning, "until 120ms after"},
		"nothing shows that they are": {func(s *Seen) { s.Isolation = isolation.Proof{State: v1alpha1.IsolationUnproven, Message: "no canary"} }, "proof", Failed, "nothing shows"},
		"a sandbox is left over": {func(s *Seen) {
			s.Namespaces = append(s.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "rp-1", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
				Annotations: map[string]string{v1alpha1.AnnotationRestoreTest: "team/gone"}}})
		}, "leftovers", Warning, "Namespace rp-1: its test is gone"},
		"a run left something for good": {func(s *Seen) {
			s.Tests[0].Status.Cleanup = &v1alpha1.CleanupStatus{Leaked: []v1alpha1.Leak{{Object: "PersistentVolume/pv-1", Reason: "shared"}}}
		}, "leftovers", Warning, "PersistentVolume pv-1"},
		"there is no Velero":     {func(s *Seen) { delete(s.Deployments, "velero/velero") }, "server", Failed, "no deployment velero"},
		"Velero is not ready":    {func(s *Seen) { s.Deployments["velero/velero"].Status.ReadyReplicas = 0 }, "server", Failed, "not ready"},
		"Velero is too old":      {func(s *Seen) { s.Deployments["velero/velero"] = veleroServer("velero/velero:v1.14.1") }, "version", Failed, "1.14.1 is older"},
		"Velero loses snapshots": {func(s *Seen) { s.Deployments["velero/velero"] = veleroServer("velero/velero:v1.16.0") }, "version", Failed, "no CSI snapshots"},
		"Velero's version is said to be too old": {func(s *Seen) {
			s.Deployments["kymaros-system/kymaros-controller"].Spec.Template.Spec.Containers[0].Args = []string{"--velero-version=v1.14.1"}
		}, "version", Failed, "1.14.1 is older"},
		"Velero's version is not known": {func(s *Seen) { s.Deployments["velero/velero"] = veleroServer("velero/velero@sha256:1") }, "version", Warning, "is no version"},
		"there is no node agent":        {func(s *Seen) { delete(s.DaemonSets, "velero/node-agent") }, "node agent", Failed, "no node agent"},
		"a node has no node agent":      {func(s *Seen) { s.DaemonSets["velero/node-agent"].Status.NumberReady = 1 }, "node agent", Warning, "1 of 2 nodes"},
		"there is no location":          {func(s *Seen) { s.Locations = nil }, "locations", Failed, "no BackupStorageLocation"},
		"Velero has not looked at a location": {func(s *Seen) {
			old := ago(5 * time.Hour)
			s.Locations[0].Status.LastValidationTime = &old
		}, "locations", Warning, "5h ago"},
		"a schedule is paused":          {func(s *Seen) { s.Schedules[0].Spec.Paused = true }, "schedules", Warning, "paused"},
		"a schedule is not valid":       {func(s *Seen) { s.Schedules[0].Status.Phase = velerov1.SchedulePhaseFailedValidation }, "schedules", Failed, "not valid"},
		"the newest backup is partial":  {func(s *Seen) { s.Backups[0].Status.Phase = velerov1.BackupPhasePartiallyFailed }, "backups", Warning, "PartiallyFailed"},
		"no snapshot class is Velero's": {func(s *Seen) { s.SnapshotClasses["csi"] = false }, "snapshot class", Failed, "no VolumeSnapshotClass"},
		"snapshots are not served":      {func(s *Seen) { s.SnapshotClasses = nil }, "snapshot class", Failed, "serves no VolumeSnapshotClass"},
		"a Restore of others hangs": {func(s *Seen) {
			s.Restores = []velerov1.Restore{{ObjectMeta: metav1.ObjectMeta{Name: "mine", CreationTimestamp: ago(3 * time.Hour)}}}
		}, "queue", Warning, "Restore mine"},
		"there is no test":          {func(s *Seen) { s.Tests = nil }, "tests", Warning, "no RestoreTest"},
		"a policy is missing":       {func(s *Seen) { s.Policies = nil }, "policies", Failed, `HealthCheckPolicy "shop", which is not there`},
		"a test checks nothing":     {func(s *Seen) { s.Tests[0].Spec.HealthChecks.PolicyRef = "" }, "policies", Warning, "names no policy"},
		"a test never runs":         {func(s *Seen) { s.Tests[0].Spec.Schedule.Cron = "0 0 30 2 *" }, "schedule", Failed, "never comes"},
		"a schedule cannot be read": {func(s *Seen) { s.Tests[0].Spec.Schedule.Cron = "daily" }, "schedule", Failed, "cannot be read"},
		"a test was not noticed":    {func(s *Seen) { s.Tests[0].Status.Conditions = nil }, "schedule", Failed, "took notice"},
		"a spec is not valid":       {scheduled(v1alpha1.ReasonInvalidSpec), "schedule", Failed, "InvalidSpec"},
		"a turn was missed":         {scheduled(v1alpha1.ReasonMissedTurn), "schedule", Failed, "MissedTurn"},
		"the line does not move":    {scheduled(v1alpha1.ReasonVeleroStalled), "schedule", Failed, "VeleroStalled"},
		"a test has no backup":      {func(s *Seen) { s.Backups[0].Spec.IncludedNamespaces = []string{"web"} }, "backup", Failed, "does not hold namespace"},
		"cleanup is stuck": {func(s *Seen) {
			s.Tests[0].Status.Run, s.Tests[0].Status.Cleanup = &v1alpha1.RunStatus{ID: "r"}, &v1alpha1.CleanupStatus{RunID: "r"}
			s.Tests[0].Status.Conditions = append(s.Tests[0].Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStuck, Message: "pod x"})
		}, "cleanup", Failed, "is stuck: pod x"},
		"nobody sends what a test is to tell": {func(s *Seen) {
			s.Tests[0].Spec.Notifications = &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{{Type: "slack"}}}
			delete(s.Deployments, "kymaros-system/kymaros-notify")
		}, "notifier", Failed, "1 tests name people to be told, such as team/shop, and nobody is"},
		"who tells people is away": {func(s *Seen) { s.Deployments["kymaros-system/kymaros-notify"].Status.ReadyReplicas = 0 }, "notifier", Failed, "nobody is told how tests end"},
		"a message was given up":   {notified(metav1.ConditionFalse, v1alpha1.ReasonUndeliverable), "delivery", Failed, "(Undeliverable): slack answers 404"},
		"a Secret cannot be read":  {notified(metav1.ConditionFalse, v1alpha1.ReasonSecretNotReadable), "delivery", Failed, "(SecretNotReadable)"},
	} {
		s := healthy()
		c.plant(s)
		var found []Result
		all := Check(s)
		for _, r := range all {
			if r.State != OK {
				found = append(found, r)
			}
		}
		if len(found) != 1 || found[0].Check != c.check || found[0].State != c.state || !strings.Contains(found[0].Text, c.text) || found[0].Fix == "" {
			t.Errorf("%s: want %s %s %q, found %+v", sentence, c.check, c.state, c.text, found)
		}
		want := 0
		if c.state == Failed {
			want = 2
		}
		if code := int(Code(all)); code != want {
			t.Errorf("%s: exit code %d, want %d", sentence, code, want)
		}
	}
}

func TestWhatIsNoFaultIsNotFound(t *testing.T) {
	restore := func(name string, age time.Duration, phase velerov1.RestorePhase) velerov1.Restore {
		return velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(age)}, Status: velerov1.RestoreStatus{Phase: phase}}
	}
	for sentence, plant := range map[string]func(*Seen){
		"Restores of others that are young, or have ended": func(s *Seen) {
			s.Restores = []velerov1.Restore{
				restore("young", 10*time.Minute, velerov1.RestorePhaseInProgress), restore("ended", 9*time.Hour, velerov1.RestorePhaseCompleted),
			}
		},
		"a backup that is under way": func(s *Seen) {
			later := s.Backups[0].DeepCopy()
			later.Name, later.Status.Phase, later.Status.StartTimestamp = "nightly-2", velerov1.BackupPhaseInProgress, new(ago(time.Minute))
			s.Backups = append(s.Backups, later)
		},
		"a test that tells nobody, where nobody would": func(s *Seen) { delete(s.Deployments, "kymaros-system/kymaros-notify") },
		"messages that are kept back":                  notified(metav1.ConditionUnknown, v1alpha1.ReasonSilenced),
		"messages that are to be sent again":           notified(metav1.ConditionUnknown, v1alpha1.ReasonSending),
		"a test that was made a minute ago": func(s *Seen) {
			s.Tests[0].CreationTimestamp, s.Tests[0].Status.Conditions = ago(time.Minute), nil
		},
		"a flag that bounds nothing": func(s *Seen) {
			s.Deployments["kymaros-system/kymaros-controller"].Spec.Template.Spec.Containers[0].Args = []string{"--max-sandbox-cpu=0"}
		},
	} {
		s := healthy()
		plant(s)
		for _, r := range Check(s) {
			if r.State != OK {
				t.Errorf("%s: %+v", sentence, r)
			}
		}
	}
}

// On a node that takes no pods there is no room, however much it has left.
func TestANodeThatTakesNoPodsHasNoRoom(t *testing.T) {
	s := healthy()
	s.Load.Nodes["node-1"], s.Nodes[1].Spec.Unschedulable = Request{3900, 15 << 30}, true
	found := false
	for _, r := range Check(s) {
		found = found || r.Check == "room" && r.State == Warning
	}
	if !found {
		t.Error("it is said that there is room")
	}
}

func TestThreeFaultsOfTheFenceAreNamed(t *testing.T) {
	s := healthy()
	s.Fence = []string{"one", "two", "three", "four", "five"}
	for _, r := range Check(s) {
		if r.Check == "fence" && r.Text != "one; two; three; and 2 more" {
			t.Errorf("%+v", r)
		}
	}
}

func TestALocationThatIsAwayIsFoundWithTheTestsThatNeedIt(t *testing.T) {
	s := healthy()
	s.Locations[0].Status.Phase, s.Locations[0].Status.Message = velerov1.BackupStorageLocationPhaseUnavailable, "AccessDenied"
	var found []string
	for _, r := range Check(s) {
		if r.State == Failed {
			found = append(found, r.Check)
		}
	}
	if strings.Join(found, ",") != "locations,backup" {
		t.Errorf("%v", found)
	}
}

func TestWhatMayNotBeSeenIsSaidOnceAndNotJudged(t *testing.T) {
	s := healthy()
	s.Unseen[LookVelero] = "forbidden"
	s.Locations, s.Backups, s.Schedules = nil, nil, nil
	unknown := 0
	for _, r := range Check(s) {
		switch r.State {
		case Unknown:
			unknown++
		case Failed, Warning:
			t.Errorf("%+v", r)
		case OK:
		}
	}
	if unknown != 1 || Code(Check(s)) != 3 {
		t.Errorf("%d unknown, exit code %d", unknown, Code(Check(s)))
	}
}

func TestPodsAreAddedUpAsARestoreWouldRequestThem(t *testing.T) {
	pod := func(node, owner, cpu string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("1Gi")}},
		}}}}
		if owner != "" {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: owner, Controller: new(true)}}
		}
		return p
	}
	l := Load{Nodes: map[string]Request{}, Namespaces: map[string][]Request{}}
	for _, p := range []*corev1.Pod{pod("node-1", "ReplicaSet", "1"), pod("node-1", "DaemonSet", "250m"), pod("node-2", "Job", "2"), pod("", "StatefulSet", "500m"), pod("node-2", "", "100m")} {
		l.add(p)
	}
	if l.Nodes["node-1"] != (Request{1250, 2 << 30}) || l.Nodes["node-2"] != (Request{2100, 2 << 30}) {
		t.Errorf("nodes: %+v", l.Nodes)
	}
	if got := l.Namespaces["shop"]; len(got) != 3 || sum(got) != (Request{1600, 3 << 30}) {
		t.Errorf("namespace: %+v", got)
	}
}
