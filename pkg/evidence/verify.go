package evidence

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Verify tells what the reports of one test prove, in whatever order they come. inside is the head in the status of the test, outside
// one that was kept elsewhere; each may be empty.
func Verify(records []Record, inside, outside Head) Result {
	c := &chain{at: map[int64][]*Record{}, inside: inside, verdicts: map[int64]v1alpha1.Digest{}, links: map[int64]v1alpha1.Digest{}, suspect: map[int64]bool{}}
	for i := range records {
		if r := &records[i]; r.Evidence != nil && r.Sequence() > 0 {
			c.at[r.Sequence()] = append(c.at[r.Sequence()], r)
		} else {
			c.without = append(c.without, r)
		}
	}
	c.there = slices.Sorted(maps.Keys(c.at))
	c.heads(outside)
	for _, n := range slices.Backward(c.there) {
		c.walk(n)
	}
	c.gaps()
	c.outside()
	c.sum(outside)
	return c.result
}

// chain is what is known while it is walked from the newest record down.
type chain struct {
	result Result
	inside Head
	// at are the records by number, there the numbers, ascending; without are those of reports without one.
	at      map[int64][]*Record
	there   []int64
	without []*Record
	// verdicts and links are the digests that records must have: of their verdict, as a head says, and of all, as a later record does.
	verdicts, links map[int64]v1alpha1.Digest
	// suspect are records that were edited, unless only an edited record names another.
	suspect map[int64]bool
	// pruned are those that the newest record tells of that nothing speaks against; told: there is one.
	pruned []v1alpha1.PrunedRecords
	told   bool
	// doubted are those that only an edited record tells of.
	doubted []v1alpha1.PrunedRecords
	// loose are records that nothing but they themselves speak for. late have a hygiene that came after the record that follows.
	loose, late []int64
}

func (c *chain) find(kind Kind, from, to int64, detail string, records ...*Record) {
	f := Finding{Kind: kind, From: from, To: to, Detail: detail}
	for _, r := range records {
		f.Reports = append(f.Reports, r.Name)
	}
	slices.Sort(f.Reports)
	c.result.Findings = append(c.result.Findings, f)
}

// heads notes what the heads say, and whether the chain reaches them.
func (c *chain) heads(outside Head) {
	newest := int64(0)
	if len(c.there) > 0 {
		newest = c.there[len(c.there)-1]
	}
	for _, h := range []Head{c.inside, outside} {
		if h.Sequence == 0 {
			continue
		}
		if other := c.verdicts[h.Sequence]; other != "" && !same(other, h.Digest) {
			c.find(Forked, h.Sequence, h.Sequence, fmt.Sprintf("the head in the cluster is %s, the one from outside %s", other, h.Digest))
		}
		c.verdicts[h.Sequence] = h.Digest
	}
	if top := max(c.inside.Sequence, outside.Sequence); top > newest {
		found := "no report is there"
		if newest > 0 {
			found = fmt.Sprintf("found #%d", newest)
		}
		c.find(NewestMissing, newest+1, top, fmt.Sprintf("the head is #%d, %s", top, found))
	}
}

// walk looks at the records of one number.
func (c *chain) walk(n int64) {
	records := c.at[n]
	r := records[0]
	for _, other := range records {
		if c.proves(other, n) {
			r = other
		}
	}
	if len(records) > 1 {
		c.find(Forked, n, n, fmt.Sprintf("%d reports have this number", len(records)), records...)
	}
	wrong := c.speaksAgainst(r, n)
	switch {
	case wrong != "":
		c.find(Edited, n, n, wrong, r)
	case !c.proves(r, n) && c.contradicts(r, n):
		wrong = fmt.Sprintf("it does not follow #%d, of which the head is", n-1)
		c.find(Edited, n, n, wrong, r)
	case !c.proves(r, n):
		c.loose = append(c.loose, n)
	}
	c.signature(r, n)
	c.follow(r, n, wrong != "")
	if wrong != "" {
		if !c.told {
			c.doubted = append(c.doubted, r.Evidence.Pruned...)
		}
		return
	}
	if !c.told {
		c.pruned, c.told = r.Evidence.Pruned, true
	}
	for _, p := range r.Evidence.Pruned {
		if p.Previous != "" && c.links[p.From-1] == "" {
			c.links[p.From-1] = p.Previous
		}
	}
}

// follow notes what r says of the record before. If r was edited that counts only if it is so; else one of both was.
func (c *chain) follow(r *Record, n int64, wrong bool) {
	previous := r.Evidence.Previous
	switch {
	case previous == "" || c.links[n-1] != "":
	case !wrong && !c.suspect[n], c.has(n-1, previous):
		c.links[n-1] = previous
	case wrong && len(c.at[n-1]) == 1 && c.verdicts[n-1] == "":
		c.suspect[n-1] = true
		c.find(Edited, n-1, n-1, fmt.Sprintf("or only the link to it in #%d", n), c.at[n-1]...)
	}
}

// contradicts tells whether r, for which nothing speaks, names another record before it than the one that the head is of.
func (c *chain) contradicts(r *Record, n int64) bool {
	return c.verdicts[n-1] != "" && len(c.at[n-1]) > 0 && !c.has(n-1, r.Evidence.Previous)
}

// same tells whether two digests are the same, of which the second may be shortened, as people copy it from a message.
func same(digest, short v1alpha1.Digest) bool {
	return strings.HasPrefix(string(digest), string(short))
}

// has tells whether a record of that number has that digest.
func (c *chain) has(n int64, digest v1alpha1.Digest) bool {
	return slices.ContainsFunc(c.at[n], func(r *Record) bool { return linked(r, digest) })
}

