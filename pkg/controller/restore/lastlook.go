package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/names"
)

// createdSince returns when the source namespaces were created that exist. No cache holds them, and one may have been made anew
// while the run waited for its turn.
func (c *Controller) createdSince(ctx context.Context, source v1alpha1.BackupSource) (map[string]time.Time, error) {
	since := map[string]time.Time{}
	if source.AllowOlderThanNamespace {
		return since, nil
	}
	var sources []string
	for _, s := range source.Namespaces {
		sources = append(sources, s.Name)
	}
	live, err := c.namespaces(ctx, sources)
	for name, ns := range live {
		since[name] = ns.CreationTimestamp.Time
	}
	return since, err
}

// namespaces asks for namespaces, all at once, and returns those that are there.
func (c *Controller) namespaces(ctx context.Context, asked []string) (map[string]*corev1.Namespace, error) {
	found := make([]*corev1.Namespace, len(asked))
	var all []func() error
	for i, name := range asked {
		all = append(all, func() error {
			ns, err := c.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
			switch {
			case err == nil:
				found[i] = ns
			case !apierrors.IsNotFound(err):
				return fmt.Errorf("get namespace %s: %w", name, err)
			}
			return nil
		})
	}
	if err := controller.Together(all...); err != nil {
		return nil, err
	}
	byName := map[string]*corev1.Namespace{}
	for i, ns := range found {
		if ns != nil {
			byName[asked[i]] = ns
		}
	}
	return byName, nil
}

// sandboxLostError tells why there must be no restore into a sandbox.
type sandboxLostError string

func (s sandboxLostError) Error() string { return string(s) }

// lastLook asks the API server, right before the Restore is made, whether rt's run goes on and its sandboxes are still those
// that were proved: the run may have waited an hour for its turn. Velero would make a namespace that is gone anew, without
// guards, and restore into any that a status names. The error is a sandboxLostError if the run must end.
func (c *Controller) lastLook(ctx context.Context, rt *v1alpha1.RestoreTest) error {
	var planned []string
	for _, s := range rt.Status.Sandbox.Namespaces {
		planned = append(planned, s.Name)
	}
	var live *v1alpha1.RestoreTest
	var boxes map[string]*corev1.Namespace
	err := controller.Together(func() (err error) {
		live, err = c.client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(ctx, rt.Name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("get restoretest: %w", err)
		}
		return nil
	}, func() (err error) {
		boxes, err = c.namespaces(ctx, planned)
		return err
	})
	if err != nil {
		return err
	}
	if live.ResourceVersion != rt.ResourceVersion {
		return apierrors.NewConflict(v1alpha1.Resource("restoretests"), rt.Name, fmt.Errorf("it has changed since it was looked at"))
	}
	sandboxes := map[string]v1alpha1.SandboxNamespace{}
	for _, s := range live.Status.Sandbox.Namespaces {
		sandboxes[s.Source] = s
	}
	sources := live.Status.Run.Spec.BackupSource.Namespaces
	if len(sources) == 0 || len(sandboxes) != len(sources) {
		return sandboxLostError("status.sandbox does not name one sandbox for each source namespace: somebody has edited it")
	}
	if violations := live.Status.Sandbox.Violations; len(violations) > 0 {
		return sandboxLostError("no restore into a sandbox that was tampered with: " + violations[0])
	}
	for _, source := range sources {
		sandbox, ok := sandboxes[source.Name]
		if !ok {
			return sandboxLostError(fmt.Sprintf("there is no sandbox for source namespace %s", source.Name))
		}
		if ns := boxes[sandbox.Name]; ns == nil || !proved(live, source.Name, sandbox, ns) {
			return sandboxLostError(fmt.Sprintf("namespace %s is not the sandbox of this run for %s any more; it was deleted or changed while the restore waited for its turn",
				sandbox.Name, source.Name))
		}
	}
	return nil
}

// proved tells whether ns is the sandbox for a source namespace that SandboxReady told of.
func proved(rt *v1alpha1.RestoreTest, source string, sandbox v1alpha1.SandboxNamespace, ns *corev1.Namespace) bool {
	if ns.DeletionTimestamp != nil || ns.UID != sandbox.UID || ns.Annotations[v1alpha1.AnnotationSource] != source ||
		ns.Annotations[v1alpha1.AnnotationRestoreTest] != names.Annotations(rt)[v1alpha1.AnnotationRestoreTest] {
		return false
	}
	return len(names.Lost(ns.Labels, names.Labels(rt, ns.Name))) == 0
}

// refusal turns condition into what it is when the Restore of a backup is not made because of err; ok is false when another
// try may succeed.
func refusal(condition metav1.Condition, backup string, err error) (refused metav1.Condition, ok bool) {
	refused = condition
	refused.Status, refused.Message = metav1.ConditionFalse, err.Error()
	var lost sandboxLostError
	var unmodified modifiersError
	var unisolated unisolatedError
	var mapped mappedError
	switch {
	case errors.As(err, &mapped):
		refused.Status, refused.Reason = metav1.ConditionUnknown, v1alpha1.ReasonQueued
	case errors.As(err, &unmodified):
		refused.Reason = v1alpha1.ReasonFailedValidation
	case errors.As(err, &lost):
		refused.Reason = v1alpha1.ReasonSandboxLost
	case errors.As(err, &unisolated) && unisolated.final:
		refused.Reason, refused.Message = unisolated.proof.Verdict()
	case errors.As(err, &unisolated):
		refused.Status, refused.Reason = metav1.ConditionUnknown, v1alpha1.ReasonIsolationUnproven
		refused.Message = "waiting for a proof of isolation: " + unisolated.proof.Message
	case apierrors.IsForbidden(err) || apierrors.IsInvalid(err):
		refused.Reason = v1alpha1.ReasonFailedValidation
		refused.Message = fmt.Sprintf("the API server refused the Restore of backup %s: %v", backup, err)
	default:
		return condition, false
	}
	return refused, true
}
