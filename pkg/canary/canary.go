package canary

import (
	"context"
	"encoding/json"
	"fmt"
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
	// memory is how long a greeting that should not have come counts: three rounds of the control pod that sent it.
	memory = 3 * interval
	// stuck is how old the newest round may be before the process is worth a restart.
	stuck = 12 * interval
)

// Canary is one pod.
type Canary struct {
	role  Role
	node  string
	dials []Dial

	mu      sync.Mutex
	last    time.Time // end of the newest round; zero before the first
	results []Result
	reached time.Time // when a control pod last got through to us
	wrong   []string
}

// New returns the canary of a role on a node, with what it dials.
func New(role Role, node string, dials []Dial) *Canary {
	return &Canary{role: role, node: node, dials: dials}
}

// Run answers other canaries on listener, and dials, until ctx ends.
func (c *Canary) Run(ctx context.Context, listener net.Listener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { listen(ctx, listener, c.node, c.heard) })
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		c.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *Canary) heard(role Role) {
	if role != Control {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = time.Now()
}

// round dials everything once, all at a time.
func (c *Canary) round(ctx context.Context) {
	results := make([]Result, len(c.dials))
	var wg sync.WaitGroup
	for i, d := range c.dials {
		wg.Go(func() { results[i] = c.dial(ctx, d) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return // dials fail because this process ends
	}

	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	wrong := judge(c.role, results, !c.reached.IsZero() && now.Sub(c.reached) < memory)
	if logger := klog.FromContext(ctx); c.last.IsZero() || !slices.Equal(wrong, c.wrong) {
		logger.Info("Verdict", "role", c.role, "node", c.node, "wrong", wrong, "results", results)
	}
	c.last, c.results, c.wrong = now, results, wrong
}

func (c *Canary) dial(ctx context.Context, d Dial) Result {
	result := Result{Dial: d}
	nodes, errs := make([]string, d.Tries), make([]error, d.Tries)
	var wg sync.WaitGroup
	for i := range d.Tries {
		wg.Go(func() {
			if d.Required {
				nodes[i], errs[i] = greet(ctx, d.Address, c.role)
			} else {
				errs[i] = reach(ctx, d.Address)
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

// Handler answers the kubelet: /startz when a round is complete, /readyz while all is as it must be, /livez while rounds end;
// and anybody who may forward a port, /status with what the newest round found.
func (c *Canary) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, problem := range map[string]func(*Canary, time.Time) string{
		"GET /startz": func(c *Canary, _ time.Time) string {
			if c.last.IsZero() {
				return "no round is complete"
			}
			return ""
		},
		"GET /readyz": func(c *Canary, _ time.Time) string {
			if c.last.IsZero() {
				return "no round is complete"
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
			Wrong   []string  `json:"wrong,omitempty"`
			Results []Result  `json:"results,omitempty"`
		}{c.role, c.node, c.last, c.wrong, c.results}
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status) // the caller has gone if this fails
	})
	return mux
}
