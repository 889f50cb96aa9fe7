package core

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/seedjoin"
)

// Core is one node's membership: a function of state, input and now. See the
// package comment for the contract of its methods.
type Core struct {
	self     member.Node
	engine   *engine.Engine
	join     *seedjoin.Machine
	standing seedjoin.Standing // as the machine knows it

	told                 uint64 // the engine's changes when the machine was last told of its standing
	engineWake, joinWake time.Time
	begun                bool // the first Tick came
	asked                bool // join had an input since it was last drained

	notes notes
	over  bool // this incarnation was told that it cannot join any more
	heir  Heir
	cause string // of the end, where the machine decided it; "" = the engine did
	out   Ready
	given int      // how many packets the last Ready handed over, in what is now the unused part of out
	room  []Packet // for the next packets, which are made a few at a time
}

// Ready hands over what there is to do, and forgets it.
type Ready struct {
	Packets []*Packet      // in order; the slice, not what it points to, is the core's again with its next input
	Claims  []engine.Claim // on the lease outside the cluster, in order
	Events  []engine.Event // in order
	Notes   []Note         // for the log: waiting for whom, refused by whom and why
	Wake    time.Time      // when Tick is due; zero = not before the next Step
}

// New returns a core that rests until its first Tick. The error lists every
// fault of cfg.
func New(cfg Config) (*Core, error) {
	e, engineErr := engine.New(cfg.engine())
	j, joinErr := seedjoin.New(cfg.join())
	if err := errors.Join(engineErr, joinErr); err != nil {
		return nil, err
	}
	return &Core{self: cfg.Self, engine: e, join: j}, nil
}

// Step takes one input. An error means that it was refused.
func (c *Core) Step(now time.Time, in Input) error {
	c.forget()
	err := c.step(now, in)
	c.settle(now)
	return err
}

func (c *Core) step(now time.Time, in Input) error {
	switch in := in.(type) {
	case *Packet:
		return c.receive(now, in)
	case SendFailed:
		return c.sendFailed(now, in)
	case Leave:
		return c.engine.Step(now, engine.Leave{})
	case Down:
		return c.engine.Step(now, engine.Down{Address: in.Address})
	case Drained:
		return c.engine.Step(now, engine.Drained{})
	case Seeds:
		return c.tell(now, seedjoin.Seeds(in))
	case Yield:
		return c.tell(now, seedjoin.Yield{})
	case Describe:
		return c.engine.Step(now, engine.Describe{Info: in.Info})
	case Granted:
		return c.engine.Step(now, engine.Granted(in))
	case Denied:
		return c.engine.Step(now, engine.Denied(in))
	case Shutdown:
		return c.engine.Step(now, engine.Shutdown{})
	case Recover:
		return c.engine.Step(now, engine.Recover{})
	}
	return fmt.Errorf("%w: %T", ErrUnknownInput, in)
}

// Tick tells that time has passed. The first Tick starts the core.
func (c *Core) Tick(now time.Time) {
	c.forget()
	if due(now, c.engineWake) {
		c.engine.Tick(now)
	}
	if !c.begun || due(now, c.joinWake) {
		c.begun, c.asked = true, true
		c.join.Tick(now)
	}
	c.settle(now)
}

// due reports whether a Tick is due that one of the two parts asked for.
func due(now, wake time.Time) bool { return !wake.IsZero() && !now.Before(wake) }

// tell gives the join machine an input.
func (c *Core) tell(now time.Time, in seedjoin.Input) error {
	c.asked = true
	return c.join.Step(now, in)
}

// Ready hands over what there is to do, and forgets it.
func (c *Core) Ready() Ready {
	rd := c.out
	c.given = max(c.given, len(rd.Packets))
	c.out = Ready{Packets: rd.Packets[:0]}
	rd.Wake = c.engineWake
	if rd.Wake.IsZero() || !c.joinWake.IsZero() && c.joinWake.Before(rd.Wake) {
		rd.Wake = c.joinWake
	}
	return rd
}

// most is for how many packets room is kept between two inputs.
const most = 64

// forget lets go of the packets that were handed over, for they may be large.
func (c *Core) forget() {
	switch {
	case c.given == 0:
		return
	case cap(c.out.Packets) > most:
		c.out.Packets = nil
	default:
		clear(c.out.Packets[:c.given])
	}
	c.given = 0
}

