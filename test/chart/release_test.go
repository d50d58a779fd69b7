package chart

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/fence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/test/plane"
)

// TestAReleaseIsInstalledUpgradedAndUninstalled by the commands of the chart's README, with each Helm that is maintained, and with the newer
// after the older: on a control plane of its own without a node, or with -node on a cluster where all pods have to become ready too.
func TestAReleaseIsInstalledUpgradedAndUninstalled(t *testing.T) {
	for name, of := range map[string]struct{ install, upgrade string }{
		"Helm 4": {newest, newest}, "Helm 3": {"3", "3"}, "Helm 4 after 3": {"3", newest},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, of.install)
			before := olderChart(t)
			s.install(t, before, "--set", "controller.extraArgs={--v=3}")
			s.isReady(t)
			s.seesAll(t, "after the installation", before)
			s.hasTheFence(t)
			s.write(t)
			s.changeRules(t)

			s.use(t, of.upgrade)
			s.refusesOldDefaults(t)
			s.seesAll(t, "after a refused upgrade", before)
			s.upgrade(t)
			s.isReady(t)
			s.seesAll(t, "after the upgrade", chart)
			s.hasTheFence(t)
			s.hasTheNewDefinitions(t)
			s.hasTheArgument(t, "--v=3")
			if _, err := s.Kube.CoreV1().ConfigMaps(namespace).Get(t.Context(), obsolete, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("what the chart before had alone is still there: %v", err)
			}
			s.stillHas(t)
			s.do(t, s.without("upgrade", release, chart, "--reuse-values", "--force-conflicts", "--set", "permittedResources={certificates.cert-manager.io}")...)
			s.hasTheFence(t, "certificates.cert-manager.io")
			s.hasTheArgument(t, "--v=3")

			// By somebody who does not read on: the test has to stay as well.
			s.do(t, "uninstall", release)
			s.onlyKeeps(t)
			s.stillHas(t)

			// Under the same name it takes back what it has left.
			s.install(t, chart)
			s.seesAll(t, "after the second installation", chart)
			s.hasTheFence(t)
			s.isReady(t)
			s.stillHas(t)

			s.follow(t, "Uninstall", chart)
			s.onlyKeeps(t)
			s.stillHasTheReport(t)
			s.clear(t)
		})
	}
}

// TestMonitoringIsSwitchedOnLater: the fence is in force by then.
func TestMonitoringIsSwitchedOnLater(t *testing.T) {
	if *onNode {
		t.Skip("it needs no node")
	}
	s := newScene(t, newest)
	for _, kind := range []string{"PodMonitor", "ServiceMonitor", "PrometheusRule"} {
		s.define(t, kind)
	}
	s.install(t, chart)
	on := values{"monitoring.podMonitor.enabled": true, "monitoring.serviceMonitor.enabled": true, "monitoring.prometheusRule.enabled": true, "monitoring.dashboards.enabled": true}
	s.upgrade(t, "--values", on.file(t))
	s.sees(t, "with monitoring", rendered(t, on))
}

// scene is a control plane with Velero's definitions and namespace, and a Helm.
type scene struct {
	*plane.Cluster
	helm string
	// version of helm, and of the one that made the release
	version, madeBy string
}

