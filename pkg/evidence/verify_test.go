package evidence

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// status of a stored report.
func status(report map[string]any) map[string]any { return report["status"].(map[string]any) }

func chainOf(report map[string]any) map[string]any {
	return status(report)["evidence"].(map[string]any)
}

func clone(t *testing.T, report map[string]any) map[string]any { return asStored(t, report) }

func TestEachWayToTamperShows(t *testing.T) {
	for sentence, tt := range map[string]struct {
		tamper func(*testing.T, *cluster)
		// outside: there is a head from outside, of before.
		outside bool
		want    []string
	}{
		"nothing was done": {func(*testing.T, *cluster) {}, true, nil},
		"a report is deleted": {func(_ *testing.T, c *cluster) { delete(c.stored, 3) }, false,
			[]string{"missing #3"}},
		"two in a row are deleted": {func(_ *testing.T, c *cluster) { delete(c.stored, 3); delete(c.stored, 4) }, false,
			[]string{"missing #3–#4"}},
		"the first is deleted": {func(_ *testing.T, c *cluster) { delete(c.stored, 1) }, false,
			[]string{"missing #1"}},
		"the end is cut off": {func(_ *testing.T, c *cluster) { delete(c.stored, 5); delete(c.stored, 6) }, false,
			[]string{"newest missing #5–#6"}},
		"all are deleted": {func(_ *testing.T, c *cluster) { clear(c.stored) }, false,
			[]string{"newest missing #1–#6"}},
		"all are deleted with the head": {func(_ *testing.T, c *cluster) { clear(c.stored); c.head = Head{} }, true,
			[]string{"newest missing #1–#6"}},
		"a result is edited": {func(_ *testing.T, c *cluster) { status(c.stored[3])["result"] = "fail" }, false,
			[]string{"edited #3"}},
		"the newest is edited": {func(_ *testing.T, c *cluster) { status(c.stored[6])["result"] = "fail" }, false,
			[]string{"edited #6"}},
		"the hygiene of one is edited": {func(_ *testing.T, c *cluster) { c.stored[3]["hygiene"].(map[string]any)["status"] = "leaked" }, false,
			[]string{"edited #3"}},
		"the hygiene of one is taken off": {func(_ *testing.T, c *cluster) { delete(c.stored[3], "hygiene") }, false,
			[]string{"edited #3"}},
		"the hygiene of the newest is edited": {func(_ *testing.T, c *cluster) { c.stored[6]["hygiene"].(map[string]any)["status"] = "leaked" }, false,
			[]string{"edited #6"}},
		"the hygiene of the newest is taken off": {func(_ *testing.T, c *cluster) { delete(c.stored[6], "hygiene") }, false,
			[]string{"edited #6"}},
		"two change places": {func(_ *testing.T, c *cluster) {
			for _, field := range []string{"spec", "status", "hygiene"} {
				c.stored[3][field], c.stored[4][field] = c.stored[4][field], c.stored[3][field]
			}
		}, false, []string{"edited #3", "edited #4"}},
		"two change numbers": {func(_ *testing.T, c *cluster) {
			chainOf(c.stored[3])["sequence"], chainOf(c.stored[4])["sequence"] = int64(4), int64(3)
		}, false, []string{"edited #3", "edited #4"}},
		"an old one stands in the place of the newest": {func(t *testing.T, c *cluster) {
			old := clone(t, c.stored[2])
			old["metadata"] = c.stored[6]["metadata"]
			c.stored[6] = old
		}, false, []string{"forked #2", "newest missing #6"}},
		"an old one is there twice": {func(t *testing.T, c *cluster) {
			again := clone(t, c.stored[2])
			again["metadata"].(map[string]any)["name"] = "shop-again"
			c.stored[7] = again
		}, false, []string{"forked #2"}},
		"another is written with the next number": {func(t *testing.T, c *cluster) {
			forged := clone(t, c.stored[6])
			forged["metadata"].(map[string]any)["name"] = "shop-forged"
			chainOf(forged)["sequence"] = int64(7)
			c.stored[7] = forged
		}, false, []string{"edited #7"}},
		"one without a number is slipped in": {func(t *testing.T, c *cluster) {
			forged := clone(t, c.stored[6])
			forged["metadata"].(map[string]any)["name"] = "shop-forged"
			delete(status(forged), "evidence")
			c.stored[7] = forged
		}, false, []string{"outside the chain (shop-forged)"}},
		"one loses its number": {func(_ *testing.T, c *cluster) { delete(status(c.stored[4]), "evidence") }, false,
			[]string{"outside the chain (shop-004)", "missing #4"}},
		"reports and head are those of an older state of etcd": {func(t *testing.T, c *cluster) {
			old := newCluster(t, 100, 4)
			c.stored, c.head = old.stored, old.head
		}, true, []string{"newest missing #5–#6"}},
		"runs go on from an older state of etcd": {func(t *testing.T, c *cluster) {
			old := newCluster(t, 100, 4)
			for range 3 {
				old.run(func(r *v1alpha1.RestoreReport) { r.Status.Score = 91 })
			}
			c.stored, c.head = old.stored, old.head
		}, true, []string{"edited #6"}},
		"the head is edited": {func(_ *testing.T, c *cluster) { c.head.Digest = "sha256:0" }, true,
			[]string{"forked #6"}},
		"a record says that one was pruned which was deleted": {func(_ *testing.T, c *cluster) {
			delete(c.stored, 2)
			chainOf(c.stored[6])["pruned"] = []any{map[string]any{"from": int64(2), "to": int64(2)}}
		}, false, []string{"missing #2: only a record that was edited says that it was pruned", "edited #6"}},
	} {
		c := newCluster(t, 100, 6)
		outside := Head{}
		if tt.outside {
			outside = Head{Sequence: c.head.Sequence, Digest: c.head.Digest}
		}
		tt.tamper(t, c)
		says(t, sentence, c.verify(nil, outside), tt.want...)
	}
}

