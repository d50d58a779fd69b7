package canary

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// Newborn is the role of the first init container of fenced pods: it dials from its first instruction, and says what answered.
	Newborn Role = "birth"
	// Gate is that of an init container in sandboxes: it ends when a target does not answer any more.
	Gate Role = "gate"
)

// BirthContainer is the name of the init container in the pods of canary-fenced.
const BirthContainer = "birth"

const (
	// beat is from try to try.
	beat = 50 * time.Millisecond
	// The first calm is how long nothing has answered before the moment is over: some plugins let a pod wait for a second before
	// they let it through. Each restored pod waits as long as the second, so that is shorter.
	birthCalm = 3 * time.Second
	gateCalm  = time.Second
	// The limits end the wait for that. What answers longer is found by the pod that comes after a birth; a gate is tried again by
	// the kubelet, ever more seldom.
	birthLimit = 10 * time.Second
	gateLimit  = 30 * time.Second
	// tryTimeout of one try: sooner than the kernel sends its first packet again.
	tryTimeout = 900 * time.Millisecond
)

// A Birth is what a pod has seen since its first instruction. It is told by a termination message.
type Birth struct {
	// Targets is how many addresses were dialled. With none nothing is known.
	Targets int `json:"targets"`
	// Answers in all.
	Answers int `json:"answers"`
	// Moment is how long after the first instruction the last answer came, in milliseconds.
	Moment int64 `json:"moment"`
	// Quiet: nothing answered any more in the end.
	Quiet bool `json:"quiet"`
	// Service is the address of the Service of all targets, if it is known.
	Service string `json:"service,omitempty"`
}

// Text is what stands in the termination message.
func (b Birth) Text() (string, error) {
	text, err := json.Marshal(b)
	return string(text), err
}

// ParseBirth reads a termination message.
func ParseBirth(text string) (Birth, error) {
	var b Birth
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return Birth{}, fmt.Errorf("no message of a canary: %w", err)
	}
	if b.Targets < 0 || b.Answers < 0 || b.Moment < 0 {
		return Birth{}, fmt.Errorf("no message of a canary: %+v", b)
	}
	return b, nil
}

// BeBorn is a new pod on a node: it dials the targets that file names, all that a round would dial, until none has answered for a
// while. begun is its first instruction.
func BeBorn(ctx context.Context, node, file string, begun time.Time) Birth {
	addresses, err := readAddresses(file)
	if err != nil {
		return Birth{}
	}
	targets := addresses.targets(node)
	b := dialUntilCalm(ctx, begun, len(targets), birthCalm, birthLimit, func(ctx context.Context, i int) error {
		_, err := greet(ctx, targets[i], Fenced)
		return err
	})
	if net.ParseIP(addresses.Service) != nil {
		b.Service = addresses.Service
	}
	return b
}

// targets returns what a new pod on a node dials: the target there, some of other nodes, and the Service of all, in each IP family;
// nothing if no target is ready.
func (a Addresses) targets(node string) []string {
	if len(a.Pods) == 0 {
		return nil
	}
	var hosts []string
	for family := &a; family != nil; family = family.Second {
		for _, d := range family.family(Newborn, node) {
			if net.ParseIP(d.Address) != nil {
				hosts = append(hosts, net.JoinHostPort(d.Address, Port))
			}
		}
	}
	return hosts
}

// Wait is a gate: it returns when the target at an address, an IP, has not answered for a second, and fails when it goes on answering.
// begun is its first instruction.
func Wait(ctx context.Context, target string, begun time.Time) error {
	address := net.JoinHostPort(target, Port)
	b := dialUntilCalm(ctx, begun, 1, gateCalm, gateLimit, func(ctx context.Context, _ int) error {
		_, err := greet(ctx, address, Fenced)
		return err
	})
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ended before it was known whether %s answers: %w", address, err)
	}
	return b.shut(address)
}

// shut returns why a gate does not open after what it saw, or nil.
func (b Birth) shut(address string) error {
	if !b.Quiet {
		return fmt.Errorf("canary-target at %s, which a NetworkPolicy forbids to reach, has gone on answering for %s: this pod is not cut off, so it does not start; the network plugin does not enforce policies on this node, or too late",
			address, gateLimit)
	}
	return nil
}

// dialUntilCalm dials so many targets every beat, until none has answered for calm, at most for limit. It counts tries and not the
// clock, for a process that does not run does not look.
func dialUntilCalm(ctx context.Context, begun time.Time, targets int, calm, limit time.Duration, dial func(ctx context.Context, i int) error) Birth {
	if targets == 0 {
		return Birth{}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }()

	answered := make(chan time.Time)
	round := func() {
		for i := range targets {
			wg.Go(func() {
				ctx, done := context.WithTimeout(ctx, tryTimeout)
				defer done()
				if dial(ctx, i) != nil {
					return
				}
				select {
				case answered <- time.Now():
				case <-ctx.Done():
				}
			})
		}
	}
	b := Birth{Targets: targets}
	next := time.NewTicker(beat)
	defer next.Stop()
	round()
	for still := 0; ; {
		select {
		case <-ctx.Done():
			return b
		case at := <-answered:
			b.Answers++
			b.Moment, still = cmp.Or(max(b.Moment, at.Sub(begun).Milliseconds()), 1), 0
		case now := <-next.C:
			if still++; time.Duration(still)*beat >= calm {
				b.Quiet = true
				return b
			}
			if now.Sub(begun) >= limit {
				return b
			}
			round()
		}
	}
}
