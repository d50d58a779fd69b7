package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const sound = `apiVersion: restore.kymaros.io/v1alpha1
kind: RestoreTest
metadata: {name: shop, namespace: team}
spec:
  backupSource:
    provider: velero
    namespaces: [{name: shop}]
  schedule:
    cron: "0 3 * * *"
  sandbox: {}
  healthChecks:
    policyRef: shop
---
apiVersion: restore.kymaros.io/v1alpha1
kind: HealthCheckPolicy
metadata: {name: shop, namespace: team}
spec:
  checks:
  - name: pods
    type: podStatus
    podStatus: {labelSelector: {app: web}, minReady: 1}
  - {name: web, type: httpGet, httpGet: {service: web, port: 80, path: /, expectedStatus: 200}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
`

func check(t *testing.T, text string) []Finding {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	findings, _, err := Files(t.Context(), []string{file}, nil, time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func TestEachMistakeIsFoundAloneAndWhereItIs(t *testing.T) {
	for sentence, c := range map[string]struct {
		old, new string
		severity Severity
		line     int
		field    string
		message  string
	}{
		"a field that is not there":                   {"sandbox: {}", "sandbox: {size: 3}", Error, 10, "spec.sandbox.size", "no such field"},
		"a value that the schema refuses":             {"provider: velero", "provider: kasten", Error, 6, "spec.backupSource.provider", "velero"},
		"something that is missing":                   {"    namespaces: [{name: shop}]\n", "", Error, 5, "spec.backupSource.namespaces", "Required"},
		"a rule of the definition":                    {"sandbox: {}", "sandbox: {ttl: 1d}", Error, 10, "spec.sandbox.ttl", "duration such as"},
		"a sandbox with the name of its source":       {"[{name: shop}]", "[{name: shop, sandboxName: shop}]", Error, 7, "spec.backupSource.namespaces[0]", "never restores into its source"},
		"a body that the type does not have":          {"type: podStatus\n", "type: exec\n", Error, 19, "spec.checks[0]", "type"},
		"a name twice in a list":                      {"- {name: web,", "- {name: pods,", Error, 22, "spec.checks[1]", "Duplicate"},
		"a time that never comes":                     {`"0 3 * * *"`, `"0 3 30 2 *"`, Error, 9, "spec.schedule.cron", "never comes"},
		"a cron that cannot be read":                  {`"0 3 * * *"`, `nightly`, Error, 9, "spec.schedule.cron", "cannot be read"},
		"a zone that is none":                         {`cron: "0 3 * * *"`, `{cron: "0 3 * * *", timezone: Mars/Base}`, Error, 9, "spec.schedule.timezone", "no IANA time zone"},
		"a ttl below the timeout":                     {"sandbox: {}", "sandbox: {ttl: 20m}\n  timeout: 30m", Warning, 10, "spec.sandbox.ttl", "never counts"},
		"pods that may take all of the time":          {"policyRef: shop", "{policyRef: shop, podReadyTimeout: 2h}", Error, 12, "spec.healthChecks.podReadyTimeout", "no time for checks"},
		"an RTO that no run reaches":                  {"sandbox: {}", "sandbox: {}\n  sla: {maxRTO: 3h}", Warning, 11, "spec.sla.maxRTO", "before it is exceeded"},
		"no checks at all":                            {"policyRef: shop", "timeout: 30s", Warning, 11, "spec.healthChecks", "ever more than partial"},
		"a policy that is not among the files":        {"policyRef: shop", "policyRef: web", Warning, 12, "spec.healthChecks.policyRef", "no HealthCheckPolicy"},
		"a check of a namespace that is not restored": {"- {name: web,", "- {namespace: db, name: web,", Error, 12, "spec.healthChecks.policyRef", "does not restore"},
		"a selector that no workload has":             {"labelSelector: {app: web}", "labelSelector: {app: wbe}", Warning, 21, "spec.checks[0].podStatus.labelSelector", "no workload"},
		"more pods than the workload makes":           {"minReady: 1", "minReady: 3", Warning, 21, "spec.checks[0].podStatus.minReady", "make 2 pods"},
		"a Service that is not there":                 {"service: web", "service: wbe", Warning, 22, "spec.checks[1].httpGet.service", "no Service"},
		"a port that the Service does not have":       {"port: 80, path", "port: 81, path", Warning, 22, "spec.checks[1].httpGet.port", "no port 81"},
		"a kind that is not there":                    {"kind: HealthCheckPolicy", "kind: HealthPolicy", Error, 15, "kind", "no kind"},
		"a version that is not there":                 {"v1alpha1\nkind: HealthCheckPolicy", "v1\nkind: HealthCheckPolicy", Error, 14, "apiVersion", "write restore.kymaros.io/v1alpha1"},
		"what is no YAML":                             {"sandbox: {}", "sandbox: {", Error, 0, "", "no YAML"},
		"a key that is there twice":                   {"provider: velero", "provider: velero\n    provider: velero", Error, 0, "", "already"},
	} {
		if strings.Contains(sentence, "a zone") {
			c.old, c.new = "  schedule:\n    cron: \"0 3 * * *\"", "  schedule:\n    {cron: \"0 3 * * *\", timezone: Mars/Base}"
		}
		if strings.Contains(sentence, "take all") {
			c.old, c.new = "healthChecks:\n    policyRef: shop", "healthChecks:\n    {policyRef: shop, podReadyTimeout: 2h}"
		}
		if !strings.Contains(sound, c.old) {
			t.Fatalf("%s: there is no %q", sentence, c.old)
		}
		found := check(t, strings.Replace(sound, c.old, c.new, 1))
		// A policy that is not sound is not there for the test.
		if len(found) > 1 && strings.Contains(found[0].Message, "no HealthCheckPolicy") {
			found = found[1:]
		}
		if len(found) == 0 || !strings.HasPrefix(found[0].Field, c.field) && c.field != "" || found[0].Severity != c.severity || c.line > 0 && found[0].Line != c.line || !strings.Contains(found[0].Message, c.message) {
			t.Errorf("%s: want line %d %s %s %q, found %+v", sentence, c.line, c.severity, c.field, c.message, found)
		}
	}
}

func TestWhatIsSoundIsAccepted(t *testing.T) {
	if found := check(t, sound); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	for _, file := range []string{"single-namespace.yaml", "multi-namespace.yaml"} {
		found, objects, err := Files(t.Context(), []string{"../../../manifests/examples/" + file}, nil, time.Now())
		if err != nil || objects < 2 || len(found) > 0 {
			t.Errorf("%s: %d objects, %+v %v", file, objects, found, err)
		}
	}
}

func TestAnAnnotationOfGitHubIsOneLine(t *testing.T) {
	f := Finding{File: "a,b:c.yaml", Line: 3, Object: "RestoreTest/x", Field: "spec", Severity: Error, Message: "100%\nand more"}
	if got := f.annotation(); got != "::error file=a%2Cb%3Ac.yaml,line=3,title=RestoreTest/x::spec: 100%25%0Aand more" {
		t.Error(got)
	}
}