// Snapshot returns what this node knows of its cluster. It is immutable, and
// cheap when nothing changed.
func (c *Core) Snapshot() engine.Snapshot { return c.engine.Snapshot() }

// CauseYielded is the cause of SelfRemoved when this cluster has given way to
// another one.
const CauseYielded = "yielded to another cluster"

// Changes counts changes of what is shown: see [engine.Engine.Changes].
func (c *Core) Changes() uint64 { return c.engine.Changes() }

// Outline returns the snapshot without its members: see [engine.Engine.Outline].
func (c *Core) Outline() engine.Snapshot { return c.engine.Outline() }

// Heir is what an incarnation that has ended leaves to the next one.
type Heir struct {
	Exceed   uint64          // the number that the next UID must exceed
	Contacts []string        // addresses of the cluster to join, beside the seeds
	Cluster  seedjoin.Former // the cluster that removed it, and lives; zero = there is none
	Shun     member.Identity // the cluster that was left, and is not to be joined again for a while
}

// Heir is to be called after SelfRemoved.
func (c *Core) Heir() Heir {
	h := c.heir
	h.Exceed = max(h.Exceed, c.self.UID)
	if h.Contacts == nil {
		h.Contacts = c.acquaintances()
	}
	return h
}

// bequeath notes which cluster removed this node, if one did: the cause of a
// view. A cluster that was lost, or given up for another, is not remembered.
func (c *Core) bequeath(gone engine.SelfRemoved) {
	switch gone.Cause {
	case member.CauseUnreachable.String(), member.CauseDown.String(), member.CauseReplaced.String():
		c.heir.Cluster = seedjoin.Former{Identity: c.standing.Identity, Voters: slices.Collect(c.standing.Voters.All())}
	}
}

// acquaintances returns members of the cluster that this node was in. The next
// incarnation asks them too: the seeds may have gone in the meantime. They are
// taken from all over the list, since neighbours may be gone together.
func (c *Core) acquaintances() []string {
	var known []string
	for _, m := range c.Snapshot().Members {
		if m.Node != c.self {
			known = append(known, m.Address)
		}
	}
	if len(known) <= seedjoin.MaxContacts {
		return known
	}
	spread := make([]string, seedjoin.MaxContacts)
	for i := range spread {
		spread[i] = known[i*len(known)/len(spread)]
	}
	return spread
}

// Lease returns the lease of what is hosted here: see [engine.Lease].
func (c *Core) Lease() engine.Lease { return c.engine.Lease() }

// Inspect returns what a simulator's invariants look at.
func (c *Core) Inspect() engine.Inspection { return c.engine.Inspect() }

// InspectViews is Inspect without the tables: see [engine.Engine.InspectViews].
func (c *Core) InspectViews() engine.Inspection { return c.engine.InspectViews() }

func (c *Core) receive(now time.Time, p *Packet) error {
	if err := p.check(c.self); err != nil {
		return err
	}
	if p.Engine != nil {
		return c.engine.Step(now, p.Engine)
	}
	return c.tell(now, p.Join)
}

// sendFailed tells both parts: which of them the lost packet was of is not
// known, and what it tells of the address is true for both.
func (c *Core) sendFailed(now time.Time, f SendFailed) error {
	return errors.Join(
		c.engine.Step(now, engine.SendFailed{To: f.To}),
		c.tell(now, seedjoin.SendFailed{To: f.To, Nobody: f.Nobody, Refused: f.Refused, Exceed: f.Exceed}),
	)
}

// settle carries news between the two parts until neither has any. It ends:
// the machine's events follow from inputs alone, and it is told the engine's
// standing only when that differs.
func (c *Core) settle(now time.Time) {
	for again := true; again; {
		c.drainEngine()
		told := c.tellStanding(now)
		again = c.drainJoin(now) || told
	}
}

func (c *Core) drainEngine() {
	rd := c.engine.Ready()
	c.engineWake = rd.Wake
	for _, m := range rd.Messages {
		c.post(Packet{From: m.From, To: m.To, Engine: m})
	}
	c.out.Claims = append(c.out.Claims, rd.Claims...)
	for _, e := range rd.Events {
		if gone, ok := e.(engine.SelfRemoved); ok {
			c.bequeath(gone)
			gone.Cause = cmp.Or(c.cause, gone.Cause)
			e = gone
		}
		c.out.Events = append(c.out.Events, e)
	}
}

// packets is how many are made at a time: most inputs are answered with one.
const packets = 8

