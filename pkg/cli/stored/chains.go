package stored

import (
	"cmp"
	"maps"
	"slices"

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

// Add adds a record. Its signature is checked, and not kept.
func (c *Chains) Add(r evidence.Record) {
	r.Signature = c.Keys.Check(&r)
	r.Envelope = nil
	k := Key{r.Namespace, r.Test}
	c.records[k] = append(c.records[k], r)
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