func newScene(t *testing.T, version string) *scene {
	t.Helper()
	if testing.Short() {
		t.Skip("make test-chart runs it, on a control plane")
	}
	s := &scene{}
	s.use(t, version)
	if *onNode {
		s.Cluster = node(t)
		return s
	}
	var err error
	if s.Cluster, err = plane.Start(root, "", "chart-test"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.ApplyFiles(t.Context(), filepath.Join(root, "test/integration/testdata/velero.yaml")); err != nil {
		t.Fatal(err)
	}
	velero := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "velero"}}
	if _, err := s.Kube.CoreV1().Namespaces().Create(t.Context(), velero, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// use goes on with a version of Helm.
func (s *scene) use(t *testing.T, version string) {
	t.Helper()
	s.helm, s.version = helm(t, version), version
}

// obsolete is a ConfigMap of a chart of old, and older its version.
const obsolete, older = "of-old", "v0.0.9"

// olderChart returns a copy of the chart as a version before could have been: with another image, a definition that lacks a field, an
// object less, a value less, and an object that is gone today.
func olderChart(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	edit := func(name, from, to string) {
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pattern := regexp.MustCompile(from)
		if n := len(pattern.FindAll(text, -1)); n != 1 {
			t.Fatalf("%s has %q %d times", name, from, n)
		}
		if err := os.WriteFile(file, pattern.ReplaceAllLiteral(text, []byte(to)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("Chart.yaml", `\nversion: 0\.1\.0\n`, "\nversion: "+older[1:]+"\n")
	edit("Chart.yaml", `\nappVersion: v0\.1\.0\n`, "\nappVersion: "+older+"\n")
	edit("templates/manifests/crds/restore.kymaros.io_restoretests.yaml", `\n {14}`+newField+`:\n`, "\n              earlier:\n")
	edit("values.yaml", newValue+`:\n( .*\n)+`, "")
	edit("values.schema.json", `"`+newValue+`": .*\n`, "")
	edit("values.schema.json", `"`+newValue+`", `, "")
	for _, name := range []string{"mappings/images.yaml", "storageclass.yaml"} {
		if err := os.Remove(filepath.Join(dir, "templates/manifests", name)); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n  namespace: %s\n", obsolete, namespace)
	if err := os.WriteFile(filepath.Join(dir, "templates/old.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newField is one of spec of RestoreTests, and newValue one of the chart, that olderChart does not have.
const newField, newValue = "historyLimit", "imageMappings"

// do runs Helm, as an administrator.
func (s *scene) do(t *testing.T, args ...string) string {
	t.Helper()
	start := time.Now()
	out, err := run(s.helm, append(args, "--namespace", namespace, "--kubeconfig", s.AdminFile)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("helm %s: %s", args[0], time.Since(start).Round(time.Second/10))
	return out
}

// follow runs the commands of a section of the chart's README, with a chart of choice and more flags for Helm.
func (s *scene) follow(t *testing.T, section, dir string, more ...string) {
	t.Helper()
	for command := range strings.SplitSeq(strings.TrimSpace(block(t, section, "")), "\n") {
		words := strings.Fields(command)
		switch {
		case words[0] == "helm":
			if i := slices.Index(words, "manifests/chart"); i > 0 {
				words[i] = dir
			}
			s.do(t, s.without(append(words[1:], more...)...)...)
		case command == "kubectl create namespace "+namespace:
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
			if _, err := s.Kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
				t.Fatal(err)
			}
		case command == "kubectl delete restoretests --all --all-namespaces":
			s.deleteTests(t)
		default:
			t.Fatalf("nobody knows how to test %q", command)
		}
	}
}

// without takes away what this Helm does not know, or not for a release of another.
func (s *scene) without(args ...string) []string {
	if s.version == newest && s.madeBy == newest {
		return args
	}
	return slices.DeleteFunc(args, func(arg string) bool { return arg == "--force-conflicts" })
}

func (s *scene) install(t *testing.T, dir string, more ...string) {
	t.Helper()
	s.follow(t, "Install", dir, more...)
	s.madeBy = s.version
}

func (s *scene) upgrade(t *testing.T, more ...string) {
	t.Helper()
	s.follow(t, "Upgrade", chart, more...)
}

// refusesOldDefaults fails t unless Helm refuses an upgrade with the defaults of the version before, which lack a value.
func (s *scene) refusesOldDefaults(t *testing.T) {
	t.Helper()
	_, err := run(s.helm, "upgrade", release, chart, "--namespace", namespace, "--kubeconfig", s.AdminFile, "--reuse-values")
	if err == nil || !strings.Contains(err.Error(), "missing property '"+newValue+"'") {
		t.Errorf("values of a version without %s: %v", newValue, err)
	}
}

// deleteTests does so, and waits until the controller has cleaned up after them.
func (s *scene) deleteTests(t *testing.T) {
	t.Helper()
	plane.Eventually(t, time.Second, 3*time.Minute, func(ctx context.Context) error {
		all, err := s.Kymaros.RestoreV1alpha1().RestoreTests("").List(ctx, metav1.ListOptions{})
		if err != nil || len(all.Items) == 0 {
			return err
		}
		for _, rt := range all.Items {
			err = errors.Join(err, s.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Delete(ctx, rt.Name, metav1.DeleteOptions{}))
		}
		return errors.Join(fmt.Errorf("%d tests are still there", len(all.Items)), err)
	})
}

// has returns an error unless the cluster has one of the objects.
func (s *scene) has(ctx context.Context, all objects, name string) error {
	client, err := s.ResourceFor(all[name])
	if err != nil {
		return err
	}
	_, err = client.Get(ctx, all[name].GetName(), metav1.GetOptions{})
	return err
}

// seesAll fails t unless every object of a chart is there, with the image of that chart.
func (s *scene) seesAll(t *testing.T, when, dir string) {
	t.Helper()
	text, err := run(s.helm, "template", release, dir, "--namespace", namespace)
	if err != nil {
		t.Fatal(err)
	}
	all := named(t, parse(t, text))
	s.sees(t, when, all)
	want := all.object(t, "Deployment "+namespace+"/kymaros-controller")
	client, err := s.ResourceFor(want)
	if err != nil {
		t.Fatal(err)
	}
	have, err := client.Get(t.Context(), want.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if is, should := imageOf(t, have.Object), imageOf(t, want.Object); is != should {
		t.Errorf("%s the controller is %s, want %s", when, is, should)
	}
}

func (s *scene) sees(t *testing.T, when string, all objects) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := s.has(t.Context(), all, name); err != nil {
			t.Errorf("%s: %s: %v", when, name, err)
		}
	}
	ns, err := s.Kube.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil || ns.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("%s namespace %s has labels %v: %v", when, namespace, ns.Labels, err)
	}
}

// hasTheFence fails t unless it is as the controller wants it, or no run would start.
func (s *scene) hasTheFence(t *testing.T, permitted ...string) {
	t.Helper()
	checker, err := fence.NewChecker(s.Kube, s.Kymaros, namespace, "velero", permitted)
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := checker.Differences(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("the fence: %q, %v", problems, err)
	}
}

func (s *scene) hasTheNewDefinitions(t *testing.T) {
	t.Helper()
	crd, err := s.Objects.Resource(plane.CRDResource).Get(t.Context(), "restoretests.restore.kymaros.io", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(crd.Object["spec"]); !strings.Contains(text, newField+":map[") || strings.Contains(text, "earlier:map[") {
		t.Errorf("the definition of RestoreTests has no %s after the upgrade", newField)
	}
}

// write makes a test, and a report as its writer does.
func (s *scene) write(t *testing.T) {
	t.Helper()
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: v1alpha1.RestoreTestSpec{
		BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}},
		Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *"},
	}}
	if _, err := s.Kymaros.RestoreV1alpha1().RestoreTests("default").Create(t.Context(), rt, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	prober := rest.CopyConfig(s.Admin)
	prober.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":kymaros-prober",
		Extra:    map[string][]string{"authentication.kubernetes.io/pod-name": {"kymaros-prober-test"}},
	}
	client, err := versioned.NewForConfig(prober)
	if err != nil {
		t.Fatal(err)
	}
	report := &v1alpha1.RestoreReport{ObjectMeta: metav1.ObjectMeta{Name: "shop-1"}, Spec: v1alpha1.RestoreReportSpec{TestRef: "shop", RunID: "1"}}
	plane.Eventually(t, 100*time.Millisecond, 30*time.Second, func(ctx context.Context) error { // the roles are known a moment later
		_, err := client.RestoreV1alpha1().RestoreReports("default").Create(ctx, report, metav1.CreateOptions{})
		return err
	})
}

// stillHas fails t unless test and report are there.
func (s *scene) stillHas(t *testing.T) {
	t.Helper()
	if _, err := s.Kymaros.RestoreV1alpha1().RestoreTests("default").Get(t.Context(), "shop", metav1.GetOptions{}); err != nil {
		t.Errorf("the test was lost: %v", err)
	}
	s.stillHasTheReport(t)
}

func (s *scene) stillHasTheReport(t *testing.T) {
	t.Helper()
	if _, err := s.Kymaros.RestoreV1alpha1().RestoreReports("default").Get(t.Context(), "shop-1", metav1.GetOptions{}); err != nil {
		t.Errorf("the report was lost: %v", err)
	}
}

// hasTheArgument fails t unless the controller has one that was given as a value.
func (s *scene) hasTheArgument(t *testing.T, argument string) {
	t.Helper()
	d, err := s.Kube.AppsV1().Deployments(namespace).Get(t.Context(), "kymaros-controller", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if args := d.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, argument) {
		t.Errorf("the value with %s was lost: %q", argument, args)
	}
}

// changeRules does what the controller does before a restore: it writes into the rules for Velero.
func (s *scene) changeRules(t *testing.T) {
	t.Helper()
	rules, err := s.Kube.CoreV1().ConfigMaps("velero").Get(t.Context(), "kymaros-group-modifiers", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key := range rules.Data {
		rules.Data[key] += "# changed\n"
	}
	if _, err := s.Kube.CoreV1().ConfigMaps("velero").Update(t.Context(), rules, metav1.UpdateOptions{FieldManager: "kymaros-restore"}); err != nil {
		t.Fatal(err)
	}
}

// onlyKeeps fails t unless all that the chart gives goes, but what people would lose.
func (s *scene) onlyKeeps(t *testing.T) {
	t.Helper()
	all := rendered(t, nil)
	plane.Eventually(t, time.Second, 3*time.Minute, func(ctx context.Context) error { // pods get a minute to end
		var wrong []string
		for _, name := range slices.Sorted(maps.Keys(all)) {
			err := s.has(ctx, all, name)
			keeps := strings.HasPrefix(name, "CustomResourceDefinition ") || name == "Namespace /"+namespace
			if keeps && err != nil || !keeps && !apierrors.IsNotFound(err) {
				wrong = append(wrong, fmt.Sprintf("%s: %v", name, err))
			}
		}
		if len(wrong) > 0 {
			return fmt.Errorf("after the uninstallation:\n%s", strings.Join(wrong, "\n"))
		}
		return nil
	})
}

// define has the control plane serve a kind of the Prometheus operator.
func (s *scene) define(t *testing.T, kind string) {
	t.Helper()
	plural := strings.ToLower(kind) + "s"
	text := fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: %[2]s, plural: %[1]s}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`, plural, kind)
	file := filepath.Join(t.TempDir(), "crd.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.ApplyFiles(t.Context(), file); err != nil {
		t.Fatal(err)
	}
}

// imageOf returns the image of the first container of a workload.
func imageOf(t *testing.T, workload map[string]any) any {
	t.Helper()
	containers, ok, err := unstructured.NestedSlice(workload, "spec", "template", "spec", "containers")
	if !ok || err != nil {
		t.Fatalf("no containers: %v", err)
	}
	return containers[0].(map[string]any)["image"] //nolint:forcetypeassert // a container
}
