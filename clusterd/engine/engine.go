package engine

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// Engine is the membership core of one node: a function of its state, the
// input and now. It is owned by one goroutine. Create it with [New].
type Engine struct {
	cfg   Config
	self  member.Node
	start time.Time     // of the first input: stamps count from here
	now   time.Time     // of the newest input
	clock time.Duration // now, since start
	slept time.Duration // time that counts against nobody: this engine was late
	loops uint64        // inputs and ticks so far

	id      member.Identity // zero = not a member yet
	expect  member.Node     // from whom a Welcome is expected
	removed bool            // this incarnation is over

	views   views
	table   gossip.Table
	gossip  gossip.Strategy // nil until this node is a member
	waves   *gossip.Tree[waveID, Body]
	relay   relay
	roster  roster
	verdict verdict
	timers  downing.Timers
	lead    lead
	tenure  tenure
	leased  downing.Leased // nil unless a lease outside the cluster decides
	claim   claim

	nextBeat  time.Time
	nextRound time.Time
	mixing    time.Time   // until then digests go to anybody: facts were seen to differ
	wake      time.Time   // when Tick was last said to be due
	ahead     member.Node // a peer that knows a newer view; zero = nobody
	album     *album      // a view that comes in pages; nil = none does

	touched []touch // records that changed since the last events

	stale bool // roster: the members changed
	moot  bool // verdict: rows or roster changed
	stir  bool // lead: something changed that a leader may act on

	out    []*Message
	given  int      // how many messages the last Ready handed over, in what is now the unused part of out
	beats  []letter // room for the next heartbeats
	claims []Claim
	events []Event
	shown  shown
}

// New returns an engine that has not joined a cluster: it founds one with
// [Found] or is welcomed to one after [Expect].
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.validated()
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, self: cfg.Self, leased: leasedBy(cfg.Downing)}
	e.roster.engine = e
	e.waves = e.newTree()
	e.table.Limit = e.cfg.MaxMessage
	e.shown.last = Snapshot{Self: e.self}
	e.shown.standing, e.shown.dirty = nowhere(), true
	return e, nil
}

// Step takes one input. An error means that it was refused and has changed
// nothing; see the sentinels of this package. Step never panics.
func (e *Engine) Step(now time.Time, in Input) error {
	if e.removed {
		return ErrRemoved
	}
	e.advance(now)
	if err := e.take(in); err != nil {
		return err
	}
	e.react()
	return nil
}

// Tick tells that time has passed. It is due at [Ready.Wake]; calling it more
// often does no harm.
func (e *Engine) Tick(now time.Time) {
	if e.removed {
		return
	}
	e.advance(now)
	e.leaf()
	if e.id.IsZero() {
		return
	}
	if !e.now.Before(e.nextBeat) {
		e.beat()
	}
	if !e.now.Before(e.nextRound) {
		e.round()
	}
	e.catchUp()
	e.stir, e.tenure.stale = true, true // alone, this node renews its lease by itself
	e.react()
}

// advance moves the clock, which never goes back. An engine that is called
// late was stalled, and accuses nobody for what it slept through.
func (e *Engine) advance(now time.Time) {
	if e.start.IsZero() {
		e.start, e.now = now, now
	}
	if now.After(e.now) {
		e.now = now
	}
	e.clock = e.now.Sub(e.start)
	e.loops++
	e.forget()
	if e.wake.IsZero() {
		return
	}
	if late := e.now.Sub(e.wake); late > e.cfg.Timing.Heartbeat {
		e.slept += late
		e.wake = e.now
	}
}

// stamp returns the engine's own monotonic clock; it is never 0.
func (e *Engine) stamp() int64 { return int64(e.clock) + 1 }

// react brings everything that is derived up to date and acts on it.
func (e *Engine) react() {
	if e.removed || e.id.IsZero() {
		return
	}
	if e.stale {
		e.refresh()
	}
	if e.moot {
		e.weigh()
	}
	e.reckon()
	for e.stir && !e.removed {
		e.stir = false
		e.drive()
		if e.stale {
			e.refresh()
			e.weigh()
			e.reckon()
		}
	}
	e.departAlone()
	e.tenure.show(e)
}

// Ready is what there is to do for the caller of an engine.
type Ready struct {
	// Lease is that of what is hosted here. Whoever hosts must see it before the
	// first of Messages is sent: these may tell others that it is given up.
	Lease    Lease
	Messages []*Message // to send, in order; the slice, not what it points to, is the engine's again with its next input
	Claims   []Claim    // to carry out, in order, after Lease was seen
	Events   []Event    // to publish, in order
	Wake     time.Time  // when Tick is due; zero = not before the next input
}

// Ready hands over what there is to do, and forgets it. Call it after each
// input or batch of inputs.
func (e *Engine) Ready() Ready {
	e.publish()
	e.wake = e.due()
	rd := Ready{Lease: e.Lease(), Messages: e.out, Claims: e.claims, Events: e.events, Wake: e.wake}
	e.given, e.out = max(e.given, len(e.out)), e.out[:0]
	e.claims, e.events = nil, nil
	return rd
}

// most is for how many messages, or changes, room is kept between two inputs.
const most = 64

// forget lets go of the messages that were handed over, for they may be large.
func (e *Engine) forget() {
	switch {
	case e.given == 0:
		return
	case cap(e.out) > most:
		e.out = nil
	default:
		clear(e.out[:e.given])
	}
	e.given = 0
}

func (e *Engine) due() time.Time {
	if e.removed || e.id.IsZero() {
		return e.album.dueAt()
	}
	return earliest(e.album.dueAt(), e.nextBeat, e.nextRound, e.gossip.Due(), e.waves.Due(), e.lead.due, e.tenure.until)
}

// earliest returns the first of the times that are set.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// without reports whether the simulator has taken a rule out.
func (e *Engine) without(r rules.Rule) bool { return e.cfg.Without.Has(r) }

func (e *Engine) send(to member.Node, b Body) {
	if to == e.self {
		return
	}
	e.out = append(e.out, &Message{From: e.self, To: to, Identity: e.id, Body: b})
}

// letter is a heartbeat in its message: nearly all that is ever sent. They are
// made a few at a time.
type letter struct {
	message Message
	body    Heartbeat
}

const letters = 8

// sendBeat sends a heartbeat to a node, of which p is remembered; nil = nothing is.
func (e *Engine) sendBeat(to member.Node, p *peer, reply bool) {
	if len(e.beats) == 0 {
		e.beats = make([]letter, letters)
	}
	l := &e.beats[0]
	e.beats = e.beats[1:]
	l.body = e.heartbeat(p, reply)
	l.message = Message{From: e.self, To: to, Identity: e.id, Body: &l.body}
	e.out = append(e.out, &l.message)
}
