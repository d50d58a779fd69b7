package caller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
)

// Audience is that of tokens which are good for this API alone: whoever steals one can read here, and do nothing at the API
// server.
const Audience = "kymaros-api"

const (
	// KnownFor is how long a token is taken for good, or for bad, after the API server has said so.
	KnownFor = 10 * time.Second
	// maxKnown are remembered of each kind.
	maxKnown = 2048
	// reviewTimeout is of one question to the API server.
	reviewTimeout = 5 * time.Second
	// New tokens cost the API server so many reviews a second; those that were good within regularFor have a budget of their own,
	// so that who floods this with wrong ones does not lock them out.
	newPerSecond, newAtOnce         = 10, 20
	regularPerSecond, regularAtOnce = 50, 100
	regularFor                      = 15 * time.Minute
	// maxToken is longer than tokens of any issuer that fit into the header limits of API servers.
	maxToken = 16 << 10
)

// Authenticator asks the API server whose a token is. It remembers the answer for a moment, by the SHA-256 of the token, so
// that a dump of memory shows none.
type Authenticator struct {
	kube kubernetes.Interface
	// Two, so that bad tokens never push out a good one.
	good, bad *cache.LRUExpireCache
	// regulars are hashes of tokens that were good lately.
	regulars       *cache.LRUExpireCache
	fresh, renewed flowcontrol.PassiveRateLimiter
	asking         flights[[sha256.Size]byte, *Caller]
	link           *Link
	// self is the one caller that there is; nil: requests say whose they are.
	self *Caller
}

// NewAuthenticator returns one that asks by kube, and notes in l whether that answers. With self every request is theirs; nil: requests
// say whose they are.
func NewAuthenticator(kube kubernetes.Interface, l *Link, self *Caller) *Authenticator {
	return &Authenticator{
		kube: kube, link: l, self: self,
		good: cache.NewLRUExpireCache(maxKnown), bad: cache.NewLRUExpireCache(maxKnown), regulars: cache.NewLRUExpireCache(maxKnown),
		fresh:   flowcontrol.NewTokenBucketPassiveRateLimiter(newPerSecond, newAtOnce),
		renewed: flowcontrol.NewTokenBucketPassiveRateLimiter(regularPerSecond, regularAtOnce),
	}
}

// Who returns whose the token of a request is. The error is one that Problem knows, a problem of Credential, or says that the API
// server could not be asked.
func (a *Authenticator) Who(r *http.Request) (*Caller, error) {
	if a.self != nil {
		return own(a.self, r)
	}
	token, err := Credential(r)
	if err != nil {
		return nil, err
	}
	if len(token) > maxToken {
		return nil, ErrBadToken
	}
	hash := sha256.Sum256([]byte(token))
	known, fresh := recall[*Caller](a.good, hash)
	if fresh || known != nil && a.link.rests() {
		return known.value, nil
	}
	if _, ok := a.bad.Get(hash); ok {
		return nil, ErrBadToken
	}
	// It is not given up when this caller goes: others may wait for the same.
	ctx := context.WithoutCancel(r.Context())
	who, err := a.asking.do(hash, func() (*Caller, error) { return a.ask(ctx, token, hash) })
	if isAway(err) && known != nil {
		return known.value, nil
	}
	return who, err
}

func (a *Authenticator) ask(ctx context.Context, token string, hash [sha256.Size]byte) (*Caller, error) {
	budget := a.fresh
	if _, ok := a.regulars.Get(hash); ok {
		budget = a.renewed
	}
	if !budget.TryAccept() {
		return nil, errTooMany
	}
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	claims := peek(token)
	who, err := a.review(ctx, token, slices.Contains(claims.Audience, Audience))
	switch {
	case err != nil: // not remembered: the next request may find an answer
		klog.FromContext(ctx).Error(err, "The API server cannot be asked whose a token is")
		a.link.Heard(err)
		if apierrors.IsForbidden(err) {
			return nil, errNotPermitted
		}
		return nil, err
	case who == nil:
		a.link.Heard(nil)
		a.good.Remove(hash)
		a.bad.Add(hash, nil, KnownFor)
		return nil, ErrBadToken
	}
	a.link.Heard(nil)
	remember(a.good, hash, who, KnownFor, min(StaleFor, claims.left(time.Now())))
	a.regulars.Add(hash, nil, regularFor)
	return who, nil
}

// review returns nobody for a token that is not good here. Without our audience the token has to be good at the API server.
func (a *Authenticator) review(ctx context.Context, token string, ours bool) (*Caller, error) {
	spec := authenticationv1.TokenReviewSpec{Token: token}
	if ours {
		spec.Audiences = []string{Audience}
	}
	review, err := a.kube.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("review a token: %w", err)
	}
	status := review.Status
	// An Authenticator that knows of no audiences says that a token is good without having looked for whom.
	if !status.Authenticated || status.User.Username == "" || ours && !slices.Contains(status.Audiences, Audience) {
		return nil, nil
	}
	c := &Caller{User: status.User, ReadOnly: ours}
	text, err := json.Marshal(struct {
		User authenticationv1.UserInfo
		Ours bool
	}{status.User, ours})
	if err != nil {
		return nil, err
	}
	c.id = sha256.Sum256(text)
	return c, nil
}
