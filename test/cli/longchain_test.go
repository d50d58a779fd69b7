package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/test/plane"
)

// TestAChainOf200RunsVerifiesAndEachFieldOfItCounts has a chain that began with a real run, went on for 198 in etcd, of which each removed
// what historyLimit does not take, and ends with a real one.
func TestAChainOf200RunsVerifiesAndEachFieldOfItCounts(t *testing.T) {
	plane.Slow(t)
	limit := int32(10)
	c := &chain{t, shop(t, "long", func(rt *v1alpha1.RestoreTest) { rt.Spec.HistoryLimit = &limit })}
	c.run()
	test, reports := c.keys()
	runs := &played{chain: c, limit: int(limit), dir: strings.TrimSuffix(reports[1], reportOf(t, c.get(reports[1])).Name)}
	runs.add(reportOf(t, c.get(reports[1])))
	for n := range 198 {
		runs.run(n + 2)
	}
	newest := runs.records[len(runs.records)-1]
	c.put(test, c.edited(c.get(test), func(rt map[string]any) {
		status := rt["status"].(map[string]any)
		head := status["lastRun"].(map[string]any)
		head["sequence"], head["digest"] = newest.Sequence(), newest.Verdict
		status["cleanup"].(map[string]any)["hygiene"] = map[string]any{"sequence": newest.Sequence(), "digest": newest.Hygiene}
	}))
	c.verify("199 runs", exit.Verified, "intact #190–#199 (since ")
	c.run()
	a := c.verify("200 runs", exit.Verified, "intact #191–#200 (since ")
	if !strings.Contains(a.out, "190 earlier pruned by historyLimit") {
		t.Error(a.out)
	}

	_, reports = c.keys()
	for _, n := range []int64{195, 200} {
		whole := c.get(reports[n])
		edits := 0
		for path, edited := range editedOnce(t, whole) {
			edits++
			c.put(reports[n], edited)
			c.verify(fmt.Sprintf("#%d%s is edited", n, path), exit.Bad, "")
			c.put(reports[n], whole)
			c.verify(fmt.Sprintf("#%d%s is put back", n, path), exit.Verified, "intact #191–#200")
		}
		if edits < 40 {
			t.Errorf("#%d: only %d edits", n, edits)
		}
	}
}

func reportOf(t *testing.T, stored []byte) *v1alpha1.RestoreReport {
	t.Helper()
	var r v1alpha1.RestoreReport
	if err := json.Unmarshal(stored, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// played writes reports of runs into etcd, as the controller would.
type played struct {
	*chain
	limit   int
	dir     string
	last    *v1alpha1.RestoreReport
	records []evidence.Record
}

func (p *played) add(r *v1alpha1.RestoreReport) {
	p.t.Helper()
	record, err := evidence.OfReport(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.last, p.records = r, append(p.records, record)
}

// run plays the run of that number.
func (p *played) run(n int) {
	p.t.Helper()
	r := p.last.DeepCopy()
	began := r.Status.StartedAt.Add(time.Second)
	r.Name, r.UID, r.Spec.RunID = fmt.Sprintf("long-%03d", n), types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)), began.UTC().Format("20060102-150405")+"-played"
	r.CreationTimestamp.Time, r.Status.StartedAt.Time, r.Status.CompletedAt.Time = began, began, began
	r.Labels[v1alpha1.LabelRun] = r.Spec.RunID
	going := p.records[:max(len(p.records)-(p.limit-1), 0)]
	newest := p.records[len(p.records)-1]
	next := evidence.Extend(evidence.Head{Sequence: newest.Sequence(), Digest: newest.Verdict}, p.records, going)
	e := *r.Status.Evidence
	e.Sequence, e.Previous, e.Pruned = next.Sequence, next.Previous, next.Pruned
	r.Status.Evidence = &e
	body, err := json.Marshal(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.put(p.dir+r.Name, body)
	for _, old := range going {
		p.put(p.dir+old.Name, nil)
	}
	p.records = slices.Clone(p.records[len(going):])
	p.add(r)
}

// editedOnce returns a stored report with one field edited, for each field that holds a text, a number or a truth, by path.
func editedOnce(t *testing.T, stored []byte) map[string][]byte {
	t.Helper()
	var report map[string]any
	if err := json.Unmarshal(stored, &report); err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	write := func(path string) {
		body, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = body
	}
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(path+"."+name, v[name], func(other any) { v[name] = other })
			}
			return
		case []any:
			for i, item := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), item, func(other any) { v[i] = other })
			}
			return
		case string:
			set(another(v))
		case float64:
			set(v + 1)
		case bool:
			set(!v)
		}
		write(path)
		set(v)
	}
	for _, part := range []string{"spec", "status", "hygiene"} {
		walk("."+part, report[part], func(any) {})
	}
	return all
}

var year = regexp.MustCompile(`^20[0-9][0-9]-`)

// another returns another text, which is a time if s is.
func another(s string) string {
	if year.MatchString(s) && strings.HasSuffix(s, "Z") {
		return "2001-" + s[len("2026-"):]
	}
	return s + "x"
}
