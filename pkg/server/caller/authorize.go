package caller

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
)

const (
	// VerdictFor is how long a right that was given, or taken away, may go unnoticed.
	VerdictFor  = 10 * time.Second
	maxVerdicts = 16384
	// reviewsAtOnce bounds what all callers together have under way at the API server.
	reviewsAtOnce = 16
)

// Authorizer asks the API server what callers may do, and remembers the answers for a moment.
type Authorizer struct {
	kube     kubernetes.Interface
	verdicts *cache.LRUExpireCache
	asking   flights[question, bool]
	room     chan struct{}
	link     *Link
	// self: there is one caller, whose rights are those of kube.
	self bool
}

type question struct {
	id    [sha256.Size]byte
	right Right
}

// NewAuthorizer returns one that asks by kube, and notes in l whether that answers. With self there is one caller, whose rights are
// those of kube.
func NewAuthorizer(kube kubernetes.Interface, l *Link, self bool) *Authorizer {
	return &Authorizer{kube: kube, link: l, self: self, verdicts: cache.NewLRUExpireCache(maxVerdicts), room: make(chan struct{}, reviewsAtOnce)}
}

// May tells whether a caller has a right. An error says that the API server could not be asked: then they have none.
func (a *Authorizer) May(ctx context.Context, c *Caller, r Right) (bool, error) {
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
			a.link.Heard(err)
			if apierrors.IsForbidden(err) {
				return false, errNotPermitted
			}
			return false, err
		}
		a.link.Heard(nil)
		remember(a.verdicts, q, allowed, VerdictFor, StaleFor)
		return allowed, nil
	})
	if isAway(err) && known != nil {
		return known.value, nil
	}
	return allowed, err
}

// Require returns a problem unless a caller has a right, or an error that says that the API server could not be asked.
func (a *Authorizer) Require(ctx context.Context, c *Caller, r Right) error {
	ok, err := a.May(ctx, c, r)
	if err != nil {
		return err
	}
	if !ok {
		return forbidden(c, r)
	}
	return nil
}

// Sees tells whether a caller may list a resource in a namespace.
func (a *Authorizer) Sees(ctx context.Context, c *Caller, resource, namespace string) (bool, error) {
	all, err := a.May(ctx, c, Right{Verb: "list", Resource: resource})
	if all || err != nil {
		return all, err
	}
	return a.May(ctx, c, Right{Verb: "list", Resource: resource, Namespace: namespace})
}

func (a *Authorizer) review(ctx context.Context, c *Caller, r Right) (bool, error) {
	if a.self {
		return a.reviewSelf(ctx, r)
	}
	extra := make(map[string]authorizationv1.ExtraValue, len(c.User.Extra))
	for k, v := range c.User.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	spec := authorizationv1.SubjectAccessReviewSpec{User: c.User.Username, UID: c.User.UID, Groups: c.User.Groups, Extra: extra}
	spec.ResourceAttributes, spec.NonResourceAttributes = r.attributes()
	review, err := a.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("review the right of %s to %s: %w", c.User.Username, r, err)
	}
	return review.Status.Allowed && !review.Status.Denied, nil
}

// Visible returns those of the namespaces in which a caller may list a resource. Who may list it everywhere costs one review.
func (a *Authorizer) Visible(ctx context.Context, c *Caller, resource string, namespaces []string) (map[string]bool, error) {
	all, err := a.May(ctx, c, Right{Verb: "list", Resource: resource})
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
	return a.Each(ctx, c, namespaces, func(ns string) Right { return Right{Verb: "list", Resource: resource, Namespace: ns} })
}

// Each returns those of the namespaces in which a caller has a right.
func (a *Authorizer) Each(ctx context.Context, c *Caller, namespaces []string, of func(namespace string) Right) (map[string]bool, error) {
	granted := make([]bool, len(namespaces))
	errs := make(chan error, reviewsAtOnce)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(reviewsAtOnce, len(namespaces)) {
		wg.Go(func() {
			for i := range next {
				ok, err := a.May(ctx, c, of(namespaces[i]))
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
