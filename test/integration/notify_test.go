package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestNotifications(t *testing.T) {
	t.Parallel()
	n := newNotifier(t)
	t.Run("group", func(t *testing.T) {
		t.Run("events", theEvents)
		t.Run("faults", theFaults)
		t.Run("silence", theSilence)
		t.Run("rights", theRights)
		t.Run("a real run", aRealRun)
		t.Run("real runs", realRuns)
	})
	n.kill()
	if len(n.seen(func(r *request) bool { return strings.Contains(r.path, "/secrets") && r.watch })) > 0 {
		t.Error("Secrets are watched")
	}
}

// theEvents shows each event once, in what the status says when controllers have written it.
func theEvents(t *testing.T) {
	t.Parallel()
	bad, good := newReceiver(t, nil), newReceiver(t, nil)
	ns := notified(t, "events", map[string]string{"bad": bad.URL, "good": good.URL})
	const pass, partial, fail, inconclusive = v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail, v1alpha1.ResultInconclusive
	type run struct {
		result v1alpha1.Result
		change func(*v1alpha1.RestoreTestStatus)
	}
	quiet := func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Notifications.OnFailure[0].OnlyChanges, rt.Spec.Notifications.OnSuccess[0].OnlyChanges = true, true
	}
	for name, c := range map[string]struct {
		edits     []edit
		runs      []run
		bad, good []string
	}{
		"verified":            {runs: []run{{pass, nil}}, good: []string{"verified"}},
		"failed-and-recovers": {runs: []run{{fail, nil}, {fail, nil}, {pass, nil}, {pass, nil}}, bad: []string{"failed", "failed", "recovered"}, good: []string{"verified", "verified"}},
		"partial":             {runs: []run{{partial, nil}}, bad: []string{"partial"}},
		"inconclusive":        {runs: []run{{inconclusive, nil}}, bad: []string{"partial"}},
		"regressed":           {runs: []run{{pass, scored(100)}, {partial, scored(80)}}, bad: []string{"partial regressed"}, good: []string{"verified"}},
		"regressed-by-less": {
			edits: []edit{func(rt *v1alpha1.RestoreTest) { rt.Spec.Notifications.RegressionPoints = new(int32(20)) }},
			runs:  []run{{pass, scored(100)}, {partial, scored(80)}}, bad: []string{"partial"}, good: []string{"verified"},
		},
		"too-slow": {
			edits: []edit{func(rt *v1alpha1.RestoreTest) { rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: "1m", AlertOnExceed: true} }},
			runs: []run{{pass, func(s *v1alpha1.RestoreTestStatus) {
				s.LastRun.RTO = &v1alpha1.RTO{Measured: "2m", Target: "1m", Parts: &v1alpha1.RTOParts{Restore: "2m"}}
			}}},
			bad: []string{"rtoExceeded"}, good: []string{"verified"},
		},
		"not-verified": {
			runs: []run{{fail, func(s *v1alpha1.RestoreTestStatus) {
				s.LastRun.PassedAt = &metav1.Time{Time: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
			}}},
			bad: []string{"failed notVerified"},
		},
		"leaks": {
			runs: []run{{pass, func(s *v1alpha1.RestoreTestStatus) {
				s.Cleanup.Leaked = []v1alpha1.Leak{{Object: "PersistentVolume/pv", Reason: "it is shared"}}
			}}, {pass, nil}},
			bad: []string{"leaked", "recovered"}, good: []string{"verified", "verified"},
		},
		"last-good": {
			runs: []run{{fail, func(s *v1alpha1.RestoreTestStatus) {
				s.Search = &v1alpha1.SearchStatus{State: v1alpha1.SearchFound, RunID: "20260101-010000-abcdef", Failed: v1alpha1.TriedBackup{BackupName: "b", Result: fail},
					Message: "the newest that restores is monday", LastGood: &v1alpha1.VerifiedBackup{BackupName: "monday", Time: *s.LastRunAt}}
			}}},
			bad: []string{"failed", "lastGoodChanged"},
		},
		"only-changes": {edits: []edit{quiet}, runs: []run{{pass, nil}, {pass, nil}, {fail, nil}, {fail, nil}, {partial, nil}, {pass, nil}}, bad: []string{"failed", "partial", "recovered"}, good: []string{"verified", "verified"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := createTest(t, restoreTest(ns, name, append([]edit{telling("bad", "good")}, c.edits...)...))
			for i, run := range c.runs {
				var change []func(*v1alpha1.RestoreTestStatus)
				if run.change != nil {
					change = append(change, run.change)
				}
				ran(t, rt, i+1, run.result, change...)
				rt = told(t, rt, i+1)
			}
			if diff := cmp.Diff(c.bad, eventsOf(bad.of(name))); diff != "" {
				t.Errorf("onFailure (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.good, eventsOf(good.of(name))); diff != "" {
				t.Errorf("onSuccess (-want +got):\n%s", diff)
			}
			notified := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified)
			if notified == nil || notified.Status != metav1.ConditionTrue || notified.Reason != v1alpha1.ReasonDelivered {
				t.Errorf("condition %+v", notified)
			}
			for _, entry := range rt.ManagedFields {
				fields := ""
				if entry.FieldsV1 != nil {
					fields = string(entry.FieldsV1.GetRawBytes())
				}
				if entry.Manager == "kymaros-notify" && (entry.Subresource != "status" || strings.Contains(fields, `"f:lastResult"`)) {
					t.Errorf("kymaros-notify wrote %s", fields)
				}
			}
		})
	}
}

