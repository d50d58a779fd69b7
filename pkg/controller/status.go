package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	restoreac "github.com/kymaros/kymaros/pkg/generated/applyconfiguration/restore/v1alpha1"
	restoreclient "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/typed/restore/v1alpha1"
)

// Names of the controllers. Field manager, event source, user agent, logger and queue of a controller are called
// FieldManager(name), so that audit logs, events and managedFields all name the same one.
const (
	Schedule    = "schedule"
	Sandbox     = "sandbox"
	Attest      = "attest"
	Restore     = "restore"
	HealthCheck = "healthcheck"
	Report      = "report"
	Cleanup     = "cleanup"
	Notify      = "notify"
)

// FieldManager returns the name under which a controller is seen from outside.
func FieldManager(controller string) string { return "kymaros-" + controller }

// owned names the fields of status that each controller writes, beside its condition.
var owned = map[string][]string{
	Schedule:    {"phase", "run", "nextRunAt", "missedRuns", "search"},
	Sandbox:     {"sandbox", "sandboxNamespace", "sandboxNamespaces"},
	Restore:     {"restore", "restoreID", "restoreIDs"},
	HealthCheck: {"health"},
	Report:      {"report", "lastRunAt", "lastScore", "lastResult", "lastReportRef", "lastVerified", "lastRun"},
	Cleanup:     {"cleanup"},
	Notify:      {"notifications"},
}

// StatusWriter writes one controller's share of the status of RestoreTests.
type StatusWriter struct {
	Controller string
	Tests      restoreclient.RestoreTestsGetter
	Recorder   record.EventRecorder
}

// Behind tells whether a writer of this process has written since rt was read: it comes from a cache that does not show that yet. The
// event that brings the newer one brings another look.
func Behind(rt *v1alpha1.RestoreTest) bool { return written.has(rt) }

// Write applies condition and own, which holds all fields that the controller owns and no other. It sends nothing if
// nothing would change. It fails with a conflict if rt is not the newest version: what was decided from an old one must be
// decided again, and with a SpecRefusedError if the API server takes no status of rt. The beginning, the end and what needs a look are
// recorded as events.
func (w *StatusWriter) Write(ctx context.Context, rt *v1alpha1.RestoreTest, condition metav1.Condition, own v1alpha1.RestoreTestStatus) error {
	next, changed := conditions.Next(rt, condition, time.Now())
	if alien := alien(&own, w.Controller); alien != "" {
		return fmt.Errorf("controller %s does not own status.%s", w.Controller, alien)
	}
	same, err := sameShare(&own, &rt.Status, w.Controller)
	if err != nil {
		return err
	}
	if same && !changed {
		return nil
	}

	if Behind(rt) {
		return apierrors.NewConflict(v1alpha1.Resource("restoretests"), rt.Name, errors.New("it was written on since"))
	}
	own.Conditions = nil
	body, err := json.Marshal(own)
	if err != nil {
		return err
	}
	status := restoreac.RestoreTestStatus()
	if err := json.Unmarshal(body, status); err != nil {
		return err
	}
	apply := metav1ac.Condition().
		WithType(next.Type).WithStatus(next.Status).WithReason(next.Reason).WithMessage(next.Message).
		WithLastTransitionTime(next.LastTransitionTime)
	if next.ObservedGeneration > 0 {
		apply.WithObservedGeneration(next.ObservedGeneration)
	}
	status.WithConditions(apply)
	test := restoreac.RestoreTest(rt.Name, rt.Namespace).WithResourceVersion(rt.ResourceVersion).WithStatus(status)
	// Force: a field that somebody edited by hand is ours again at the next write, instead of blocking it for ever.
	options := metav1.ApplyOptions{FieldManager: FieldManager(w.Controller), Force: true}
	now, err := w.Tests.RestoreTests(rt.Namespace).ApplyStatus(ctx, test, options)
	if refused := specRefused(err); refused != nil {
		w.tellRefused(rt, &next, refused)
		return refused
	}
	if err != nil {
		return fmt.Errorf("apply status: %w", err)
	}
	written.add(rt, now)
	w.record(ctx, rt, next)
	return nil
}

// warnings are the reasons for which somebody ought to look although the condition is not False.
var warnings = []string{v1alpha1.ReasonStuck, v1alpha1.ReasonLeaked, v1alpha1.ReasonMissedTurn}

// plans are the reasons that say no more than what comes next, or that a message went where it was to go.
var plans = []string{v1alpha1.ReasonQueued, v1alpha1.ReasonNextRunPlanned, v1alpha1.ReasonDelivered, v1alpha1.ReasonNothingToTell}

// milestones are the conditions of which an event tells that all is well: that a run began, and how it ended.
var milestones = []string{v1alpha1.ConditionScheduled, v1alpha1.ConditionReported}

// record tells of a transition to a new status or reason. What is under way, and what went well in between, the conditions tell with
// their times, and no event: an event is a write to the cluster's store.
func (w *StatusWriter) record(ctx context.Context, rt *v1alpha1.RestoreTest, next metav1.Condition) {
	old := conditions.ForRun(rt, next.Type)
	if old != nil && old.Status == next.Status && old.Reason == next.Reason {
		return
	}
	klog.FromContext(ctx).V(2).Info("Condition changed", "condition", next.Type, "status", next.Status, "reason", next.Reason)
	warning := next.Status == metav1.ConditionFalse || slices.Contains(warnings, next.Reason)
	if !warning && (!conditions.Decided(&next) || !slices.Contains(milestones, next.Type) || slices.Contains(plans, next.Reason)) {
		return
	}
	kind := corev1.EventTypeNormal
	if warning {
		kind = corev1.EventTypeWarning
	}
	message := next.Message
	if message == "" {
		message = next.Type + " is " + strings.ToLower(string(next.Status))
	}
	w.Recorder.Event(rt, kind, next.Reason, message)
}
