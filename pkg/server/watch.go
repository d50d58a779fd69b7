package server

import (
	"fmt"
	"net/http"
	"time"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// heartbeat keeps proxies from taking a stream for dead.
	heartbeat = 15 * time.Second
	// reviewEvery is how often it is asked again whose a stream is.
	reviewEvery = 30 * time.Second
	// writeTimeout is how long a watcher may take to read one event.
	writeTimeout = 10 * time.Second
)

// watch answers with a stream of server-sent events: test, report and policy hold an item as lists have it, gone names what is not
// there any more, resync says that changes were missed and lists have to be read again, expired that the token is good no more.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	who, err := s.identify(w, r)
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	if !s.Ready() {
		complain(w, r, notReady())
		return
	}
	req := &request{Request: r, caller: who}
	if req.query, err = newQuery(r.URL.RawQuery, inNamespace); err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	ns, err := req.namespace()
	if err == nil && ns != "" {
		err = s.authz.Require(r.Context(), who, caller.Right{Verb: "list", Resource: tests, Namespace: ns})
	}
	if err != nil {
		complain(w, r, problemOf(r, err))
		return
	}
	user := who.User.Username
	if p := s.streams.enter(user); p != nil {
		complain(w, r, p)
		return
	}
	defer s.streams.leave(user)
	out := &stream{w: w, control: http.NewResponseController(w)}
	if err := out.begin(); err != nil {
		complain(w, r, problem.New(http.StatusInternalServerError, "this connection cannot be streamed on"))
		return
	}
	s.follow(r, out, who, ns)
}

// follow tells of changes until the watcher goes, or may not see any more. A write that fails means that they have gone.
func (s *Server) follow(r *http.Request, out *stream, who *caller.Caller, only string) {
	_, at, _, _ := s.streams.since(-1)
	var more <-chan struct{}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		from := s.streams.after(id)
		if _, _, _, all := s.streams.since(from); all {
			at = from
		} else if out.event("resync", s.streams.id(at), []byte("{}")) != nil {
			return
		}
	} else if out.event("ready", s.streams.id(at), []byte("{}")) != nil {
		return
	}
	beat, review := time.NewTicker(heartbeat), time.NewTicker(reviewEvery)
	defer beat.Stop()
	defer review.Stop()
	for {
		var changes []change
		var all bool
		from := at
		if changes, at, more, all = s.streams.since(at); !all {
			if out.event("resync", s.streams.id(at), []byte("{}")) != nil {
				return
			}
		}
		for i, c := range changes {
			if only != "" && c.namespace != only {
				continue
			}
			seen, err := s.authz.Sees(r.Context(), who, c.resource, c.namespace)
			if err != nil { // what may not be told cannot be left out either: the watcher has to come again
				_ = out.event("resync", s.streams.id(from), []byte("{}"))
				return
			}
			if seen && out.event(c.event, s.streams.id(from+int64(i)+1), c.data()) != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-more:
			if s.streams.ended() {
				return
			}
		case <-beat.C:
			if out.comment() != nil {
				return
			}
		case <-review.C:
			if again, err := s.authn.Who(r); err != nil || !again.Is(who) {
				_ = out.event("expired", s.streams.id(at), []byte("{}"))
				return
			}
		}
	}
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// begin lifts the limits of a short answer from the connection, and sends the header.
func (o *stream) begin() error {
	if err := o.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	h := o.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	o.w.WriteHeader(http.StatusOK)
	return o.control.Flush()
}

func (o *stream) event(name, id string, data []byte) error {
	return o.send(fmt.Sprintf("event: %s\nid: %s\ndata: %s\n\n", name, id, data))
}

func (o *stream) comment() error { return o.send(": still here\n\n") }

func (o *stream) send(text string) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.control.Flush()
}
