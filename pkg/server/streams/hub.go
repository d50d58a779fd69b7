package streams

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// Kept changes may be asked for again by Last-Event-ID.
	Kept = 4096
	// MaxOfOne is how many streams one caller has at once, maxStreams how many all have.
	MaxOfOne, maxStreams = 32, 512
)

// Change is something that lists tell otherwise since.
type Change struct {
	Resource, Namespace string
	// Event is its name, and Data what it says, as JSON in one line.
	Event string
	Data  func() []byte
}

// Hub holds the last changes, and whoever waits for the next.
type Hub struct {
	// epoch is of this process: numbers of another mean nothing here.
	epoch string

	mu      sync.Mutex
	kept    []Change // at number % Kept
	next    int64    // number of the next change
	more    chan struct{}
	watched map[string]int
	total   int
	closed  bool
}

// New returns a hub that knows of no change.
func New() *Hub {
	return &Hub{epoch: rand.Text(), kept: make([]Change, Kept), more: make(chan struct{}), watched: map[string]int{}}
}

// Add tells of a change.
func (h *Hub) Add(c Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[h.next%Kept] = c
	h.next++
	close(h.more)
	h.more = make(chan struct{})
}

// Since returns the changes from a number on, that of the first after them, and what is closed when there are more. Without all is
// false if some of them are not kept any more.
func (h *Hub) Since(from int64) (changes []Change, next int64, more <-chan struct{}, all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = from >= 0 && from <= h.next && h.next-from <= Kept
	if all {
		for n := from; n < h.next; n++ {
			changes = append(changes, h.kept[n%Kept])
		}
	}
	return changes, h.next, h.more, all
}

// After returns the number of the change after that with an id, -1 if the id is none of this process.
func (h *Hub) After(id string) int64 {
	epoch, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || epoch != h.epoch {
		return -1
	}
	return n
}

// ID is that of the last change before a number.
func (h *Hub) ID(next int64) string { return fmt.Sprintf("%s-%d", h.epoch, next) }

// Enter lets a caller have one more stream, until Leave, or says why not; nil: they have it.
func (h *Hub) Enter(user string) *problem.Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var p *problem.Error
	switch {
	case h.closed:
		p = problem.New(http.StatusServiceUnavailable, "this server ends: try again")
	case h.watched[user] >= MaxOfOne:
		p = problem.New(http.StatusTooManyRequests, "%s has %d streams already: close some", user, MaxOfOne)
	case h.total >= maxStreams:
		p = problem.New(http.StatusServiceUnavailable, "there are %d streams already: try again later", maxStreams)
	default:
		h.watched[user]++
		h.total++
		return nil
	}
	p.RetryAfter = 5
	return p
}

// Leave ends what Enter has begun.
func (h *Hub) Leave(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.total--
	if h.watched[user]--; h.watched[user] == 0 {
		delete(h.watched, user)
	}
}

// Close has all streams end, and lets no new one begin.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.more)
		h.more = make(chan struct{})
	}
}

// Ended tells whether it was closed.
func (h *Hub) Ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
