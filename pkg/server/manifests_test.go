package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const policyText = `apiVersion: restore.kymaros.io/v1alpha1
kind: HealthCheckPolicy
metadata:
  name: rows
  labels: {team: a}
spec:
  checks:
  - name: count # of orders
    type: tcpSocket
    tcpSocket: {service: db, port: 5432}
`

func (s *scene) putManifest(token, path, text, version string) (int, string) {
	s.t.Helper()
	body, err := json.Marshal(manifestInput{text, version})
	if err != nil {
		s.t.Fatal(err)
	}
	w := s.send(http.MethodPut, token, path+"/manifest", string(body))
	return w.Code, w.Body.String()
}

func TestAPolicyIsMadeAndChangedByItsManifest(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		const path = "/api/v1/namespaces/team-a/policies/rows"
		if code, body := s.putManifest(ofAdmin, path, policyText, ""); code != http.StatusOK || !strings.Contains(body, "HealthCheckPolicy created") {
			t.Fatalf("%d %s", code, body)
		}
		all := s.theirs.RestoreV1alpha1().HealthCheckPolicies("team-a")
		made, err := all.Get(t.Context(), "rows", metav1.GetOptions{})
		if err != nil || made.Labels["team"] != "a" || made.Spec.Checks[0].TCPSocket.Port != 5432 {
			t.Fatalf("%+v, %v", made, err)
		}
		if code, body := s.putManifest(ofAdmin, path, policyText, ""); code != http.StatusConflict || !strings.Contains(body, "there is a HealthCheckPolicy") {
			t.Errorf("once more as a new one: %d %s", code, body)
		}
		made.Annotations = map[string]string{"kept": "by another"}
		if _, err := all.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		changed := strings.NewReplacer("5432", "3306", "labels: {team: a}", `annotations: {mine: "yes"}`).Replace(policyText)
		if code, body := s.putManifest(ofAdmin, path, changed, "7"); code != http.StatusOK || !strings.Contains(body, "HealthCheckPolicy updated") {
			t.Fatalf("%d %s", code, body)
		}
		made, err = all.Get(t.Context(), "rows", metav1.GetOptions{})
		if err != nil || len(made.Labels) > 0 || made.Spec.Checks[0].TCPSocket.Port != 3306 || made.ResourceVersion != "7" {
			t.Errorf("%+v, %v", made, err)
		}
		must(t, "annotations", made.Annotations, map[string]string{"kept": "by another", "mine": "yes"})
	})
}

func TestATestIsChangedByItsManifest(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		if _, err := s.theirs.RestoreV1alpha1().RestoreTests("team-a").Create(t.Context(), newTest("team-a", "shop", "shop"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		const text = `{"apiVersion":"restore.kymaros.io/v1alpha1","kind":"RestoreTest","metadata":{"name":"shop","namespace":"team-a"},
			"spec":{"backupSource":{"provider":"velero","namespaces":[{"name":"shop"},{"name":"db"}]},"schedule":{"cron":"0 4 * * *","jitter":"20m"},"onFailure":{"searchLastGood":{"maxRuns":3}}},
			"status":{"lastResult":"pass"}}`
		if code, body := s.putManifest(ofAdmin, "/api/v1/namespaces/team-a/tests/shop", text, "1"); code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
		rt := s.theTest("team-a", "shop")
		if rt.Spec.Schedule.Jitter != "20m" || rt.Spec.OnFailure.SearchLastGood.MaxRuns != 3 || len(rt.Spec.BackupSource.Namespaces) != 2 || rt.Status.LastResult != "" || rt.Annotations == nil {
			t.Errorf("%+v", rt)
		}
	})
}

func TestWhatIsWrongWithAManifestIsNamed(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		s.theirs.PrependReactor("create", "healthcheckpolicies", func(a clienttesting.Action) (bool, runtime.Object, error) {
			p := a.(clienttesting.CreateAction).GetObject().(*v1alpha1.HealthCheckPolicy)
			return p.Namespace == "refused", nil, apierrors.NewForbidden(schema.GroupResource{Resource: "healthcheckpolicies"}, p.Name, nil)
		})
		const path = "/api/v1/namespaces/team-a/policies/rows"
		for sentence, c := range map[string]struct {
			path, text, version string
			code                int
			says                string
		}{
			"a field that there is none of": {path, strings.Replace(policyText, "tcpSocket: {", "tcpSockets: {", 1), "", 400, `unknown field \"spec.checks[0].tcpSockets\"`},
			"a field that comes twice":      {path, policyText + "  checks: []\n", "", 400, "already set"},
			"no YAML":                       {path, "a: b: c", "", 400, `"field":"manifest"`},
			"nothing":                       {path, "", "", 400, "must be one object with apiVersion: restore.kymaros.io/v1alpha1 and kind: HealthCheckPolicy"},
			"an object of another kind":     {path, strings.Replace(policyText, "HealthCheckPolicy", "RestoreReport", 1), "", 400, `"field":"manifest"`},
			"a kind that is not there":      {path, strings.Replace(policyText, "HealthCheckPolicy", "Secret", 1), "", 400, "kind: HealthCheckPolicy"},
			"another name":                  {path, strings.Replace(policyText, "name: rows", "name: other", 1), "", 400, "metadata.name must be rows"},
			"another namespace":             {path, strings.Replace(policyText, "name: rows", "name: rows\n  namespace: team-b", 1), "", 400, "metadata.namespace must be team-a"},
			"an address that is none":       {"/api/v1/namespaces/Team_A/policies/rows", policyText, "", 400, `"field":"namespace"`},
			"a change of what is not there": {path, policyText, "3", 404, "there is no HealthCheckPolicy"},
			"what the API server refuses":   {"/api/v1/namespaces/refused/policies/rows", policyText, "", 403, "forbidden"},
		} {
			if code, body := s.putManifest(ofAdmin, c.path, c.text, c.version); code != c.code || !strings.Contains(body, c.says) {
				t.Errorf("%s: %d %s, want %d with %s", sentence, code, body, c.code, c.says)
			}
		}
		if code, body := s.putManifest(ofScripts, path, policyText, ""); code != http.StatusForbidden {
			t.Errorf("with a token for this API: %d %s", code, body)
		}
	})
}

func TestAPolicyIsDeleted(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		for _, c := range []struct {
			token, name string
			code        int
		}{
			{ofAdmin, "shop", http.StatusNoContent},
			{ofAdmin, "shop", http.StatusNotFound},
			{ofNobody, "team-a-policy", http.StatusForbidden},
			{ofScripts, "team-a-policy", http.StatusForbidden},
		} {
			if w := s.do(http.MethodDelete, c.token, "/api/v1/namespaces/team-a/policies/"+c.name); w.Code != c.code {
				t.Errorf("%+v: %d %s", c, w.Code, w.Body)
			}
		}
	})
}
