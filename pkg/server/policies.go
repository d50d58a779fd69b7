package server

import (
	"cmp"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

func (s *Server) listPolicies(r *request) (any, error) {
	p, err := r.Page("name", query.MaxLimit)
	if err != nil {
		return nil, err
	}
	seen, err := s.scope(r, policies, r.view.PolicyNamespaces)
	if err != nil {
		return nil, err
	}
	var rows []*cached.Policy
	for _, row := range r.view.Policies {
		if seen[row.Namespace] {
			rows = append(rows, row)
		}
	}
	rows, r.next = query.PageOf(p, rows, func(row *cached.Policy) query.Position { return query.Position{Rank: 0, Key: row.Key} })
	all := []cached.PolicyItem{}
	for _, row := range rows {
		all = append(all, row.Item())
	}
	return all, nil
}

// getPolicy answers with a whole HealthCheckPolicy.
func (s *Server) getPolicy(r *request) (any, error) {
	ns, err := s.find(r, policies, "HealthCheckPolicy", nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	policy, err := s.options.Client.RestoreV1alpha1().HealthCheckPolicies(ns).Get(ctx, r.PathValue("name"), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, problem.NotFound("HealthCheckPolicy", ns, r.PathValue("name"))
	}
	if err != nil {
		return nil, err
	}
	policy.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealthCheckPolicy"}
	policy.ObjectMeta = shown(policy.ObjectMeta)
	return policy, nil
}

// channels are the receivers of notifications that tests name. Whether their Secrets exist is not told: this program reads none.
type channels struct {
	Channels []channelItem `json:"channels"`
}

type channelItem struct {
	Type        string   `json:"type"`
	Channel     string   `json:"channel,omitempty"`
	SecretRef   string   `json:"secretRef,omitempty"`
	Namespace   string   `json:"namespace"`
	UsedByTests []string `json:"usedByTests"`
}

func (s *Server) notifications(r *request) (any, error) {
	seen, err := s.scope(r, tests, r.view.TestNamespaces)
	if err != nil {
		return nil, err
	}
	type receiver struct {
		namespace string
		cached.Channel
	}
	users := map[receiver][]string{}
	for _, t := range r.view.Tests {
		if !seen[t.Namespace] {
			continue
		}
		for _, c := range t.Channels {
			at := receiver{t.Namespace, c}
			if !slices.Contains(users[at], t.Name) {
				users[at] = append(users[at], t.Name)
			}
		}
	}
	all := channels{Channels: []channelItem{}}
	for at, names := range users {
		all.Channels = append(all.Channels, channelItem{at.Kind, at.Name, at.Secret, at.namespace, names})
	}
	slices.SortFunc(all.Channels, func(a, b channelItem) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.SecretRef, b.SecretRef))
	})
	return all, nil
}
