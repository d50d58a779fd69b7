package velero

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSkips(t *testing.T) {
	block := corev1.PersistentVolumeBlock
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"tier": "cache", "app": "shop"}},
		Spec:       corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{"ReadWriteOnce"}, VolumeMode: &block},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	disk := &corev1.PersistentVolumeSpec{
		StorageClassName: "fast", Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")},
		PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "ebs.csi.aws.com", VolumeAttributes: map[string]string{"tier": "gp3"}}},
	}
	share := &corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "filer", Path: "/a"}}}
	rule := func(conditions string) string {
		return "version: v1\nvolumePolicies:\n- conditions: {" + conditions + "}\n  action: {type: skip}\n"
	}
	for name, test := range map[string]struct {
		policy string
		pv     *corev1.PersistentVolumeSpec
		want   bool
	}{
		"a class that is named":                        {rule("storageClass: [slow, fast]"), disk, true},
		"another class":                                {rule("storageClass: [slow]"), disk, false},
		"labels of the claim":                          {rule("pvcLabels: {tier: cache}"), disk, true},
		"labels that the claim has not":                {rule("pvcLabels: {tier: cache, keep: 'no'}"), disk, false},
		"all conditions must hold":                     {rule("storageClass: [fast], pvcLabels: {tier: db}"), disk, false},
		"a size within the range":                      {rule("capacity: '10Gi,100Gi'"), disk, true},
		"a size below an open range":                   {rule("capacity: '11Gi,'"), disk, false},
		"a size under its end":                         {rule("capacity: '0,10Gi'"), disk, true},
		"a driver":                                     {rule("csi: {driver: ebs.csi.aws.com}"), disk, true},
		"any driver":                                   {rule("csi: {}"), disk, true},
		"another driver":                               {rule("csi: {driver: x}"), disk, false},
		"a driver with another attribute":              {rule("csi: {driver: ebs.csi.aws.com, volumeAttributes: {tier: io2}}"), disk, false},
		"no driver":                                    {rule("csi: {}"), share, false},
		"any share":                                    {rule("nfs: {}"), share, true},
		"a server":                                     {rule("nfs: {server: filer}"), share, true},
		"another path of the server":                   {rule("nfs: {server: filer, path: /b}"), share, false},
		"a type":                                       {rule("volumeTypes: [nfs, local]"), share, true},
		"another type":                                 {rule("volumeTypes: [nfs]"), disk, false},
		"a phase":                                      {rule("pvcPhase: [Bound]"), disk, true},
		"a claim without a volume has a phase":         {rule("pvcPhase: [Pending, Bound]"), nil, true},
		"a claim without a volume has no class":        {rule("storageClass: [fast]"), nil, false},
		"a mode of the volume":                         {rule("pvcVolumeMode: Block"), disk, true},
		"exactly these ways to mount it":               {rule("pvcAccessModes: [ReadWriteOnce]"), disk, true},
		"more ways to mount it":                        {rule("pvcAccessModes: [ReadWriteOnce, ReadOnlyMany]"), disk, false},
		"a rule without conditions says nothing":       {rule(""), disk, false},
		"another action":                               {strings.ReplaceAll(rule("storageClass: [fast]"), "skip", "fs-backup"), disk, false},
		"a rule before that keeps the volume has been": {strings.ReplaceAll(rule("csi: {}"), "skip", "snapshot") + "- conditions: {storageClass: [fast]}\n  action: {type: skip}\n", disk, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ReadPolicy(map[string]string{"policy.yaml": test.policy})
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Skips(claim, test.pv); got != test.want {
				t.Errorf("skips: %t, want %t", got, test.want)
			}
		})
	}
}

func TestReadPolicy(t *testing.T) {
	p, err := ReadPolicy(map[string]string{"x": "version: v1\nincludeExcludePolicy: {excludedNamespaceScopedResources: [secrets]}\nnamespacedFilterPolicies: [{namespaces: [a]}]\n"})
	if err != nil || len(p.IncludeExcludePolicy.Excluded) != 1 || len(p.NamespacedFilterPolicies) != 1 {
		t.Errorf("read %+v, %v", p, err)
	}
	for name, data := range map[string]map[string]string{
		"no key": nil, "two keys": {"a": "", "b": ""}, "no mapping": {"a": "- x"},
	} {
		if _, err := ReadPolicy(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLabelValue(t *testing.T) {
	if got := LabelValue("nightly"); got != "nightly" {
		t.Errorf("got %s", got)
	}
	// As Velero's label.GetValidName gives it.
	if got := LabelValue(strings.Repeat("a", 64)); got != strings.Repeat("a", 57)+"ffe054" {
		t.Errorf("got %s", got)
	}
}
