package server

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// keptChanges may be asked for again by Last-Event-ID.
	keptChanges = 4096
	// Streams at once, of all callers and of one.
	maxStreams, maxStreamsOfOne = 512, 32
)

// change is something that lists tell otherwise since.
type change struct {
	resource, namespace string
	// event is its name, and data what it says, as JSON in one line.
	event string
	data  func() []byte
}

// gone tells that something is not there any more.
type gone struct {
	Resource  string `json:"resource"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// streams hold the last changes, and whoever waits for the next.
type streams struct {
	// epoch is of this process: numbers of another mean nothing here.
	epoch string

	mu      sync.Mutex
	kept    []change // at number % keptChanges
	next    int64    // number of the next change
	more    chan struct{}
	watched map[string]int
	total   int
	closed  bool
}

func newStreams() *streams {
	return &streams{epoch: rand.Text(), kept: make([]change, keptChanges), more: make(chan struct{}), watched: map[string]int{}}
}

// add tells of a change.
func (s *streams) add(c change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[s.next%keptChanges] = c
	s.next++
	close(s.more)
	s.more = make(chan struct{})
}

// since returns the changes from a number on, that of the first after them, and what is closed when there are more. Without all is
// false if some of them are not kept any more.
func (s *streams) since(from int64) (changes []change, next int64, more <-chan struct{}, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all = from >= 0 && from <= s.next && s.next-from <= keptChanges
	if all {
		for n := from; n < s.next; n++ {
			changes = append(changes, s.kept[n%keptChanges])
		}
	}
	return changes, s.next, s.more, all
}

// after returns the number of the change after that with an id, -1 if the id is none of this process.
func (s *streams) after(id string) int64 {
	epoch, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || epoch != s.epoch {
		return -1
	}
	return n
}

// id is that of the last change before a number.
func (s *streams) id(next int64) string { return fmt.Sprintf("%s-%d", s.epoch, next) }

// enter lets a caller have one more stream, or says why not.
func (s *streams) enter(user string) *problem.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var p *problem.Error
	switch {
	case s.closed:
		p = problem.New(http.StatusServiceUnavailable, "this server ends: try again")
	case s.watched[user] >= maxStreamsOfOne:
		p = problem.New(http.StatusTooManyRequests, "%s has %d streams already: close some", user, maxStreamsOfOne)
	case s.total >= maxStreams:
		p = problem.New(http.StatusServiceUnavailable, "there are %d streams already: try again later", maxStreams)
	default:
		s.watched[user]++
		s.total++
		return nil
	}
	p.RetryAfter = 5
	return p
}

func (s *streams) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.watched[user]--; s.watched[user] == 0 {
		delete(s.watched, user)
	}
}

// close has all streams end.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.more)
		s.more = make(chan struct{})
	}
}

func (s *streams) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// changeOf returns what streams tell when a row takes the place of another; nil stands for none. ok is false if lists tell nothing
// of either.
func changeOf(old, row any) (change, bool) {
	of := row
	if row == nil {
		of = old
	}
	c := change{}
	var k cached.Key
	var item func() any
	switch o := of.(type) {
	case *cached.Test:
		c.resource, c.event, k, item = tests, "test", o.Key, func() any { return o.Item() }
	case *cached.Report:
		c.resource, c.event, k, item = reports, "report", o.Key, func() any { return o.Item() }
	case *cached.Policy:
		c.resource, c.event, k, item = policies, "policy", o.Key, func() any { return o.Item() }
	default:
		return c, false
	}
	c.namespace = k.Namespace
	if of != row {
		c.event, item = "gone", func() any { return gone{c.resource, k.Namespace, k.Name} }
	}
	c.data = sync.OnceValue(func() []byte {
		text, err := json.Marshal(item())
		if err != nil { // texts and numbers only
			return []byte("{}")
		}
		return text
	})
	return c, true
}
