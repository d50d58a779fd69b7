package fence

import (
	"context"
	"fmt"
	"strings"
	"sync"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/manifests"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// selector finds the policies and bindings.
const selector = "app.kubernetes.io/name=kymaros"

// maxProblems is how many a text names.
const maxProblems = 3

// Checker looks at the fence.
type Checker struct {
	kube           kubernetes.Interface
	kymaros        versioned.Interface
	system, velero string
	shipped        fence
}

// NewChecker returns a Checker for a controller that runs in namespace system, with Velero in namespace velero. permitted are the
// resources that tests may restore beside the built-in list: the fence has to say the same.
func NewChecker(kube kubernetes.Interface, kymaros versioned.Interface, system, velero string, permitted []string) (*Checker, error) {
	text, err := manifests.Fence()
	if err != nil {
		return nil, err
	}
	shipped, err := parse(text, system, velero, permitted)
	return &Checker{kube, kymaros, system, velero, shipped}, err
}

// Problem tells what is wrong with the fence at this moment and what to do, the same text for the same state, or returns "" if
// it stands as it was shipped. It returns the API server's error if that could not be found out.
func (c *Checker) Problem(ctx context.Context) (string, error) {
	have, err := c.read(ctx)
	if apierrors.IsNotFound(err) {
		return "the cluster does not serve ValidatingAdmissionPolicies of admissionregistration.k8s.io/v1, which came with Kubernetes 1.30; " +
			"update it, or run without the fence (--require-fence=false)", nil
	}
	if apierrors.IsForbidden(err) {
		return fmt.Sprintf("the controller may not look at it (%v). Run kubectl apply -f manifests/10-rbac.yaml, of the version that runs here", err), nil
	}
	if err != nil {
		return "", err
	}
	problems := differences(c.shipped, have)
	if len(problems) == 0 {
		if problems, err = c.try(ctx); err != nil {
			return "", err
		}
	}
	if len(problems) == 0 {
		return "", nil
	}
	text := strings.Join(problems[:min(len(problems), maxProblems)], "; ")
	if more := len(problems) - maxProblems; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text + ". Run kubectl apply -f manifests/fence, of the version that runs here", nil
}

// Differences tells, sorted, what of the fence is missing or not as it was shipped. It tries nothing, so anybody who may list policies
// can ask: an attempt means something only by those whom the fence confines.
func (c *Checker) Differences(ctx context.Context) ([]string, error) {
	have, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	return differences(c.shipped, have), nil
}

func (c *Checker) read(ctx context.Context) (fence, error) {
	have := fence{map[string]admissionv1.ValidatingAdmissionPolicySpec{}, map[string]admissionv1.ValidatingAdmissionPolicyBindingSpec{}}
	policies, err := c.kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return have, fmt.Errorf("list ValidatingAdmissionPolicies: %w", err)
	}
	for i := range policies.Items {
		have.policies[policies.Items[i].Name] = policies.Items[i].Spec
	}
	bindings, err := c.kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return have, fmt.Errorf("list ValidatingAdmissionPolicyBindings: %w", err)
	}
	for i := range bindings.Items {
		have.bindings[bindings.Items[i].Name] = bindings.Items[i].Spec
	}
	return have, nil
}

// try makes all attempts at once. A policy that would let one pass is a problem; what something else refused is one only if no
// attempt met a policy of the fence: that all are there as shipped is known by then.
func (c *Checker) try(ctx context.Context) ([]string, error) {
	attempts := c.attempts()
	answers, texts, errs := make([]answer, len(attempts)), make([]string, len(attempts)), make([]error, len(attempts))
	var wg sync.WaitGroup
	for i, a := range attempts {
		wg.Go(func() {
			answers[i], texts[i], errs[i] = a.answered(a.do(ctx, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}))
		})
	}
	wg.Wait()
	var problems, doubts []string
	for i := range attempts {
		switch {
		case errs[i] != nil:
			return nil, errs[i]
		case answers[i] == notInForce:
			problems = append(problems, texts[i])
		case answers[i] == unclear:
			doubts = append(doubts, texts[i])
		}
	}
	if len(problems) == 0 && len(doubts) == len(attempts) {
		return doubts, nil
	}
	return problems, nil
}
