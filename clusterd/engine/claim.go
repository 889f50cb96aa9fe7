package engine

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// With a strategy that is downing.Leased, sides of a cut need not have a voter in
// common: one lease, kept outside the cluster, takes the place of the quorum.
//
// Its holder is the source of every other lease. It counts from the moment at which
// it sent the request, by its own clock; nobody else gets the lease before
// TTL·(1+ρ)/(1−ρ) after it was last renewed. What members hold is passed on from
// it by heartbeats, as beyond nine nodes it is passed on from stewards, and so
// ends before the holder's own: a side without the holder pauses by itself.
//
// Only the holder decides views. That one decides at a time is not enough: a
// later holder must know what the former one decided, though they may never have
// met. So each decision is noted beside the lease before it counts, as (view
// number, counter of the term). Whoever gets the lease and reads a note of a view
// that it has not acknowledged, or has acknowledged under a lower term only, gives
// the lease back: somebody else must go on. Terms of a holder begin with the number
// of its grant, which grows with each change of the holder, so a note is higher
// than all that a former holder proposed. A holder that is not behind proposes what
// it acknowledged again, unchanged, as after a read wave (V2). The note is written
// when all voters of the view that can be reached have acknowledged it, so that
// none of them is behind.

// Claim is what an engine wants done with the lease outside the cluster: see
// [downing.Leased]. The answer is [Granted] or [Denied], at most one claim waits
// for one at a time, and one that was not answered within TTL needs none any more.
type Claim struct {
	Stamp   int64         // to be returned with the answer
	Owner   string        // this incarnation
	TTL     time.Duration // how long it is to be held
	Renew   bool          // extend what is held, and store Note with it; else acquire
	Release bool          // give it up; no answer is wanted
	Note    string        // with Renew: at most 256 bytes of text
}

// claim is what a node knows of the lease outside the cluster.
type claim struct {
	until   time.Time // when what it holds ends; zero = it holds nothing
	since   time.Time // since when it has held it without a break
	number  uint64    // of its grant
	note    note      // stored with it
	pending Claim     // waits for an answer; Stamp 0 = none
	asked   time.Time // when that was sent
	next    time.Time // no new claim before
	lesser  time.Time // since when this node's side has no majority; zero = it has one

	barred *member.View // acknowledged here when the note turned out to be ahead of it
}

// Notes are compared to find out who is behind.
type note struct {
	id      member.Identity
	number  uint64 // of the newest view that was decided
	counter uint64 // of the term under which it was
}

// source reports whether this node holds the lease outside the cluster.
func (e *Engine) source() bool { return e.now.Before(e.claim.until) }

// hold keeps the lease outside the cluster where it belongs: with the leader of the
// larger side, or of the smaller one when the larger did not take it for long.
func (e *Engine) hold() {
	c := &e.claim
	if e.leased == nil || c.pending.Stamp != 0 && e.now.Sub(c.asked) < e.leased.Lease() {
		return
	}
	c.pending = Claim{}
	patient := e.patient()
	switch {
	case e.removed || e.verdict.leader != e.self || !e.views.decided.Votes(e.self) || !patient:
		e.letGo()
	case !e.source():
		if !e.now.Before(c.next) && c.barred != e.views.acked {
			e.ask(Claim{})
		}
	case e.now.Sub(c.asked) >= e.leased.Lease()/3:
		e.ask(Claim{Renew: true, Note: c.note.String()})
	}
}

// patient reports whether this node's side may try for the lease: at once with a
// majority, else when the other side had time to take it, twice as long as it
// takes to see that its holder is gone.
func (e *Engine) patient() bool {
	c := &e.claim
	if e.leased.Quorum(e.views.decided, func(n member.Node) bool { return n == e.self || e.verdict.reachable(n) }) {
		c.lesser = time.Time{}
		return true
	}
	if c.lesser.IsZero() {
		c.lesser = e.now
	}
	drift := e.cfg.Timing.drift()
	return e.now.Sub(c.lesser) >= time.Duration(2*float64(e.leased.Lease())*(1+drift)/(1-drift))
}

// letGo gives up what this node holds. It holds nothing from now on, whether or
// not the release arrives.
func (e *Engine) letGo() {
	c := &e.claim
	if !c.until.IsZero() {
		e.claims = append(e.claims, Claim{Owner: e.self.String(), Release: true})
		e.drop()
	}
	c.pending = Claim{}
}

// drop forgets what this node held.
func (e *Engine) drop() {
	e.claim.until = time.Time{}
	e.tenure.stale, e.tenure.next, e.stir = true, time.Time{}, true
}