// says fails t unless the findings begin as wanted, and there are no others.
func says(t *testing.T, sentence string, r Result, want ...string) {
	t.Helper()
	ok := len(r.Findings) == len(want)
	for _, begin := range want {
		ok = ok && slices.ContainsFunc(r.Findings, func(f Finding) bool { return strings.HasPrefix(f.String(), begin) })
	}
	if !ok || r.Intact() != (len(want) == 0) || r.Tampered() != (len(want) > 0) {
		t.Errorf("%s: says %q, want %q", sentence, r.String(), want)
	}
}

func TestEachFieldOfAReportThatIsEditedShows(t *testing.T) {
	c := newCluster(t, 100, 1)
	c.run(full)
	c.run(full)
	if r := c.verify(nil, Head{}); !r.Intact() {
		t.Fatal(r.String())
	}
	for _, n := range []int64{2, 3} { // one that a later record holds, and the newest
		whole := c.stored[n]
		edits := 0
		each(whole, "", func(path string, change func() (undo func())) {
			if strings.HasPrefix(path, ".metadata") && path != ".metadata.name" && path != ".metadata.namespace" {
				return // labels and the like are anybody's
			}
			if strings.HasSuffix(path, " taken off") && strings.Count(path, ".") == 1 && path != ".hygiene taken off" {
				return // it is no report any more, which has no digest
			}
			edits++
			undo := change()
			records := c.records(nil)
			r := Verify(records, c.head, Head{})
			undo()
			if !r.Tampered() || !strings.HasPrefix(path, ".status.evidence.sequence") && !about(r, n) {
				t.Errorf("#%d%s: %s", n, path, r.String())
			}
		})
		if edits < 200 {
			t.Errorf("only %d edits", edits)
		}
	}
}

