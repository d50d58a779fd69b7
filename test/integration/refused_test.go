package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// TestATestWhoseStatusIsRefusedForItsSpecIsToldInAnEvent: Kubernetes 1.30 holds the spec of a stored object against every write of its
// status. The API server here does not, so that its answer is played.
func TestATestWhoseStatusIsRefusedForItsSpecIsToldInAnEvent(t *testing.T) {
	c := alone(t)
	const name = "status-refused"
	status := apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "RestoreTest"}, name, field.ErrorList{
		field.Invalid(field.NewPath("spec", "sandbox", "ttl"), "1d", "must be a duration such as 24h"),
	}).Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	body, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	tries := func(r *request) bool {
		return r.method == http.MethodPatch && strings.HasSuffix(r.path, "/restoretests/"+name+"/status")
	}
	c.refuse(func(r *request) []byte {
		if tries(r) {
			return body
		}
		return nil
	})
	rt := createTest(t, restoreTest(newNamespace(t, name), name))
	told := awaitEvent(t, rt, v1alpha1.ReasonInvalidSpec)
	if told.Type != corev1.EventTypeWarning || !strings.Contains(told.Message, "must be a duration such as 24h") {
		t.Errorf("the event is %s: %s", told.Type, told.Message)
	}
	time.Sleep(3 * time.Second) // in which whoever tries again and again would have tried ten times
	if n := len(c.seen(tries)); n != 1 {
		t.Errorf("it was tried %d times", n)
	}

	// A change of the object brings a look at once.
	c.refuse(nil)
	patch := []byte(`{"spec":{"schedule":{"cron":"0 0 2 1 *"}}}`)
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
		if meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled) == nil {
			return errors.New(story(rt))
		}
		return nil
	})
}

// awaitEvent waits for an event of rt with that reason.
func awaitEvent(t *testing.T, rt *v1alpha1.RestoreTest, reason string) *corev1.Event {
	t.Helper()
	var told *corev1.Event
	eventually(t, stepTimeout, func(ctx context.Context) error {
		list, err := kube.CoreV1().Events(rt.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + rt.Name})
		if err != nil {
			return err
		}
		all := list.Items
		for i := range all {
			if all[i].Reason == reason {
				told = &all[i]
				return nil
			}
		}
		return fmt.Errorf("no event %s tells of it", reason)
	})
	return told
}

// statusRefused tells whether the API server refuses every status of rt for the sake of its spec, as Kubernetes 1.30 does.
func statusRefused(t *testing.T, rt *v1alpha1.RestoreTest) bool {
	t.Helper()
	patch := []byte(`{"status":{"lastReportRef":"any"}}`)
	_, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), rt.Name, types.MergePatchType, patch, metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, "status")
	if err != nil && !apierrors.IsInvalid(err) {
		t.Fatal(err)
	}
	return err != nil
}