func (e *Engine) ask(c Claim) {
	c.Stamp, c.Owner, c.TTL = e.stamp(), e.self.String(), e.leased.Lease()
	e.claim.pending, e.claim.asked = c, e.now
	e.claim.next = e.now.Add(e.cfg.Timing.Retry)
	e.claims = append(e.claims, c)
}

// granted takes the lease, from the moment at which it was asked for. Whoever is
// behind the note gives it back.
func (e *Engine) granted(g Granted) error {
	c := &e.claim
	if e.leased == nil || c.pending.Stamp == 0 || g.Stamp != c.pending.Stamp {
		return nil // an answer that came too late
	}
	asked := c.pending
	c.pending = Claim{}
	n, known := parseNote(g.Note)
	if asked.Renew {
		n, known = parseNote(asked.Note)
	}
	if !e.source() {
		c.since = e.now
	}
	c.until = c.asked.Add(asked.TTL)
	if !known || e.behind(n) && !e.without(rules.LeaseNote) {
		c.barred = e.views.acked
		e.letGo()
		return nil
	}
	if g.Number != c.number {
		e.lead.yield(time.Time{}) // terms begin with the number of the grant
	}
	c.number, c.note, c.barred = g.Number, n, nil
	e.tenure.stale, e.tenure.next, e.stir = true, time.Time{}, true
	return nil
}

// denied notes that somebody else holds the lease, or that nobody knows.
func (e *Engine) denied(d Denied) error {
	c := &e.claim
	if c.pending.Stamp == 0 || d.Stamp != c.pending.Stamp {
		return nil
	}
	c.pending = Claim{}
	if d.Lost {
		e.drop()
	}
	return nil
}

// behind reports whether a former holder may have decided what this node does not
// know.
func (e *Engine) behind(n note) bool {
	v := &e.views
	if c := cmp.Or(bytes.Compare(n.id.Cluster[:], e.id.Cluster[:]), cmp.Compare(n.id.Branch, e.id.Branch)); c != 0 {
		return c > 0 // identities grow with time: a later cluster has the store now
	}
	if n.number != v.acked.Number {
		return n.number > v.acked.Number
	}
	return v.acked != v.decided && v.ballot.Counter < n.counter
}

// sealed reports whether the proposal in flight is decided: it is noted beside the
// lease, which is done once all its voters that can be reached have acknowledged
// it.
func (e *Engine) sealed() bool {
	l, c := &e.lead, &e.claim
	for i := range l.proposal.Members {
		if m := &l.proposal.Members[i]; m.Status.Votes() && !l.acks[m.Node] && e.verdict.reachable(m.Node) {
			return false
		}
	}
	mark := note{e.id, l.proposal.Number, l.term.Counter}
	if c.note == mark {
		return true
	}
	switch {
	case c.pending.Stamp != 0: // its answer, or hold, brings this node back here
	case e.now.Before(c.next):
		l.due = earliest(l.due, c.next)
	default:
		e.ask(Claim{Renew: true, Note: mark.String()})
	}
	return false
}

// grantBits is how many bits of a term's counter are a holder's own to draw.
const grantBits = 32

// floorOfTerms returns what the counters of this node's terms must exceed: all that
// holders before it drew.
func (e *Engine) floorOfTerms() uint64 {
	if e.leased == nil {
		return 0
	}
	return e.claim.number << grantBits
}

// String returns the note as it is stored.
func (n note) String() string {
	return fmt.Sprintf("%x %d %d %d", n.id.Cluster[:], n.id.Branch, n.number, n.counter)
}

// parseNote reads what is stored; an empty text is a note of nothing. It reports
// false for a text that no engine wrote.
func parseNote(text string) (n note, ok bool) {
	if text == "" {
		return n, true
	}
	fields := strings.Fields(text)
	if len(fields) != 4 {
		return n, false
	}
	id, err := hex.DecodeString(fields[0])
	if err != nil || copy(n.id.Cluster[:], id) != len(n.id.Cluster) || len(id) != len(n.id.Cluster) {
		return note{}, false
	}
	for i, to := range []*uint64{&n.id.Branch, &n.number, &n.counter} {
		if *to, err = strconv.ParseUint(fields[i+1], 10, 64); err != nil {
			return note{}, false
		}
	}
	return n, true
}

// leasedBy returns the strategy if a lease outside the cluster decides for it.
func leasedBy(s downing.Strategy) downing.Leased {
	l, _ := s.(downing.Leased)
	return l
}
