package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	kymaroscontroller "github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	restoreclient "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/typed/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/test/plane"
)

// forger may do everything in the namespace of a RestoreTest whose run will fail, and nothing else.
type forger struct {
	rt      *v1alpha1.RestoreTest // its run is under way, and waits for Velero
	reports restoreclient.RestoreReportInterface
}

// forgerOf begins a run that fails, and returns it with the owner of its namespace.
func forgerOf(t *testing.T, name string) *forger {
	t.Helper()
	ns := newNamespace(t, name)
	everything := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
	if _, err := kube.RbacV1().Roles(ns).Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "owner"}, Rules: everything}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := kube.RbacV1().RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "owner"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "owner"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "owner-of-" + name}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: "owner-of-" + name, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Namespace: ns, Verb: "create", Group: v1alpha1.GroupName, Resource: "restorereports",
	}})
	config := rest.CopyConfig(admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: "owner-of-" + name, Groups: []string{"system:authenticated"}}
	owner, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	p := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: v1alpha1.HealthCheckPolicySpec{
		Checks: []v1alpha1.HealthCheck{{Name: "objects", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{
			Resources: []v1alpha1.ResourceReference{{Kind: "Secret", Name: "not-there"}},
		}}},
	}}
	if _, err := kymaros.RestoreV1alpha1().HealthCheckPolicies(ns).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	holdRestores(t, name)
	backup(t, name, "src-"+name)
	rt := createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" }))
	f := &forger{rt: rt, reports: owner.RestoreV1alpha1().RestoreReports(ns)}
	f.rt = await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonInProgress)
	return f
}

// forge makes a report of the run that says pass.
func (f *forger) forge(ctx context.Context, name string) error {
	r, err := f.reports.Create(ctx, &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      map[string]string{v1alpha1.LabelTest: f.rt.Name, v1alpha1.LabelReportTest: f.rt.Name, v1alpha1.LabelRun: f.rt.Status.Run.ID},
			Annotations: names.Annotations(f.rt),
		},
		Spec: v1alpha1.RestoreReportSpec{TestRef: f.rt.Name, RunID: f.rt.Status.Run.ID},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return f.judge(ctx, r)
}

// judge has a report say pass.
func (f *forger) judge(ctx context.Context, r *v1alpha1.RestoreReport) error {
	tested := v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 1, Max: 1}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	r.Status = &v1alpha1.RestoreReportStatus{
		Score: 100, Result: v1alpha1.ResultPass, StartedAt: now, CompletedAt: now, RTO: v1alpha1.RTO{Measured: "1m0s"},
		Backup: v1alpha1.Backup{Name: f.rt.Name, Age: "1h0m0s"},
		ValidationLevels: v1alpha1.ValidationLevels{RestoreIntegrity: tested, Completeness: tested, PodStartup: tested,
			InternalHealth: tested, CrossNamespaceDeps: tested, RTOCompliance: tested},
	}
	_, err := f.reports.UpdateStatus(ctx, r, metav1.UpdateOptions{})
	return err
}

// names are those that the controller would give the report of the run.
func (f *forger) names() []string {
	name, id := names.Report(f.rt.Name, f.rt.Status.Run.StartTime.Time), f.rt.Status.Run.ID
	return []string{name, name + "-" + id[len(id)-6:]}
}

// theRunFails lets the run go on and checks that its verdict is the controller's own: it is stored in a report named want, or in
// none if that is empty, and the forged ones are named, and left as they are.
func (f *forger) theRunFails(t *testing.T, want string, forged ...string) {
	t.Helper()
	if err := restoreAll(t.Context(), restoreOf(t, f.rt)); err != nil {
		t.Fatal(err)
	}
	var rt *v1alpha1.RestoreTest
	eventually(t, runTimeout, func(ctx context.Context) (err error) {
		if rt, err = current(ctx, f.rt); err != nil {
			return err
		}
		return ended(rt)
	})
	if rt.Status.LastResult != v1alpha1.ResultFail || *rt.Status.LastScore == 100 || rt.Status.LastReportRef != want {
		t.Errorf("the test says %s, %d, report %q, want fail and report %q; %s", rt.Status.LastResult, *rt.Status.LastScore, rt.Status.LastReportRef, want, story(rt))
	}
	reason := v1alpha1.ReasonReportWritten
	if want == "" {
		reason = v1alpha1.ReasonReportNotStored
	}
	reported := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionReported)
	if reported == nil || reported.Reason != reason || !contains(reported.Message, forged) {
		t.Errorf("condition Reported: %+v, want %s, and %q named", reported, reason, forged)
	}
	eventually(t, stepTimeout, func(ctx context.Context) error { // events come later
		all, err := kube.CoreV1().Events(rt.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning,reason=" + v1alpha1.EventForeignReport})
		if err != nil {
			return err
		}
		if len(all.Items) != 1 || !contains(all.Items[0].Message, forged) {
			return fmt.Errorf("want one warning that names %q, have %+v", forged, all.Items)
		}
		return nil
	})
	for _, r := range reports(t, rt) {
		switch {
		case r.Name == want:
			if r.Status == nil || r.Status.Result != v1alpha1.ResultFail || r.Hygiene == nil || !kymaroscontroller.WroteReport(&r) {
				t.Errorf("the report of the run: %+v, hygiene %+v", r.Status, r.Hygiene)
			}
		case !slices.Contains(forged, r.Name):
			t.Errorf("a report %s, which nobody has made", r.Name)
		case r.Status == nil || r.Status.Score != 100 || r.Hygiene != nil:
			t.Errorf("%s was written to: %+v, %+v", r.Name, r.Status, r.Hygiene)
		}
	}
	nothingLeft(t, rt)
}

