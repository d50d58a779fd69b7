package caller

import (
	"context"
	"fmt"
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// own returns the one caller that there is. A browser adds to requests of foreign pages whatever lets its own requests in: what
// changes something takes what only a page of this origin sends.
func own(self *Caller, r *http.Request) (*Caller, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := OwnPage(r); err != nil {
			return nil, err
		}
	}
	return self, nil
}

// reviewSelf asks what this program itself may do, which everybody who is known to the API server may ask.
func (a *Authorizer) reviewSelf(ctx context.Context, r Right) (bool, error) {
	var spec authorizationv1.SelfSubjectAccessReviewSpec
	spec.ResourceAttributes, spec.NonResourceAttributes = r.attributes()
	review, err := a.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("review the own right to %s: %w", r, err)
	}
	return review.Status.Allowed && !review.Status.Denied, nil
}
