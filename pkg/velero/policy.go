package velero

import (
	"fmt"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// Policy is what matters here of a resource policy: a ConfigMap by which a Backup leaves out kinds and volumes.
type Policy struct {
	VolumePolicies       []VolumePolicy `json:"volumePolicies"`
	IncludeExcludePolicy Lists          `json:"includeExcludePolicy"`
	// NamespacedFilterPolicies choose objects of single namespaces; what they choose is not read here.
	NamespacedFilterPolicies []any `json:"namespacedFilterPolicies"`
}

// PolicyName is the name of the resource policy of a backup, a ConfigMap; "" if it has none, or if b is nil.
func PolicyName(b *velerov1.Backup) string {
	if b == nil || b.Spec.ResourcePolicy == nil {
		return ""
	}
	return b.Spec.ResourcePolicy.Name
}

// Lists of kinds, as a BackupSpec has them.
type Lists struct {
	Included []string `json:"includedNamespaceScopedResources"`
	Excluded []string `json:"excludedNamespaceScopedResources"`
}

// VolumePolicy says what is done with volumes for which all conditions hold.
type VolumePolicy struct {
	Conditions Conditions `json:"conditions"`
	Action     struct {
		Type string `json:"type"`
	} `json:"action"`
}

// Conditions of a VolumePolicy. Those that are not given hold.
type Conditions struct {
	Capacity     string                       `json:"capacity"`
	StorageClass []string                     `json:"storageClass"`
	NFS          *corev1.NFSVolumeSource      `json:"nfs"`
	CSI          *CSI                         `json:"csi"`
	VolumeTypes  []string                     `json:"volumeTypes"`
	Labels       map[string]string            `json:"pvcLabels"`
	Phase        []string                     `json:"pvcPhase"`
	VolumeMode   *corev1.PersistentVolumeMode `json:"pvcVolumeMode"`
	AccessModes  []string                     `json:"pvcAccessModes"`
}

// CSI is a condition on the driver of a volume, and on what the driver noted.
type CSI struct {
	Driver           string            `json:"driver"`
	VolumeAttributes map[string]string `json:"volumeAttributes"`
}

// ReadPolicy reads the data of the ConfigMap, which has one key. It fails on what Velero would not have taken either.
func ReadPolicy(data map[string]string) (Policy, error) {
	var p Policy
	if len(data) != 1 {
		return p, fmt.Errorf("a resource policy has one key, and not %d", len(data))
	}
	for key, text := range data {
		if err := yaml.Unmarshal([]byte(text), &p); err != nil {
			return Policy{}, fmt.Errorf("key %s: %w", key, err)
		}
	}
	return p, nil
}

// Skips tells whether the policy leaves out the volume of a claim; pv is nil if the claim has none. The first rule that holds
// decides.
func (p Policy) Skips(claim *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolumeSpec) bool {
	for _, v := range p.VolumePolicies {
		if v.Conditions.hold(claim, pv) {
			return v.Action.Type == "skip"
		}
	}
	return false
}

func (c Conditions) hold(claim *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolumeSpec) bool {
	if pv == nil {
		if c.Capacity != "" || len(c.StorageClass) > 0 || c.NFS != nil || c.CSI != nil || len(c.VolumeTypes) > 0 {
			return false
		}
		pv = &corev1.PersistentVolumeSpec{}
	}
	var modes []string
	for _, m := range claim.Spec.AccessModes {
		modes = append(modes, string(m))
	}
	slices.Sort(modes)
	wanted := slices.Sorted(slices.Values(c.AccessModes))
	given := c.Capacity != "" || len(c.StorageClass) > 0 || c.NFS != nil || c.CSI != nil || len(c.VolumeTypes) > 0 ||
		len(c.Labels) > 0 || len(c.Phase) > 0 || c.VolumeMode != nil || len(wanted) > 0
	return given && within(c.Capacity, pv.Capacity[corev1.ResourceStorage]) &&
		(len(c.StorageClass) == 0 || slices.Contains(c.StorageClass, pv.StorageClassName)) &&
		c.nfs(pv.NFS) && c.CSI.holds(pv.CSI) && (len(c.VolumeTypes) == 0 || slices.Contains(c.VolumeTypes, volumeType(pv))) &&
		labels.SelectorFromSet(c.Labels).Matches(labels.Set(claim.Labels)) &&
		(len(c.Phase) == 0 || slices.Contains(c.Phase, string(claim.Status.Phase))) &&
		(c.VolumeMode == nil || claim.Spec.VolumeMode != nil && *c.VolumeMode == *claim.Spec.VolumeMode) &&
		(len(wanted) == 0 || slices.Equal(wanted, modes))
}

// nfs tells whether a condition on server and path holds; each that is not given does.
func (c Conditions) nfs(volume *corev1.NFSVolumeSource) bool {
	return c.NFS == nil || volume != nil &&
		(c.NFS.Server == "" || c.NFS.Server == volume.Server) && (c.NFS.Path == "" || c.NFS.Path == volume.Path)
}

func (c *CSI) holds(volume *corev1.CSIPersistentVolumeSource) bool {
	if c == nil {
		return true
	}
	if volume == nil || c.Driver != "" && c.Driver != volume.Driver {
		return false
	}
	return labels.SelectorFromSet(c.VolumeAttributes).Matches(labels.Set(volume.VolumeAttributes))
}

// within tells whether size is in a range such as "10Gi,100Gi", of which either end may be missing.
func within(limits string, size resource.Quantity) bool {
	from, to, ranged := strings.Cut(limits, ",")
	if limits == "" {
		return true
	}
	end := func(text string) *resource.Quantity {
		q, err := resource.ParseQuantity(strings.TrimSpace(text))
		if err != nil || q.IsZero() {
			return nil
		}
		return &q
	}
	low, high := end(from), end(to)
	return ranged && (low == nil || low.Cmp(size) <= 0) && (high == nil || high.Cmp(size) >= 0)
}

// volumeType is the name of the field of a PersistentVolume that says where its storage is.
func volumeType(pv *corev1.PersistentVolumeSpec) string {
	text, err := yaml.Marshal(pv.PersistentVolumeSource)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(string(text), ":")
	return name
}