// about tells whether r says that a record was edited, or is not there any more.
func about(r Result, n int64) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.From <= n && n <= f.To })
}

// each calls do with every edit of a field: another value, and none at all.
func each(v any, path string, do func(path string, change func() func())) {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			here := path + "." + name
			set := func(value any) func() func() {
				return func() func() { v[name] = value; return func() { v[name] = field } }
			}
			do(here+" taken off", func() func() { delete(v, name); return func() { v[name] = field } })
			if other := another(field); other != nil {
				do(here, set(other))
			}
			each(field, here, do)
		}
	case []any:
		for i, item := range v {
			if other := another(item); other != nil {
				do(fmt.Sprintf("%s[%d]", path, i), func() func() { v[i] = other; return func() { v[i] = item } })
			}
			each(item, fmt.Sprintf("%s[%d]", path, i), do)
		}
	}
}

// another returns another value than a leaf; nil for what is none.
func another(v any) any {
	switch v := v.(type) {
	case string:
		if strings.HasSuffix(v, "Z") && strings.HasPrefix(v, "2026-") {
			return "2027" + v[4:]
		}
		return v + "."
	case int64:
		return v + 1
	case bool:
		return !v
	}
	return nil
}

func TestEachFieldOfTheAPIIsEditedInThatTest(t *testing.T) {
	c := newCluster(t, 100, 1)
	n := c.run(full)
	var typed v1alpha1.RestoreReport
	filled := int64(0)
	fill(reflect.ValueOf(&typed.Status).Elem(), &filled)
	want, got := paths(asStored(t, typed)["status"]), paths(c.stored[n]["status"])
	for _, path := range want {
		if !slices.Contains(got, path) && !strings.HasPrefix(path, ".evidence.envelope") && !strings.HasPrefix(path, ".evidence.keyID") && !strings.HasPrefix(path, ".evidence.pruned") {
			t.Errorf("%s is not there", path)
		}
	}
}

func paths(v any) (all []string) {
	each(v, "", func(path string, _ func() func()) { all = append(all, path) })
	return all
}

func TestAChainOfManyRunsVerifiesAfterPruning(t *testing.T) {
	c := newCluster(t, 10, 0)
	for n := range int64(200) {
		switch n {
		case 20:
			c.keep[15], c.keep[17] = true, true // a search rests on them
		case 120:
			clear(c.keep)
		}
		c.run(nil)
		if r := c.verify(nil, Head{}); !r.Intact() || slices.ContainsFunc(r.NotProven, func(s string) bool { return strings.Contains(s, "itself") }) {
			t.Fatalf("after run %d: %s %q", n+1, r.String(), r.NotProven)
		}
		if got := len(c.stored); n > 20 && n < 120 && got != 12 || n > 121 && got != 10 {
			t.Fatalf("after run %d there are %d", n+1, got)
		}
		if n == 100 {
			for _, kept := range []int64{15, 17} {
				whole := c.stored[kept]
				c.stored[kept] = clone(t, whole)
				status(c.stored[kept])["score"] = int64(1)
				says(t, "one that is kept among pruned ones is edited", c.verify(nil, Head{}), fmt.Sprintf("edited #%d", kept))
				delete(c.stored, kept)
				says(t, "one that is kept among pruned ones is deleted", c.verify(nil, Head{}), fmt.Sprintf("missing #%d", kept))
				c.stored[kept] = whole
			}
		}
	}
	r := c.verify(nil, Head{})
	if r.From != 191 || r.To != 200 || r.Pruned != 190 || !strings.Contains(r.String(), "190 earlier pruned by historyLimit") || !strings.Contains(r.String(), "since 2027-05-11") {
		t.Errorf("%s", r.String())
	}
	delete(c.stored, 191)
	says(t, "the oldest is deleted", c.verify(nil, Head{}), "missing #191")
}

