package integration

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// Steps of a delivery at which the process is killed.
const (
	afterIntent   = "after-the-intent"   // is written, and before the request
	inRequest     = "in-the-request"     // that the receiver has read
	beforeOutcome = "before-the-outcome" // is written, and after the receiver has answered
	afterOutcome  = "after-the-outcome"
)

// Faults of the first attempt at a delivery that comes to a receiver.
const (
	fine     = "fine"
	slow     = "slow"
	ill      = "ill"      // answers 500
	busy     = "busy"     // answers 429
	resets   = "resets"   // the connection, after it has read the request
	insecure = "insecure" // breaks the handshake of TLS off
)

// TestMessagesAreNotLostWhereverTheProcessIsKilled kills kymaros-notify at each step of a delivery, to receivers with each fault: no
// message is lost, and those that come twice have the same id.
func TestMessagesAreNotLostWhereverTheProcessIsKilled(t *testing.T) {
	plane.Slow(t)
	var n *notifier
	kill := make(chan chan struct{})
	die := func() { // returns when the process is dead
		dead := make(chan struct{})
		kill <- dead
		<-dead
	}
	answer := func(w http.ResponseWriter, m heard, before int) {
		fault, step, _ := strings.Cut(m.Test.Name, "-")
		if before > 0 || fault == insecure {
			return
		}
		if step == inRequest {
			die()
			panic(http.ErrAbortHandler)
		}
		if step == beforeOutcome {
			n.away.Store(true) // the outcome cannot be written any more
		}
		switch fault {
		case slow:
			time.Sleep(time.Second)
		case ill:
			w.WriteHeader(http.StatusInternalServerError)
		case busy:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case resets:
			panic(http.ErrAbortHandler)
		}
		if step == beforeOutcome {
			_ = http.NewResponseController(w).Flush() // the test fails if it does not arrive: nobody kills the process then
			die()
		}
	}
	r := newReceiver(t, answer)
	var breakOff atomic.Pointer[string] // the step, of the next handshake
	secure := secured(t, r.Config.Handler, func() error {
		switch step := breakOff.Swap(nil); {
		case step == nil:
			return nil
		case *step == inRequest:
			die()
		}
		return errors.New("the test wants it so")
	})
	n = newNotifier(t, "--leader-elect=false")
	for _, step := range []struct {
		name   string
		faults []string
		// after is the write of which the process does not hear the answer; 0: none.
		after int
	}{
		{afterIntent, []string{fine, slow, ill, busy, resets, insecure}, 1},
		{inRequest, []string{fine, insecure}, 0},
		{beforeOutcome, []string{fine, ill, busy}, 0},
		{afterOutcome, []string{fine, slow, ill, busy, resets, insecure}, 2},
	} {
		for _, fault := range step.faults {
			name := fault + "-" + step.name
			t.Run(name, func(t *testing.T) {
				address := r.URL
				if fault == insecure {
					address = secure
					breakOff.Store(&step.name)
				}
				ns := notified(t, name, map[string]string{"hook": address})
				var writes atomic.Int32
				n.onAnswer(func(r *request) {
					if r.writes() && r.mentions(name) && r.code == http.StatusOK && int(writes.Add(1)) == step.after {
						die()
					}
				})
				rt := createTest(t, restoreTest(ns, name, telling("hook", "")))
				ran(t, rt, 1, v1alpha1.ResultFail)
				select {
				case dead := <-kill:
					n.kill()
					n.onAnswer(nil)
					n.away.Store(false)
					close(dead)
				case <-time.After(stepTimeout):
					t.Fatal("the step did not come")
				}
				n.start()
				rt = told(t, rt, 1)
				got := r.of(name)
				if want := messagesOf(fault, step.name); len(got) != want || got[0].ID != got[len(got)-1].ID {
					t.Errorf("heard %v, want %d with one id", got, want)
				}
				if d := rt.Status.Notifications.Deliveries; len(d) != 1 || d[0].State != v1alpha1.DeliverySent {
					t.Errorf("the status tells %+v", d)
				}
				if breakOff.Load() != nil {
					t.Error("no handshake was broken off")
				}
			})
		}
	}
}

// messagesOf returns how often a receiver hears of a delivery: twice if it was killed with the request, or the receiver did not take it.
func messagesOf(fault, step string) int {
	switch {
	case fault == insecure: // nothing was heard the first time
		return 1
	case step == inRequest, step == beforeOutcome, fault == ill, fault == busy, fault == resets:
		return 2
	}
	return 1
}

// secured serves what handler does over TLS that programs trust which the test starts after it, but where shake returns an error. It
// returns the address.
func secured(t *testing.T, handler http.Handler, shake func() error) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, shake() }}
	s.StartTLS()
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	return s.URL
}
