package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// victims are RestoreTests; the process is killed when the n-th write for the n-th of them has been answered.
type victims struct {
	names []string
	kill  chan death // asks for a kill
	over  <-chan struct{}

	mu     sync.Mutex
	writes map[string]int
	fired  map[string]bool
}

// death is that of the process which a controller is of. done is closed when it is dead.
type death struct {
	of   string // the agent of the controller
	done chan struct{}
}

// answered is called with every answer before the controller hears it. The answer of a write that kills is never heard: the
// controller that starts next has to find out by itself what was done.
func (v *victims) answered(r *request) {
	if !r.writes() || r.code >= http.StatusBadRequest {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for n, name := range v.names {
		if !r.mentions(name) {
			continue
		}
		v.writes[name]++
		if v.writes[name] >= n+1 && !v.fired[name] {
			v.fired[name] = true
			dead := death{r.agent, make(chan struct{})}
			select {
			case v.kill <- dead:
				<-dead.done
			case <-v.over:
			}
		}
		return
	}
}

func TestARunSurvivesAKillAfterEachOfItsWrites(t *testing.T) {
	plane.Slow(t)
	controller, through := newProcess(t, "killed", "--max-restores=1000", "--kube-api-qps=500", "--kube-api-burst=1000")
	if err := controller.start(); err != nil {
		t.Fatal(err)
	}
	defer func() { controller.kill() }()

	ns := newNamespace(t, "killed")
	policy(t, ns, "web")
	newTest := func(name string) *v1alpha1.RestoreTest {
		return restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	}

	// How many writes a run has.
	unharmed := newTest("unharmed")
	backup(t, unharmed.Name, sources(unharmed)...)
	_, report := awaitEnd(t, createTest(t, unharmed))
	if report.Status.Result != v1alpha1.ResultPass {
		t.Fatalf("a run that nobody disturbs is %s: %s", report.Status.Result, report.Status.Message)
	}
	n := len(through.seen(func(r *request) bool {
		return r.writes() && r.mentions(unharmed.Name) && r.code < http.StatusBadRequest
	}))

	ctx, done := context.WithCancel(t.Context())
	defer done()
	v := &victims{kill: make(chan death), over: ctx.Done(), writes: map[string]int{}, fired: map[string]bool{}}
	var tests []*v1alpha1.RestoreTest
	var all []string
	for i := range n {
		rt := newTest(fmt.Sprintf("killed-%02d", i+1))
		tests, v.names, all = append(tests, rt), append(v.names, rt.Name), append(all, sources(rt)...)
	}
	backup(t, "killed", all...)
	through.onAnswer(v.answered)
	var undertaker sync.WaitGroup
	lives := map[string]int{}
	undertaker.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case dead := <-v.kill:
				half := controller.of(dead.of)
				half.kill()
				close(dead.done)
				if err := half.start(); err != nil {
					t.Error(err)
					return
				}
				lives[half.account]++
			}
		}
	})
	for _, rt := range tests {
		createTest(t, rt)
	}
	eventually(t, 3*time.Minute, func(ctx context.Context) error {
		list, err := kymaros.RestoreV1alpha1().RestoreTests(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var errs []error
		for i := range list.Items {
			errs = append(errs, ended(&list.Items[i]))
		}
		return errors.Join(errs...)
	})
	through.onAnswer(nil)
	done()
	undertaker.Wait()

	for i, rt := range tests {
		t.Run(fmt.Sprintf("after write %d", i+1), func(t *testing.T) {
			rt, err := current(t.Context(), rt)
			if err != nil {
				t.Fatal(err)
			}
			nothingLeft(t, rt)
			if report := theReport(t, rt); report.Status.Result != v1alpha1.ResultPass {
				t.Errorf("result %s, %s: %s", report.Status.Result, report.Status.Reason, report.Status.Message)
			}
			for _, resource := range []string{"restores", "namespaces", "restorereports"} {
				if created := through.created(resource, rt.Name); created != 1 {
					t.Errorf("%d %s were created, want 1", created, resource)
				}
			}
			verdicts := through.seen(func(r *request) bool {
				return r.method == http.MethodPut && strings.Contains(r.path, "/restorereports/"+rt.Name) && r.code == http.StatusOK
			})
			if len(verdicts) != 1 {
				t.Errorf("the report was written %d times", len(verdicts))
			}
		})
	}
	if all := lives[plane.Controller] + lives[plane.Prober]; all < n/2 || lives[plane.Prober] < 3 {
		t.Errorf("the processes were started %v times for %d writes: hardly anything was tested", lives, n)
	}
	t.Logf("%d writes a run, further lives: %v", n, lives)
	if err := kymaros.RestoreV1alpha1().RestoreTests(ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}
