package canary

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errRefused = errors.New("refused")

func TestAMomentIsMeasuredFromTheFirstInstruction(t *testing.T) {
	ago := func(begun time.Time) time.Duration { return time.Since(begun) }
	for name, c := range map[string]struct {
		// answers tells whether a try that begins so long after the first instruction is answered.
		answers func(after time.Duration) bool
		// late is how long an answer takes.
		late time.Duration
		want Birth
		took time.Duration
	}{
		"nothing ever answers": {func(time.Duration) bool { return false }, 0, Birth{Targets: 1, Quiet: true}, birthCalm},
		"it answers until the policy is there": {
			func(after time.Duration) bool { return after < 230*time.Millisecond }, 0, Birth{Targets: 1, Answers: 5, Moment: 200, Quiet: true}, birthCalm + 200*time.Millisecond,
		},
		"the network comes late, and answers then": {
			func(after time.Duration) bool { return after >= 2*time.Second && after < 2100*time.Millisecond }, 0, Birth{Targets: 1, Answers: 2, Moment: 2050, Quiet: true},
			birthCalm + 2050*time.Millisecond,
		},
		"the answer takes its time": {
			func(after time.Duration) bool { return after == 0 }, 310 * time.Millisecond, Birth{Targets: 1, Answers: 1, Moment: 310, Quiet: true}, birthCalm + 300*time.Millisecond,
		},
		"it answers at once, and that is a moment": {func(after time.Duration) bool { return after == 0 }, 0, Birth{Targets: 1, Answers: 1, Moment: 1, Quiet: true}, birthCalm},
		"it goes on answering": {
			func(time.Duration) bool { return true }, 0, Birth{Targets: 1, Answers: 200, Moment: birthLimit.Milliseconds() - 50}, birthLimit,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				got := dialUntilCalm(t.Context(), begun, 1, birthCalm, birthLimit, func(ctx context.Context, _ int) error {
					if !c.answers(ago(begun)) {
						<-ctx.Done() // what a policy drops is waited for
						return ctx.Err()
					}
					<-time.After(c.late)
					return nil
				})
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if took := ago(begun); took < c.took || took > c.took+beat {
					t.Errorf("took %s, want %s", took, c.took)
				}
			})
		})
	}
}

func TestANewPodDialsWhatTheGuideWrote(t *testing.T) {
	for name, c := range map[string]struct {
		node string
		text string
		want []string
	}{
		"its own node, others, and the Service": {"a", `{"service":"10.0.0.2","pods":{"a":"10.1.0.1","b":"fd00::2"}}`, []string{"10.1.0.1:9440", "[fd00::2]:9440", "10.0.0.2:9440"}},
		"in both IP families": {
			"a", `{"service":"10.0.0.2","pods":{"a":"10.1.0.1"},"second":{"service":"fd01::2","pods":{"a":"fd00::1","b":"fd00::2"}}}`,
			[]string{"10.1.0.1:9440", "10.0.0.2:9440", "[fd00::1]:9440", "[fd00::2]:9440", "[fd01::2]:9440"},
		},
		"a node that is new":  {"c", `{"service":"10.0.0.2","pods":{"a":"10.1.0.1"}}`, []string{"10.1.0.1:9440", "10.0.0.2:9440"}},
		"no target is ready":  {"a", `{"service":"10.0.0.2","pods":{}}`, nil},
		"there is no Service": {"a", `{"service":"","pods":{"a":"10.1.0.1"}}`, []string{"10.1.0.1:9440"}},
	} {
		addresses, err := readAddresses(written(t, c.text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, addresses.targets(c.node)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWithoutAddressesABirthSaysNothing(t *testing.T) {
	for name, file := range map[string]string{"no file": "testdata/absent.json", "no target": written(t, `{"service":"10.0.0.2","pods":{}}`)} {
		begun := time.Now()
		if got := BeBorn(t.Context(), "a", file, begun); got.Targets != 0 || got.Answers != 0 || got.Quiet || time.Since(begun) > time.Second {
			t.Errorf("%s: %+v after %s", name, got, time.Since(begun))
		}
	}
}

func TestABirthIsReadAsItWasTold(t *testing.T) {
	want := Birth{Targets: 3, Answers: 7, Moment: 120, Quiet: true, Service: "10.0.0.2"}
	text, err := want.Text()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseBirth(text); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "Error: killed", `{"targets":-1}`, `{"targets":1,"answers":1,"moment":-5}`} {
		if got, err := ParseBirth(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestAGateOpensWhenTheTargetIsSilentAndStaysShutWhileItAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		until time.Duration // the target answers
		opens bool
		took  time.Duration
	}{
		"a policy is there from the first":   {0, true, gateCalm},
		"a policy comes after three seconds": {3 * time.Second, true, 3*time.Second - beat + gateCalm},
		"no policy comes":                    {time.Hour, false, gateLimit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				b := dialUntilCalm(t.Context(), begun, 1, gateCalm, gateLimit, func(context.Context, int) error {
					if time.Since(begun) < c.until {
						return nil
					}
					return errRefused
				})
				if took := time.Since(begun); (b.shut("10.0.0.2:9440") == nil) != c.opens || took < c.took || took > c.took+beat {
					t.Errorf("%+v after %s, want open %v after %s", b, took, c.opens, c.took)
				}
			})
		})
	}
}

func TestAGateThatIsEndedDoesNotOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ctx, "127.0.0.1", time.Now()); err == nil || !strings.Contains(err.Error(), "before it was known") {
		t.Errorf("got %v", err)
	}
}

func TestAProcessThatDoesNotRunDoesNotLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var tries atomic.Int32
		dialUntilCalm(t.Context(), begun.Add(-time.Minute), 1, gateCalm, 2*time.Minute, func(context.Context, int) error {
			tries.Add(1)
			return errRefused
		})
		if tries.Load() < 20 || time.Since(begun) < gateCalm {
			t.Errorf("calm after %d tries and %s, for its first instruction was long ago", tries.Load(), time.Since(begun))
		}
	})
}

// targetFor answers at an address of this machine that nothing else uses, for so long.
func targetFor(t *testing.T, host string, d time.Duration) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, Port))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	done := make(chan struct{})
	go func() { defer close(done); listen(ctx, listener, "node-1", func(Role) {}) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestABirthAndAGateBesideATargetThatGoesSilent(t *testing.T) {
	const open = 400 * time.Millisecond
	// Of this process alone: the port is always the same.
	host := fmt.Sprintf("127.94.%d.%d", os.Getpid()>>8&0xff, os.Getpid()&0xff)
	begun := time.Now()
	targetFor(t, host, open)
	gate := make(chan error)
	go func() { gate <- Wait(t.Context(), host, begun) }()
	b := BeBorn(t.Context(), "a", written(t, `{"service":"`+host+`","pods":{"a":"`+host+`"}}`), begun)
	if b.Targets != 2 || b.Answers < 2 || b.Moment < 100 || !b.Quiet || b.Service != host {
		t.Errorf("a target that answered for %s: %+v", open, b)
	}
	if err := <-gate; err != nil {
		t.Error(err)
	}
}
