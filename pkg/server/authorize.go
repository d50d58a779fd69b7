package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	// verdictFor is how long a right that was given, or taken away, may go unnoticed.
	verdictFor  = 10 * time.Second
	maxVerdicts = 16384
	// reviewsAtOnce bounds what all callers together have under way at the API server.
	reviewsAtOnce = 16
)

// The resources of which this tells something.
const (
	tests    = "restoretests"
	reports  = "restorereports"
	policies = "healthcheckpolicies"
)

// right is a verb on a resource in a namespace, empty for all; name is empty for all of them. Without a resource it is a verb on
// the path.
type right struct{ verb, resource, namespace, name, path string }

func (r right) String() string {
	switch {
	case r.resource == "":
		return r.verb + " " + r.path
	case r.namespace == "":
		return fmt.Sprintf("%s %s.%s in all namespaces", r.verb, r.resource, v1alpha1.GroupName)
	case r.name == "":
		return fmt.Sprintf("%s %s.%s in namespace %s", r.verb, r.resource, v1alpha1.GroupName, r.namespace)
	}
	return fmt.Sprintf("%s %s.%s %s in namespace %s", r.verb, r.resource, v1alpha1.GroupName, r.name, r.namespace)
}

// authorizer asks the API server what callers may do, and remembers the answers for a moment.
type authorizer struct {
	kube     kubernetes.Interface
	verdicts *cache.LRUExpireCache
	asking   flights[question, bool]
	room     chan struct{}
	link     *link
	// self: there is one caller, whose rights are those of kube.
	self bool
}

type question struct {
	id    [sha256.Size]byte
	right right
}

func newAuthorizer(kube kubernetes.Interface, l *link) *authorizer {
	return &authorizer{kube: kube, link: l, verdicts: cache.NewLRUExpireCache(maxVerdicts), room: make(chan struct{}, reviewsAtOnce)}
}

// may tells whether a caller has a right. An error says that the API server could not be asked: then they have none.
func (a *authorizer) may(ctx context.Context, c *caller, r right) (bool, error) {
	q := question{c.id, r}
	known, fresh := recall[bool](a.verdicts, q)
	if fresh || known != nil && a.link.rests() {
		return known.value, nil
	}
	allowed, err := a.asking.do(q, func() (bool, error) {
		// It is not given up when this caller goes: others may wait for the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviewTimeout)
		defer cancel()
		select {
		case a.room <- struct{}{}:
			defer func() { <-a.room }()
		case <-ctx.Done():
			return false, ctx.Err()
		}
		allowed, err := a.review(ctx, c, r)
		if err != nil { // not remembered: the next request may find an answer
			klog.FromContext(ctx).Error(err, "The API server cannot be asked what a caller may do")
			a.link.heard(err)
			if apierrors.IsForbidden(err) {
				return false, errNotPermitted
			}
			return false, err
		}
		a.link.heard(nil)
		remember(a.verdicts, q, allowed, verdictFor, staleFor)
		return allowed, nil
	})
	if isAway(err) && known != nil {
		return known.value, nil
	}
	return allowed, err
}

// sees tells whether a caller may list a resource in a namespace.
func (a *authorizer) sees(ctx context.Context, c *caller, resource, namespace string) (bool, error) {
	all, err := a.may(ctx, c, right{verb: "list", resource: resource})
	if all || err != nil {
		return all, err
	}
	return a.may(ctx, c, right{verb: "list", resource: resource, namespace: namespace})
}

// attributes returns the right as reviews have it: of a resource, or else of a path.
func (r right) attributes() (*authorizationv1.ResourceAttributes, *authorizationv1.NonResourceAttributes) {
	if r.resource == "" {
		return nil, &authorizationv1.NonResourceAttributes{Verb: r.verb, Path: r.path}
	}
	return &authorizationv1.ResourceAttributes{Group: v1alpha1.GroupName, Resource: r.resource, Verb: r.verb, Namespace: r.namespace, Name: r.name}, nil
}

func (a *authorizer) review(ctx context.Context, c *caller, r right) (bool, error) {
	if a.self {
		return a.reviewSelf(ctx, r)
	}
	extra := make(map[string]authorizationv1.ExtraValue, len(c.user.Extra))
	for k, v := range c.user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	spec := authorizationv1.SubjectAccessReviewSpec{User: c.user.Username, UID: c.user.UID, Groups: c.user.Groups, Extra: extra}
	spec.ResourceAttributes, spec.NonResourceAttributes = r.attributes()
	review, err := a.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("review the right of %s to %s: %w", c.user.Username, r, err)
	}
	return review.Status.Allowed && !review.Status.Denied, nil
}

// visible returns those of the namespaces in which a caller may list a resource. Who may list it everywhere costs one review.
func (a *authorizer) visible(ctx context.Context, c *caller, resource string, namespaces []string) (map[string]bool, error) {
	all, err := a.may(ctx, c, right{verb: "list", resource: resource})
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(namespaces))
	if all {
		for _, ns := range namespaces {
			seen[ns] = true
		}
		return seen, nil
	}
	return a.each(ctx, c, namespaces, func(ns string) right { return right{verb: "list", resource: resource, namespace: ns} })
}

// each returns those of the namespaces in which a caller has a right.
func (a *authorizer) each(ctx context.Context, c *caller, namespaces []string, of func(namespace string) right) (map[string]bool, error) {
	granted := make([]bool, len(namespaces))
	errs := make(chan error, reviewsAtOnce)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(reviewsAtOnce, len(namespaces)) {
		wg.Go(func() {
			for i := range next {
				ok, err := a.may(ctx, c, of(namespaces[i]))
				if err != nil {
					select {
					case errs <- err:
					default:
					}
				}
				granted[i] = ok && err == nil
			}
		})
	}
	for i := range namespaces {
		if len(errs) > 0 || ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	select {
	case err := <-errs: // half of a list is none
		return nil, err
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, ns := range namespaces {
		if granted[i] {
			seen[ns] = true
		}
	}
	return seen, nil
}
