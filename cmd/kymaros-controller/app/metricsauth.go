package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
)

const (
	metricsPath = "/metrics"
	// grantedFor is how long a token whose right was taken away may go on, and refusedFor how long one that was given the
	// right has to wait.
	grantedFor = time.Minute
	refusedFor = 10 * time.Second
	// maxVerdicts are remembered of each kind.
	maxVerdicts = 128
	// asksPerSecond bounds what tokens that are not remembered cost the API server, each two requests; so many scrapes may
	// begin at once.
	asksPerSecond = 5
	asksAtOnce    = 10
	// askTimeout is less than Prometheus waits for a scrape.
	askTimeout = 5 * time.Second
)

// metricsAuth lets those get the metrics whom the API server knows by their bearer token and whom it lets get /metrics.
// Verdicts are remembered, so that a scrape every few seconds asks the API server about twice a minute.
type metricsAuth struct {
	kube    kubernetes.Interface
	metrics http.Handler
	// By the SHA-256 of the token, so that a dump of memory shows none. Two, so that bad tokens never push out a good one.
	granted, refused *cache.LRUExpireCache
	asks             flowcontrol.RateLimiter
}

// verdict is the status of an answer: 200, or another with a line that says what to do.
type verdict struct {
	code   int
	remedy string
}

func newMetricsAuth(kube kubernetes.Interface, metrics http.Handler) *metricsAuth {
	return &metricsAuth{
		kube: kube, metrics: metrics,
		granted: cache.NewLRUExpireCache(maxVerdicts), refused: cache.NewLRUExpireCache(maxVerdicts),
		asks: flowcontrol.NewTokenBucketRateLimiter(asksPerSecond, asksAtOnce),
	}
}

func (a *metricsAuth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := verdict{http.StatusUnauthorized, "no bearer token: send that of a ServiceAccount with ClusterRole kymaros-metrics-reader (Prometheus: authorization.credentials_file)"}
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(token) != "" {
		v = a.judge(r.Context(), strings.TrimSpace(token))
	}
	if v.code == http.StatusOK {
		a.metrics.ServeHTTP(w, r)
		return
	}
	if v.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, v.remedy, v.code)
}

// judge returns what is remembered of a token, or asks.
func (a *metricsAuth) judge(ctx context.Context, token string) verdict {
	key := sha256.Sum256([]byte(token))
	for _, remembered := range []*cache.LRUExpireCache{a.granted, a.refused} {
		if v, ok := remembered.Get(key); ok {
			return v.(verdict)
		}
	}
	if !a.asks.TryAccept() {
		return verdict{http.StatusServiceUnavailable, "too many tokens that are not known yet: try again in some seconds"}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	v, err := a.ask(ctx, token)
	switch {
	case err != nil: // not remembered: the next scrape may find an answer
		klog.FromContext(ctx).Error(err, "The API server cannot be asked who may get the metrics")
		v = verdict{http.StatusServiceUnavailable, "the API server cannot be asked who you are; the log of the controller says why"}
		if apierrors.IsForbidden(err) {
			v.remedy = "the controller may not ask who you are: apply manifests/10-rbac.yaml, of the version that runs"
		}
	case v.code == http.StatusOK:
		a.granted.Add(key, v, grantedFor)
	default:
		a.refused.Add(key, v, refusedFor)
	}
	return v
}

// ask asks the API server whose a token is, and whether they may get the metrics. An error says that it could not be asked.
func (a *metricsAuth) ask(ctx context.Context, token string) (verdict, error) {
	who, err := a.kube.AuthenticationV1().TokenReviews().Create(ctx,
		&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return verdict{}, fmt.Errorf("review the token: %w", err)
	}
	if !who.Status.Authenticated {
		return verdict{http.StatusUnauthorized, "the API server does not accept this token: send one that has not expired, of a ServiceAccount that exists"}, nil
	}
	user := who.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for k, v := range user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	may, err := a.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: metricsPath, Verb: "get"},
		},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return verdict{}, fmt.Errorf("review the right of %s: %w", user.Username, err)
	case may.Status.Allowed:
		return verdict{code: http.StatusOK}, nil
	}
	return verdict{http.StatusForbidden, user.Username + " may not get " + metricsPath + ": bind it to ClusterRole kymaros-metrics-reader"}, nil
}
