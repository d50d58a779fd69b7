package e2e

import (
	"net"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// An end is a namespace with web servers behind a Service, to dial from and to.
type end struct {
	namespace string
	from      string // a pod to dial from
	// Addresses of its other pod and of its Service.
	pod, service string
}

func endOf(t *testing.T, namespace string) end {
	t.Helper()
	pods := cluster.Pods(t, namespace)
	if len(pods) != 2 {
		t.Fatalf("namespace %s has %d pods, want 2", namespace, len(pods))
	}
	service, err := cluster.Kube.CoreV1().Services(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return end{
		namespace: namespace, from: pods[0].Name,
		pod: net.JoinHostPort(pods[1].Status.PodIP, "8080"), service: net.JoinHostPort(service.Spec.ClusterIP, "80"),
	}
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode   v1alpha1.NetworkIsolation
		inside bool // the sandboxes of the run reach each other
	}{
		{v1alpha1.IsolationGroup, true},
		{v1alpha1.IsolationStrict, false},
	} {
		t.Run(string(test.mode), func(t *testing.T) {
			t.Parallel()
			cluster.Untouched(t, storeDB, storeWeb)
			rt := cluster.RestoreTest("store-"+string(test.mode), appsBackup, storeDB, storeWeb)
			rt.Spec.Sandbox.NetworkIsolation = test.mode
			inWeb, inDB := webAnswers(), webAnswers()
			inWeb.Namespace, inDB.Namespace, inDB.Name = storeWeb, storeDB, "db-answers"
			rt = cluster.AwaitHeld(t, cluster.Start(t, rt, stage.Hold(storeDB), inWeb, inDB))

			sandboxes := []end{endOf(t, stage.SandboxOf(t, rt, storeDB)), endOf(t, stage.SandboxOf(t, rt, storeWeb))}
			sources := []end{endOf(t, storeDB), endOf(t, storeWeb)}
			outcomes := make(chan error)
			try := func(from end, open, shut []end) {
				want := map[string]bool{}
				for _, to := range open {
					want[to.pod], want[to.service] = true, true
				}
				for _, to := range shut {
					want[to.pod] = false
					// A pod behind its own Service may be sent back to itself, which no policy can forbid.
					if to.namespace != from.namespace {
						want[to.service] = false
					}
				}
				outcomes <- cluster.Isolated(t.Context(), from.namespace, from.from, want)
			}
			for _, from := range sandboxes {
				if test.inside {
					go try(from, sandboxes, sources)
				} else {
					go try(from, nil, append(sandboxes, sources...))
				}
			}
			for _, from := range sources {
				go try(from, sources, sandboxes)
			}
			for range len(sandboxes) + len(sources) {
				if err := <-outcomes; err != nil {
					t.Error(err)
				}
			}

			cluster.Release(t, rt, storeDB)
			_, report := cluster.AwaitEnd(t, rt)
			s := report.Status
			dependencies := s.ValidationLevels.CrossNamespaceDeps
			if test.inside {
				verdict(t, report, v1alpha1.ResultPass, "Passed")
				if s.Score != 100 || dependencies.Status != v1alpha1.LevelPass {
					t.Errorf("score %d, dependencies %+v", s.Score, dependencies)
				}
			} else if dependencies.Status == v1alpha1.LevelPass {
				t.Errorf("a dependency that the isolation cuts counts as tested: %+v", dependencies)
			}
			if s.NetworkIsolation != test.mode || len(s.Sandboxes) != 2 || s.Completeness.Services != "2/2" {
				t.Errorf("report: %+v", s)
			}
			for _, c := range s.Checks {
				if c.Status != v1alpha1.CheckPass {
					t.Errorf("check %+v", c)
				}
			}
		})
	}
}
