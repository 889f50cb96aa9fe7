package seedjoin

import (
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// Machine is the bootstrap protocol of one process. See the package comment for
// the contract of its methods.
type Machine struct {
	cfg Config

	begun    time.Time // the first Tick or Step; zero = not yet
	now      time.Time // of the newest input; never moves back
	standing Standing
	known    member.Identity // the cluster this process is, or ever was, a member of

	contacts  []*contact // the seeds in their order, then who was met on the way
	seeds     int        // how many of them are seeds
	unsettled bool       // the list of seeds still changes: nothing is founded
	nextAsk   time.Time  // while seeking
	nextTell  time.Time  // the next Waiting

	since   time.Time     // this process is a candidate since then; zero = it is none
	stalled time.Duration // of that, for how long it was called too late to hear anybody
	due     time.Time     // when it was to be called, as Ready said; zero = not yet, or it was
	abstain time.Time     // it is none until then, though it may: see considerCandidacy
	asSince Stamp         // later than every question put before since
	promise promise       // the candidate that has this process's vote

	join    attempt
	waiters []waiter // who asked before there was anything to say
	checks  []check  // addresses whose present incarnation is being looked at
	memory  memory
	former  former
	island  island

	stamped Stamp // the newest given out
	out     Ready
}

// New returns a machine that rests until its first Tick. The error lists every
// fault of cfg.
func New(cfg Config) (*Machine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m := &Machine{cfg: cfg}
	m.standing.unroll()
	for _, s := range cfg.Seeds {
		if m.contact(s) == nil {
			m.contacts = append(m.contacts, &contact{spelt: s, seed: true, self: s == cfg.Self.Address})
		}
	}
	m.seeds = len(m.contacts)
	for _, s := range cfg.Contacts {
		if m.contact(s) == nil && s != cfg.Self.Address {
			m.contacts = append(m.contacts, &contact{spelt: s, lasting: true})
		}
	}
	return m, nil
}

// Step takes one input. An error means that it was refused and that nothing
// changed.
func (m *Machine) Step(now time.Time, in Input) error {
	if err := m.accepts(in); err != nil {
		return err
	}
	m.advance(now)
	switch in := in.(type) {
	case *Message:
		m.receive(in)
	case Stand:
		m.stand(in.Standing)
	case SendFailed:
		m.sendFailed(in)
	case Denied:
		m.denied(in)
	case Seeds:
		m.replaceSeeds(in)
	case Yield:
		m.yieldOnWord()
	}
	m.act()
	return nil
}

// Tick tells that time has passed. The first Tick starts the machine.
func (m *Machine) Tick(now time.Time) {
	m.advance(now)
	m.act()
}

// Ready hands over what there is to do, and forgets it.
func (m *Machine) Ready() Ready {
	rd := m.out
	rd.Wake = m.wake()
	m.due = rd.Wake
	m.out = Ready{}
	return rd
}

func (m *Machine) accepts(in Input) error {
	switch in := in.(type) {
	case *Message:
		return m.acceptsMessage(in)
	case Stand, SendFailed, Denied, Yield:
		return nil
	case Seeds:
		if !m.cfg.Symmetric {
			return ErrFixedSeeds
		}
		return nil
	}
	return fmt.Errorf("%w: %T", ErrUnknownInput, in)
}

func (m *Machine) acceptsMessage(msg *Message) error {
	switch {
	case msg == nil, msg.From.Address == "", msg.From.UID == 0, msg.Body == nil:
		return ErrMalformed
	case msg.To.UID != 0 && msg.To.UID != m.cfg.Self.UID:
		return fmt.Errorf("%w: %s", ErrMisaddressed, msg.To)
	}
	switch msg.Body.(type) {
	case Probe, Answer, Join, Refusal, Invite, Look, Reached, Yielding:
		return nil
	}
	return fmt.Errorf("%w: body %T", ErrUnknownInput, msg.Body)
}

func (m *Machine) advance(now time.Time) {
	if m.begun.IsZero() {
		m.begun, m.now = now, now
		m.nextTell = now.Add(m.cfg.Found)
	}
	if now.After(m.now) {
		m.now = now
	}
	m.noteLate()
}

func (m *Machine) receive(msg *Message) {
	if msg.From == m.cfg.Self {
		m.metMyself(msg.Body)
		return
	}
	switch b := msg.Body.(type) {
	case Probe:
		m.onProbe(msg.From, b)
	case Answer:
		m.onAnswer(msg.From, b)
	case Join:
		m.onJoin(msg.From, b)
	case Refusal:
		m.onRefusal(msg.From, b)
	case Invite:
		m.onInvite(msg.From, b)
	case Look:
		m.onLook(msg.From, b)
	case Reached:
		m.onReached(msg.From, b)
	case Yielding:
		m.onYielding(msg.From, b)
	}
}

// metMyself learns from a message that came back to its sender under which
// spelling this process is reached.
func (m *Machine) metMyself(b Body) {
	asked := ""
	switch b := b.(type) {
	case Probe:
		asked = b.Asked
	case Answer:
		asked = b.Asked
	case Invite:
		asked = b.Asked
	}
	if c := m.contact(asked); c != nil {
		c.self = true
	}
}

func (m *Machine) stand(s Standing) {
	joined := s.Identity != m.standing.Identity
	s.unroll()
	m.standing = s
	m.recollect()
	m.leaveIsland(joined)
	if s.Identity.IsZero() {
		return
	}
	m.known = s.Identity
	if joined {
		m.join = attempt{}
	}
	m.callWaiters()
}

// unroll puts empty rolls where there are none.
func (s *Standing) unroll() {
	if s.Members == nil {
		s.Members = member.Nodes(nil)
	}
	if s.Voters == nil {
		s.Voters = member.Nodes(nil)
	}
}

// seeking reports whether this process looks for a cluster. One that is or was
// a member does not: what comes after a removal is a new incarnation.
func (m *Machine) seeking() bool { return m.known.IsZero() }

// joined reports whether the engine is in a cluster now.
func (m *Machine) joined() bool { return !m.standing.Identity.IsZero() }

// act does what is due now.
func (m *Machine) act() {
	if !m.seeking() {
		m.inviteSeeds()
		m.recall()
		m.heal()
		return
	}
	m.forget()
	m.considerCandidacy()
	m.ask()
	m.considerFounding()
	if m.seeking() {
		m.tryJoin()
		m.tellWaiting()
	}
}

// wake is the earliest of what act waits for.
func (m *Machine) wake() time.Time {
	var w time.Time
	earliest := func(t time.Time) {
		if !t.IsZero() && (w.IsZero() || t.Before(w)) {
			w = t
		}
	}
	switch {
	case m.begun.IsZero():
	case !m.seeking():
		earliest(m.nextInvite())
		earliest(m.memory.next)
		earliest(m.healAt())
	default:
		earliest(m.nextAsk)
		earliest(m.nextTell)
		earliest(m.foundAt())
		if m.target() != nil {
			earliest(m.join.next)
		}
	}
	return w
}

func (m *Machine) send(to member.Node, b Body) {
	m.out.Messages = append(m.out.Messages, &Message{From: m.cfg.Self, To: to, Body: b})
}

func (m *Machine) emit(e Event) { m.out.Events = append(m.out.Events, e) }

// stamp is now on this machine's own clock, and later than every stamp before,
// so that the order of two questions shows although no time passed between.
func (m *Machine) stamp() Stamp {
	m.stamped = max(m.stamped+1, m.now.Sub(m.begun))
	return m.stamped
}

// elapsed is now on this machine's own clock, no question put.
func (m *Machine) elapsed() Stamp { return max(m.stamped, m.now.Sub(m.begun)) }

// without reports whether the simulator has taken a rule out.
func (m *Machine) without(r rules.Rule) bool { return m.cfg.Without.Has(r) }

// jitter spreads d by a tenth either way, so that processes started together
// do not ask together for ever.
func (m *Machine) jitter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(m.cfg.Rand.Int64N(int64(d/5)+1))
}