func TestARecordThatWasPrunedAndIsThereAgainShows(t *testing.T) {
	c := newCluster(t, 3, 4)
	old := clone(t, c.stored[2])
	c.run(nil) // prunes #2
	c.run(nil) // and #3
	c.stored[2] = old
	says(t, "one that was pruned is there again", c.verify(nil, Head{}), "returned #2")
}

func TestAReportThatWasEditedIsNotSealedByTheNextRun(t *testing.T) {
	c := newCluster(t, 100, 3)
	status(c.stored[3])["score"] = int64(1)
	c.run(nil)
	says(t, "edited between two runs", c.verify(nil, Head{}), "edited #3")
	c.stored[4]["hygiene"].(map[string]any)["status"] = "leaked"
	c.run(nil)
	says(t, "hygiene edited between two runs", c.verify(nil, Head{}), "edited #3", "edited #4")
}

func TestATestThatIsMadeAnewGoesOnWithTheChain(t *testing.T) {
	c := newCluster(t, 100, 3)
	c.head = Head{}
	if n := c.run(nil); n != 4 {
		t.Errorf("the next number is %d", n)
	}
	says(t, "a new test of the old name", c.verify(nil, Head{}))
}

func TestADeletedNewestLeavesAGapThatTheNextRunDoesNotClose(t *testing.T) {
	c := newCluster(t, 100, 3)
	delete(c.stored, 3)
	if n := c.run(nil); n != 4 {
		t.Errorf("the next number is %d", n)
	}
	says(t, "the newest was deleted before a run", c.verify(nil, Head{}), "missing #3")
}

func TestHygieneThatCameLateIsNoEdit(t *testing.T) {
	c := newCluster(t, 100, 2)
	late := c.stored[2]["hygiene"]
	delete(c.stored[2], "hygiene")
	c.head.Hygiene = nil
	c.run(nil)
	c.stored[2]["hygiene"] = late
	r := c.verify(nil, Head{})
	says(t, "hygiene after the next report", r)
	if !slices.ContainsFunc(r.NotProven, func(s string) bool { return strings.Contains(s, "hygiene of #2 came after") }) {
		t.Errorf("%q", r.NotProven)
	}
}

func TestReportsOfBeforeTheChainAreNoEvidenceAndNoFault(t *testing.T) {
	c := newCluster(t, 100, 0)
	before := clone(t, newCluster(t, 100, 1).stored[1])
	delete(status(before), "evidence")
	status(before)["startedAt"] = "2026-10-01T00:00:00Z"
	c.stored = map[int64]map[string]any{-1: before}
	r := c.verify(nil, Head{})
	if r.Intact() || r.Tampered() || r.Older != 1 || !strings.Contains(r.String(), "no chain") {
		t.Errorf("%s", r.String())
	}
	c.run(nil)
	r = c.verify(nil, Head{})
	if !r.Intact() || r.Older != 1 || !strings.Contains(strings.Join(r.NotProven, "\n"), "1 reports are of versions") {
		t.Errorf("%s %q", r.String(), r.NotProven)
	}
}

func TestWhatIsNotProvenIsSaid(t *testing.T) {
	for sentence, tt := range map[string]struct {
		inside, outside bool
		want            string
	}{
		"without any head":             {false, false, "no head to compare"},
		"with the head of the cluster": {true, false, "not set back"},
		"with an older head":           {true, true, "what follows #2"},
	} {
		c := newCluster(t, 100, 2)
		outside := Head{}
		if tt.outside {
			outside = Head{Sequence: c.head.Sequence, Digest: c.head.Digest}
		}
		c.run(nil)
		if !tt.inside {
			c.head = Head{}
		}
		r := c.verify(nil, outside)
		says(t, sentence, r)
		if all := strings.Join(r.NotProven, "\n"); !strings.Contains(all, tt.want) || !strings.Contains(all, "told the truth") || !strings.Contains(all, "3 of 3 reports are not signed") {
			t.Errorf("%s: %q", sentence, r.NotProven)
		}
	}
}
