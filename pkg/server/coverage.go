package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/pkg/coverage/gather"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

const (
	// coverageTimeout is for looking at all that an answer is made of, coveragesAtOnce how many do at a time: each holds what it saw.
	coverageTimeout = 20 * time.Second
	coveragesAtOnce = 2
	// maxVolumes of a namespace are told of one by one.
	maxVolumes = 200
)

// coveragePage is a page of namespaces, the worst first. Counts are of all that the caller may see here, Total of those in the states
// that were asked for.
type coveragePage struct {
	Items    []covered      `json:"items"`
	Continue string         `json:"continue,omitempty"`
	Total    int            `json:"total"`
	Counts   coverageCounts `json:"counts"`
	// Unseen is what the caller may not see: it counts as not proven.
	Unseen []unseen `json:"unseen"`
}

type covered struct {
	coverage.Namespace
	// VolumesTotal counts the volumes with something to lose, of which Volumes tells of 200 at most; VolumesProven those of them whose data
	// came back.
	VolumesTotal  int `json:"volumesTotal"`
	VolumesProven int `json:"volumesProven"`
}

type coverageCounts struct {
	Failed        int `json:"failed"`
	Unprotected   int `json:"unprotected"`
	Unproven      int `json:"unproven"`
	Partial       int `json:"partial"`
	Stale         int `json:"stale"`
	Verified      int `json:"verified"`
	Ignored       int `json:"ignored"`
	VolumesTotal  int `json:"volumesTotal"`
	VolumesProven int `json:"volumesProven"`
}

type unseen struct {
	Resource string `json:"resource"`
	// Right is what it takes to see it; empty if there is too much of it to be read in one go.
	Right string `json:"right,omitempty"`
}

// coverage tells of namespaces, volumes and backups what the caller's own token may see, and of tests and reports what they may list.
func (s *Server) coverage(r *request) (any, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	state, err := r.OneOf("state", stateNames()...)
	if err != nil {
		return nil, err
	}
	maxAge, err := v1alpha1.Duration(r.Text("maxAge")).Parse()
	if err != nil || maxAge < 0 {
		return nil, problem.Wrong("maxAge", "must be a length of time such as 48h")
	}
	p, err := r.Page("state", query.DefaultLimit)
	if err != nil {
		return nil, err
	}
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	in := coverage.Input{Now: s.now(), MaxAge: maxAge}
	found := &coveragePage{Items: []covered{}, Unseen: []unseen{}}
	if err := s.known(r, &in, found); err != nil {
		return nil, err
	}
	all, err := s.cover(r, gather.Place{Core: clients.Core, Kymaros: clients.Kymaros, VeleroNamespace: s.options.VeleroNamespace, Namespace: ns}, &in, found)
	if err != nil {
		return nil, err
	}
	var rows []coverage.Namespace
	for _, n := range all {
		found.Counts.add(n)
		if state == "" || string(n.State) == state {
			rows = append(rows, n)
		}
	}
	found.Total = len(rows)
	rows, r.next = query.PageOf(p, rows, func(n coverage.Namespace) query.Position {
		return query.Position{Rank: int64(slices.Index(coverage.States, n.State)), Key: cached.Key{Name: n.Name}}
	})
	found.Continue = r.next
	for _, n := range rows {
		found.Items = append(found.Items, coveredOf(n))
	}
	return found, nil
}

