package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	same   = Dial{Name: "same", Address: "10.0.0.1:9440", Required: true}
	anyOf  = Dial{Name: "any", Address: "10.0.0.2:9440", Required: true}
	fenced = Dial{Name: "fenced", Address: "10.0.0.3:9440", Required: true, Shut: true}
	other  = Dial{Name: "other", Address: "169.254.169.254:80"}

	first  = Dial{Name: "target on another node", Address: "10.0.1.1:9440", Required: true}
	second = Dial{Name: "target on another node", Address: "10.0.1.2:9440", Required: true}
)

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		role    Role
		results []Result
		says    []string // empty: nothing is wrong
	}{
		"a target has nothing to prove":                                {role: Target},
		"a fenced pod that gets no answer":                             {role: Fenced, results: []Result{{Dial: same}, {Dial: anyOf}}},
		"a fenced pod that gets one answer":                            {role: Fenced, results: []Result{{Dial: same}, {Dial: anyOf, Answers: 1}}, says: []string{"any, 10.0.0.2:9440, answers"}},
		"a fenced pod that reaches what is only recorded":              {role: Fenced, results: []Result{{Dial: same}, {Dial: other, Answers: 1}}},
		"a control pod with answers":                                   {role: Control, results: []Result{{Dial: same, Answers: 1}, {Dial: anyOf, Answers: 6}, {Dial: fenced}, {Dial: other}}},
		"a control pod that one of several answers":                    {role: Control, results: []Result{{Dial: anyOf, Answers: 1, Error: "timeout"}}},
		"a control pod that one of the other nodes answers":            {role: Control, results: []Result{{Dial: same, Answers: 1}, {Dial: first, Error: "timeout"}, {Dial: second, Answers: 1}}},
		"a control pod that only the first of the other nodes answers": {role: Control, results: []Result{{Dial: first, Answers: 1}, {Dial: second, Error: "timeout"}}},
		"a control pod that no other node answers": {
			role: Control, results: []Result{{Dial: same, Answers: 1}, {Dial: first, Error: "timeout"}, {Dial: second, Error: "no route"}},
			says: []string{"target on another node, 10.0.1.1:9440 or 10.0.1.2:9440, does not answer", "no route"},
		},
		"a control pod that its own node does not answer": {
			role: Control, results: []Result{{Dial: same, Error: "refused"}, {Dial: first, Answers: 1}}, says: []string{"same, 10.0.0.1:9440, does not answer", "refused"},
		},
		"a fenced pod that one of the other nodes answers": {
			role: Fenced, results: []Result{{Dial: same}, {Dial: first}, {Dial: second, Answers: 1}}, says: []string{"target on another node, 10.0.1.2:9440, answers"},
		},
		"a control pod in a dead network":           {role: Control, results: []Result{{Dial: same, Error: "timeout"}, {Dial: fenced}}, says: []string{"same, 10.0.0.1:9440, does not answer", "timeout"}},
		"a control pod that reaches the fenced one": {role: Control, results: []Result{{Dial: same, Answers: 1}, {Dial: fenced, Answers: 1}}, says: []string{"fenced, 10.0.0.3:9440, answers"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(judge(c.role, c.results), "; ")
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

// written returns a file as the kubelet makes it of what the guide wrote.
func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), AddressesKey)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDialsAreThoseOfTheRole(t *testing.T) {
	text, err := Addresses{Service: "10.0.0.2", Pods: map[string]string{"a": "10.1.0.1", "b": "fd00::2"}, Fenced: "10.0.0.4", FencedLocal: "fd00::3"}.Text()
	if err != nil {
		t.Fatal(err)
	}
	file := written(t, text)
	const targets = "10.1.0.1:9440 a 1 true false, [fd00::2]:9440 b 1 true false, 10.0.0.2:9440  6 true false"
	for role, want := range map[Role]string{
		Target:  "",
		Fenced:  targets + ", 192.0.2.1:443  1 false false",
		Control: targets + ", [fd00::3]:9440  1 true true, 10.0.0.4:9440  6 true true, 192.0.2.1:443  1 false false",
	} {
		dials, err := Plan(role, "a", file, []string{"192.0.2.1:443"})()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range dials {
			got = append(got, fmt.Sprint(d.Address, " ", d.Node, " ", d.Tries, " ", d.Required, " ", d.Shut))
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
	}
}

// A plugin enforces policies in each IP family by itself.
func TestBothIPFamiliesAreDialled(t *testing.T) {
	const first = `"service":"10.0.0.2","pods":{"a":"10.1.0.1","b":"10.1.0.2"},"fenced":"10.0.0.4","fencedLocal":"10.0.0.3"`
	const ofFirst = "10.1.0.1:9440, 10.1.0.2:9440, 10.0.0.2:9440, 10.0.0.3:9440, 10.0.0.4:9440"
	for name, c := range map[string]struct{ second, want, says string }{
		"all has two addresses": {
			`{"service":"fd01::2","pods":{"a":"fd00::1","b":"fd00::2"},"fenced":"fd01::4","fencedLocal":"fd01::3"}`,
			ofFirst + ", [fd00::1]:9440, [fd00::2]:9440, [fd01::2]:9440, [fd01::3]:9440, [fd01::4]:9440", "",
		},
		"Services have one":          {`{"service":"","pods":{"a":"fd00::1"},"fenced":"","fencedLocal":""}`, ofFirst + ", [fd00::1]:9440", ""},
		"pods of this node have one": {`{"service":"fd01::2","pods":{"b":"fd00::2"},"fenced":"fd01::4","fencedLocal":"fd01::3"}`, ofFirst, ""},
		"an address is none":         {`{"service":"x","pods":{"a":"fd00::1"}}`, "", `Service of the targets in the second IP family: "x" is none`},
	} {
		dials, err := Plan(Control, "a", written(t, `{`+first+`,"second":`+c.second+`}`), nil)()
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
			}
			continue
		}
		var got []string
		names := map[string]bool{}
		for _, d := range dials {
			got = append(got, d.Address)
			// One answer is enough of those with the same name, and not one of another family.
			names[d.Name] = strings.HasPrefix(d.Address, "[")
		}
		for _, d := range dials {
			if names[d.Name] != strings.HasPrefix(d.Address, "[") {
				t.Errorf("%s: both families have %q", name, d.Name)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

// A control pod that dialled an old address would be ready: nobody answers there.
func TestAControlPodKnowsTheFencedPodsByWhatTheGuideWrites(t *testing.T) {
	const targets = `"service":"10.0.0.2","pods":{"a":"10.1.0.1"}`
	file := written(t, `{`+targets+`,"fenced":"10.0.0.4","fencedLocal":"10.0.0.3"}`)
	plan := Plan(Control, "a", file, nil)
	for _, c := range []struct{ text, says string }{
		{`{` + targets + `}`, `no addresses of fenced pods: fenced pod on the same node: ""`},
		{`{` + targets + `,"fenced":"10.0.0.4","fencedLocal":""}`, "fenced pod on the same node"},
		{`{` + targets + `,"fenced":"None","fencedLocal":"10.0.0.3"}`, `fenced pods on all nodes: "None"`},
		{`{` + targets + `,"fenced":"10.0.0.14","fencedLocal":"10.0.0.13"}`, ""},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if dials, err := Plan(Fenced, "a", file, nil)(); err != nil || len(dials) != 2 {
			t.Errorf("%s: a fenced pod dials %v, %v", c.text, dials, err)
		}
		dials, err := plan()
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "manifests/45-canary.yaml") {
				t.Errorf("%s: dials %v, %v, want an error that says %q", c.text, dials, err, c.says)
			}
			continue
		}
		if err != nil || len(dials) != 4 || dials[2].Address != "10.0.0.13:9440" || dials[3].Address != "10.0.0.14:9440" {
			t.Errorf("%s: dials %v, %v", c.text, dials, err)
		}
	}
}

// A fenced pod that dialled nothing would be ready.
func TestWithoutAnAddressOfItsOwnNodeAPodDialsNothing(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"nothing is written":              {"", "unexpected end"},
		"something else is written":       {"[]", "cannot unmarshal"},
		"no target is ready on the node":  {`{"service":"10.0.0.2","pods":{"b":"10.1.0.2"}}`, "none is ready on node a"},
		"the Service has no address":      {`{"pods":{"a":"10.1.0.1"}}`, "Service of the targets"},
		"an address of a target is none":  {`{"service":"10.0.0.2","pods":{"a":"nowhere"}}`, `"nowhere" is none`},
		"an address of another is none":   {`{"service":"10.0.0.2","pods":{"a":"10.1.0.1","b":"x"}}`, `target on another node: "x" is none`},
		"its address is written as empty": {`{"service":"10.0.0.2","pods":{"a":""}}`, "none is ready on node a"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := Plan(Fenced, "a", written(t, c.text), []string{"192.0.2.1:443"})
			if dials, err := plan(); err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "no addresses of targets: ") {
				t.Errorf("dials %v, %v, want an error that says %q", dials, err, c.says)
			}
		})
	}
	if _, err := Plan(Fenced, "a", filepath.Join(t.TempDir(), "absent"), nil)(); err == nil || !strings.Contains(err.Error(), "kubectl -n kymaros-canary-targets get pods") {
		t.Errorf("without the file: %v", err)
	}
}

