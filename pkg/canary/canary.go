package canary

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

const (
	// interval from round to round.
	interval = 5 * time.Second
	// memory is how long a leak counts that a fenced pod has seen, an answer or the greeting of a control pod: three rounds.
	memory = 3 * interval
	// stuck is how old the newest round may be before the process is worth a restart.
	stuck = 12 * interval
	// patience is how long a process goes on that does not know what to dial. The kubelet looks for a new version of a mounted
	// ConfigMap when it starts a container anew, and otherwise every minute or so. It is shorter than what the controller takes
	// a fenced pod that is not ready for a finding after.
	patience = 5 * time.Second
	// glance is how soon such a process looks again.
	glance = time.Second
)

// Canary is one pod.
type Canary struct {
	role  Role
	node  string
	dials func() ([]Dial, error)

	mu      sync.Mutex
	missing string    // why it is not known what to dial, or empty
	lost    time.Time // since when it is not; zero if it is
	last    time.Time // end of the newest round; zero before the first
	results []Result
	leaks   map[string]time.Time // what a fenced pod has seen to get through, and when it last did
	wrong   []string
}

// New returns the canary of a role on a node. dials tells what to dial in a round, see Plan.
func New(role Role, node string, dials func() ([]Dial, error)) *Canary {
	return &Canary{role: role, node: node, dials: dials, leaks: map[string]time.Time{}}
}

// Run answers other canaries on listener, and dials, until ctx ends. It fails when it has not known for a while what to dial,
// and is to be started anew then.
func (c *Canary) Run(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }()
	wg.Go(func() { listen(ctx, listener, c.node, c.heard) })
	for {
		next := time.NewTimer(interval)
		dials, err := c.dials()
		switch {
		case err == nil:
			c.round(ctx, dials)
		case c.without(ctx, err, time.Now()):
			return err
		default:
			next.Reset(glance)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
	}
}

// without notes that it is not known what to dial, and tells whether that has lasted.
func (c *Canary) without(ctx context.Context, err error, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost.IsZero() {
		klog.FromContext(ctx).Info("Nothing to dial", "role", c.role, "node", c.node, "reason", err.Error())
		c.lost = now
	}
	c.missing = err.Error()
	return now.Sub(c.lost) >= patience
}

func (c *Canary) heard(role Role) {
	if c.role != Fenced || role != Control {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaks["the control pod gets through to this pod, which a NetworkPolicy forbids"] = time.Now()
}

// round dials everything once, all at a time.
func (c *Canary) round(ctx context.Context, dials []Dial) {
	results := make([]Result, len(dials))
	var wg sync.WaitGroup
	for i, d := range dials {
		wg.Go(func() { results[i] = c.dial(ctx, d) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return // dials fail because this process ends
	}

	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	wrong := judge(c.role, results)
	if c.role == Fenced {
		wrong = c.remember(wrong, now)
	}
	if logger := klog.FromContext(ctx); c.last.IsZero() || !slices.Equal(wrong, c.wrong) {
		logger.Info("Verdict", "role", c.role, "node", c.node, "wrong", wrong, "results", results)
	}
	c.last, c.results, c.wrong = now, results, wrong
	c.missing, c.lost = "", time.Time{}
}

// remember notes the leaks of a round, and returns those that count.
func (c *Canary) remember(leaks []string, now time.Time) []string {
	for _, leak := range leaks {
		c.leaks[leak] = now
	}
	maps.DeleteFunc(c.leaks, func(_ string, seen time.Time) bool { return now.Sub(seen) >= memory })
	return slices.Sorted(maps.Keys(c.leaks))
}

func (c *Canary) dial(ctx context.Context, d Dial) Result {
	result := Result{Dial: d}
	nodes, errs := make([]string, d.Tries), make([]error, d.Tries)
	var wg sync.WaitGroup
	for i := range d.Tries {
		wg.Go(func() {
			if !d.Required {
				errs[i] = reach(ctx, d.Address)
				return
			}
			nodes[i], errs[i] = greet(ctx, d.Address, c.role)
			// A leak is one whoever answers. An answer that is wanted must be that of the pod which was dialled.
			if wanted := c.role != Fenced && !d.Shut && d.Node != ""; wanted && errs[i] == nil && nodes[i] != d.Node {
				errs[i] = fmt.Errorf("the answer is that of a pod on node %s, not %s", nodes[i], d.Node)
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			result.Error = err.Error()
			continue
		}
		result.Answers++
		if nodes[i] != "" {
			result.Nodes = append(result.Nodes, nodes[i])
		}
	}
	slices.Sort(result.Nodes)
	result.Nodes = slices.Compact(result.Nodes)
	return result
}

// unstarted returns why no round is complete yet, or nothing.
func (c *Canary) unstarted() string {
	switch {
	case !c.last.IsZero():
		return ""
	case c.missing != "":
		return c.missing
	}
	return "no round is complete"
}

// Handler answers the kubelet: /startz when a round is complete, /readyz while all is as it must be, /livez while rounds end;
// and anybody who may forward a port, /status with what the newest round found.
func (c *Canary) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, problem := range map[string]func(*Canary, time.Time) string{
		"GET /startz": func(c *Canary, _ time.Time) string {
			return c.unstarted()
		},
		"GET /readyz": func(c *Canary, _ time.Time) string {
			if said := c.unstarted(); said != "" {
				return said
			}
			if c.missing != "" {
				return c.missing
			}
			return strings.Join(c.wrong, "; ")
		},
		"GET /livez": func(c *Canary, now time.Time) string {
			if !c.last.IsZero() && now.Sub(c.last) > stuck {
				return "rounds do not end"
			}
			return ""
		},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			c.mu.Lock()
			said := problem(c, time.Now())
			c.mu.Unlock()
			if said != "" {
				http.Error(w, said, http.StatusServiceUnavailable)
				return
			}
			_, _ = fmt.Fprintln(w, "ok") // the caller has gone if this fails
		})
	}
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		status := struct {
			Role    Role      `json:"role"`
			Node    string    `json:"node"`
			Time    time.Time `json:"time"`
			Missing string    `json:"missing,omitempty"`
			Wrong   []string  `json:"wrong,omitempty"`
			Results []Result  `json:"results,omitempty"`
		}{c.role, c.node, c.last, c.missing, c.wrong, c.results}
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status) // the caller has gone if this fails
	})
	return mux
}
