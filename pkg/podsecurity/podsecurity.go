// Package podsecurity tells which pods a namespace with a Pod Security level refuses. It is pure: it asks no API server.
package podsecurity

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// evaluator has the checks of the Kubernetes version that this program is built with. A cluster of another version may
// judge a rare field in another way, so what is said here explains why a pod is absent, and never replaces a look.
var evaluator = sync.OnceValues(func() (policy.Evaluator, error) { return policy.NewEvaluator(policy.DefaultChecks(), nil) })

// Refusal returns why a namespace that enforces the level, in its latest version, refuses a pod, in the words of the API
// server: `violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`. It is empty for a pod that is
// admitted. It fails on a level that does not exist.
func Refusal(level string, meta *metav1.ObjectMeta, spec *corev1.PodSpec) (string, error) {
	enforced, err := api.ParseLevel(level)
	if err != nil {
		return "", fmt.Errorf("pod security level %q: %w", level, err)
	}
	e, err := evaluator()
	if err != nil {
		return "", fmt.Errorf("checks of pod security: %w", err)
	}
	result := policy.AggregateCheckResults(e.EvaluatePod(api.LevelVersion{Level: enforced, Version: api.LatestVersion()}, meta, spec))
	if result.Allowed {
		return "", nil
	}
	return fmt.Sprintf("violates PodSecurity %q: %s", level+":latest", result.ForbiddenDetail()), nil
}
