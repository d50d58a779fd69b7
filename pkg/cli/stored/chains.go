package stored

import (
	"cmp"
	"maps"
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// Chains collects the records of many tests.
type Chains struct {
	Keys    evidence.Keys
	records map[Key][]evidence.Record
	heads   map[Key]evidence.Head
}

// NewChains returns none; keys check the signatures.
func NewChains(keys evidence.Keys) *Chains {
	return &Chains{Keys: keys, records: map[Key][]evidence.Record{}, heads: map[Key]evidence.Head{}}
}

// Check returns the record of a report with its signature checked, and no more of it than a chain needs. It may be called for several
// at once.
func (c *Chains) Check(r *Report) (evidence.Record, error) {
	record := r.Record
	record.Signature = c.Keys.Check(&record)
	record.Envelope = nil
	if e := record.Evidence; e != nil {
		record.Evidence = &v1alpha1.Evidence{Sequence: e.Sequence, Previous: e.Previous, Pruned: e.Pruned, KeyID: e.KeyID}
	}
	return record, nil
}

// Add adds a record that was checked.
func (c *Chains) Add(r evidence.Record) error {
	k := Key{r.Namespace, r.Test}
	c.records[k] = append(c.records[k], r)
	return nil
}

// Head adds the head of a test; one without reports counts too.
func (c *Chains) Head(h Head) {
	if h.Sequence > 0 {
		c.heads[Key{h.Namespace, h.Test}] = h.Of()
	}
}

// Verify returns what the reports of each test prove, by namespace and name.
func (c *Chains) Verify(outside map[Key]evidence.Head) []evidence.Result {
	all := map[Key]bool{}
	for k := range c.records {
		all[k] = true
	}
	for k := range c.heads {
		all[k] = true
	}
	for k := range outside {
		all[k] = true
	}
	var results []evidence.Result
	for _, k := range slices.SortedFunc(maps.Keys(all), func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Test, b.Test))
	}) {
		r := evidence.Verify(c.records[k], c.heads[k], outside[k])
		r.Namespace, r.Test = k.Namespace, k.Test
		results = append(results, r)
	}
	return results
}
