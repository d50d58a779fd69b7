package evidence

import (
	"cmp"
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// maxPruned is how many ranges the CRD lets a report name.
const maxPruned = 64

// Extend returns the number and the links of the record that follows head and those that are there, in any order. going are those of
// them that are pruned once it is written. What is left of a test that was deleted goes on with the one of its name.
//
// The head counts more than what the reports say: a report that was edited before its successor was written shall not be sealed.
func Extend(head Head, there, going []Record) v1alpha1.Evidence {
	there = slices.DeleteFunc(slices.Clone(there), func(r Record) bool { return r.Evidence == nil })
	slices.SortFunc(there, func(a, b Record) int { return cmp.Compare(a.Sequence(), b.Sequence()) })
	var last *Record
	if len(there) > 0 {
		last = &there[len(there)-1]
	}
	e := v1alpha1.Evidence{Sequence: 1, Pruned: pruned(there, going)}
	switch {
	case head.Sequence > 0 && (last == nil || last.Sequence() <= head.Sequence):
		e.Sequence, e.Previous = head.Sequence+1, link(head.Digest, hygieneOf(head, there))
	case last != nil:
		e.Sequence, e.Previous = last.Sequence()+1, last.Digest()
	}
	return e
}

// hygieneOf returns the digest of the hygiene of the record that head is of.
func hygieneOf(head Head, there []Record) v1alpha1.Digest {
	if head.Hygiene != nil && head.Hygiene.Sequence == head.Sequence {
		return head.Hygiene.Digest
	}
	for _, r := range there {
		if r.Sequence() == head.Sequence {
			return r.Hygiene
		}
	}
	return ""
}

// pruned returns what the newest record says was pruned, and what goes now.
func pruned(there, going []Record) []v1alpha1.PrunedRecords {
	var all []v1alpha1.PrunedRecords
	if len(there) > 0 {
		all = slices.Clone(there[len(there)-1].Evidence.Pruned)
	}
	for _, r := range going {
		if s := r.Sequence(); s > 0 && !in(all, s) {
			all = append(all, v1alpha1.PrunedRecords{From: s, To: s, Previous: r.Evidence.Previous})
		}
	}
	slices.SortFunc(all, func(a, b v1alpha1.PrunedRecords) int { return cmp.Compare(a.From, b.From) })
	var merged []v1alpha1.PrunedRecords
	for _, p := range all {
		if n := len(merged); n > 0 && merged[n-1].To+1 >= p.From {
			merged[n-1].To = max(merged[n-1].To, p.To)
			continue
		}
		merged = append(merged, p)
	}
	return merged[max(len(merged)-maxPruned, 0):]
}

// Pruned tells whether e says that the record of that sequence was pruned.
func Pruned(e *v1alpha1.Evidence, sequence int64) bool { return in(e.Pruned, sequence) }

func in(ranges []v1alpha1.PrunedRecords, sequence int64) bool {
	return slices.ContainsFunc(ranges, func(p v1alpha1.PrunedRecords) bool { return p.From <= sequence && sequence <= p.To })
}
