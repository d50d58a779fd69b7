package cleanup

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/volumes"
)

const volumePrefix = "persistentvolume/"

// leak is an object that one run leaves behind.
type leak struct {
	run string
	v1alpha1.Leak
}

// box is a sandbox whose volumes are looked at. Nothing that was made for it is older than began.
type box struct {
	name, run string
	began     time.Time
}

// boxes returns the sandboxes that exist.
func boxes(namespaces []*corev1.Namespace) []box {
	var all []box
	for _, ns := range namespaces {
		all = append(all, box{ns.Name, ns.Labels[v1alpha1.LabelRun], ns.CreationTimestamp.Time})
	}
	return all
}

// planned tells what becomes of the volumes of the sandboxes.
type planned struct {
	// protect are volumes that must get reclaim policy Retain before their claims go: they may be production's.
	protect []volumes.Volume
	// reclaim are volumes that are proved to be the run's own, and would stay: they get Delete, and go with their claims.
	reclaim []volumes.Volume
	// leaving are the names of those that the cluster deletes, sorted.
	leaving []string
	leaked  []leak
}

// plan decides about each volume. claims are the UIDs of the claims that exist in the sandboxes.
//
// A volume is the run's own if its claim is there, a provisioner made it after the sandbox was, and no other PersistentVolume
// stands for its storage. Nothing else is ever given the policy Delete; and what may be somebody else's does not keep it.
func plan(inventory *volumes.Inventory, claims sets.Set[types.UID], sandboxes []box) planned {
	var p planned
	for _, v := range inventory.Bound() {
		i := slices.IndexFunc(sandboxes, func(b box) bool { return b.name == v.Namespace })
		if i < 0 {
			continue
		}
		b := sandboxes[i]
		retain, claimed := v.Policy == corev1.PersistentVolumeReclaimRetain, claims.Has(v.ClaimUID)
		if retain && !claimed && !v.Changed.IsZero() && v.Changed.Before(b.began) {
			continue // left by an earlier run whose sandbox had the same name
		}
		foreign := inventory.Foreign(v, b.began)
		if foreign == "" && !v.Provisioned {
			foreign = "no provisioner says that it made it"
		}
		leaks := func(format string, args ...any) {
			p.leaked = append(p.leaked, leak{b.run, v1alpha1.Leak{Object: volumePrefix + v.Name, Reason: fmt.Sprintf(format, args...)}})
		}
		switch {
		case foreign != "":
			if !retain {
				p.protect = append(p.protect, v)
			}
			leaks("%s, so it is not deleted and its reclaim policy is Retain; see whose data it holds, then delete the PersistentVolume, or clear its spec.claimRef, by hand", foreign)
		case v.Policy == corev1.PersistentVolumeReclaimDelete:
			p.leaving = append(p.leaving, v.Name)
		case claimed && v.Identity == "":
			leaks("nothing here knows its kind of storage, so that nothing shows whether another volume stands for it too; delete it and its storage by hand if nobody needs it")
		case claimed:
			p.reclaim = append(p.reclaim, v)
			p.leaving = append(p.leaving, v.Name)
		default:
			leaks("its reclaim policy is %s, and its claim is gone, which alone could prove whose it is; delete it and its storage by hand if nobody needs it",
				cmp.Or(v.Policy, corev1.PersistentVolumeReclaimRetain))
		}
	}
	return p
}

// settled tells that nothing is to be done, and that nothing was found that would have to be remembered.
func (p planned) settled() bool { return len(p.protect)+len(p.reclaim)+len(p.leaked) == 0 }
