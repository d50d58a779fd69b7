package server

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

// testPage is a page of tests. Total counts those that the filters let through, Counts all that the caller may see here.
type testPage struct {
	Items    []cached.TestItem `json:"items"`
	Continue string            `json:"continue,omitempty"`
	Total    int               `json:"total"`
	Counts   testCounts        `json:"counts"`
}

type testCounts struct {
	Pass         int `json:"pass"`
	Partial      int `json:"partial"`
	Fail         int `json:"fail"`
	Inconclusive int `json:"inconclusive"`
	Never        int `json:"never"`
	Running      int `json:"running"`
	Suspended    int `json:"suspended"`
}

func (s *Server) listTests(r *request) (any, error) {
	found, err := s.findTests(r, query.MaxLimit)
	if err != nil {
		return nil, err
	}
	return found.Items, nil
}

func (s *Server) pageOfTests(r *request) (any, error) { return s.findTests(r, query.DefaultLimit) }

func (s *Server) findTests(r *request, limit int) (*testPage, error) {
	keep, err := r.testFilter()
	if err != nil {
		return nil, err
	}
	order, rank, err := r.testOrder()
	if err != nil {
		return nil, err
	}
	p, err := r.Page(order, limit)
	if err != nil {
		return nil, err
	}
	seen, err := s.scope(r, tests, r.view.TestNamespaces)
	if err != nil {
		return nil, err
	}
	found := &testPage{Items: []cached.TestItem{}}
	var rows []*cached.Test
	for _, t := range r.view.Tests {
		if !seen[t.Namespace] {
			continue
		}
		found.Counts.add(t)
		if keep(t) {
			rows = append(rows, t)
		}
	}
	found.Total = len(rows)
	at := func(t *cached.Test) query.Position { return query.Position{Rank: rank(t), Key: t.Key} }
	slices.SortFunc(rows, func(a, b *cached.Test) int { return at(a).Compare(at(b)) })
	rows, r.next = query.PageOf(p, rows, at)
	found.Continue = r.next
	for _, t := range rows {
		found.Items = append(found.Items, t.Item())
	}
	return found, nil
}

func (c *testCounts) add(t *cached.Test) {
	switch t.Result {
	case v1alpha1.ResultPass:
		c.Pass++
	case v1alpha1.ResultPartial:
		c.Partial++
	case v1alpha1.ResultFail:
		c.Fail++
	case v1alpha1.ResultInconclusive:
		c.Inconclusive++
	default:
		c.Never++
	}
	if t.Phase == v1alpha1.PhaseRunning {
		c.Running++
	}
	if t.Suspended {
		c.Suspended++
	}
}

// never stands for the result of a test without one.
const never = "never"

func (r *request) testFilter() (func(*cached.Test) bool, error) {
	result, err := r.OneOf("result", "pass", "partial", "fail", "inconclusive", never)
	if err != nil {
		return nil, err
	}
	phase, err := r.OneOf("phase", "Idle", "Queued", "Running", "Completed", "Failed")
	if err != nil {
		return nil, err
	}
	part := strings.ToLower(r.Text("q"))
	return func(t *cached.Test) bool {
		return (result == "" || string(cmp.Or(t.Result, never)) == result) &&
			(phase == "" || string(cmp.Or(t.Phase, v1alpha1.PhaseIdle)) == phase) &&
			(part == "" || strings.Contains(t.Namespace+"/"+t.Name, part))
	}, nil
}

// last is the rank of what has none, in either direction.
const last = math.MaxInt64

// testOrder reads sort: a name, with - before it from the highest to the lowest.
func (r *request) testOrder() (string, func(*cached.Test) int64, error) {
	order := cmp.Or(r.Text("sort"), "name")
	by, descending := strings.CutPrefix(order, "-")
	var rank func(*cached.Test) int64
	switch by {
	case "name":
		if !descending {
			return order, func(*cached.Test) int64 { return 0 }, nil
		}
	case "score":
		rank = func(t *cached.Test) int64 {
			if t.Score == nil {
				return last
			}
			return int64(*t.Score)
		}
	case "lastRunAt":
		rank = func(t *cached.Test) int64 { return seconds(t.LastRun) }
	case "nextRunAt":
		rank = func(t *cached.Test) int64 { return seconds(t.NextRun) }
	case "result": // what needs somebody comes first
		rank = func(t *cached.Test) int64 {
			i := slices.Index([]v1alpha1.Result{v1alpha1.ResultFail, v1alpha1.ResultPartial, v1alpha1.ResultInconclusive, "", v1alpha1.ResultPass}, t.Result)
			return int64(i)
		}
	}
	if rank == nil {
		return "", nil, problem.Wrong("sort", "must be name, or one of score, lastRunAt, nextRunAt, result with or without - before it")
	}
	if !descending {
		return order, rank, nil
	}
	return order, func(t *cached.Test) int64 {
		if n := rank(t); n != last {
			return -n
		}
		return last
	}, nil
}

// getTest answers with a whole RestoreTest, as the API server has it now.
func (s *Server) getTest(r *request) (any, error) {
	ns, err := s.find(r, tests, "RestoreTest", r.view.TestsNamed)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	rt, err := s.options.Client.RestoreV1alpha1().RestoreTests(ns).Get(ctx, r.PathValue("name"), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, problem.NotFound("RestoreTest", ns, r.PathValue("name"))
	}
	if err != nil {
		return nil, err
	}
	rt.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreTest"}
	rt.ObjectMeta = shown(rt.ObjectMeta)
	return rt, nil
}

// find returns the namespace of the object that a path is about, after a look whether the caller may get it. Without a namespace
// in the request the name has to be the only one that they may get.
func (s *Server) find(r *request, resource, kind string, named map[string][]string) (string, error) {
	name := r.PathValue("name")
	if err := query.CheckName("name", name); err != nil {
		return "", err
	}
	ns, err := r.namespace()
	if err != nil {
		return "", err
	}
	of := func(ns string) caller.Right {
		return caller.Right{Verb: "get", Resource: resource, Namespace: ns, Name: name}
	}
	if ns != "" {
		return ns, s.authz.Require(r.Context(), r.caller, of(ns))
	}
	granted, err := s.authz.Each(r.Context(), r.caller, named[name], of)
	if err != nil {
		return "", err
	}
	candidates := sorted(granted)
	switch len(candidates) {
	case 0:
		return "", problem.NotFound(kind, "", name)
	case 1:
		return candidates[0], nil
	}
	p := problem.New(http.StatusConflict, "there are several %ss %q: say which with ?namespace=", kind, name)
	p.Namespaces = candidates
	return "", p
}

// shown is what is told of metadata. Annotations hold what other tools keep there, managed fields nobody reads.
func shown(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp, Labels: m.Labels,
	}
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return last
	}
	return t.Unix()
}