// theFaults are those of receivers.
func theFaults(t *testing.T) {
	t.Parallel()
	fine := newReceiver(t, nil)
	release := make(chan struct{})
	faulty := newReceiver(t, func(w http.ResponseWriter, m heard, before int) {
		switch m.Test.Name {
		case "slow":
			<-release
		case "ill":
			if before < 2 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case "busy":
			if before == 0 {
				w.Header().Set("Retry-After", "3")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		case "resets":
			if before == 0 {
				panic(http.ErrAbortHandler) // the request was read
			}
		case "refuses":
			w.WriteHeader(http.StatusNotFound)
		}
	})
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	channels := map[string]string{"fine": fine.URL, "unknown": secure.URL + "/SECRETPATH"}
	for _, name := range []string{"slow", "ill", "busy", "resets", "refuses"} {
		channels[name] = faulty.URL + "/SECRETPATH"
	}
	ns := notified(t, "faults", channels)
	fails := func(t *testing.T, name string) *v1alpha1.RestoreTest {
		rt := createTest(t, restoreTest(ns, name, telling(name, "")))
		ran(t, rt, 1, v1alpha1.ResultFail)
		return rt
	}
	t.Run("one that is slow delays nobody else", func(t *testing.T) {
		t.Parallel()
		rt := fails(t, "slow")
		eventually(t, stepTimeout, func(context.Context) error {
			if len(faulty.of("slow")) == 0 {
				return errors.New("it was not asked")
			}
			return nil
		})
		told(t, fails(t, "fine"), 1)
		close(release)
		told(t, rt, 1)
	})
	for name, c := range map[string]struct {
		state    v1alpha1.DeliveryState
		messages int
		apart    time.Duration
	}{
		"ill": {v1alpha1.DeliverySent, 3, 500 * time.Millisecond}, "busy": {v1alpha1.DeliverySent, 2, 3 * time.Second},
		"resets": {v1alpha1.DeliverySent, 2, 500 * time.Millisecond}, "refuses": {v1alpha1.DeliveryUndeliverable, 1, 0},
	} {
		t.Run("one that "+name, func(t *testing.T) {
			t.Parallel()
			rt := told(t, fails(t, name), 1)
			got := faulty.of(name)
			if d := rt.Status.Notifications.Deliveries[0]; d.State != c.state || len(got) != c.messages || int(d.Attempts) != c.messages {
				t.Fatalf("%d messages, then %+v", len(got), d)
			}
			for i, m := range got {
				if m.ID != got[0].ID || i > 0 && m.at.Sub(got[i-1].at) < c.apart {
					t.Errorf("message %d: id %s, first %s; %s after the one before", i+1, m.ID, got[0].ID, m.at.Sub(got[0].at))
				}
			}
			text := secretless(t, rt)
			for _, says := range []string{"Channel: +webhook/" + name, "State: +" + string(c.state), "Event: +failed", "Type: +Notified"} {
				if !regexp.MustCompile(says).MatchString(text) {
					t.Errorf("kubectl describe does not say %s:\n%s", says, text)
				}
			}
		})
	}
	t.Run("one whose certificate nobody knows", func(t *testing.T) {
		t.Parallel()
		rt := await(t, fails(t, "unknown"), v1alpha1.ConditionNotified, metav1.ConditionUnknown, v1alpha1.ReasonSending)
		eventually(t, stepTimeout, func(ctx context.Context) (err error) {
			rt, err = current(ctx, rt)
			if err == nil && !strings.Contains(rt.Status.Notifications.Deliveries[0].LastError, "certificate") {
				err = errors.New(story(rt))
			}
			return err
		})
		secretless(t, rt)
	})
}

// secretless fails if an address is in what rt, its events or kubectl describe tell. It returns the last.
func secretless(t *testing.T, rt *v1alpha1.RestoreTest) string {
	t.Helper()
	text, err := cluster.Kubectl(t.Context(), "-n", rt.Namespace, "describe", "restoretest", rt.Name)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%+v %+v %s", rt.Status, events(t, rt), text); strings.Contains(all, "SECRETPATH") || strings.Contains(all, "127.0.0.1") {
		t.Errorf("an address is in %s", all)
	}
	return text
}

