package fence

import (
	"context"
	"fmt"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Marker begins every message of the fence.
const Marker = "kymaros fence: "

// probeName is that of everything that is tried. Nothing of it ever exists.
const probeName = "kymaros-fence-probe"

// attempt is a write that RBAC grants, and that the policy must refuse. No other policy of the fence refuses it.
type attempt struct {
	policy string
	what   string
	do     func(ctx context.Context, options metav1.CreateOptions) error
}

func (c *Checker) attempts() []attempt {
	sandbox := metav1.ObjectMeta{Name: probeName, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}
	return []attempt{
		{"kymaros-writes-namespaces", "a namespace that is no sandbox", func(ctx context.Context, options metav1.CreateOptions) error {
			_, err := c.kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: probeName}}, options)
			return err
		}},
		{"kymaros-anchor", "a sandbox without Pod Security", func(ctx context.Context, options metav1.CreateOptions) error {
			_, err := c.kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: sandbox}, options)
			return err
		}},
		{"kymaros-writes-sandboxes", "a LimitRange in namespace " + c.system, func(ctx context.Context, options metav1.CreateOptions) error {
			limits := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: probeName}}
			_, err := c.kube.CoreV1().LimitRanges(c.system).Create(ctx, limits, options)
			return err
		}},
		{"kymaros-writes-own", "a Lease in namespace " + c.system, func(ctx context.Context, options metav1.CreateOptions) error {
			lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: probeName}}
			_, err := c.kube.CoordinationV1().Leases(c.system).Create(ctx, lease, options)
			return err
		}},
		{"kymaros-writes-velero", "a Restore that is not named as ours are", func(ctx context.Context, options metav1.CreateOptions) error {
			_, err := c.kymaros.VeleroV1().Restores(c.velero).Create(ctx, foreignRestore(), options)
			return err
		}},
		{"kymaros-restores", "a Restore of everything", func(ctx context.Context, options metav1.CreateOptions) error {
			_, err := c.kymaros.VeleroV1().Restores(c.velero).Create(ctx, &velerov1.Restore{ObjectMeta: sandbox}, options)
			return err
		}},
	}
}

// foreignRestore is as a Restore of the controller is, but for its name.
func foreignRestore() *velerov1.Restore {
	return &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: "not-" + probeName, Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: probeName,
		}},
		Spec: velerov1.RestoreSpec{
			BackupName: probeName, IncludedNamespaces: []string{probeName}, NamespaceMapping: map[string]string{probeName: probeName + "-sandbox"},
			IncludedResources: []string{"pods"}, IncludeClusterResources: new(false),
			ResourceModifier: &corev1.TypedLocalObjectReference{Kind: "ConfigMap", Name: "kymaros-sandbox-modifiers"},
		},
	}
}

// answer is what an attempt shows of its policy.
type answer int

const (
	inForce answer = iota
	notInForce
	// unclear: something else refused it. The API server tells of one refusal only, and another policy of the cluster may well
	// have something against a namespace without labels.
	unclear
)

// answered tells what the API server's answer to an attempt shows, in words unless the policy is in force. It returns err if
// that tells nothing.
func (a attempt) answered(err error) (answer, string, error) {
	switch {
	case err == nil || apierrors.IsAlreadyExists(err): // the second comes after admission
		return notInForce, fmt.Sprintf("ValidatingAdmissionPolicy %s is not in force: the API server would let the controller create %s", a.policy, a.what), nil
	case strings.Contains(err.Error(), "'"+a.policy+"'") && strings.Contains(err.Error(), Marker):
		return inForce, "", nil
	case apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
		return unclear, fmt.Sprintf("whether ValidatingAdmissionPolicy %s is in force is not known: something else refused to create %s: %v", a.policy, a.what, err), nil
	}
	return unclear, "", fmt.Errorf("try to create %s: %w", a.what, err)
}
