package server

import (
	"net/http"
	"time"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
	"github.com/kymaros/kymaros/pkg/server/streams"
)

const (
	// heartbeat keeps proxies from taking a stream for dead.
	heartbeat = 15 * time.Second
	// reviewEvery is how often it is asked again whose a stream is.
	reviewEvery = 30 * time.Second
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
	if req.Parameters, err = query.Parse(r.URL.RawQuery, inNamespace); err != nil {
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
	if p := s.streams.Enter(user); p != nil {
		complain(w, r, p)
		return
	}
	defer s.streams.Leave(user)
	out := streams.NewWriter(w)
	if err := out.Begin(); err != nil {
		complain(w, r, problem.New(http.StatusInternalServerError, "this connection cannot be streamed on"))
		return
	}
	s.follow(r, out, who, ns)
}

// follow tells of changes until the watcher goes, or may not see any more. A write that fails means that they have gone.
func (s *Server) follow(r *http.Request, out *streams.Writer, who *caller.Caller, only string) {
	_, at, _, _ := s.streams.Since(-1)
	var more <-chan struct{}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		from := s.streams.After(id)
		if _, _, _, all := s.streams.Since(from); all {
			at = from
		} else if out.Event("resync", s.streams.ID(at), []byte("{}")) != nil {
			return
		}
	} else if out.Event("ready", s.streams.ID(at), []byte("{}")) != nil {
		return
	}
	beat, review := time.NewTicker(heartbeat), time.NewTicker(reviewEvery)
	defer beat.Stop()
	defer review.Stop()
	for {
		var changes []streams.Change
		var all bool
		from := at
		if changes, at, more, all = s.streams.Since(at); !all {
			if out.Event("resync", s.streams.ID(at), []byte("{}")) != nil {
				return
			}
		}
		for i, c := range changes {
			if only != "" && c.Namespace != only {
				continue
			}
			seen, err := s.authz.Sees(r.Context(), who, c.Resource, c.Namespace)
			if err != nil { // what may not be told cannot be left out either: the watcher has to come again
				_ = out.Event("resync", s.streams.ID(from), []byte("{}"))
				return
			}
			if seen && out.Event(c.Event, s.streams.ID(from+int64(i)+1), c.Data()) != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-more:
			if s.streams.Ended() {
				return
			}
		case <-beat.C:
			if out.Comment() != nil {
				return
			}
		case <-review.C:
			if again, err := s.authn.Who(r); err != nil || !again.Is(who) {
				_ = out.Event("expired", s.streams.ID(at), []byte("{}"))
				return
			}
		}
	}
}
