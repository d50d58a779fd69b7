package volumes

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Drivers whose volumes have another form in PersistentVolumes of old, or whose handle is not the storage.
const (
	driverEBS       = "ebs.csi.aws.com"
	driverGCE       = "pd.csi.storage.gke.io"
	driverAzureDisk = "disk.csi.azure.com"
	driverCinder    = "cinder.csi.openstack.org"
	driverNFS       = "nfs.csi.k8s.io"
	driverSMB       = "smb.csi.k8s.io"
)

// Identity names the storage behind pv: PersistentVolumes with the same identity hold the same data. Where two names of one
// storage cannot be told from two storages, they count as one: a sandbox then stops for nothing, instead of writing to
// production. The identity is "" if nothing here knows that kind of volume, and then proves nothing.
//
// A disk of AWS, GCE, Azure or OpenStack has one identity in its in-tree and in its CSI form. The two forms of Azure Files,
// vSphere, Ceph and Portworx volumes are not told to be the same, nor is a directory inside of another volume.
func Identity(pv *corev1.PersistentVolume) string {
	s := &pv.Spec
	switch {
	case s.CSI != nil:
		return csi(s.CSI)
	case s.NFS != nil:
		return nfs(s.NFS.Server, s.NFS.Path)
	case s.HostPath != nil:
		return join("node", path.Clean(s.HostPath.Path), affinity(s.NodeAffinity))
	case s.Local != nil:
		return join("node", path.Clean(s.Local.Path), affinity(s.NodeAffinity))
	case s.AWSElasticBlockStore != nil:
		return join("ebs", path.Base(s.AWSElasticBlockStore.VolumeID)) // aws://zone/vol-1, or vol-1
	case s.GCEPersistentDisk != nil:
		return join("gce", s.GCEPersistentDisk.PDName)
	case s.AzureDisk != nil:
		return join("azuredisk", strings.ToLower(s.AzureDisk.DataDiskURI))
	case s.AzureFile != nil:
		return join("azurefile", s.AzureFile.ShareName) // the account is in a Secret
	case s.Cinder != nil:
		return join("cinder", s.Cinder.VolumeID)
	case s.ISCSI != nil:
		return join("iscsi", s.ISCSI.IQN, strconv.Itoa(int(s.ISCSI.Lun))) // one target has many portals
	case s.FC != nil:
		return fc(s.FC)
	case s.RBD != nil:
		return join("rbd", cmp.Or(s.RBD.RBDPool, "rbd"), s.RBD.RBDImage) // one cluster has many monitors
	case s.CephFS != nil:
		return join("cephfs", path.Clean("/"+s.CephFS.Path))
	case s.Glusterfs != nil:
		return join("glusterfs", path.Clean(s.Glusterfs.Path)) // the volume; endpoints are made for each use
	case s.VsphereVolume != nil:
		return join("vsphere", s.VsphereVolume.VolumePath)
	case s.PortworxVolume != nil:
		return join("portworx", s.PortworxVolume.VolumeID)
	case s.FlexVolume != nil:
		return flex(s.FlexVolume)
	}
	return ""
}

func csi(s *corev1.CSIPersistentVolumeSource) string {
	switch s.Driver {
	case driverEBS:
		return join("ebs", path.Base(s.VolumeHandle))
	case driverGCE:
		return join("gce", path.Base(s.VolumeHandle)) // projects/p/zones/z/disks/name
	case driverAzureDisk:
		return join("azuredisk", strings.ToLower(s.VolumeHandle))
	case driverCinder:
		return join("cinder", s.VolumeHandle)
	case driverNFS:
		// Whoever writes such a volume by hand invents its handle.
		if server, share := attribute(s, "server"), attribute(s, "share"); server != "" && share != "" {
			return nfs(server, path.Join(share, attribute(s, "subDir")))
		}
	case driverSMB:
		// Its handle ends with the name of the volume, also where two volumes are one directory.
		if source := attribute(s, "source"); source != "" {
			return join("smb", strings.ToLower(path.Clean(source)), path.Clean(attribute(s, "subDir")))
		}
	}
	return join("csi", s.Driver, s.VolumeHandle)
}

// attribute returns what the driver noted under key, which it spells as the storage class did.
func attribute(s *corev1.CSIPersistentVolumeSource, key string) string {
	for k, value := range s.VolumeAttributes {
		if strings.EqualFold(k, key) {
			return value
		}
	}
	return ""
}

func nfs(server, exported string) string {
	return join("nfs", strings.ToLower(server), path.Clean(exported))
}

func fc(s *corev1.FCVolumeSource) string {
	if len(s.WWIDs) > 0 {
		return join(append([]string{"fc"}, slices.Sorted(slices.Values(s.WWIDs))...)...)
	}
	if len(s.TargetWWNs) == 0 || s.Lun == nil {
		return ""
	}
	return join(append([]string{"fc", strconv.Itoa(int(*s.Lun))}, slices.Sorted(slices.Values(s.TargetWWNs))...)...)
}

// flex takes all options for the identity: which of them name the storage only the driver knows.
func flex(s *corev1.FlexPersistentVolumeSource) string {
	if len(s.Options) == 0 {
		return ""
	}
	parts := []string{"flex", s.Driver}
	for key, value := range s.Options {
		parts = append(parts, key+"="+value)
	}
	slices.Sort(parts[2:])
	return join(parts...)
}

// affinity is the same text for the same nodes: a path means another directory on another node.
func affinity(a *corev1.VolumeNodeAffinity) string {
	if a == nil || a.Required == nil {
		return ""
	}
	var terms []string
	for _, term := range a.Required.NodeSelectorTerms {
		var all []string
		for _, r := range slices.Concat(term.MatchExpressions, term.MatchFields) {
			all = append(all, fmt.Sprintf("%s %s %q", r.Key, r.Operator, slices.Sorted(slices.Values(r.Values))))
		}
		slices.Sort(all)
		terms = append(terms, strings.Join(all, " and "))
	}
	slices.Sort(terms)
	return strings.Join(terms, " or ")
}

// join puts parts together so that no two lists of parts give the same text.
func join(parts ...string) string {
	for i, p := range parts {
		parts[i] = strconv.Quote(p)
	}
	return strings.Join(parts, " ")
}
