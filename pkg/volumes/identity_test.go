package volumes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func onNode(names ...string) *corev1.VolumeNodeAffinity {
	return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "kubernetes.io/hostname", Operator: corev1.NodeSelectorOpIn, Values: names}},
	}}}}
}

func identity(source corev1.PersistentVolumeSource, affinity ...*corev1.VolumeNodeAffinity) string {
	pv := &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: source}}
	if len(affinity) > 0 {
		pv.Spec.NodeAffinity = affinity[0]
	}
	return Identity(pv)
}

func csiVolume(driver, handle string, attributes ...string) corev1.PersistentVolumeSource {
	s := &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: handle, VolumeAttributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		s.VolumeAttributes[attributes[i]] = attributes[i+1]
	}
	return corev1.PersistentVolumeSource{CSI: s}
}

func TestIdentity(t *testing.T) {
	type source = corev1.PersistentVolumeSource
	nfsVolume := func(server, path string) source {
		return source{NFS: &corev1.NFSVolumeSource{Server: server, Path: path}}
	}
	hostPath := func(path string) source { return source{HostPath: &corev1.HostPathVolumeSource{Path: path}} }
	fcVolume := func(lun int32, wwns ...string) source {
		return source{FC: &corev1.FCVolumeSource{Lun: &lun, TargetWWNs: wwns}}
	}
	iscsi := func(portal, iqn string, lun int32) source {
		return source{ISCSI: &corev1.ISCSIPersistentVolumeSource{TargetPortal: portal, IQN: iqn, Lun: lun}}
	}
	flexVolume := func(driver string, options map[string]string) source {
		return source{FlexVolume: &corev1.FlexPersistentVolumeSource{Driver: driver, Options: options}}
	}
	for name, test := range map[string]struct {
		a, b string
		same bool
	}{
		"the same CSI handle of the same driver":   {identity(csiVolume("d", "1")), identity(csiVolume("d", "1")), true},
		"another CSI handle":                       {identity(csiVolume("d", "1")), identity(csiVolume("d", "2")), false},
		"the same CSI handle of another driver":    {identity(csiVolume("d", "1")), identity(csiVolume("e", "1")), false},
		"parts that only look alike when joined":   {identity(csiVolume("d", "1 2")), identity(csiVolume("d 1", "2")), false},
		"an AWS disk before and after migration":   {identity(source{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "aws://eu-west-1a/vol-1"}}), identity(csiVolume("ebs.csi.aws.com", "vol-1")), true},
		"two AWS disks":                            {identity(csiVolume("ebs.csi.aws.com", "vol-1")), identity(csiVolume("ebs.csi.aws.com", "vol-2")), false},
		"a Google disk before and after migration": {identity(source{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "disk"}}), identity(csiVolume("pd.csi.storage.gke.io", "projects/p/zones/z/disks/disk")), true},
		"an Azure disk in two spellings": {
			identity(source{AzureDisk: &corev1.AzureDiskVolumeSource{DataDiskURI: "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/disks/d"}}),
			identity(csiVolume("disk.csi.azure.com", "/subscriptions/s/resourcegroups/rg/providers/Microsoft.Compute/disks/d")), true,
		},
		"an OpenStack disk before and after migration": {identity(source{Cinder: &corev1.CinderPersistentVolumeSource{VolumeID: "v"}}), identity(csiVolume("cinder.csi.openstack.org", "v")), true},
		"an Azure share":             {identity(source{AzureFile: &corev1.AzureFilePersistentVolumeSource{ShareName: "a"}}), identity(source{AzureFile: &corev1.AzureFilePersistentVolumeSource{ShareName: "b"}}), false},
		"an NFS export with a slash": {identity(nfsVolume("Filer", "/exports/a/")), identity(nfsVolume("filer", "/exports/a")), true},
		"two NFS exports":            {identity(nfsVolume("filer", "/exports/a")), identity(nfsVolume("filer", "/exports/b")), false},
		"an NFS export through its CSI driver, whatever its handle": {
			identity(nfsVolume("filer", "/exports/a")), identity(csiVolume("nfs.csi.k8s.io", "made-up", "server", "filer", "share", "/exports", "subdir", "a")), true,
		},
		"an NFS export whose class spells its keys in its own way": {
			identity(nfsVolume("filer", "/exports/a")), identity(csiVolume("nfs.csi.k8s.io", "made-up", "Server", "filer", "share", "/exports", "subDir", "a")), true,
		},
		"two directories of one such export": {
			identity(csiVolume("nfs.csi.k8s.io", "1", "server", "filer", "share", "/exports", "subDir", "a")),
			identity(csiVolume("nfs.csi.k8s.io", "2", "server", "filer", "share", "/exports", "subDir", "b")), false,
		},
		"one directory of an SMB share, whatever its handles": {
			identity(csiVolume("smb.csi.k8s.io", "share#a#pv-1", "source", "//Filer/share", "subDir", "a")),
			identity(csiVolume("smb.csi.k8s.io", "share#a#pv-2", "source", "//filer/share", "subdir", "a")), true,
		},
		"a path on the same node":                             {identity(hostPath("/data/"), onNode("n1")), identity(hostPath("/data"), onNode("n1")), true},
		"a path on another node":                              {identity(hostPath("/data"), onNode("n1")), identity(hostPath("/data"), onNode("n2")), false},
		"nodes in another order":                              {identity(hostPath("/data"), onNode("n1", "n2")), identity(hostPath("/data"), onNode("n2", "n1")), true},
		"a local volume and a hostPath of the same directory": {identity(source{Local: &corev1.LocalVolumeSource{Path: "/data"}}, onNode("n1")), identity(hostPath("/data"), onNode("n1")), true},
		"an iSCSI disk by two portals":                        {identity(iscsi("10.0.0.1", "iqn.x", 1)), identity(iscsi("10.0.0.2", "iqn.x", 1)), true},
		"two iSCSI disks of one target":                       {identity(iscsi("10.0.0.1", "iqn.x", 1)), identity(iscsi("10.0.0.1", "iqn.x", 2)), false},
		"an FC disk, its ports in another order":              {identity(fcVolume(1, "a", "b")), identity(fcVolume(1, "b", "a")), true},
		"two FC disks":                                        {identity(fcVolume(1, "a")), identity(fcVolume(2, "a")), false},
		"an RBD image in the pool that is the default": {
			identity(source{RBD: &corev1.RBDPersistentVolumeSource{RBDImage: "i"}}), identity(source{RBD: &corev1.RBDPersistentVolumeSource{RBDImage: "i", RBDPool: "rbd"}}), true,
		},
		"two directories of CephFS": {identity(source{CephFS: &corev1.CephFSPersistentVolumeSource{Path: "/a"}}), identity(source{CephFS: &corev1.CephFSPersistentVolumeSource{Path: "/b"}}), false},
		"two Gluster volumes":       {identity(source{Glusterfs: &corev1.GlusterfsPersistentVolumeSource{Path: "a"}}), identity(source{Glusterfs: &corev1.GlusterfsPersistentVolumeSource{Path: "b"}}), false},
		"two vSphere disks":         {identity(source{VsphereVolume: &corev1.VsphereVirtualDiskVolumeSource{VolumePath: "a"}}), identity(source{VsphereVolume: &corev1.VsphereVirtualDiskVolumeSource{VolumePath: "b"}}), false},
		"a flex volume, its options in any order": {
			identity(flexVolume("d", map[string]string{"a": "1", "b": "2"})), identity(flexVolume("d", map[string]string{"b": "2", "a": "1"})), true,
		},
		"flex volumes that differ in an option": {identity(flexVolume("d", map[string]string{"a": "1"})), identity(flexVolume("d", map[string]string{"a": "2"})), false},
		"an image of one kind and a share of another by one name": {
			identity(source{AzureFile: &corev1.AzureFilePersistentVolumeSource{ShareName: "a"}}), identity(source{VsphereVolume: &corev1.VsphereVirtualDiskVolumeSource{VolumePath: "a"}}), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.a == "" || test.b == "" {
				t.Fatalf("no identity: %q, %q", test.a, test.b)
			}
			if same := test.a == test.b; same != test.same {
				t.Errorf("same storage: %t, want %t: %s and %s", same, test.same, test.a, test.b)
			}
		})
	}
	for name, s := range map[string]source{
		"a kind that is not known":      {Quobyte: &corev1.QuobyteVolumeSource{Volume: "v"}},
		"a flex volume without options": flexVolume("d", nil),
		"an FC disk without a number":   {FC: &corev1.FCVolumeSource{TargetWWNs: []string{"a"}}},
		"nothing":                       {},
	} {
		if got := identity(s); got != "" {
			t.Errorf("%s has identity %s", name, got)
		}
	}
}
