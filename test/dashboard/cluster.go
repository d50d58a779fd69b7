package dashboard

import (
	"context"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// proven is the application whose last backup is younger than its volumes, as those of all others are in real life: here all
// namespaces are new.
const proven = "keycloak"

// cluster makes the namespaces, volumes and backups that the tests of the company are about, and some that no test is about.
func (s *Stage) cluster(ctx context.Context) error {
	var last *application // of which the backup is taken when all of it is there
	for name, why := range map[string]string{"ci-runners": "ignore: made anew from Git", "legacy-billing": "", "experiments": "", "blog": ""} {
		if err := s.source(ctx, name, why, []string{"data-0"}); err != nil {
			return err
		}
	}
	began := metav1.NewTime(time.Now().Add(time.Second).Truncate(time.Second))
	if err := s.backup(ctx, "blog-nightly-40", []string{"blog"}, began); err != nil {
		return err
	}
	for _, a := range company() {
		report := a.report(time.Now(), 0)
		for _, source := range a.sources {
			var claims []string
			for _, v := range report.Status.Volumes {
				if v.Namespace == source {
					claims = append(claims, v.Claim)
				}
			}
			if err := s.source(ctx, source, "", claims); err != nil {
				return err
			}
		}
		if a.nights == 0 { // nobody backs it up either
			continue
		}
		if err := s.policy(ctx, &a); err != nil {
			return err
		}
		if a.name == proven {
			last = &a
			continue
		}
		if err := s.backup(ctx, a.backup(0), a.sources, metav1.NewTime(night(time.Now(), 0).Add(-time.Hour))); err != nil {
			return err
		}
	}
	return s.prove(ctx, last)
}

// prove has a backup of an application be taken and restored just now.
func (s *Stage) prove(ctx context.Context, a *application) error {
	began := metav1.NewTime(time.Now().Add(time.Second).Truncate(time.Second)) // what is there was there before
	report := a.report(time.Now(), 0)
	report.Name, report.Spec.RunID = a.name+"-fresh", a.name+"-fresh"
	report.Status.Backup = v1alpha1.Backup{Name: a.backup(0), Age: "2s", StartedAt: &began}
	report.Status.StartedAt, report.Status.CompletedAt = began, metav1.NewTime(began.Add(3*time.Second))
	if err := s.chains.seal(a, report); err != nil {
		return err
	}
	if err := s.PutReport(ctx, report); err != nil {
		return err
	}
	if err := s.held(ctx, a, report); err != nil {
		return err
	}
	return s.backup(ctx, a.backup(0), a.sources, began)
}

// held has the last backup of an application hold the data of the volumes that a report tells of.
func (s *Stage) held(ctx context.Context, a *application, report *v1alpha1.RestoreReport) error {
	for _, v := range report.Status.Volumes {
		held := &velerov1.PodVolumeBackup{
			ObjectMeta: metav1.ObjectMeta{
				Name: a.backup(0) + "-" + v.Claim, Labels: map[string]string{velerov1.BackupNameLabel: a.backup(0)}, Annotations: map[string]string{"velero.io/pvc-name": v.Claim},
			},
			Spec:   velerov1.PodVolumeBackupSpec{Pod: corev1.ObjectReference{Namespace: v.Namespace, Name: a.name + "-0"}, Volume: v.Claim},
			Status: velerov1.PodVolumeBackupStatus{Phase: velerov1.PodVolumeBackupPhaseCompleted, SnapshotID: "1"},
		}
		if _, err := s.Kymaros.VeleroV1().PodVolumeBackups(plane.VeleroNamespace).Create(ctx, held, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// source makes a namespace with volumes.
func (s *Stage) source(ctx context.Context, name, ignored string, claims []string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if ignored != "" {
		ns.Annotations = map[string]string{v1alpha1.AnnotationCoverage: ignored}
	}
	if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, claim := range claims {
		volume := "pv-" + name + "-" + claim
		size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}
		modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: volume}, Spec: corev1.PersistentVolumeSpec{
			Capacity: size, AccessModes: modes, ClaimRef: &corev1.ObjectReference{Namespace: name, Name: claim},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
		}}
		pvc := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: claim}, Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes, StorageClassName: new(""), VolumeName: volume, Resources: corev1.VolumeResourceRequirements{Requests: size},
		}}
		if _, err := s.Kube.CoreV1().PersistentVolumes().Create(ctx, pv, metav1.CreateOptions{}); err != nil {
			return err
		}
		if _, err := s.Kube.CoreV1().PersistentVolumeClaims(name).Create(ctx, pvc, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stage) backup(ctx context.Context, name string, namespaces []string, began metav1.Time) error {
	b := &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: velerov1.BackupSpec{IncludedNamespaces: namespaces},
		Status: velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &began, CompletionTimestamp: &began},
	}
	_, err := s.Kymaros.VeleroV1().Backups(plane.VeleroNamespace).Create(ctx, b, metav1.CreateOptions{})
	return err
}

// policy asks an application what its reports say that was asked.
func (s *Stage) policy(ctx context.Context, a *application) error {
	rows := int64(1000)
	p := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Name: a.name}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{
		{Name: "newest-invoice", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
			PodSelector: map[string]string{"app": a.name}, Command: []string{"psql", "-tAc", "SELECT count(*) FROM invoices"}, Timeout: "30s",
			Expect: &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: "ge", Value: rows}},
		}},
		{Name: "api", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{Service: "api", Port: 8080, Path: "/readyz", ExpectedStatus: 200}},
		{Name: "pods", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": a.name}, MinReady: 2}},
	}}}
	_, err := s.Kymaros.RestoreV1alpha1().HealthCheckPolicies(a.namespace).Create(ctx, p, metav1.CreateOptions{})
	return err
}
