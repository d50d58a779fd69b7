package cleanup

import (
	"cmp"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// Item is an object that a run made.
type Item struct {
	Kind string    `json:"kind"`
	Name string    `json:"name"`
	UID  types.UID `json:"uid,omitempty"`
	// Test is "namespace/name", Run the id of the run.
	Test string        `json:"test,omitempty"`
	Run  string        `json:"run,omitempty"`
	Age  time.Duration `json:"-"`
	// Why says why it is left over, or why it stays.
	Why string `json:"why"`
	// Going tells that it is being deleted already.
	Going bool `json:"going,omitempty"`
}

// Found is what a look at the cluster showed.
type Found struct {
	// LeftOver can be removed. InUse belongs to runs that are under way. Untouchable stays, for deleting it could destroy what is not
	// the run's.
	LeftOver    []Item `json:"leftOver"`
	InUse       []Item `json:"inUse"`
	Untouchable []Item `json:"untouchable"`
}

// Find sorts what runs made by whether it is still in use.
func Find(namespaces []corev1.Namespace, restores []velerov1.Restore, tests []*v1alpha1.RestoreTest, now time.Time) Found {
	var f Found
	byName := map[string]*v1alpha1.RestoreTest{}
	for _, rt := range tests {
		byName[rt.Namespace+"/"+rt.Name] = rt
		if rt.Status.Cleanup == nil {
			continue
		}
		for _, l := range rt.Status.Cleanup.Leaked {
			kind, name, _ := strings.Cut(l.Object, "/")
			f.Untouchable = append(f.Untouchable, Item{Kind: kind, Name: name, Test: rt.Namespace + "/" + rt.Name, Run: rt.Status.Cleanup.RunID, Why: l.Reason})
		}
	}
	sort := func(item Item) {
		why, inUse := use(byName, item)
		item.Why = why
		if inUse {
			f.InUse = append(f.InUse, item)
		} else {
			f.LeftOver = append(f.LeftOver, item)
		}
	}
	for i := range namespaces {
		ns := &namespaces[i]
		if ns.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || ns.Annotations[v1alpha1.AnnotationRestoreTest] == "" {
			continue
		}
		sort(Item{Kind: "Namespace", Name: ns.Name, UID: ns.UID, Test: ns.Annotations[v1alpha1.AnnotationRestoreTest], Run: ns.Labels[v1alpha1.LabelRun],
			Age: now.Sub(ns.CreationTimestamp.Time), Going: ns.DeletionTimestamp != nil})
	}
	for i := range restores {
		r := &restores[i]
		if r.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
			continue
		}
		sort(Item{Kind: "Restore", Name: r.Name, UID: r.UID, Test: r.Annotations[v1alpha1.AnnotationRestoreTest], Run: r.Labels[v1alpha1.LabelRun],
			Age: now.Sub(r.CreationTimestamp.Time), Going: r.DeletionTimestamp != nil})
	}
	for _, items := range [][]Item{f.LeftOver, f.InUse, f.Untouchable} {
		slices.SortFunc(items, func(a, b Item) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	}
	return f
}

// use tells whether a run that is under way needs the item, and why or why not.
func use(tests map[string]*v1alpha1.RestoreTest, item Item) (why string, inUse bool) {
	rt, ok := tests[item.Test]
	switch {
	case !ok:
		return "its test is gone", false
	case rt.Status.Run == nil || rt.Status.Run.ID != item.Run:
		return "its run is over, and the test has another since", false
	case rt.DeletionTimestamp != nil:
		return "its test is being deleted, which waits for it", true
	case conditions.Active(rt):
		return "its run is under way", true
	}
	return "its run is over and cleaned up", false
}
