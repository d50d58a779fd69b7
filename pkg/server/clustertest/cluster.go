// Package clustertest is a cluster that knows some people, what they may do and what they have, for tests of who gets what.
package clustertest

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Cluster answers reviews.
type Cluster struct {
	Kube *fake.Clientset
	// How many reviews of each kind were asked for, and whether they are not answered.
	Tokens, Rights atomic.Int32
	Down           atomic.Bool

	// changing guards who there is and what they may: streams ask while a test changes it.
	changing sync.RWMutex
	people   map[string]Person
	rules    map[string][]Rule
}

// New returns a cluster with the people of this package, and Rules.
func New() *Cluster {
	c := &Cluster{Kube: fake.NewClientset(), people: maps.Clone(people), rules: Rules}
	c.Kube.PrependReactor("create", "tokenreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		c.Tokens.Add(1)
		if c.Down.Load() {
			return true, nil, errors.New("connection refused by 10.0.0.1")
		}
		review := a.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenReview)
		return true, &authenticationv1.TokenReview{Status: c.judge(review.Spec)}, nil
	})
	c.Kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		c.Rights.Add(1)
		if c.Down.Load() {
			return true, nil, errors.New("connection refused by 10.0.0.1")
		}
		review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		return true, &authorizationv1.SubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: c.allows(review.Spec)}}, nil
	})
	return c
}

// Come has a token be of a person.
func (c *Cluster) Come(token string, p Person) {
	c.changing.Lock()
	defer c.changing.Unlock()
	c.people[token] = p
}

// Leave has a token be of nobody.
func (c *Cluster) Leave(token string) {
	c.changing.Lock()
	defer c.changing.Unlock()
	delete(c.people, token)
}

// Govern has other rules from now on, by user name.
func (c *Cluster) Govern(rules map[string][]Rule) {
	c.changing.Lock()
	defer c.changing.Unlock()
	c.rules = rules
}

func (c *Cluster) judge(spec authenticationv1.TokenReviewSpec) authenticationv1.TokenReviewStatus {
	c.changing.RLock()
	p, ok := c.people[spec.Token]
	c.changing.RUnlock()
	if !ok {
		return authenticationv1.TokenReviewStatus{Error: "invalid bearer token"}
	}
	status := authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: p.Audiences,
		User: authenticationv1.UserInfo{Username: p.Name, Groups: append([]string{"system:authenticated"}, p.Groups...)},
	}
	if p.Unaware {
		status.Audiences = nil
	} else if len(spec.Audiences) == 0 {
		status.Authenticated = len(p.Audiences) == 0
	}
	return status
}

func (c *Cluster) allows(spec authorizationv1.SubjectAccessReviewSpec) bool {
	c.changing.RLock()
	defer c.changing.RUnlock()
	for _, r := range c.rules[spec.User] {
		if path := spec.NonResourceAttributes; path != nil {
			if slices.Contains(r.Resources, "*") && path.Path == "/metrics" && path.Verb == "get" {
				return true
			}
			continue
		}
		asked := spec.ResourceAttributes
		covers := func(list []string, one string) bool { return slices.Contains(list, "*") || slices.Contains(list, one) }
		if asked.Group == v1alpha1.GroupName && (r.Namespace == "" || r.Namespace == asked.Namespace) && covers(r.Resources, asked.Resource) && covers(r.Verbs, asked.Verb) {
			return true
		}
	}
	return false
}

// Reviewed returns what an action asks about the rights of somebody; false if it asks about none.
func Reviewed(a clienttesting.Action) (authorizationv1.SubjectAccessReviewSpec, bool) {
	create, ok := a.(clienttesting.CreateAction)
	if !ok {
		return authorizationv1.SubjectAccessReviewSpec{}, false
	}
	review, ok := create.GetObject().(*authorizationv1.SubjectAccessReview)
	if !ok {
		return authorizationv1.SubjectAccessReviewSpec{}, false
	}
	return review.Spec, true
}

// JWT returns a token that says something of itself, which nobody has signed.
func JWT(payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature"))
}
