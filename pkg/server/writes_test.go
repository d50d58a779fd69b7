package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// theTest returns a test as callers have changed it.
func (s *scene) theTest(ns, name string) *v1alpha1.RestoreTest {
	s.t.Helper()
	rt, err := s.theirs.RestoreV1alpha1().RestoreTests(ns).Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return rt
}

func TestATestIsMadeOfWhatTheCallerSays(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		w := s.send(http.MethodPost, ofAdmin, "/api/v1/tests", `{"name":"nightly","provider":"velero","backupName":"latest","namespaces":["shop","db"],"cron":"0 3 * * *",
			"timezone":"Europe/Brussels","sandboxPrefix":"box","ttl":"2h","networkIsolation":"group","quotaCpu":"4","quotaMemory":"8Gi",
			"healthCheckRef":"checks","healthCheckTimeout":"20s","maxRTO":"15m","alertOnExceed":true}`)
		if w.Code != http.StatusCreated || strings.TrimSpace(w.Body.String()) != `{"message":"test created"}` {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		spec := s.theTest("kymaros-system", "nightly").Spec
		must(t, "its target", *spec.SLA, v1alpha1.SLA{MaxRTO: "15m", AlertOnExceed: true})
		spec.SLA = nil
		must(t, "its spec", spec, v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", BackupName: "latest", Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *", Timezone: "Europe/Brussels"},
			Sandbox:      v1alpha1.SandboxSpec{NamespacePrefix: "box", TTL: "2h", NetworkIsolation: "group", ResourceQuota: v1alpha1.SandboxQuota{CPU: "4", Memory: "8Gi"}},
			HealthChecks: v1alpha1.HealthChecks{PolicyRef: "checks", Timeout: "20s"},
		})
	})
}

func TestWhatIsWrongWithAnInputIsNamed(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		for name, c := range map[string]struct {
			body, field string
			code        int
		}{
			"no name":                         {`{"namespaces":["a"],"cron":"@daily"}`, "name", 400},
			"a name that is none":             {`{"name":"No Name","namespaces":["a"],"cron":"@daily"}`, "name", 400},
			"a namespace that is none":        {`{"name":"a","namespace":"../b","namespaces":["a"],"cron":"@daily"}`, "namespace", 400},
			"nothing to restore":              {`{"name":"a","namespaces":[],"cron":"@daily"}`, "namespaces", 400},
			"no time":                         {`{"name":"a","namespaces":["a"],"cron":""}`, "cron", 400},
			"a duration in days":              {`{"name":"a","namespaces":["a"],"cron":"@daily","ttl":"1d"}`, "ttl", 400},
			"an alert without a target":       {`{"name":"a","namespaces":["a"],"cron":"@daily","alertOnExceed":true}`, "alertOnExceed", 400},
			"a field that there is none of":   {`{"name":"a","namespaces":["a"],"cron":"@daily","crom":"x"}`, "crom", 400},
			"a field of another type":         {`{"name":"a","namespaces":"a","cron":"@daily"}`, "namespaces", 400},
			"no JSON":                         {`{"name":`, "", 400},
			"two objects":                     {`{"name":"a","namespaces":["a"],"cron":"@daily"}{}`, "", 400},
			"what the API server has refused": {`{"name":"refused","namespaces":["a"],"cron":"@daily","timezone":"Local"}`, "timezone", 422},
		} {
			s.theirs.PrependReactor("create", "restoretests", func(a clienttesting.Action) (bool, runtime.Object, error) {
				rt := a.(clienttesting.CreateAction).GetObject().(*v1alpha1.RestoreTest)
				return rt.Name == "refused", nil, apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "RestoreTest"}, rt.Name,
					field.ErrorList{field.Invalid(field.NewPath("spec", "schedule", "timezone"), "Local", "must be an IANA name")})
			})
			w := s.send(http.MethodPost, ofAdmin, "/api/v1/tests", c.body)
			var p problem.Error
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.code || p.Field != c.field || p.Fault == "" {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if w := s.send(http.MethodPost, ofAdmin, "/api/v1/tests", `{"name":"a"}`, "Content-Type", "text/plain"); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("a body as a form of a foreign page sends it: %d", w.Code)
		}
	})
}

