package canary

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var (
	same   = Dial{Name: "same", Address: "10.0.0.1:9440", Required: true}
	anyOf  = Dial{Name: "any", Address: "10.0.0.2:9440", Required: true}
	fenced = Dial{Name: "fenced", Address: "10.0.0.3:9440", Required: true, Shut: true}
	other  = Dial{Name: "other", Address: "169.254.169.254:80"}
)

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		role    Role
		results []Result
		reached bool
		says    []string // empty: nothing is wrong
	}{
		"a target has nothing to prove":                       {role: Target},
		"a fenced pod that gets no answer":                    {role: Fenced, results: []Result{{Dial: same}, {Dial: anyOf}}},
		"a fenced pod that gets one answer":                   {role: Fenced, results: []Result{{Dial: same}, {Dial: anyOf, Answers: 1}}, says: []string{"any, 10.0.0.2:9440, answers"}},
		"a fenced pod that is reached":                        {role: Fenced, results: []Result{{Dial: same}}, reached: true, says: []string{"gets through to this pod"}},
		"a fenced pod that reaches what is only recorded":     {role: Fenced, results: []Result{{Dial: same}, {Dial: other, Answers: 1}}},
		"a control pod with answers":                          {role: Control, results: []Result{{Dial: same, Answers: 1}, {Dial: anyOf, Answers: 6}, {Dial: fenced}, {Dial: other}}},
		"a control pod that one of several answers":           {role: Control, results: []Result{{Dial: anyOf, Answers: 1, Error: "timeout"}}},
		"a control pod in a dead network":                     {role: Control, results: []Result{{Dial: same, Error: "timeout"}, {Dial: fenced}}, says: []string{"same, 10.0.0.1:9440, does not answer", "timeout"}},
		"a control pod that reaches the fenced one":           {role: Control, results: []Result{{Dial: same, Answers: 1}, {Dial: fenced, Answers: 1}}, says: []string{"fenced, 10.0.0.3:9440, answers"}},
		"a control pod is to be reached, if anybody wants to": {role: Control, results: []Result{{Dial: same, Answers: 1}}, reached: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(judge(c.role, c.results, c.reached), "; ")
			if (got == "") != (len(c.says) == 0) {
				t.Fatalf("got %q, want %q", got, c.says)
			}
			for _, want := range c.says {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
		})
	}
}

func TestDialsAreThoseOfTheRole(t *testing.T) {
	environment := map[string]string{"CANARY_TARGET_SERVICE_HOST": "10.0.0.2", "CANARY_TARGET_LOCAL_SERVICE_HOST": "10.0.0.1", "CANARY_FENCED_LOCAL_SERVICE_HOST": "fd00::3"}
	get := func(name string) string { return environment[name] }
	for role, want := range map[Role]string{
		Target:  "",
		Fenced:  "10.0.0.1:9440 true false, 10.0.0.2:9440 true false, 192.0.2.1:443 false false",
		Control: "10.0.0.1:9440 true false, 10.0.0.2:9440 true false, [fd00::3]:9440 true true, 192.0.2.1:443 false false",
	} {
		dials, err := Dials(role, get, []string{"192.0.2.1:443"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range dials {
			got = append(got, fmt.Sprint(d.Address, " ", d.Required, " ", d.Shut))
			if d.Tries < 1 {
				t.Errorf("%s: %s is never dialled", role, d.Address)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s dials %v, want %s", role, got, want)
		}
	}
	delete(environment, "CANARY_TARGET_SERVICE_HOST")
	for _, role := range []Role{Fenced, Control} {
		// Without it a fenced pod would dial nothing, and be ready.
		if _, err := Dials(role, get, nil); err == nil || !strings.Contains(err.Error(), "CANARY_TARGET_SERVICE_HOST") {
			t.Errorf("%s without the address of the targets: %v", role, err)
		}
	}
}

// start runs a canary that other canaries find at the address.
func start(t *testing.T, c *Canary) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx, listener) }()
	t.Cleanup(func() { cancel(); <-done })
	return listener.Addr().String()
}

func code(c *Canary, path string) int {
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code
}

func dial(address string, shut bool) Dial {
	return Dial{Name: "target", Address: address, Tries: 2, Required: true, Shut: shut}
}

