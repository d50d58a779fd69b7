package integration

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Objects that the API accepts; rows of tables change one thing in them.
const (
	validTest = `
apiVersion: restore.kymaros.io/v1alpha1
kind: RestoreTest
metadata: {name: valid}
spec:
  suspend: true
  backupSource: {provider: velero, namespaces: [{name: shop}]}
  schedule: {cron: "0 3 * * *"}
  sandbox: {}
`
	validPolicy = `
apiVersion: restore.kymaros.io/v1alpha1
kind: HealthCheckPolicy
metadata: {name: valid}
spec:
  checks: []
`
)

func TestInvalidObjectsAreRefusedWithTheNameOfTheField(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t, "refused")
	check := func(body string) string { return "spec: {checks: [" + body + "]}" }
	const (
		pods   = "podStatus: {labelSelector: {app: web}, minReady: 1}"
		http   = "httpGet: {service: web, port: 80, path: /, expectedStatus: 200}"
		tcp    = "tcpSocket: {service: db, port: 5432}"
		exec   = "exec: {podSelector: {app: db}, command: [\"true\"]}"
		exists = "resourceExists: {resources: [{kind: Secret, name: s}]}"
	)
	expect := func(body string) string {
		return check("{name: a, type: exec, exec: {podSelector: {app: db}, command: [\"true\"], expect: " + body + "}}")
	}
	const notADuration = "must be a duration such as 90s, 30m or 24h"
	rows := map[string]struct {
		base, change string
		want         []string
	}{
		"a ttl in days":                          {validTest, "spec: {sandbox: {ttl: 1d}}", []string{"spec.sandbox.ttl", notADuration}},
		"a ttl without a unit":                   {validTest, `spec: {sandbox: {ttl: "30"}}`, []string{"spec.sandbox.ttl", notADuration}},
		"a timeout that is a word":               {validTest, "spec: {timeout: banana}", []string{"spec.timeout", notADuration}},
		"a timeout longer than Go can count":     {validTest, "spec: {timeout: 9999999h}", []string{"spec.timeout", notADuration}},
		"a fraction longer than Go can count":    {validTest, "spec: {timeout: 9999999.5h}", []string{"spec.timeout", notADuration}},
		"a negative timeout":                     {validTest, "spec: {timeout: -5m}", []string{"spec.timeout", notADuration}},
		"a negative time for health checks":      {validTest, "spec: {healthChecks: {timeout: -1s}}", []string{"spec.healthChecks.timeout", notADuration}},
		"a time for pods in weeks":               {validTest, "spec: {healthChecks: {podReadyTimeout: 1w}}", []string{"spec.healthChecks.podReadyTimeout", notADuration}},
		"a recovery time in days":                {validTest, "spec: {sla: {maxRTO: 1d}}", []string{"spec.sla.maxRTO", notADuration}},
		"an age of backups in days":              {validTest, "spec: {backupSource: {maxBackupAge: 2d}}", []string{"spec.backupSource.maxBackupAge", notADuration}},
		"a way to choose, and a name":            {validTest, "spec: {backupSource: {selection: Random, backupName: x}}", []string{"spec.backupSource.selection", "leave one of them out"}},
		"a way to choose that nobody knows":      {validTest, "spec: {backupSource: {selection: Newest}}", []string{"spec.backupSource.selection", "OldestUnverified"}},
		"a greatest age of the latest":           {validTest, "spec: {backupSource: {maxAge: 24h}}", []string{"spec.backupSource.maxAge", "use maxBackupAge"}},
		"a greatest age in days":                 {validTest, "spec: {backupSource: {selection: Random, maxAge: 30d}}", []string{"spec.backupSource.maxAge", notADuration}},
		"how old the newest may be, of any":      {validTest, "spec: {backupSource: {selection: Random, maxBackupAge: 26h}}", []string{"spec.backupSource.maxBackupAge", "use maxAge"}},
		"a search without end":                   {validTest, "spec: {onFailure: {searchLastGood: {maxRuns: 21}}}", []string{"spec.onFailure.searchLastGood.maxRuns", "less than or equal to 20"}},
		"a search of no runs":                    {validTest, "spec: {onFailure: {searchLastGood: {maxRuns: 0}}}", []string{"spec.onFailure.searchLastGood.maxRuns"}},
		"a search that does not say how long":    {validTest, "spec: {onFailure: {searchLastGood: {}}}", []string{"spec.onFailure.searchLastGood.maxRuns", "Required"}},
		"a search from a backup that is named":   {validTest, "spec: {backupSource: {backupName: x}, onFailure: {searchLastGood: {maxRuns: 3}}}", []string{"spec.onFailure.searchLastGood", "goes back from the newest backup"}},
		"a search from any backup":               {validTest, "spec: {backupSource: {selection: Random}, onFailure: {searchLastGood: {maxRuns: 3}}}", []string{"spec.onFailure.searchLastGood", "goes back from the newest backup"}},
		"no namespaces":                          {validTest, "spec: {backupSource: {namespaces: []}}", []string{"spec.backupSource.namespaces", "at least 1"}},
		"a namespace named twice":                {validTest, "spec: {backupSource: {namespaces: [{name: a}, {name: a}]}}", []string{"spec.backupSource.namespaces[1]", "Duplicate"}},
		"a namespace with capitals":              {validTest, "spec: {backupSource: {namespaces: [{name: Shop}]}}", []string{"spec.backupSource.namespaces[0].name"}},
		"a sandbox named like its source":        {validTest, "spec: {backupSource: {namespaces: [{name: a, sandboxName: a}]}}", []string{"spec.backupSource.namespaces[0]", "sandboxName must differ from name"}},
		"a sandbox that policies exempt":         {validTest, "spec: {backupSource: {namespaces: [{name: a, sandboxName: kube-a}]}}", []string{"spec.backupSource.namespaces[0].sandboxName", "must not begin with kube- or openshift-", "choose another name"}},
		"a sandbox that OpenShift exempts":       {validTest, "spec: {backupSource: {namespaces: [{name: a, sandboxName: openshift-a}]}}", []string{"spec.backupSource.namespaces[0].sandboxName", "choose another name"}},
		"a prefix that policies exempt":          {validTest, "spec: {sandbox: {namespacePrefix: openshift-a}}", []string{"spec.sandbox.namespacePrefix", "choose another prefix"}},
		"a prefix that makes such names":         {validTest, "spec: {sandbox: {namespacePrefix: kube}}", []string{"spec.sandbox.namespacePrefix", "choose another prefix"}},
		"a provider nobody knows":                {validTest, "spec: {backupSource: {provider: kasten}}", []string{"spec.backupSource.provider", "velero"}},
		"a quota that is a word":                 {validTest, "spec: {sandbox: {resourceQuota: {memory: lots}}}", []string{"spec.sandbox.resourceQuota.memory", "must be a quantity such as 2, 500m or 4Gi"}},
		"a negative quota":                       {validTest, `spec: {sandbox: {resourceQuota: {cpu: "-2"}}}`, []string{"spec.sandbox.resourceQuota.cpu", "must be a quantity such as 2, 500m or 4Gi"}},
		"a storage quota in a unit of its own":   {validTest, "spec: {sandbox: {resourceQuota: {storage: 10GB}}}", []string{"spec.sandbox.resourceQuota.storage", "must be a quantity"}},
		"an isolation nobody knows":              {validTest, "spec: {sandbox: {networkIsolation: none}}", []string{"spec.sandbox.networkIsolation", "strict"}},
		"privileged pods":                        {validTest, "spec: {sandbox: {podSecurity: privileged}}", []string{"spec.sandbox.podSecurity", "baseline"}},
		"a prefix that no namespace can have":    {validTest, "spec: {sandbox: {namespacePrefix: My_App}}", []string{"spec.sandbox.namespacePrefix"}},
		"a history of no reports":                {validTest, "spec: {historyLimit: 0}", []string{"spec.historyLimit", "greater than or equal to 1"}},
		"five lines of logs":                     {validTest, "spec: {logCollection: {maxLines: 5}}", []string{"spec.logCollection.maxLines", "greater than or equal to 10"}},
		"a million lines of logs":                {validTest, "spec: {logCollection: {maxLines: 1000000}}", []string{"spec.logCollection.maxLines", "less than or equal to 1000"}},
		"a notification by pigeon":               {validTest, "spec: {notifications: {onFailure: [{type: pigeon, webhookSecretRef: coop}]}}", []string{"spec.notifications.onFailure[0].type", "slack"}},
		"a notification without its Secret":      {validTest, "spec: {notifications: {onFailure: [{type: pagerduty}]}}", []string{"spec.notifications.onFailure[0].webhookSecretRef", "names the Secret"}},
		"a storage class mapped twice":           {validTest, "spec: {restore: {mappings: {storageClasses: [{from: a, to: b}, {from: a, to: c}]}}}", []string{"spec.restore.mappings.storageClasses[1]", "Duplicate"}},
		"a storage class mapped to itself":       {validTest, "spec: {restore: {mappings: {storageClasses: [{from: a, to: a}]}}}", []string{"spec.restore.mappings.storageClasses[0]", "from and to are the same"}},
		"a storage class with a quote":           {validTest, `spec: {restore: {mappings: {storageClasses: [{from: "a\"", to: b}]}}}`, []string{"spec.restore.mappings.storageClasses[0].from"}},
		"a registry with a slash at its end":     {validTest, "spec: {restore: {mappings: {imageRegistries: [{from: a.example/, to: b.example}]}}}", []string{"spec.restore.mappings.imageRegistries[0].from"}},
		"a registry that is two":                 {validTest, "spec: {restore: {mappings: {imageRegistries: [{from: a.example, to: 'b.example,c=d'}]}}}", []string{"spec.restore.mappings.imageRegistries[0].to"}},
		"a node label mapped twice":              {validTest, "spec: {restore: {mappings: {nodeSelectors: [{from: {key: a, value: b}}, {from: {key: a, value: b}, to: {key: c, value: d}}]}}}", []string{"spec.restore.mappings.nodeSelectors", "name each once"}},
		"a node label that is mapped on":         {validTest, "spec: {restore: {mappings: {nodeSelectors: [{from: {key: a, value: b}, to: {key: c, value: d}}, {from: {key: c, value: d}}]}}}", []string{"spec.restore.mappings.nodeSelectors", "name the last label"}},
		"a node label with a line break":         {validTest, `spec: {restore: {mappings: {nodeSelectors: [{from: {key: a, value: "b\nc"}}]}}}`, []string{"spec.restore.mappings.nodeSelectors[0].from.value"}},
		"an empty cron":                          {validTest, `spec: {schedule: {cron: ""}}`, []string{"spec.schedule.cron"}},
		"a cron that begins with a time zone":    {validTest, `spec: {schedule: {cron: "CRON_TZ=Asia/Tokyo 0 3 * * *", timezone: Europe/Brussels}}`, []string{"spec.schedule.cron", "write that into schedule.timezone"}},
		"a cron that is a time zone":             {validTest, `spec: {schedule: {cron: " TZ=UTC"}}`, []string{"spec.schedule.cron", "write that into schedule.timezone"}},
		"the time zone of a machine":             {validTest, "spec: {schedule: {timezone: Local}}", []string{"spec.schedule.timezone", "must be an IANA name such as Europe/Brussels"}},
		"a start before it is due":               {validTest, "spec: {schedule: {startingDeadlineSeconds: -1}}", []string{"spec.schedule.startingDeadlineSeconds", "greater than or equal to 1"}},
		"a start ten years late":                 {validTest, "spec: {schedule: {startingDeadlineSeconds: 315360000}}", []string{"spec.schedule.startingDeadlineSeconds", "less than or equal to 31536000"}},
		"a jitter in days":                       {validTest, "spec: {schedule: {jitter: 1d}}", []string{"spec.schedule.jitter", notADuration}},
		"podStatus with the body of httpGet":     {validPolicy, check("{name: a, type: podStatus, " + http + "}"), []string{"spec.checks[0]", "type podStatus needs podStatus"}},
		"httpGet with the body of podStatus":     {validPolicy, check("{name: a, type: httpGet, " + pods + "}"), []string{"spec.checks[0]", "type httpGet needs httpGet"}},
		"tcpSocket with the body of exec":        {validPolicy, check("{name: a, type: tcpSocket, " + exec + "}"), []string{"spec.checks[0]", "type tcpSocket needs tcpSocket"}},
		"exec with the body of resourceExists":   {validPolicy, check("{name: a, type: exec, " + exists + "}"), []string{"spec.checks[0]", "type exec needs exec"}},
		"resourceExists with that of tcpSocket":  {validPolicy, check("{name: a, type: resourceExists, " + tcp + "}"), []string{"spec.checks[0]", "type resourceExists needs resourceExists"}},
		"a check without a body":                 {validPolicy, check("{name: a, type: httpGet}"), []string{"spec.checks[0]", "type httpGet needs httpGet"}},
		"a check with two bodies":                {validPolicy, check("{name: a, type: httpGet, " + http + ", " + tcp + "}"), []string{"spec.checks[0]", "no other type may have it"}},
		"a type nobody knows":                    {validPolicy, check("{name: a, type: ping}"), []string{"spec.checks[0].type", "httpGet"}},
		"two checks of one name":                 {validPolicy, check("{name: a, type: tcpSocket, " + tcp + "}, {name: a, type: exec, " + exec + "}"), []string{"spec.checks[1]", "Duplicate"}},
		"a check without a name":                 {validPolicy, check("{name: \"\", type: tcpSocket, " + tcp + "}"), []string{"spec.checks[0].name"}},
		"port 0":                                 {validPolicy, check("{name: a, type: tcpSocket, tcpSocket: {service: db, port: 0}}"), []string{"spec.checks[0].tcpSocket.port"}},
		"port 70000":                             {validPolicy, check("{name: a, type: httpGet, httpGet: {service: web, port: 70000, path: /, expectedStatus: 200}}"), []string{"spec.checks[0].httpGet.port"}},
		"a path that does not begin with /":      {validPolicy, check("{name: a, type: httpGet, httpGet: {service: web, port: 80, path: healthz, expectedStatus: 200}}"), []string{"spec.checks[0].httpGet.path"}},
		"a path with a line break":               {validPolicy, check(`{name: a, type: httpGet, httpGet: {service: web, port: 80, path: "/a\nb", expectedStatus: 200}}`), []string{"spec.checks[0].httpGet.path"}},
		"a status that HTTP does not have":       {validPolicy, check("{name: a, type: httpGet, httpGet: {service: web, port: 80, path: /, expectedStatus: 20}}"), []string{"spec.checks[0].httpGet.expectedStatus"}},
		"no attempts":                            {validPolicy, check("{name: a, type: httpGet, httpGet: {service: web, port: 80, path: /, expectedStatus: 200, retries: 0}}"), []string{"spec.checks[0].httpGet.retries"}},
		"a timeout of a check in days":           {validPolicy, check("{name: a, type: tcpSocket, tcpSocket: {service: db, port: 80, timeout: 1d}}"), []string{"spec.checks[0].tcpSocket.timeout", notADuration}},
		"a check of pods that needs none":        {validPolicy, check("{name: a, type: podStatus, podStatus: {labelSelector: {app: web}, minReady: 0}}"), []string{"spec.checks[0].podStatus.minReady"}},
		"a check of pods that selects all":       {validPolicy, check("{name: a, type: podStatus, podStatus: {labelSelector: {}, minReady: 1}}"), []string{"spec.checks[0].podStatus.labelSelector"}},
		"no command":                             {validPolicy, check("{name: a, type: exec, exec: {podSelector: {app: db}, command: []}}"), []string{"spec.checks[0].exec.command"}},
		"a command in any pod":                   {validPolicy, check("{name: a, type: exec, exec: {podSelector: {}, command: [\"true\"]}}"), []string{"spec.checks[0].exec.podSelector"}},
		"an expectation with two alternatives":   {validPolicy, expect("{equals: a, regex: b}"), []string{"spec.checks[0].exec.expect", "exactly one of equals, regex and integer"}},
		"an expectation of nothing":              {validPolicy, expect("{}"), []string{"spec.checks[0].exec.expect", "exactly one of equals, regex and integer"}},
		"an expression that is not regular":      {validPolicy, expect(`{regex: "(unclosed"}`), []string{"spec.checks[0].exec.expect.regex", "must be a regular expression in RE2 syntax"}},
		"a comparison nobody knows":              {validPolicy, expect("{integer: {operator: about, value: 1}}"), []string{"spec.checks[0].exec.expect.integer.operator"}},
		"a kind that resourceExists cannot find": {validPolicy, check("{name: a, type: resourceExists, resourceExists: {resources: [{kind: Ingress, name: a}]}}"), []string{"spec.checks[0].resourceExists.resources[0].kind"}},
		"a check for no objects":                 {validPolicy, check("{name: a, type: resourceExists, resourceExists: {resources: []}}"), []string{"spec.checks[0].resourceExists.resources"}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			o := object(t, row.base)
			merge(o.Object, object(t, row.change).Object)
			err := create(t.Context(), ns, o, metav1.DryRunAll)
			if !apierrors.IsInvalid(err) {
				t.Fatalf("got %v, want it refused as invalid", err)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q: %v", want, err)
				}
			}
		})
	}
	scheduled := strings.Replace(validTest, `cron: "0 3 * * *"`, `cron: "@every 6h", timezone: America/Argentina/ComodRivadavia, startingDeadlineSeconds: 3600, jitter: 0s, runOnCreate: false`, 1)
	choosing := strings.Replace(validTest, "provider: velero,", "provider: velero, scheduleName: nightly, storageLocation: hub, selection: OldestUnverified, maxAge: 720h,", 1)
	searching := strings.Replace(validTest, "provider: velero,", "provider: velero, backupName: latest, maxBackupAge: 26h,", 1) + "  onFailure: {searchLastGood: {maxRuns: 20}}\n"
	mapping := validTest + "  restore: {mappings: {storageClasses: [{from: gp3, to: local-path}], imageRegistries: [{from: docker.io, to: mirror.example:5000/hub}], nodeSelectors: [{from: {key: example.com/zone, value: a}, to: {key: example.com/zone, value: b}}, {from: {key: gpu, value: ''}}]}}\n"
	for name, body := range map[string]string{"RestoreTest that maps": mapping, "RestoreTest": validTest, "RestoreTest that chooses": choosing, "RestoreTest that searches": searching, "HealthCheckPolicy": validPolicy, "RestoreTest with all of a schedule": scheduled} {
		t.Run("what the rows change is valid: "+name, func(t *testing.T) {
			if err := create(t.Context(), ns, object(t, body), metav1.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}

// Tools that compare what is stored with what is in Git see every default as a difference, so each of them is named here.
func TestManifestsOfTheExistingAPIAreStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t, "compat")
	defaults := map[string]string{
		"RestoreTest full": "spec: {sandbox: {podSecurity: baseline}}",
		"RestoreTest small": `spec: {historyLimit: 10,
  sandbox: {namespacePrefix: rp-test, networkIsolation: strict, podSecurity: baseline}}`,
		"RestoreTest logs": `spec: {historyLimit: 10,
  sandbox: {namespacePrefix: rp-test, networkIsolation: strict, podSecurity: baseline},
  logCollection: {maxLines: 100, includeEvents: true, includeInit: true, includePrevious: true}}`,
		"HealthCheckPolicy full": "",
	}
	all, err := readManifests("testdata/compat/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		name := o.GetKind() + " " + o.GetName()
		t.Run(name, func(t *testing.T) {
			if o.GetKind() == "RestoreTest" {
				// Not part of the manifest: nothing is to run here.
				merge(o.Object, object(t, "spec: {suspend: true}").Object)
			}
			want := o.DeepCopy()
			merge(want.Object, object(t, defaults[name]).Object)
			if o.GetKind() == "HealthCheckPolicy" {
				defaultChecks(want)
			}
			o.SetNamespace(ns)
			resource, err := resourceFor(o)
			if err != nil {
				t.Fatal(err)
			}
			options := metav1.ApplyOptions{FieldManager: "gitops"}
			stored, err := resource.Apply(t.Context(), o.GetName(), o, options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Object["spec"], stored.Object["spec"]); diff != "" {
				t.Errorf("what is stored differs from the manifest and its documented defaults (-want +got):\n%s", diff)
			}
			again, err := resource.Apply(t.Context(), o.GetName(), o, options)
			if err != nil {
				t.Fatal(err)
			}
			if again.GetGeneration() != stored.GetGeneration() {
				t.Error("applying the same manifest again changes the object")
			}
		})
	}
}

// defaultChecks gives the checks of policy their documented defaults.
func defaultChecks(policy *unstructured.Unstructured) {
	all, _, _ := unstructured.NestedSlice(policy.Object, "spec", "checks")
	for _, c := range all {
		check, _ := c.(map[string]any)
		for body, defaults := range map[string]map[string]any{
			"httpGet":   {"scheme": "http", "retries": int64(1)},
			"tcpSocket": {"retries": int64(1)},
			"exec":      {"successExitCode": int64(0), "retries": int64(1)},
		} {
			if given, ok := check[body].(map[string]any); ok {
				for field, value := range defaults {
					if _, ok := given[field]; !ok {
						given[field] = value
					}
				}
			}
		}
	}
	_ = unstructured.SetNestedSlice(policy.Object, all, "spec", "checks")
}

func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	all, err := readManifests(filepath.Join(root, "manifests/examples/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		t.Run(o.GetKind()+" "+o.GetName(), func(t *testing.T) {
			if err := create(t.Context(), o.GetNamespace(), o, metav1.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestThePodsOfTheManifestsAreValidWherePodSecurityIsRestricted(t *testing.T) {
	t.Parallel()
	controller, err := readManifests(filepath.Join(root, "manifests/3*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	canaries, err := readManifests(filepath.Join(root, "manifests/45-canary.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range slices.Concat(controller, canaries) {
		if err := create(t.Context(), o.GetNamespace(), o, metav1.DryRunAll); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Error(err)
		}
		template, _, _ := unstructured.NestedMap(o.Object, "spec", "template")
		if template == nil {
			continue
		}
		// Pod Security only warns of Deployments; what it refuses is the pod.
		pod := &unstructured.Unstructured{Object: maps.Clone(template)}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetName(o.GetName())
		eventually(t, stepTimeout, func(ctx context.Context) error { // a new namespace has no service account for a moment
			return create(ctx, o.GetNamespace(), pod, metav1.DryRunAll)
		})
	}
}

// object reads one object, or a part of one.
func object(t *testing.T, body string) *unstructured.Unstructured {
	t.Helper()
	all, err := parse([]byte(body))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, body)
	}
	if len(all) == 0 {
		return &unstructured.Unstructured{Object: map[string]any{}}
	}
	return all[0]
}

// merge changes into as from says. Lists are replaced as a whole.
func merge(into, from map[string]any) {
	for key, value := range from {
		if change, ok := value.(map[string]any); ok {
			if old, ok := into[key].(map[string]any); ok {
				merge(old, change)
				continue
			}
		}
		into[key] = value
	}
}

func create(ctx context.Context, namespace string, o *unstructured.Unstructured, dryRun ...string) error {
	o = o.DeepCopy()
	o.SetNamespace(namespace)
	resource, err := resourceFor(o)
	if err != nil {
		return err
	}
	_, err = resource.Create(ctx, o, metav1.CreateOptions{DryRun: dryRun, FieldValidation: metav1.FieldValidationStrict})
	return err
}

// newNamespace creates a namespace for one test.
func newNamespace(t *testing.T, name string) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "it-" + name}}
	if _, err := kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}
