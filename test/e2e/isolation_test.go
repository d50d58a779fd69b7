package e2e

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

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

// dial tries to fetch a page from each address, all at once, and tells for each whether there was an answer. The last is
// the pod itself: without an answer from there, dialling does not work at all.
const dial = `for address in "$@" 127.0.0.1:8080; do
  (if timeout 3 wget -q -O /dev/null "http://$address/"; then echo "$address yes"; else echo "$address no"; fi) &
done
wait`

// reach dials every address of want. It tells which answered and should not have, and which did not and should have.
func reach(ctx context.Context, from end, want map[string]bool) (leaks, silent []string, err error) {
	command := []string{"sh", "-c", dial, "dial"}
	for address := range want {
		command = append(command, address)
	}
	out, err := cluster.Exec(ctx, from.namespace, from.from, command...)
	if err != nil {
		return nil, nil, err
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		address, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[address] = answer
	}
	if got["127.0.0.1:8080"] != "yes" {
		return nil, nil, fmt.Errorf("%s cannot dial at all: %s", from.namespace, out)
	}
	for address, wanted := range want {
		switch answer := got[address]; {
		case answer == "yes" && !wanted:
			leaks = append(leaks, address)
		case answer == "no" && wanted:
			silent = append(silent, address)
		case answer != "yes" && answer != "no":
			return nil, nil, fmt.Errorf("%s did not dial %s: %s", from.namespace, address, out)
		}
	}
	return leaks, silent, nil
}

// isolated returns an error unless exactly those addresses of want that are true answer. One that must not answer may not
// do so even once; one that must may need a moment on a busy machine: the policy agent learns of a new pod a little later.
func isolated(ctx context.Context, from end, want map[string]bool) error {
	var leaks []string
	err := stage.Poll(ctx, 30*time.Second, func(ctx context.Context) error {
		leaked, silent, err := reach(ctx, from, want)
		if leaks = leaked; err != nil || len(leaks) > 0 || len(silent) == 0 {
			return err
		}
		return fmt.Errorf("from %s there is no answer from %v", from.namespace, silent)
	})
	if len(leaks) > 0 {
		return fmt.Errorf("from %s there are answers from %v", from.namespace, leaks)
	}
	return err
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
			untouched(t, storeDB, storeWeb)
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
				outcomes <- isolated(t.Context(), from, want)
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
