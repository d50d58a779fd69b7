package healthcheck

import (
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// copies are the policies with which the runs under way began: an edit counts for the next run, as one of the spec does. A
// restart loses them; status.health.policy then tells whether the policy is still that one.
type copies struct {
	mu   sync.Mutex
	runs map[cache.ObjectName]policyCopy
}

type policyCopy struct {
	runID  string
	policy *v1alpha1.HealthCheckPolicy
}

// policyOf returns the policy with which the run began; nil if there is none. changed tells that there was another and that
// nobody has a copy.
func (c *Controller) policyOf(key cache.ObjectName, rt *v1alpha1.RestoreTest) (policy *v1alpha1.HealthCheckPolicy, changed bool, err error) {
	run := rt.Status.Run
	ref := run.Spec.HealthChecks.PolicyRef
	if ref == "" {
		return nil, false, nil
	}
	c.copies.mu.Lock()
	defer c.copies.mu.Unlock()
	if held := c.copies.runs[key]; held.runID == run.ID {
		return held.policy, false, nil
	}
	policy, err = c.policies.HealthCheckPolicies(rt.Namespace).Get(ref)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, false, err
	}
	if apierrors.IsNotFound(err) {
		policy = nil
	}
	if h := rt.Status.Health; h != nil && h.RunID == run.ID && h.Policy != nil &&
		(policy == nil || policy.UID != h.Policy.UID || policy.Generation != h.Policy.Generation) {
		return nil, true, nil
	}
	if policy != nil {
		if c.copies.runs == nil {
			c.copies.runs = map[cache.ObjectName]policyCopy{}
		}
		c.copies.runs[key] = policyCopy{run.ID, policy}
	}
	return policy, false, nil
}

// drop forgets the copy of a test's run.
func (c *copies) drop(key cache.ObjectName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.runs, key)
}