func (c *Core) post(p Packet) {
	if len(c.room) == 0 {
		c.room = make([]Packet, packets)
	}
	c.room[0] = p
	c.out.Packets = append(c.out.Packets, &c.room[0])
	c.room = c.room[1:]
}

// tellStanding tells the machine what the engine knows, if that is new.
func (c *Core) tellStanding(now time.Time) bool {
	if change := c.engine.Changes(); change == c.told && change != 0 {
		return false
	} else {
		c.told = change
	}
	s := seedjoin.Standing(c.engine.Standing())
	if same(&s, &c.standing) {
		return false
	}
	c.standing = s
	// A Stand is never refused.
	_ = c.tell(now, seedjoin.Stand{Standing: s})
	return true
}

func same(a, b *seedjoin.Standing) bool {
	return a.Identity == b.Identity && a.View == b.View && a.Lease == b.Lease && a.Leaving == b.Leaving &&
		a.Steward == b.Steward && a.OtherSteward == b.OtherSteward && a.Change == b.Change
}

// drainJoin acts on what the machine wants, and reports whether that may have
// changed the engine. A machine that had no input wants what it wanted before.
func (c *Core) drainJoin(now time.Time) bool {
	if !c.asked {
		return false
	}
	c.asked = false
	rd := c.join.Ready()
	c.joinWake = rd.Wake
	for _, m := range rd.Messages {
		c.post(Packet{From: m.From, To: m.To, Join: m})
	}
	for _, e := range rd.Events {
		c.obey(now, e)
	}
	return len(rd.Events) > 0
}

// obey turns a decision of the machine into an input of the engine.
func (c *Core) obey(now time.Time, e seedjoin.Event) {
	switch e := e.(type) {
	case seedjoin.Founded:
		c.command(now, engine.Found{ID: e.ID})
	case seedjoin.Asked:
		c.command(now, engine.Expect{From: e.To})
	case seedjoin.Replaced:
		c.command(now, engine.Replace{Old: e.Old})
	case seedjoin.Hail:
		c.command(now, engine.Hail{Node: e.Node})
	case seedjoin.Lost:
		c.command(now, engine.Abandon{})
	case seedjoin.Yielded:
		c.yielded(now, e)
	case seedjoin.Island:
		c.out.Events = append(c.out.Events, engine.IslandDetected{
			By: e.By.Address, Other: e.Other, Size: e.Size, Own: e.Own, Plan: e.Plan,
		})
	case seedjoin.Admit:
		c.admit(now, e)
	case seedjoin.Refused:
		c.refused(e)
	}
	if n, ok := note(e); ok && c.notes.isNew(now, n) {
		c.out.Notes = append(c.out.Notes, n)
	}
}

// refused ends this incarnation when it can never be let in: it was accepted and
// removed again before it heard of that, or a later one has its address. The
// engine is no member and so does not learn it by itself.
func (c *Core) refused(r seedjoin.Refused) {
	if c.over || r.Code != seedjoin.StaleUID || !c.standing.Identity.IsZero() {
		return
	}
	c.over, c.heir.Exceed = true, r.Exceed
	cause := member.CauseReplaced
	if r.Exceed == c.self.UID {
		cause = member.CauseUnreachable
	}
	c.out.Events = append(c.out.Events, engine.SelfRemoved{Cause: cause.String()})
}

// yielded ends this incarnation, whose members join another cluster.
func (c *Core) yielded(now time.Time, y seedjoin.Yielded) {
	c.heir.Contacts, c.heir.Shun = []string{y.By.Address}, y.From
	c.cause = CauseYielded
	c.command(now, engine.Abandon{})
}

// command gives the engine an order. One that comes too late, since the engine
// has moved on in the same step, is refused by it and comes again if need be.
func (c *Core) command(now time.Time, in engine.Input) { _ = c.engine.Step(now, in) }

// admit has the engine welcome a joiner, or the machine say why it would not.
func (c *Core) admit(now time.Time, a seedjoin.Admit) {
	err := c.engine.Step(now, engine.Admit{Node: a.Node, Info: a.Info})
	if err == nil {
		return
	}
	d := seedjoin.Denied{Node: a.Node, Text: err.Error()}
	var old *engine.OldUIDError
	if errors.As(err, &old) {
		d.Exceed = old.Exceed
	}
	var limit *engine.LimitError
	d.Full = errors.As(err, &limit)
	// A Denied is never refused.
	_ = c.tell(now, d)
}