// known adds the tests and reports that the caller may list, wherever they are: a test of a namespace may be in another.
func (s *Server) known(r *request, in *coverage.Input, found *coveragePage) error {
	seen, err := s.authz.Visible(r.Context(), r.caller, tests, r.view.TestNamespaces)
	if err != nil {
		return err
	}
	for _, t := range r.view.Tests {
		if seen[t.Namespace] {
			in.Tests = append(in.Tests, t.Covering())
		}
	}
	if seen, err = s.authz.Visible(r.Context(), r.caller, reports, r.view.ReportNamespaces); err != nil {
		return err
	}
	rows := kept(r.view.Reports, func(row *cached.Report) bool { return seen[row.Namespace] })
	for _, row := range cached.Deciding(rows) {
		report, err := row.Proof()
		if err != nil {
			return err
		}
		in.Reports = append(in.Reports, report)
	}
	for _, resource := range []string{tests, reports} { // whether there are any in other namespaces is not told
		everywhere := caller.Right{Verb: "list", Resource: resource}
		all, err := s.authz.May(r.Context(), r.caller, everywhere)
		if err != nil {
			return err
		}
		if !all {
			found.Unseen = append(found.Unseen, unseen{resource + "." + v1alpha1.GroupName, everywhere.String()})
		}
	}
	return nil
}

// cover looks at the cluster, when its turn comes, and judges it.
func (s *Server) cover(r *request, place gather.Place, in *coverage.Input, found *coveragePage) ([]coverage.Namespace, error) {
	ctx, cancel := context.WithTimeout(r.Context(), coverageTimeout)
	defer cancel()
	select {
	case s.covering <- struct{}{}:
		defer func() { <-s.covering }()
	case <-ctx.Done():
		p := problem.New(http.StatusServiceUnavailable, "others are asking for the coverage: try again in some seconds")
		p.RetryAfter = 5
		return nil, p
	}
	missing, err := place.Look(ctx, in)
	if err != nil {
		return nil, notCovered(err, place.Namespace)
	}
	for _, u := range missing {
		one := unseen{Resource: u.Resource}
		if !u.TooMany {
			one.Right = u.Right()
		}
		found.Unseen = append(found.Unseen, one)
	}
	return coverage.Of(*in), nil
}

// notCovered says why nothing can be told.
func notCovered(err error, namespace string) error {
	var needed *gather.NeededError
	switch {
	case errors.As(err, &needed) && apierrors.IsForbidden(err):
		p := problem.New(http.StatusForbidden, "the coverage takes your own right to %s: ask for a role that allows it", needed.Right)
		p.Right = needed.Right
		return p
	case errors.As(err, &needed) && apierrors.IsNotFound(err) && needed.Namespaces:
		return problem.New(http.StatusNotFound, "there is no namespace %s", namespace)
	case errors.As(err, &needed) && apierrors.IsNotFound(err):
		return problem.New(http.StatusNotFound, "the cluster has no backups.velero.io: install Velero")
	}
	return refused(err)
}

func stateNames() (all []string) {
	for _, s := range coverage.States {
		all = append(all, string(s))
	}
	return all
}

func (c *coverageCounts) add(n coverage.Namespace) {
	switch n.State {
	case coverage.Failed:
		c.Failed++
	case coverage.Unprotected:
		c.Unprotected++
	case coverage.Unproven:
		c.Unproven++
	case coverage.Partial:
		c.Partial++
	case coverage.Stale:
		c.Stale++
	case coverage.Verified:
		c.Verified++
	case coverage.Ignored:
		c.Ignored++
		return
	}
	proven, total := n.ProvenVolumes()
	c.VolumesProven, c.VolumesTotal = c.VolumesProven+proven, c.VolumesTotal+total
}

// coveredOf tells of the volumes that need somebody before those that do not.
func coveredOf(n coverage.Namespace) covered {
	c := covered{Namespace: n}
	c.VolumesProven, c.VolumesTotal = n.ProvenVolumes()
	c.Volumes = slices.Clone(n.Volumes)
	slices.SortStableFunc(c.Volumes, func(a, b coverage.Volume) int {
		return cmp.Or(slices.Index(coverage.VolumeStates, a.State)-slices.Index(coverage.VolumeStates, b.State), strings.Compare(a.Claim, b.Claim))
	})
	c.Volumes = c.Volumes[:min(len(c.Volumes), maxVolumes)]
	return c
}
