package dns

import (
	"net/netip"
	"sync"
	"time"
)

// party is who shares with others: a run or, as long as it is known of none, an address.
type party struct {
	run     string
	address netip.Addr
}

// shares divides places among parties. A party gets a further place while more are free than it has: one alone gets half of
// them, two get a third each, and however many take all that they can get, there is a place for who comes next.
type shares struct {
	mu   sync.Mutex
	free int
	held map[party]int
}

func newShares(places int) *shares { return &shares{free: places, held: map[party]int{}} }

// place is one that a party has.
type place struct {
	of *shares
	by party
}

// take returns nil if the party has its share.
func (s *shares) take(by party) *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[by] >= s.free {
		return nil
	}
	s.held[by]++
	s.free--
	return &place{of: s, by: by}
}

// pass passes the place on to another party. It tells false, and does not, if that has its share.
func (p *place) pass(to party) bool {
	s := p.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.by == to {
		return true
	}
	if s.held[to] > s.free { // with this one free too
		return false
	}
	s.leave(p.by)
	s.held[to]++
	p.by = to
	return true
}

func (p *place) leave() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.of.leave(p.by)
	p.of.free++
}

func (s *shares) leave(by party) {
	if s.held[by]--; s.held[by] == 0 {
		delete(s.held, by)
	}
}

const (
	// perSecond is how many datagrams of one address are looked at in a second. An application that starts asks a few
	// hundred questions at most.
	perSecond = 500
	// maxPaced is how many addresses are counted. More of them in a second are forged, and to count those is of no use.
	maxPaced = 1 << 14
)

// pace counts the datagrams of each address, for one reader.
type pace struct {
	ends    time.Time
	counted map[netip.Addr]int
}

func newPace() *pace { return &pace{counted: map[netip.Addr]int{}} }

// allows tells whether a further datagram of the address may be looked at now.
func (p *pace) allows(address netip.Addr, now time.Time) bool {
	if !now.Before(p.ends) {
		clear(p.counted)
		p.ends = now.Add(time.Second)
	}
	n := p.counted[address]
	if n == 0 && len(p.counted) == maxPaced {
		return true
	}
	p.counted[address] = n + 1
	return n < perSecond
}
