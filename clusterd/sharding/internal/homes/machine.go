package homes

import (
	"errors"
	"slices"
	"strings"
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
	Moves int           // slots of one kind that are on their way from here at a time. 0 = 64

	// Rebalance is how long the issuer leaves between two decisions by load.
	// 0 = it never decides by load.
	Rebalance time.Duration
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
	tables   []*table  // sorted by name: of the kinds of the view and of those hosted here
	kinds    []*tokens // sorted by name
	drained  bool      // leaves and has let go of everything
	nextID   uint64
	out      []*transfer // by ID
	in       []*arrival  // in order of their first part
	arriving int         // bytes in the arrivals that are not complete
	issuer   *issuer     // nil unless this node is the issuer
	toSelf   []Planned   // what the issuer hears from this node
	fetching timer       // of Fetch; zero unless plans are lacking
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
	if cfg.Moves <= 0 {
		cfg.Moves = 64
	}
	m := &Machine{cfg: cfg}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(cfg.Kinds))) {
		t := newTable(name)
		m.tables = append(m.tables, t)
		m.kinds = append(m.kinds, newTokens(t, cfg.Moves))
	}
	return m
}

// Input is one of [View], [Packet], [Stopped], [Usage].
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
	err := m.step(now, in)
	m.finish(now)
	return err
}

func (m *Machine) step(now time.Time, in Input) error {
	switch in := in.(type) {
	case View:
		return m.enter(now, in)
	case Packet:
		return m.receive(now, in)
	case Stopped:
		return m.stopped(now, in)
	case Usage:
		return m.used(now, Report(in))
	}
	panic("homes: unknown input")
}

// finish tells what the last input has changed.
func (m *Machine) finish(now time.Time) {
	for m.report(); len(m.toSelf) > 0; m.report() {
		p := m.toSelf[0]
		m.toSelf = m.toSelf[1:]
		_ = m.settled(now, m.cfg.Self, p) // void once this node is the issuer no more
	}
	m.bidFarewell(now)
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
	if m.issuer != nil && m.issuer.busy() && m.issuer.timer.due(now) {
		m.issuer.send(now, m)
	}
	if m.fetching.due(now) {
		m.fetch(now)
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
	if m.issuer != nil && m.issuer.busy() {
		first = earliest(first, m.issuer.timer.at)
	}
	first = earliest(first, m.fetching.at)
	if m.farewell != nil && m.farewell.busy() {
		first = earliest(first, m.farewell.timer.at)
	}
	return first
}

// View returns the active view.
func (m *Machine) View() View { return m.view }

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
	m.view, m.issuer, m.toSelf = v, nil, nil
	m.keepTables()
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
	m.keepFarewell()
	m.fetch(now)
	m.replay(now)
	if issuer, _ := v.Issuer(); issuer == m.cfg.Self && !v.Shutdown {
		m.takeCensus(now)
	}
	return nil
}

// keepTables has a table for each kind of the view, and in them none but its
// members.
func (m *Machine) keepTables() {
	hosted := m.view.kinds()
	m.tables = slices.DeleteFunc(m.tables, func(t *table) bool {
		_, found := slices.BinarySearch(hosted, t.name)
		return !found && m.kind(t.name) == nil
	})
	for _, name := range hosted {
		if m.table(name) == nil {
			m.tables = append(m.tables, newTable(name))
			slices.SortFunc(m.tables, func(a, b *table) int { return strings.Compare(a.name, b.name) })
		}
	}
	for _, t := range m.tables {
		if gone := t.prune(&m.view); !gone.Empty() {
			m.act(Route{Kind: t.name, Slots: gone})
		}
	}
	for _, k := range m.kinds {
		k.ahead.Clear()
		k.aheadOf, k.left = 0, 0
	}
}

// dropAll forgets everything: this incarnation is not a member.
func (m *Machine) dropAll() {
	for _, k := range m.kinds {
		all := k.custody(m.out)
		k.held.Clear()
		k.stopping.Clear()
		k.unconfirmed.Clear()
		k.claimed.Clear()
		k.transit = 0
		if !all.Empty() {
			m.act(Drop{Kind: k.name, Slots: all})
		}
	}
	m.out, m.in, m.arriving, m.farewell, m.fetching = nil, nil, 0, nil, timer{}
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
	m.advance() // what was dropped or runs again makes room for others
	return nil
}

// settle finds the place of tokens that are here and do not run. By the plan of
// the view they go to their owners, and what this node owns runs again. Without
// a plan, or where there is no owner, everything runs here as it did; if nobody
// may own the kind, this node cannot be Up, and the tokens end.
func (m *Machine) settle(now time.Time, k *tokens, s *slots.Set, cargo []Cargo) {
	away := new(slots.Set)
	if m.planned(k.table) && !m.view.Shutdown {
		if !m.view.Hosted(k.name) {
			k.table.lose(s)
			m.act(Route{Kind: k.name, Slots: s})
			m.act(Drop{Kind: k.name, Slots: s})
			return
		}
		away = s.Clone()
		away.Subtract(&k.table.mine)
	}
	stay := s.Clone()
	stay.Subtract(away)
	if !stay.Empty() {
		k.held.Union(stay)
		m.place(k, stay)
		m.act(Run{Kind: k.name, Slots: stay.Clone(), Cargo: only(cargo, stay)})
	}
	if !away.Empty() {
		m.handOver(now, k, away, cargo)
	}
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
	case Plan:
		return m.follow(p, b)
	case Planned:
		return m.settled(now, p.Peer, b)
	case Fetch:
		return m.fetched(p)
	case Report:
		return m.reported(now, p.Peer, b)
	case Learn:
		return m.correct(b)
	case Part:
		return m.part(now, p, b)
	case Got:
		return m.got(now, p.Peer, b)
	case Done:
		return m.done(p.Peer, b)
	case Leave:
		m.leave(p.Peer, b)
		return nil
	case Left:
		return m.leftBy(p.Peer)
	}
	return ErrStale
}

// keep holds a message of a view that is not active here yet: to act on it now
// could hide a token from a census, see the package.
func (m *Machine) keep(p Packet) error {
	size := p.Message.size()
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

// table returns the table of a kind, nil if nobody hosts it.
func (m *Machine) table(name string) *table {
	i, found := slices.BinarySearchFunc(m.tables, name, func(t *table, name string) int { return strings.Compare(t.name, name) })
	if !found {
		return nil
	}
	return m.tables[i]
}

// kind returns the tokens of a kind, nil if it is not hosted here.
func (m *Machine) kind(name string) *tokens {
	i, found := slices.BinarySearchFunc(m.kinds, name, func(k *tokens, name string) int { return strings.Compare(k.name, name) })
	if !found {
		return nil
	}
	return m.kinds[i]
}