func TestEachNodeDialsTheNodesThatFollowIt(t *testing.T) {
	pods := map[string]string{}
	for i, want := range []string{"", "b", "b c", "b c d", "b c d", "b c d"} {
		pods[string(rune('a'+i))] = "10.1.0.1"
		if got := strings.Join(neighbours(pods, "a"), " "); got != want {
			t.Errorf("of %d nodes the first dials %q, want %q", i+1, got, want)
		}
	}
	for node, want := range map[string]string{"c": "d e f", "e": "f a b", "f": "a b c"} {
		if got := strings.Join(neighbours(pods, node), " "); got != want {
			t.Errorf("node %s dials %q, want %q", node, got, want)
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
	go func() {
		defer close(done)
		if err := c.Run(ctx, listener); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return listener.Addr().String()
}

func nothing() ([]Dial, error) { return nil, nil }

func code(c *Canary, path string) int {
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code
}

func dial(address string, shut bool) Dial {
	return Dial{Name: "target", Address: address, Tries: 2, Required: true, Shut: shut}
}

// dialOn is a dial of what ought to be on a node.
func dialOn(node, address string, shut bool) Dial {
	d := dial(address, shut)
	d.Node = node
	return d
}

func TestReadinessIsWhatTheRoundFound(t *testing.T) {
	const yes, no = http.StatusOK, http.StatusServiceUnavailable
	target := start(t, New(Target, "node-1", nothing))
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
		"a control pod that the right node answers": {Control, []Dial{dialOn("node-1", target, false)}, yes},
		"a control pod that another node answers":   {Control, []Dial{dialOn("node-2", target, false)}, no},
		"a fenced pod that another node answers":    {Fenced, []Dial{dialOn("node-2", target, false)}, no},
	} {
		t.Run(name, func(t *testing.T) {
			canary := New(c.role, "node-2", nothing)
			if started, ready := code(canary, "/startz"), code(canary, "/readyz"); started != no || ready != no {
				t.Fatalf("before the first round: started %d, ready %d", started, ready)
			}
			canary.round(t.Context(), c.dials)
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
	canary := New(Fenced, "node-1", nothing)
	address := start(t, canary)
	for _, harmless := range []Role{Target, Fenced} {
		if _, err := greet(t.Context(), address, harmless); err != nil {
			t.Fatal(err)
		}
	}
	canary.round(t.Context(), nil)
	if code(canary, "/readyz") != http.StatusOK {
		t.Fatalf("not ready: %v", canary.wrong)
	}
	node, err := greet(t.Context(), address, Control)
	if err != nil || node != "node-1" {
		t.Fatalf("answer %q, %v", node, err)
	}
	canary.round(t.Context(), nil)
	if code(canary, "/readyz") == http.StatusOK {
		t.Error("a fenced pod that a control pod has got through to is ready")
	}
	age(canary, memory)
	canary.round(t.Context(), nil)
	if code(canary, "/readyz") != http.StatusOK {
		t.Error("once reached, never ready again")
	}
}

func TestAFencedPodRemembersWhatAnsweredIt(t *testing.T) {
	target := start(t, New(Target, "node-1", nothing))
	fencedPod, control := New(Fenced, "node-1", nothing), New(Control, "node-1", nothing)
	for _, canary := range []*Canary{fencedPod, control} {
		canary.round(t.Context(), []Dial{dial(target, true)})
		canary.round(t.Context(), nil)
	}
	if said := body(fencedPod, "/readyz"); code(fencedPod, "/readyz") == http.StatusOK || !strings.Contains(said, target+", answers, which a NetworkPolicy forbids") {
		t.Errorf("one round after a leak: %q", said)
	}
	if code(control, "/readyz") != http.StatusOK {
		t.Errorf("a control pod remembers %v", control.wrong)
	}
	age(fencedPod, memory/2)
	fencedPod.round(t.Context(), nil)
	if code(fencedPod, "/readyz") == http.StatusOK {
		t.Error("forgotten too soon")
	}
	age(fencedPod, memory/2)
	fencedPod.round(t.Context(), nil)
	if code(fencedPod, "/readyz") != http.StatusOK {
		t.Errorf("never ready again: %v", fencedPod.wrong)
	}
}

// age makes all leaks that a canary remembers so much older.
func age(c *Canary, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, seen := range c.leaks {
		c.leaks[what] = seen.Add(-by)
	}
}

func TestARoundThatEndsWithTheProcessIsNoFinding(t *testing.T) {
	canary := New(Fenced, "node-1", nothing)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	canary.round(ctx, []Dial{dial("127.0.0.1:9", false)})
	if code(canary, "/startz") == http.StatusOK {
		t.Error("a round that was cut short counts: all its dials failed")
	}
}

func TestLiveWhileRoundsEnd(t *testing.T) {
	canary := New(Target, "node-1", nothing)
	if code(canary, "/livez") != http.StatusOK {
		t.Error("not alive before the first round")
	}
	canary.last = time.Now().Add(-2 * stuck)
	if code(canary, "/livez") == http.StatusOK {
		t.Error("alive although no round ends")
	}
}

func TestStatusTellsWhatWasReached(t *testing.T) {
	target := start(t, New(Target, "node-1", nothing))
	listener := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(listener.Close)
	canary := New(Control, "node-2", nothing)
	canary.round(t.Context(), []Dial{dial(target, false), {Name: "other", Address: strings.TrimPrefix(listener.URL, "http://"), Tries: 1}})
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

func body(c *Canary, path string) string {
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Body.String()
}

func TestAPodThatDoesNotKnowWhatToDialEnds(t *testing.T) {
	begun := time.Now()
	lost := errors.New("no addresses")
	canary := New(Fenced, "node-1", nothing)
	if canary.without(t.Context(), lost, begun) || canary.without(t.Context(), lost, begun.Add(patience-time.Second)) {
		t.Error("it ends at once")
	}
	for _, path := range []string{"/startz", "/readyz"} {
		if code(canary, path) == http.StatusOK || !strings.Contains(body(canary, path), "no addresses") {
			t.Errorf("%s before the first round: %q", path, body(canary, path))
		}
	}
	if !canary.without(t.Context(), lost, begun.Add(patience)) {
		t.Error("it goes on")
	}

	canary.round(t.Context(), nil)
	if code(canary, "/startz") != http.StatusOK || code(canary, "/readyz") != http.StatusOK {
		t.Fatalf("with addresses: %q", body(canary, "/readyz"))
	}
	if canary.without(t.Context(), lost, begun.Add(time.Hour)) {
		t.Error("what was lost before counts")
	}
	if code(canary, "/startz") != http.StatusOK || code(canary, "/readyz") == http.StatusOK || !strings.Contains(body(canary, "/readyz"), "no addresses") {
		t.Errorf("after a round, without addresses: %q", body(canary, "/readyz"))
	}
}

func TestAddressesAreReadBeforeEachRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Duration
		begun := time.Now()
		results := []error{errors.New("a"), errors.New("b"), nil, nil, errors.New("c")}
		canary := New(Fenced, "node-1", func() ([]Dial, error) {
			asked = append(asked, time.Since(begun))
			return nil, results[min(len(asked), len(results))-1]
		})
		if err := canary.Run(t.Context(), silent{make(chan struct{}), new(sync.Once)}); err == nil || err.Error() != "c" {
			t.Errorf("ended with %v", err)
		}
		// Sooner while there is nothing to dial; and the end patience after it was lost.
		want := []time.Duration{0, 1 * time.Second, 2 * time.Second, 7 * time.Second, 12 * time.Second, 13 * time.Second, 14 * time.Second, 15 * time.Second, 16 * time.Second, 17 * time.Second}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Error(diff)
		}
	})
}

// silent is a listener that nobody calls.
type silent struct {
	closed chan struct{}
	once   *sync.Once
}

func (s silent) Accept() (net.Conn, error) { <-s.closed; return nil, net.ErrClosed }
func (s silent) Close() error              { s.once.Do(func() { close(s.closed) }); return nil }
func (s silent) Addr() net.Addr            { return nil }
