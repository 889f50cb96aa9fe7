package homes

import (
	"errors"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Errors of [Machine.Step]. The input was then without effect.
var (
	ErrOldView = errors.New("homes: view is not newer than the active one")
	ErrForeign = errors.New("homes: sender is not a member of the active view")
	ErrStale   = errors.New("homes: message belongs to another view or hand-over")
	ErrKind    = errors.New("homes: kind is not hosted here")
	ErrLimit   = errors.New("homes: too much is under way")
)

// Config of a [Machine].
type Config struct {
	Self  member.Node
	Kinds []string      // that this node hosts
	Retry time.Duration // between the first two sendings of a message; it doubles up to 8 times this. 0 = 250 ms
	Limit int           // bytes of cargo that may arrive at a time, and of early messages. 0 = 64 MiB

	// Assign is [slots.Assign]; a simulation puts a memory of it here.
	Assign func(nodes []string) *slots.Assignment
}

// partSize is the most cargo in one [Part], in bytes; window the parts of one
// hand-over that are under way.
const (
	partSize = 128 << 10
	window   = 8
)

// Machine has the tokens of one node. See the package for the rules.
type Machine struct {
	cfg      Config
	view     View
	owners   *Owners
	kinds    []*tokens // sorted by name
	drained  bool      // leaves and has let go of everything
	nextID   uint64
	out      []*transfer // by ID
	in       []*arrival  // in order of their first part
	arriving int         // bytes in the arrivals that are not complete
	census   *census     // nil unless this node is the issuer
	farewell *farewell   // nil while this node may own slots
	early    []Packet    // from views not active here yet
	earlier  int         // bytes in early
	ready    Ready
}

// Ready is what there is to do.
type Ready struct {
	Packets []Packet // to send
	Acts    []Act    // in order
	Wake    time.Time
}

// New returns a machine that holds nothing.
func New(cfg Config) *Machine {
	if cfg.Retry <= 0 {
		cfg.Retry = 250 * time.Millisecond
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 64 << 20
	}
	if cfg.Assign == nil {
		cfg.Assign = slots.Assign
	}
	m := &Machine{cfg: cfg}
	m.owners = NewOwners(m.view, cfg.Assign)
	names := slices.Compact(slices.Sorted(slices.Values(cfg.Kinds)))
	for _, name := range names {
		m.kinds = append(m.kinds, newTokens(name))
	}
	return m
}

// Input is one of [View], [Packet], [Stopped].
type Input interface{ input() }

// Stopped tells that nothing runs any more in slots of a [Release], and what
// of it moves on.
type Stopped struct {
	Kind  string
	Slots *slots.Set
	Cargo []Cargo
}

func (View) input()    {}
func (Packet) input()  {}
func (Stopped) input() {}

// Step takes one input. An error means that it was refused without effect.
func (m *Machine) Step(now time.Time, in Input) error {
	switch in := in.(type) {
	case View:
		return m.enter(now, in)
	case Packet:
		return m.receive(now, in)
	case Stopped:
		return m.stopped(now, in)
	}
	panic("homes: unknown input")
}

// Tick sends again what is due.
func (m *Machine) Tick(now time.Time) {
	for _, t := range m.out {
		if t.timer.due(now) {
			t.resend(now, m)
		}
	}
	for _, a := range m.in {
		if a.complete && a.timer.due(now) {
			a.acknowledge(now, m)
		}
	}
	if m.census != nil && m.census.timer.due(now) {
		m.census.send(now, m)
	}
	if m.farewell != nil && m.farewell.timer.due(now) {
		m.farewell.send(now, m)
	}
}

// Ready hands over what there is to do and forgets it.
func (m *Machine) Ready() Ready {
	r := m.ready
	m.ready = Ready{}
	r.Wake = m.wake()
	return r
}

func (m *Machine) wake() time.Time {
	var first time.Time
	for _, t := range m.out {
		first = earliest(first, t.timer.at)
	}
	for _, a := range m.in {
		if a.complete {
			first = earliest(first, a.timer.at)
		}
	}
	if m.census != nil && m.census.busy() {
		first = earliest(first, m.census.timer.at)
	}
	if m.farewell != nil && m.farewell.busy() {
		first = earliest(first, m.farewell.timer.at)
	}
	return first
}

// Owners returns the owners in the active view. It is never nil.
func (m *Machine) Owners() *Owners { return m.owners }

// Held returns the slots of kind whose tokens are here: those that run and
// those that stop.
func (m *Machine) Held(kind string) *slots.Set {
	s := new(slots.Set)
	if k := m.kind(kind); k != nil {
		s.Union(&k.held)
		s.Union(&k.stopping)
	}
	return s
}

// Epoch returns the highest epoch of a slot that was ever seen here.
func (m *Machine) Epoch(kind string, slot uint16) Epoch {
	if k := m.kind(kind); k != nil {
		return k.epoch[slot%slots.Count]
	}
	return 0
}

// Idle tells that this node may own nothing in the active view, or is not in
// it, that it has let go of everything, and that the others know.
func (m *Machine) Idle() bool {
	if m.view.find(m.cfg.Self) == nil {
		return m.empty()
	}
	return m.farewell != nil && !m.farewell.busy() && m.empty()
}

func (m *Machine) empty() bool {
	for _, k := range m.kinds {
		if !k.held.Empty() || !k.stopping.Empty() {
			return false
		}
	}
	return len(m.out) == 0
}

// Drained tells the machine that the shell reported this node as drained: from
// now on it takes nothing in.
func (m *Machine) Drained() { m.drained = true }

// enter makes v the active view.
func (m *Machine) enter(now time.Time, v View) error {
	if v.Number <= m.view.Number {
		return ErrOldView
	}
	m.view, m.census = v, nil
	m.owners = NewOwners(v, m.cfg.Assign)
	if v.find(m.cfg.Self) == nil {
		m.dropAll()
		return nil
	}
	m.closeArrivals()
	lost := m.takeBack()
	m.restartClaims()
	m.hurry(now)
	for _, l := range lost {
		l.kind.stopping.Subtract(l.slots)
		m.settle(now, l.kind, l.slots, l.cargo)
	}
	m.plan()
	m.bidFarewell(now)
	m.replay(now)
	if issuer, _ := v.Issuer(); issuer == m.cfg.Self {
		m.takeCensus(now)
	}
	return nil
}

// dropAll forgets everything: this incarnation is not a member.
func (m *Machine) dropAll() {
	for _, k := range m.kinds {
		all := k.custody(m.out)
		k.held.Clear()
		k.stopping.Clear()
		k.unconfirmed.Clear()
		k.claimed.Clear()
		if !all.Empty() {
			m.act(Drop{Kind: k.name, Slots: all})
		}
	}
	m.out, m.in, m.arriving, m.farewell = nil, nil, 0, nil
}

// plan releases what this node holds and does not own.
func (m *Machine) plan() {
	for _, k := range m.kinds {
		s := k.held.Clone()
		s.Subtract(&k.unconfirmed)
		s.Subtract(m.owners.Share(k.name, m.cfg.Self.Address))
		if s.Empty() {
			continue
		}
		k.held.Subtract(s)
		k.stopping.Union(s)
		m.act(Release{Kind: k.name, Slots: s.Clone()})
	}
}

// hurry sends again what waits for an answer: others may be in this view too.
func (m *Machine) hurry(now time.Time) {
	for _, t := range m.out {
		t.timer.reset()
		t.resend(now, m)
	}
	for _, a := range m.in {
		if a.complete {
			a.timer.reset()
			a.acknowledge(now, m)
		}
	}
}

// stopped moves what the shell has stopped to where it belongs now.
func (m *Machine) stopped(now time.Time, in Stopped) error {
	k := m.kind(in.Kind)
	if k == nil {
		return ErrKind
	}
	s := in.Slots.Clone()
	s.Intersect(&k.stopping)
	if s.Empty() {
		return ErrStale
	}
	k.stopping.Subtract(s)
	m.settle(now, k, s, in.Cargo)
	return nil
}

// settle finds the place of tokens that are here and do not run: they go to
// their owners; what this node owns runs again. Without an owner, this node
// cannot be Up: the tokens end.
func (m *Machine) settle(now time.Time, k *tokens, s *slots.Set, cargo []Cargo) {
	mine := s.Clone()
	mine.Intersect(m.owners.Share(k.name, m.cfg.Self.Address))
	if !mine.Empty() {
		k.held.Union(mine)
		m.act(Run{Kind: k.name, Slots: mine.Clone(), Cargo: only(cargo, mine)})
	}
	rest := s.Clone()
	rest.Subtract(mine)
	if rest.Empty() {
		return
	}
	if !m.owners.Hosted(k.name) {
		m.act(Drop{Kind: k.name, Slots: rest})
		return
	}
	m.handOver(now, k, rest, cargo)
}

// receive takes a message of another machine.
func (m *Machine) receive(now time.Time, p Packet) error {
	if p.Message.View > m.view.Number {
		return m.keep(p)
	}
	if m.view.find(p.Peer) == nil {
		return ErrForeign
	}
	switch b := p.Message.Body.(type) {
	case Census:
		return m.answer(p)
	case Claims:
		return m.claims(now, p, b)
	case Issue:
		return m.issue(p, b)
	case Issued:
		return m.issued(p, b)
	case Part:
		return m.part(now, p.Peer, b)
	case Got:
		return m.got(now, p.Peer, b)
	case Done:
		return m.done(p.Peer, b)
	case Leave:
		m.send(p.Peer, Left{})
		return nil
	case Left:
		return m.left(p.Peer)
	}
	return ErrStale
}

// keep holds a message of a view that is not active here yet: to act on it now
// could hide a token from a census, see the package.
func (m *Machine) keep(p Packet) error {
	size := 64
	if part, ok := p.Message.Body.(Part); ok {
		size += len(part.Data)
	}
	if m.earlier+size > m.cfg.Limit || len(m.early) >= maxEarly {
		return ErrLimit // it is sent again
	}
	m.early = append(m.early, p)
	m.earlier += size
	return nil
}

// maxEarly is the number of messages from newer views that are kept.
const maxEarly = 4096

func (m *Machine) replay(now time.Time) {
	list := m.early
	m.early, m.earlier = nil, 0
	for _, p := range list {
		// Refused ones are sent again by who still wants them.
		_ = m.receive(now, p)
	}
}

func (m *Machine) send(to member.Node, b Body) {
	m.ready.Packets = append(m.ready.Packets, Packet{Peer: to, Message: Message{View: m.view.Number, Body: b}})
}

func (m *Machine) act(a Act) { m.ready.Acts = append(m.ready.Acts, a) }

func (m *Machine) kind(name string) *tokens {
	i, found := slices.BinarySearchFunc(m.kinds, name, func(k *tokens, name string) int {
		if k.name < name {
			return -1
		} else if k.name > name {
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return m.kinds[i]
}