func TestReadinessIsWhatTheRoundFound(t *testing.T) {
	const yes, no = http.StatusOK, http.StatusServiceUnavailable
	target := start(t, New(Target, "node-1", nil))
	// Takes connections, as a proxy does, and is no canary.
	proxy := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(proxy.Close)
	mute := strings.TrimPrefix(proxy.URL, "http://")
	for name, c := range map[string]struct {
		role  Role
		dials []Dial
		ready int
	}{
		"a fenced pod that is answered":             {Fenced, []Dial{dial(target, false)}, no},
		"a fenced pod that meets a proxy":           {Fenced, []Dial{dial(mute, false)}, yes},
		"a control pod that is answered":            {Control, []Dial{dial(target, false)}, yes},
		"a control pod that meets a proxy":          {Control, []Dial{dial(mute, false)}, no},
		"a control pod that reaches the fenced one": {Control, []Dial{dial(target, false), dial(target, true)}, no},
	} {
		t.Run(name, func(t *testing.T) {
			canary := New(c.role, "node-2", c.dials)
			if started, ready := code(canary, "/startz"), code(canary, "/readyz"); started != no || ready != no {
				t.Fatalf("before the first round: started %d, ready %d", started, ready)
			}
			canary.round(t.Context())
			if got := code(canary, "/readyz"); got != c.ready {
				t.Errorf("ready %d, want %d: %v %+v", got, c.ready, canary.wrong, canary.results)
			}
			if started, alive := code(canary, "/startz"), code(canary, "/livez"); started != yes || alive != yes {
				t.Errorf("after a round: started %d, alive %d", started, alive)
			}
		})
	}
}

func TestAFencedPodNoticesThatItIsReached(t *testing.T) {
	canary := New(Fenced, "node-1", nil)
	address := start(t, canary)
	for _, harmless := range []Role{Target, Fenced} {
		if _, err := greet(t.Context(), address, harmless); err != nil {
			t.Fatal(err)
		}
	}
	canary.round(t.Context())
	if code(canary, "/readyz") != http.StatusOK {
		t.Fatalf("not ready: %v", canary.wrong)
	}
	node, err := greet(t.Context(), address, Control)
	if err != nil || node != "node-1" {
		t.Fatalf("answer %q, %v", node, err)
	}
	canary.round(t.Context())
	if code(canary, "/readyz") == http.StatusOK {
		t.Error("a fenced pod that a control pod has got through to is ready")
	}
	canary.mu.Lock()
	canary.reached = canary.reached.Add(-memory)
	canary.mu.Unlock()
	canary.round(t.Context())
	if code(canary, "/readyz") != http.StatusOK {
		t.Error("once reached, never ready again")
	}
}

func TestARoundThatEndsWithTheProcessIsNoFinding(t *testing.T) {
	canary := New(Fenced, "node-1", []Dial{dial("127.0.0.1:9", false)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	canary.round(ctx)
	if code(canary, "/startz") == http.StatusOK {
		t.Error("a round that was cut short counts: all its dials failed")
	}
}

func TestLiveWhileRoundsEnd(t *testing.T) {
	canary := New(Target, "node-1", nil)
	if code(canary, "/livez") != http.StatusOK {
		t.Error("not alive before the first round")
	}
	canary.last = time.Now().Add(-2 * stuck)
	if code(canary, "/livez") == http.StatusOK {
		t.Error("alive although no round ends")
	}
}

func TestStatusTellsWhatWasReached(t *testing.T) {
	target := start(t, New(Target, "node-1", nil))
	listener := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(listener.Close)
	canary := New(Control, "node-2", []Dial{dial(target, false), {Name: "other", Address: strings.TrimPrefix(listener.URL, "http://"), Tries: 1}})
	canary.round(t.Context())
	w := httptest.NewRecorder()
	canary.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/status", nil))
	var status struct {
		Role, Node string
		Results    []Result
	}
	if err := json.Unmarshal(w.Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	if r := status.Results; status.Role != "control" || status.Node != "node-2" || len(r) != 2 ||
		r[0].Answers != 2 || len(r[0].Nodes) != 1 || r[0].Nodes[0] != "node-1" || r[1].Answers != 1 || r[1].Required {
		t.Errorf("status %s", w.Body)
	}
}