// TestAChangeLeavesAloneWhatItDoesNotTellOf: older clients know few fields of a spec.
func TestAChangeLeavesAloneWhatItDoesNotTellOf(t *testing.T) {
	rt := newTest("team-a", "shop", "db", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.BackupSource.Namespaces[0].SandboxName = "db-rehearsal"
		rt.Spec.Suspend, rt.Spec.HistoryLimit, rt.Spec.Schedule.Jitter = true, new(int32(30)), "5m"
		rt.Spec.SLA, rt.Spec.HealthChecks.StableFor = &v1alpha1.SLA{MaxRTO: "1h"}, "1m"
	})
	bubble(t, []object{rt}, func(t *testing.T, s *scene) {
		w := s.send(http.MethodPut, ofAdmin, "/api/v1/tests/shop", `{"name":"shop","namespaces":["db","web"],"cron":"0 4 * * *"}`)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		now := s.theTest("team-a", "shop").Spec
		must(t, "what is told of", []any{now.Schedule.Cron, now.SLA}, []any{"0 4 * * *", (*v1alpha1.SLA)(nil)})
		must(t, "sources", now.BackupSource.Namespaces, []v1alpha1.SourceNamespace{{Name: "db", SandboxName: "db-rehearsal"}, {Name: "web"}})
		must(t, "the rest", []any{now.Suspend, *now.HistoryLimit, now.Schedule.Jitter, now.HealthChecks.StableFor}, []any{true, 30, "5m", "1m"})
		for body, want := range map[string]bool{`{"namespaces":["db"],"cron":"@daily","suspend":false}`: false, `{"namespaces":["db"],"cron":"@daily","suspend":true}`: true} {
			if w := s.send(http.MethodPut, ofAdmin, "/api/v1/namespaces/team-a/tests/shop", body); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
			must(t, body, s.theTest("team-a", "shop").Spec.Suspend, want)
		}
		for body, want := range map[string]string{
			`{"name":"other","namespaces":["db"],"cron":"@daily"}`:       "name",
			`{"namespace":"team-b","namespaces":["db"],"cron":"@daily"}`: "namespace",
		} {
			var p problem.Error
			w := s.send(http.MethodPut, ofAdmin, "/api/v1/namespaces/team-a/tests/shop", body)
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || p.Field != want {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
	})
}

func TestATriggerIsTheAnnotation(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		var seen []string
		for range 2 {
			if w := s.send(http.MethodPost, ofAdmin, "/api/v1/tests/shop/trigger", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "test triggered") {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			rt := s.theTest("team-a", "shop")
			seen = append(seen, rt.Annotations[v1alpha1.AnnotationRunRequested])
			if rt.Annotations["kubectl.kubernetes.io/last-applied-configuration"] == "" {
				t.Error("other annotations are gone")
			}
			time.Sleep(time.Second)
		}
		if seen[0] == "" || seen[0] == seen[1] {
			t.Errorf("asked for by %q: each is a run", seen)
		}
	})
}

// TestATokenForThisAPIWritesNothing, whatever its account may do.
func TestATokenForThisAPIWritesNothing(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		s.Govern(map[string][]clustertest.Rule{"script": {{Resources: []string{"*"}, Verbs: []string{"*"}}}})
		for _, o := range operations {
			if o.method == http.MethodGet || o.path == sessionPath {
				continue
			}
			path := strings.NewReplacer("{namespace}", "team-a", "{name}", "shop").Replace(o.path)
			body := ""
			if o.body != nil {
				body = `{"name":"shop","namespaces":["a"],"cron":"@daily"}`
			}
			if w := s.send(o.method, ofScripts, path, body); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "reading here only") {
				t.Errorf("%s %s: %d %s", o.method, path, w.Code, w.Body)
			}
		}
		must(t, "tokens that were used", s.wrote, []string(nil))
	})
}

// TestOnlySandboxesWithoutARunAreDeleted: of the tests that the caller may list, and by what the API server says now.
func TestOnlySandboxesWithoutARunAreDeleted(t *testing.T) {
	running := func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run = &v1alpha1.RunStatus{ID: "run-2", StartTime: metav1.NewTime(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))}
	}
	objects := []object{newTest("team-a", "busy", "a", running), newTest("team-a", "idle", "a"), newTest("team-b", "shop", "b")}
	bubble(t, objects, func(t *testing.T, s *scene) {
		box := func(name, test, run string, change ...func(*corev1.Namespace)) {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name: name, UID: "1", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: run},
				Annotations: map[string]string{v1alpha1.AnnotationRestoreTest: test},
			}}
			for _, f := range change {
				f(ns)
			}
			if _, err := s.Kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		box("of-the-run", "team-a/busy", "run-2")
		box("of-the-run-before", "team-a/busy", "run-1")
		box("of-a-test-that-is-idle", "team-a/idle", "run-1")
		box("of-a-test-that-is-gone", "team-a/gone", "run-1")
		box("of-others", "team-b/shop", "run-1")
		box("no-sandbox", "", "")
		box("production", "team-a/gone", "run-1", func(ns *corev1.Namespace) { delete(ns.Labels, v1alpha1.LabelManagedBy) })
		config := read[sandboxConfig](t, s, ofTeam, "/api/v1/config/sandbox")
		must(t, "active and orphaned", []int{*config.ActiveSandboxes, *config.OrphanedSandboxes}, []int{1, 3})
		w := s.send(http.MethodPost, ofTeam, "/api/v1/config/sandbox/cleanup", "")
		must(t, "the answer", strings.TrimSpace(w.Body.String()), `{"deleted":3}`)
		var left []string
		list, err := s.Kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, ns := range list.Items {
			left = append(left, ns.Name)
		}
		must(t, "what is left", left, []string{"no-sandbox", "of-others", "of-the-run", "production"})
	})
}