func theSilence(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	ns := notified(t, "silence", map[string]string{"hook": r.URL})
	annotate := func(t *testing.T, rt *v1alpha1.RestoreTest, until string) {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationSilenceUntil, until)
		if _, err := kymaros.RestoreV1alpha1().RestoreTests(ns).Patch(t.Context(), rt.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	rt := createTest(t, restoreTest(ns, "silent", telling("hook", "")))
	ran(t, rt, 1, v1alpha1.ResultFail)
	told(t, rt, 1)
	annotate(t, rt, time.Now().Add(time.Hour).Format(time.RFC3339))
	await(t, rt, v1alpha1.ConditionNotified, metav1.ConditionUnknown, v1alpha1.ReasonSilenced)
	ran(t, rt, 2, v1alpha1.ResultPartial)
	ran(t, rt, 3, v1alpha1.ResultPass)
	annotate(t, rt, "2026-01-01T00:00:00Z")
	told(t, rt, 3)
	if got := eventsOf(r.of("silent")); !slices.Equal(got, []string{"failed", "recovered"}) {
		t.Errorf("got %v", got)
	}
	annotate(t, rt, "tomorrow")
	ran(t, rt, 4, v1alpha1.ResultFail)
	rt = told(t, rt, 4)
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified); c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, `"tomorrow" is no time`) {
		t.Errorf("condition %+v", c)
	}
}

// theRights: a Secret that may not be read is said, with the command that lets it be; after that it is read.
func theRights(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	ns := newNamespace(t, "rights")
	rt := createTest(t, restoreTest(ns, "rights", telling("hook", "")))
	ran(t, rt, 1, v1alpha1.ResultFail)
	rt = await(t, rt, v1alpha1.ConditionNotified, metav1.ConditionFalse, v1alpha1.ReasonSecretNotReadable)
	want := "kubectl -n " + ns + " create rolebinding kymaros-notifications --clusterrole=kymaros-notification-secrets --serviceaccount=kymaros-system:kymaros-notify"
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified); !strings.Contains(c.Message, want) {
		t.Errorf("condition %+v", c)
	}
	mayRead(t, ns)
	eventually(t, stepTimeout, func(ctx context.Context) (err error) {
		rt, err = current(ctx, rt)
		if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified); err == nil && !strings.Contains(c.Message, "Secret hook does not exist") {
			err = errors.New(story(rt))
		}
		return err
	})
	if _, err := kube.CoreV1().Secrets(ns).Create(t.Context(), secret("hook", r.URL), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	told(t, rt, 1)
	if len(r.of("rights")) != 1 {
		t.Errorf("got %v", r.of("rights"))
	}
}

// aRealRun is told of, as the controllers end it.
func aRealRun(t *testing.T) {
	t.Parallel()
	shared(t)
	r := newReceiver(t, nil)
	ns := notified(t, "told", map[string]string{"hook": r.URL})
	policy(t, ns, "web")
	source(t, "src-told")
	backup(t, "told", "src-told")
	rt, report := awaitEnd(t, createTest(t, restoreTest(ns, "told", telling("hook", "hook"), func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })))
	await(t, rt, v1alpha1.ConditionNotified, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
	got := r.of("told")
	if len(got) != 1 || got[0].Event != "verified" || got[0].Result != "pass" || got[0].Message != report.Status.Message ||
		got[0].URL != "https://kymaros.example.org/reports/"+ns+"/"+report.Name {
		t.Errorf("heard %+v of %s", got, report.Status.Message)
	}
}