// linked tells whether digest is that of the record, be it before cleanup has written into the report.
func linked(r *Record, digest v1alpha1.Digest) bool {
	return digest == r.Digest() || digest == link(r.Verdict, "")
}

// proves tells whether a head, a later record or a signature says that r is what was written.
func (c *chain) proves(r *Record, n int64) bool {
	return c.verdicts[n] != "" && same(r.Verdict, c.verdicts[n]) || c.links[n] != "" && linked(r, c.links[n]) || r.Signature.State == Valid
}

// speaksAgainst says why r is not what was written; empty if nothing speaks against it.
func (c *chain) speaksAgainst(r *Record, n int64) string {
	verdict, digest := c.verdicts[n], c.links[n]
	if verdict != "" && !same(r.Verdict, verdict) {
		return fmt.Sprintf("its digest is %s, and the head says %s", r.Verdict, verdict)
	}
	if h := c.inside.Hygiene; h != nil && h.Sequence == n && h.Digest != r.Hygiene {
		return "its hygiene is not what cleanup wrote"
	}
	switch {
	case digest == "" || digest == r.Digest():
		return ""
	case digest == link(r.Verdict, ""):
		c.late = append(c.late, n)
		return ""
	case verdict != "":
		return "its hygiene is not what cleanup wrote"
	case r.Signature.State == Valid:
		return "its hygiene is not what cleanup wrote, or it was signed anew"
	}
	return fmt.Sprintf("the record after it says that its digest is %s", digest)
}

// signature looks at that of r.
func (c *chain) signature(r *Record, n int64) {
	switch s := r.Signature; {
	case s.State == Valid && s.KeyID == r.Evidence.KeyID:
		c.result.Signed++
		if !slices.Contains(c.result.Keys, s.KeyID) {
			c.result.Keys = append(c.result.Keys, s.KeyID)
			slices.Sort(c.result.Keys)
		}
	case s.State == Valid:
		c.find(BadSignature, n, n, fmt.Sprintf("signed by key %s, and the report says %q", s.KeyID, r.Evidence.KeyID), r)
	case s.State == Invalid:
		c.find(BadSignature, n, n, s.Detail, r)
	case s.State == NoKey:
		c.find(UnknownKey, n, n, s.Detail, r)
	case r.Evidence.KeyID != "":
		c.find(Unsigned, n, n, "it says that key "+r.Evidence.KeyID+" signed it", r)
	}
}

// gaps finds the numbers that nobody has, and those that are there although they were pruned.
func (c *chain) gaps() {
	next := int64(1)
	for _, n := range c.there {
		if n > next {
			c.missing(next, n-1)
		}
		next = n + 1
		if in(c.pruned, n) && slices.Contains(c.loose, n) {
			c.find(Returned, n, n, "nothing proves that it is the record that historyLimit had removed", c.at[n]...)
		}
	}
	for _, p := range c.pruned {
		c.result.Pruned += p.To - p.From + 1
	}
}

// missing finds the numbers of a gap that were not pruned.
func (c *chain) missing(from, to int64) {
	for _, p := range c.pruned {
		if p.To < from || p.From > to {
			continue
		}
		if p.From > from {
			c.find(Missing, from, p.From-1, c.excuse(from))
		}
		from = p.To + 1
	}
	if from <= to {
		c.find(Missing, from, to, c.excuse(from))
	}
}

// excuse says how a record may be missing that nobody has deleted.
func (c *chain) excuse(n int64) string {
	switch {
	case in(c.doubted, n):
		return "only a record that was edited says that it was pruned"
	case slices.ContainsFunc(c.result.Findings, func(f Finding) bool { return f.Kind == NewestMissing }):
		return "unless it was pruned, which one of those would tell that are missing"
	}
	return ""
}

// outside finds reports without a number that are younger than the chain.
func (c *chain) outside() {
	for _, r := range c.without {
		if len(c.there) > 0 && r.Started.After(c.at[c.there[0]][0].Started) {
			c.find(Outside, 0, 0, "it has no number although it is younger than the chain", r)
			continue
		}
		c.result.Older++
	}
}

// sum completes the result.
func (c *chain) sum(outside Head) {
	r := &c.result
	for _, records := range c.at {
		r.Records += len(records)
	}
	if len(c.there) > 0 {
		first, last := c.at[c.there[0]][0], c.at[c.there[len(c.there)-1]][0]
		r.From, r.To, r.Since, r.Digest = first.Sequence(), last.Sequence(), &first.Started, string(last.Verdict)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.From, b.From) })
	say := func(when bool, format string, args ...any) {
		if when {
			r.NotProven = append(r.NotProven, fmt.Sprintf(format, args...))
		}
	}
	say(r.Older > 0, "%d reports are of versions of Kymaros that had no chain: nothing proves them", r.Older)
	for _, n := range c.loose {
		say(!in(c.pruned, n), "nothing but itself speaks for #%d", n)
	}
	for _, n := range c.late {
		say(true, "the hygiene of #%d came after the record that follows, and no record holds it", n)
	}
	if r.Records == 0 {
		return
	}
	switch {
	case outside.Sequence == 0 && c.inside.Sequence == 0:
		say(true, "that #%d is the newest: there is no head to compare it with (--head)", r.To)
	case outside.Sequence == 0:
		say(true, "that etcd was not set back to an older state: the head is of the same cluster; compare with one from a notification (--head)")
	case outside.Sequence < r.To:
		say(true, "that what follows #%d, of which the head is, is all", outside.Sequence)
	}
	say(r.Signed < r.Records, "that nobody with access to etcd wrote reports and head anew: %d of %d reports are not signed", r.Records-r.Signed, r.Records)
	say(true, "that the controller told the truth: chain and signatures show that reports are as it wrote them")
}
