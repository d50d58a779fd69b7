package integration

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// mailRelay is an SMTP server on loopback that offers no TLS.
type mailRelay struct {
	listener net.Listener
	// answer is called with a mail once it was read, and how many came before of the same test, and returns what is answered; "": nothing is,
	// and the connection ends.
	answer func(m *mail.Message, before int) string

	mu   sync.Mutex
	all  []*mail.Message
	rcpt []string
}

func newMailRelay(t *testing.T, answer func(m *mail.Message, before int) string) *mailRelay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &mailRelay{listener: listener, answer: answer}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return r
}

func (r *mailRelay) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 ready")
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		switch verb, rest, _ := strings.Cut(line, " "); verb {
		case "RCPT":
			r.mu.Lock()
			r.rcpt = append(r.rcpt, rest)
			r.mu.Unlock()
			say("250 ok")
		case "DATA":
			say("354 go on")
			m, err := mail.ReadMessage(in.DotReader())
			if err == nil {
				_, err = io.Copy(io.Discard, m.Body)
			}
			if err != nil {
				return
			}
			r.mu.Lock()
			before := 0
			for _, other := range r.all {
				if other.Header.Get("Subject") == m.Header.Get("Subject") {
					before++
				}
			}
			r.all = append(r.all, m)
			r.mu.Unlock()
			said := r.answer(m, before)
			if said == "" {
				return
			}
			say(said)
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// of returns the mails of which the subject names a test, and whom all mails went to.
func (r *mailRelay) of(name string) (all []*mail.Message, rcpt []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.all {
		if strings.Contains(m.Header.Get("Subject"), name) {
			all = append(all, m)
		}
	}
	return all, r.rcpt
}

// TestMailsAreNotLostThoughTheProcessIsKilled: a relay that puts mail off is asked again; one that has a mail when the process is killed gets
// it once more, with the same Message-ID.
func TestMailsAreNotLostThoughTheProcessIsKilled(t *testing.T) {
	var n *notifier
	kill := make(chan chan struct{})
	relay := newMailRelay(t, func(m *mail.Message, before int) string {
		subject := m.Header.Get("Subject")
		switch {
		case before == 0 && strings.Contains(subject, "mail-put-off"):
			return "451 come again"
		case before == 0 && strings.Contains(subject, "mail-killed"):
			dead := make(chan struct{})
			kill <- dead
			<-dead
			return ""
		}
		return "250 taken"
	})
	n = newNotifier(t, "--leader-elect=false", "--smtp-plaintext", "--smtp-from=Kymaros <kymaros@example.org>", "--smtp-address="+relay.listener.Addr().String())
	ns := newNamespace(t, "mail")
	for _, name := range []string{"mail-killed", "mail-put-off"} {
		t.Run(name, func(t *testing.T) {
			rt := createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) {
				rt.Spec.Notifications = &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{{Type: "email", To: []string{"ops@example.org"}}}}
			}))
			ran(t, rt, 1, v1alpha1.ResultFail)
			if name == "mail-killed" {
				select {
				case dead := <-kill:
					n.kill()
					close(dead)
				case <-time.After(stepTimeout):
					t.Fatal("no mail came")
				}
				n.start()
			}
			rt = told(t, rt, 1)
			got, rcpt := relay.of(name)
			if len(got) != 2 || got[0].Header.Get("Message-ID") == "" || got[0].Header.Get("Message-ID") != got[1].Header.Get("Message-ID") {
				t.Errorf("%d mails came: %v", len(got), got)
			}
			if len(rcpt) == 0 || rcpt[0] != "TO:<ops@example.org>" {
				t.Errorf("mails went to %q", rcpt)
			}
			if d := rt.Status.Notifications.Deliveries; len(d) != 1 || d[0].State != v1alpha1.DeliverySent {
				t.Errorf("the status tells %+v", d)
			}
			// Of a channel that is an address neither status nor condition tells more than its type.
			eventually(t, stepTimeout, func(ctx context.Context) error {
				now, err := current(ctx, rt)
				if err != nil {
					return err
				}
				c := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionNotified)
				if c == nil || c.Status != metav1.ConditionTrue || !strings.HasPrefix(c.Message, "Sent: failed to email/") || strings.Contains(c.Message, "ops@") {
					return errors.New(story(now))
				}
				return nil
			})
		})
	}
}
