package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Self is the one caller of a server that somebody runs for themselves, with their own rights and for nobody else. No request says
// whose it is, so whoever runs such a server lets no other request reach it.
type Self struct {
	User authenticationv1.UserInfo
	// Clients ask with the rights of the caller, as do Kube and Client of the options.
	Clients Clients
	// Namespace is the only one that is looked at; empty: all of them.
	Namespace string
}

// caller returns the one that there is, nil if requests say whose they are.
func (s *Self) caller() (*caller, error) {
	if s == nil {
		return nil, nil
	}
	text, err := json.Marshal(s.User)
	if err != nil {
		return nil, err
	}
	return &caller{user: s.User, id: sha256.Sum256(text)}, nil
}

// namespace returns the only one that is looked at; empty: all of them.
func (s *Self) namespace() string {
	if s == nil {
		return ""
	}
	return s.Namespace
}

// own returns the one caller that there is. A browser adds to requests of foreign pages whatever lets its own requests in: what
// changes something takes what only a page of this origin sends.
func own(self *caller, r *http.Request) (*caller, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := ownPage(r); err != nil {
			return nil, err
		}
	}
	return self, nil
}

// reviewSelf asks what this program itself may do, which everybody who is known to the API server may ask.
func (a *authorizer) reviewSelf(ctx context.Context, r right) (bool, error) {
	var spec authorizationv1.SelfSubjectAccessReviewSpec
	spec.ResourceAttributes, spec.NonResourceAttributes = r.attributes()
	review, err := a.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("review the own right to %s: %w", r, err)
	}
	return review.Status.Allowed && !review.Status.Denied, nil
}