func TestAReportThatWasForgedBeforeTheRunEndsIsNoEvidence(t *testing.T) {
	t.Parallel()
	shared(t)
	for name, row := range map[string]struct {
		forged func(own []string) []string
		want   func(own []string) string
	}{
		"forged-any":   {func([]string) []string { return []string{"a-good-one"} }, func(own []string) string { return own[0] }},
		"forged-first": {func(own []string) []string { return own[:1] }, func(own []string) string { return own[1] }},
		"forged-all":   {func(own []string) []string { return own }, func([]string) string { return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forgerOf(t, name)
			forged := row.forged(f.names())
			for _, name := range forged {
				if err := f.forge(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			f.theRunFails(t, row.want(f.names()), forged...)
		})
	}
}

func TestAReportThatSomebodyElseJudgesFirstIsNoEvidence(t *testing.T) {
	c := alone(t)
	var mu sync.Mutex
	races := map[string]func(){}
	// Before the controller hears that it has made a report, the owner of the namespace has written its status.
	c.onAnswer(func(r *request) {
		if r.method != http.MethodPost || !strings.HasSuffix(r.path, "/restorereports") || r.code != http.StatusCreated {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for name, race := range races {
			if r.mentions(name) {
				race()
			}
		}
	})
	for name, times := range map[string]int{"raced-once": 1, "raced-twice": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forgerOf(t, name)
			raced := 0
			race := func() {
				if raced == times {
					return
				}
				made := f.names()[raced]
				report, err := f.reports.Get(t.Context(), made, metav1.GetOptions{})
				if err == nil {
					err = f.judge(t.Context(), report)
				}
				if err != nil {
					t.Errorf("the race for %s: %v", made, err)
				}
				raced++
			}
			mu.Lock()
			races[name] = race
			mu.Unlock()
			own := append(f.names(), "")
			f.theRunFails(t, own[times], own[:times]...)
		})
	}
}

func TestAReportIsTheControllersByItsFieldsAndNotByItsLabels(t *testing.T) {
	plane.Slow(t)
	t.Parallel()
	shared(t)
	const name = "whose-report"
	rt, report := goodRun(t, name)
	client := kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace)
	if report.Hygiene == nil || !kymaroscontroller.WroteReport(report) {
		t.Errorf("the controller does not know the report that it wrote: hygiene %v, %+v", report.Hygiene, report.ManagedFields)
	}
	marks := fmt.Sprintf(`{"metadata":{"labels":{"audited":"yes"},"annotations":{%q:"somewhere/else"}}}`, v1alpha1.AnnotationRestoreTest)
	marked, err := client.Patch(t.Context(), report.Name, types.MergePatchType, []byte(marks), metav1.PatchOptions{FieldManager: "kubectl-label"})
	if err != nil {
		t.Fatal(err)
	}
	if !kymaroscontroller.WroteReport(marked) {
		t.Errorf("labels that somebody changed make it another's: %+v", marked.ManagedFields)
	}
	copied, err := client.Create(t.Context(), &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Name: "copied", Labels: report.Labels, Annotations: report.Annotations}, Spec: report.Spec,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if kymaroscontroller.WroteReport(copied) {
		t.Errorf("a copy passes for the controller's: %+v", copied.ManagedFields)
	}
	// The next run prunes its own, and no other.
	request := []byte(`{"metadata":{"annotations":{"kymaros.io/run-requested":"now"}},"spec":{"historyLimit":1}}`)
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), rt.Name, types.MergePatchType, request, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, runTimeout, func(ctx context.Context) error {
		now, err := current(ctx, rt)
		if err != nil {
			return err
		}
		if now.Status.Run.ID == rt.Status.Run.ID {
			return errors.New("no other run began; " + story(now))
		}
		return ended(now)
	})
	var left []string
	for _, r := range reports(t, rt) {
		if r.Name != copied.Name {
			left = append(left, r.Spec.RunID)
		}
	}
	if _, err := client.Get(t.Context(), copied.Name, metav1.GetOptions{}); err != nil || len(left) != 1 || left[0] == rt.Status.Run.ID {
		t.Errorf("left are the copy (%v), and reports of runs %q, want that of the last run only", err, left)
	}
}
