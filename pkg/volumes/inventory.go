package volumes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// provisionedBy is set by every provisioner on what it makes, and by people on what they make like it.
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	// boundByController is set on a volume that was free and was given to a claim; a provisioner makes its volumes for one.
	boundByController = "pv.kubernetes.io/bound-by-controller"
	// originalName is set by Velero on a volume that it made from a native snapshot of another.
	originalName = "velero.io/original-pv-name"
)

// Volume is a PersistentVolume that is, or was, bound to a claim of a sandbox.
type Volume struct {
	Name            string
	UID             types.UID
	ResourceVersion string
	// Namespace and ClaimUID of its claim.
	Namespace string
	ClaimUID  types.UID
	// Identity of the storage, as Identity has it.
	Identity string
	Created  time.Time
	// Changed is when its phase last changed; zero if the cluster does not tell.
	Changed time.Time
	// Provisioned tells that a provisioner made it for its claim.
	Provisioned bool
	// Native tells that Velero made it from a native snapshot.
	Native bool
	Policy corev1.PersistentVolumeReclaimPolicy
}

// Inventory is all PersistentVolumes of a cluster. Of those that are not bound to a claim of the sandboxes it keeps only
// which storage they stand for.
type Inventory struct {
	namespaces []string
	// Sources are namespaces of production; OfSources are the volumes of their claims, by "namespace/name" of the claim.
	Sources   []string
	OfSources map[string]*corev1.PersistentVolumeSpec

	bound map[string]Volume
	same  map[string][]string // names by identity
}

// NewInventory returns an Inventory without any volume. The namespaces are the sandboxes.
func NewInventory(namespaces ...string) *Inventory {
	return &Inventory{namespaces: namespaces, OfSources: map[string]*corev1.PersistentVolumeSpec{}, bound: map[string]Volume{}, same: map[string][]string{}}
}

// Add takes note of pv.
func (i *Inventory) Add(pv *corev1.PersistentVolume) {
	identity := Identity(pv)
	if identity != "" {
		i.same[identity] = append(i.same[identity], pv.Name)
	}
	claim := pv.Spec.ClaimRef
	if claim != nil && slices.Contains(i.Sources, claim.Namespace) {
		i.OfSources[claim.Namespace+"/"+claim.Name] = pv.Spec.DeepCopy()
	}
	if claim == nil || !slices.Contains(i.namespaces, claim.Namespace) {
		return
	}
	v := Volume{
		Name: pv.Name, UID: pv.UID, ResourceVersion: pv.ResourceVersion, Namespace: claim.Namespace, ClaimUID: claim.UID, Identity: identity,
		Created: pv.CreationTimestamp.Time, Provisioned: pv.Annotations[provisionedBy] != "" && pv.Annotations[boundByController] == "", Native: pv.Annotations[originalName] != "",
		Policy: pv.Spec.PersistentVolumeReclaimPolicy,
	}
	if at := pv.Status.LastPhaseTransitionTime; at != nil {
		v.Changed = at.Time
	}
	i.bound[v.Name] = v
}

// Bound returns the volumes of the sandboxes, sorted by name.
func (i *Inventory) Bound() []Volume {
	all := make([]Volume, 0, len(i.bound))
	for _, v := range i.bound {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Knows tells whether the volume of every claim that is bound is there: a list may be older than the claim.
func (i *Inventory) Knows(claims []Claim) bool {
	return !slices.ContainsFunc(claims, func(c Claim) bool {
		_, known := i.bound[c.Volume]
		return c.Bound && !known
	})
}

// SharedWith returns the other volumes that stand for the same storage as v, sorted.
func (i *Inventory) SharedWith(v Volume) []string {
	var all []string
	for _, name := range i.same[v.Identity] {
		if name != v.Name {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// Foreign says why v cannot have been made for a run that began then; or "".
func (i *Inventory) Foreign(v Volume, began time.Time) string {
	if others := i.SharedWith(v); len(others) > 0 {
		return "it stands for the same storage as PersistentVolume " + list(others)
	}
	if v.Created.Before(began) {
		return "it was there before the run began"
	}
	return ""
}

// list joins names. Many volumes may stand for one share; a few are enough to look at.
func list(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// Production says which claims have a volume that is not theirs alone, and why, sorted. A run that began then must not go on
// with them: what its pods write could be production's data.
func Production(claims []Claim, inventory *Inventory, began time.Time) []string {
	var all []string
	for _, c := range claims {
		v, ok := inventory.bound[c.Volume]
		if !ok {
			continue
		}
		if why := inventory.Foreign(v, began); why != "" {
			all = append(all, fmt.Sprintf("claim %s/%s has PersistentVolume %s: %s", c.Namespace, c.Name, v.Name, why))
		}
	}
	slices.Sort(all)
	return all
}
