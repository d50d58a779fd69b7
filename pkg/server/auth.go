package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	// knownFor is how long a token is taken for good, or for bad, after the API server has said so.
	knownFor = 10 * time.Second
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

var (
	errNoToken      = errors.New("no bearer token")
	errBadToken     = errors.New("the API server does not accept the token")
	errTooMany      = errors.New("too many new tokens")
	errGaveUp       = errors.New("the question was given up")
	errNotPermitted = errors.New("this program may not ask the API server")
)

// caller is who asks, as the API server knows them.
type caller struct {
	user authenticationv1.UserInfo
	// id is a hash of all that the API server says of them: who differs in a group is somebody else.
	id [sha256.Size]byte
	// readOnly: the token is good here only, and for no write.
	readOnly bool
}

// authenticator asks the API server whose a token is. It remembers the answer for a moment, by the SHA-256 of the token, so
// that a dump of memory shows none.
type authenticator struct {
	kube kubernetes.Interface
	// Two, so that bad tokens never push out a good one.
	good, bad *cache.LRUExpireCache
	// regulars are hashes of tokens that were good lately.
	regulars       *cache.LRUExpireCache
	fresh, renewed flowcontrol.PassiveRateLimiter
	asking         flights[[sha256.Size]byte, *caller]
	link           *link
	// self is the one caller that there is; nil: requests say whose they are.
	self *caller
}

func newAuthenticator(kube kubernetes.Interface, l *link) *authenticator {
	return &authenticator{
		kube: kube, link: l,
		good: cache.NewLRUExpireCache(maxKnown), bad: cache.NewLRUExpireCache(maxKnown), regulars: cache.NewLRUExpireCache(maxKnown),
		fresh:   flowcontrol.NewTokenBucketPassiveRateLimiter(newPerSecond, newAtOnce),
		renewed: flowcontrol.NewTokenBucketPassiveRateLimiter(regularPerSecond, regularAtOnce),
	}
}

// who returns whose the token of a request is. The error is errNoToken, errBadToken, errTooMany, or says that the API server
// could not be asked.
func (a *authenticator) who(r *http.Request) (*caller, error) {
	if a.self != nil {
		return own(a.self, r)
	}
	token, err := credential(r)
	if err != nil {
		return nil, err
	}
	if len(token) > maxToken {
		return nil, errBadToken
	}
	hash := sha256.Sum256([]byte(token))
	known, fresh := recall[*caller](a.good, hash)
	if fresh || known != nil && a.link.rests() {
		return known.value, nil
	}
	if _, ok := a.bad.Get(hash); ok {
		return nil, errBadToken
	}
	// It is not given up when this caller goes: others may wait for the same.
	ctx := context.WithoutCancel(r.Context())
	who, err := a.asking.do(hash, func() (*caller, error) { return a.ask(ctx, token, hash) })
	if isAway(err) && known != nil {
		return known.value, nil
	}
	return who, err
}

func (a *authenticator) ask(ctx context.Context, token string, hash [sha256.Size]byte) (*caller, error) {
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
		a.link.heard(err)
		if apierrors.IsForbidden(err) {
			return nil, errNotPermitted
		}
		return nil, err
	case who == nil:
		a.link.heard(nil)
		a.good.Remove(hash)
		a.bad.Add(hash, nil, knownFor)
		return nil, errBadToken
	}
	a.link.heard(nil)
	remember(a.good, hash, who, knownFor, min(staleFor, claims.left(time.Now())))
	a.regulars.Add(hash, nil, regularFor)
	return who, nil
}

// review returns nobody for a token that is not good here. Without our audience the token has to be good at the API server.
func (a *authenticator) review(ctx context.Context, token string, ours bool) (*caller, error) {
	spec := authenticationv1.TokenReviewSpec{Token: token}
	if ours {
		spec.Audiences = []string{Audience}
	}
	review, err := a.kube.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("review a token: %w", err)
	}
	status := review.Status
	// An authenticator that knows of no audiences says that a token is good without having looked for whom.
	if !status.Authenticated || status.User.Username == "" || ours && !slices.Contains(status.Audiences, Audience) {
		return nil, nil
	}
	c := &caller{user: status.User, readOnly: ours}
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

// bearer returns the token of the header of a request.
func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// claims are what a token says of itself. Nobody has verified them: they only tell which question to ask the API server, and
// shorten how long its answer is remembered.
type claims struct {
	Audience audiences `json:"aud"`
	Expires  float64   `json:"exp"`
}

// audiences may be one text or several.
type audiences []string

func (a *audiences) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// peek reads the claims of a token, if it has some.
func peek(token string) claims {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}
	}
	return c
}

// left is how long the token is good, for ever if it does not say.
func (c claims) left(now time.Time) time.Duration {
	if c.Expires <= 0 || c.Expires > 1<<33 {
		return staleFor
	}
	return max(0, time.Unix(int64(c.Expires), 0).Sub(now))
}
