package surroundings

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// resolvers has our pods find in /etc/resolv.conf what a kubelet writes where a cluster has DNS; that of tests has none.
func resolvers(ctx context.Context) error {
	var errs []error
	for _, name := range []string{stage.Controller, stage.Prober, stage.DNS} {
		patch := fmt.Appendf(nil, `{"spec":{"template":{"spec":{"dnsPolicy":"None","dnsConfig":{"nameservers":["10.96.0.10"],"searches":["%s.svc.%s","svc.%s","%s"]}}}}}`,
			stage.SystemNamespace, domain, domain, domain)
		_, err := cluster.Kube.AppsV1().Deployments(stage.SystemNamespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		if errs = append(errs, err); err == nil {
			errs = append(errs, cluster.AwaitRollout(ctx, stage.SystemNamespace, name))
		}
	}
	return errors.Join(errs...)
}

// rules has the ConfigMaps of Velero's rules for isolation group know that domain.
func rules(t *testing.T, name string) {
	t.Helper()
	for _, file := range []string{"25-group-modifiers.yaml", "27-no-class-modifiers.yaml"} {
		content, err := os.ReadFile("../../manifests/" + file)
		must(t, err)
		text := strings.ReplaceAll(string(content), "svc.cluster.local", "svc."+name)
		_, err = cluster.Kubectl(context.WithoutCancel(t.Context()), strings.NewReader(text), "apply", "-f", "-")
		must(t, err)
	}
}

func inGroup(name string) *v1alpha1.RestoreTest {
	rt := cluster.RestoreTest(name, web, db, web)
	rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
	return rt
}

// TestRulesForAnotherDomainAreNamed: pods would find no name, and the run would blame the backup for it.
func TestRulesForAnotherDomainAreNamed(t *testing.T) {
	rules(t, "cluster.local")
	_, report := cluster.AwaitEnd(t, cluster.Start(t, inGroup("shipped-rules")))
	if s := report.Status; s.Result != v1alpha1.ResultInconclusive || !strings.Contains(s.Message, "svc."+domain) || !strings.Contains(s.Message, "group-modifiers") {
		t.Errorf("%s, %s: %s", s.Result, s.Reason, s.Message)
	}
}

func TestNamesOfAnotherDomainMeanTheSandbox(t *testing.T) {
	rules(t, domain)
	t.Cleanup(func() { rules(t, "cluster.local") })
	cluster.Untouched(t, db, web)
	ask := func(name, host string, code int) v1alpha1.HealthCheck {
		return v1alpha1.HealthCheck{Name: name, Type: v1alpha1.CheckExec, Namespace: web, Exec: &v1alpha1.ExecCheck{
			PodSelector: map[string]string{"app": "web"}, Command: []string{"timeout", "8", "wget", "-q", "-O", "/dev/null", "http://" + host + "/"}, SuccessExitCode: int32(code),
		}}
	}
	_, report := cluster.AwaitEnd(t, cluster.Start(t, inGroup("domain"),
		ask("the-other", "web."+db+".svc."+domain, 0), ask("in-short", "web."+db, 0), ask("of-old", "web."+db+".svc.cluster.local", 1), ask("the-cluster", "kubernetes.default.svc."+domain, 1)))
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
	for _, c := range report.Status.Checks {
		if c.Status != v1alpha1.CheckPass {
			t.Errorf("check %+v", c)
		}
	}
	if level := report.Status.ValidationLevels.CrossNamespaceDeps; level.Status != v1alpha1.LevelPass || !strings.Contains(strings.Join(level.Tested, "; "), "web."+db+".svc."+domain) {
		t.Errorf("dependencies %+v", level)
	}
}

// TestADependencyOutsideOfTheTestIsTold under a name of that domain.
func TestADependencyOutsideOfTheTestIsTold(t *testing.T) {
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("alone", web, web)))
	if level := report.Status.ValidationLevels.CrossNamespaceDeps; !strings.Contains(strings.Join(level.NotTested, "; ")+level.Detail, "web."+db+".svc."+domain) {
		t.Errorf("dependencies %+v", level)
	}
}
