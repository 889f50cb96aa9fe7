package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// node is one address and whatever runs there.
type node struct {
	id      int
	name    string // cluster name of its configuration
	self    member.Node
	seeds   []string      // that this incarnation was given
	skew    time.Duration // its clock minus the world's at the start
	drift   int64         // by how many parts of a million its clock is fast
	slow    time.Duration // it does everything up to this late
	machine Machine       // nil while nothing runs
	lastMS  uint64        // milliseconds in the newest UID: the next one is larger

	frozen bool
	held   []event // what happened to it while it was frozen

	due   time.Duration // when Tick is due, as Ready said; never = not at all
	timer time.Duration // when the earliest wake in the queue comes; never = none
	ticks int           // ticks in a row without any time passing

	arrivals []arrival // of the newest packet to each that is under way, and of some that came

	claimed   time.Duration // when its newest claim reaches the lease outside
	started   time.Duration // when this incarnation did
	leaving   bool          // was told to leave
	disturbed bool          // was crashed, cut or frozen: its removal needs no excuse
	pardon    time.Duration // nor does it until then, though all is calm again
	downed    bool          // an operator wanted this incarnation out
	cause     string        // why it last stopped
	notes     []core.Note
	events    []engine.Event
	seen      history // of the invariants
}

// arrival tells when the newest packet to a node arrives there.
type arrival struct {
	to int
	at time.Duration
}

// parts is of how many a drift is counted.
const parts = 1_000_000

// local returns what the node's clock shows after so much of the world's time.
func (n *node) local(t time.Duration) time.Duration {
	return t + n.skew + time.Duration(int64(t)/parts*n.drift)
}

// world is the reverse of local: the first moment at which the clock shows t.
func (n *node) world(t time.Duration) time.Duration {
	w := t - n.skew
	if n.drift == 0 {
		return w
	}
	w = time.Duration(float64(w) / (1 + float64(n.drift)/parts))
	for ; n.local(w) < t; w += parts {
	}
	return w
}

// lag draws how late a slow node is this time.
func (s *Sim) lag(n *node) time.Duration {
	if n.slow == 0 {
		return 0
	}
	return time.Duration(s.rng.Int64N(int64(n.slow) + 1))
}

const never = time.Duration(1<<63 - 1)

// spin is how often a node may ask for a Tick at the same moment before that
// counts as a machine that would keep a processor busy for ever.
const spin = 50

// running reports whether a process is there, frozen or not.
func (n *node) running() bool { return n.machine != nil }

// answers returns why the process does not hear its operator, nil if it does.
func (n *node) answers() error {
	switch {
	case !n.running():
		return errors.New("it is not running")
	case n.frozen:
		return errors.New("it is frozen")
	}
	return nil
}

// nextUID grows with the node's clock and with each start, whatever the clock does.
func (n *node) nextUID(clock time.Time, random uint64) uint64 {
	n.lastMS = max(uint64(clock.UnixMilli()), n.lastMS+1)
	return n.lastMS<<20 | random&(1<<20-1)
}

// boot starts a new incarnation.
func (s *Sim) boot(n *node) error {
	n.self = member.Node{Address: Address(n.id), UID: n.nextUID(s.clock(n), s.rng.Uint64())}
	if s.cfg.Without.Has(rules.Growing) {
		n.self.UID = s.rng.Uint64() | 1
	}
	n.seeds = slices.Clone(s.seeds)
	m, err := s.cfg.New(core.Config{
		Self:       n.self,
		Name:       n.name,
		Seeds:      n.seeds,
		FoundAlone: s.alone[n.id],
		Timing:     s.cfg.Timing,
		Downing:    s.cfg.Downing,
		Symmetric:  s.cfg.Symmetric,
		ReportOnly: s.cfg.ReportIslands,
		Rand:       s.generator(n.self.UID),
		Fanout:     s.cfg.Fanout,
		MinMembers: s.cfg.MinMembers,
		MaxMessage: s.cfg.MaxMessage,
		Without:    s.cfg.Without,
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", name(n.id), err)
	}
	n.machine, n.frozen, n.held = m, false, nil
	n.due, n.timer, n.ticks = never, never, 0
	n.leaving, n.disturbed, n.pardon, n.downed, n.cause = false, s.troubled(n), 0, false, ""
	n.seen, n.started = history{}, s.now
	m.Tick(s.clock(n))
	s.settle(n)
	return nil
}

// halt ends the process, as SIGKILL does.
func (s *Sim) halt(n *node, cause string) {
	n.machine, n.frozen, n.held, n.cause = nil, false, nil, cause
	s.see(Sight{Node: n.id})
}

// settle does what Ready says, as the shell does after each input. It returns
// how many packets and events there were.
func (s *Sim) settle(n *node) (done int) {
	rd := n.machine.Ready()
	for _, p := range rd.Packets {
		s.send(n, p)
	}
	for _, c := range rd.Claims {
		s.claim(n, c)
	}
	removed := ""
	for _, e := range rd.Events {
		s.record(record{kind: action, to: n.id, event: e})
		s.tally.note(e)
		if s.cfg.Watch == 0 { // one that tells of a view lists all its members
			n.events = remember(n.events, e)
		}
		if gone, ok := e.(engine.SelfRemoved); ok {
			removed = "removed: " + gone.Cause
		}
		if i, ok := e.(engine.IslandDetected); ok {
			s.law.told[[2]member.Identity{n.seen.holds.Identity, i.Other}] = s.now
		}
		if _, over := e.(engine.ClusterShutdown); over {
			s.push(event{at: s.now, kind: closing, to: n.id, uid: n.self.UID})
		}
	}
	for _, note := range rd.Notes {
		s.record(record{kind: action, to: n.id, text: noteText(note)})
		n.notes = remember(n.notes, note)
	}
	s.plan(n, rd.Wake)
	s.check(n)
	if removed != "" {
		s.removed(n, removed)
	}
	return len(rd.Packets) + len(rd.Events)
}

// lostCluster is how a node ends that has given up its cluster (S5): healthy
// itself, it goes because too many others have.
const lostCluster = "removed: cluster lost"

// yielded is how a node ends whose cluster gives way to another (finding 25).
const yielded = "removed: " + core.CauseYielded

// memory is how many events and notes a node keeps for scripts to print.
const memory = 4096

// remember appends to what a script may ask for and forgets the older half of
// what is too much.
func remember[T any](list []T, x T) []T {
	if len(list) >= memory {
		list = append(list[:0], list[memory/2:]...)
	}
	return append(list, x)
}

// removable reports whether there is a reason to remove n.
func (s *Sim) removable(n *node) bool {
	return n.leaving || n.downed || n.disturbed || s.now < n.pardon || s.worn(n)
}

// removed stops a node that learned of its own removal.
func (s *Sim) removed(n *node, cause string) {
	if !s.removable(n) && !s.closes(n) && cause != lostCluster && cause != yielded {
		s.fail("healthy", "%s is told that it was %s, and was well", name(n.id), cause)
	}
	s.halt(n, cause)
	s.trouble() // it helps nobody around a broken link any more
	if s.cfg.Rejoin > 0 && !n.leaving {
		s.push(event{at: s.now + s.cfg.Rejoin, kind: rejoin, to: n.id, uid: n.self.UID})
	}
}

// closes reports whether the cluster that n is in, or may be on its way into,
// shuts down: that sends joiners away.
func (s *Sim) closes(n *node) bool {
	id := n.seen.holds.Identity
	return s.law.closing[id] || id.IsZero() && len(s.law.closing) > 0
}

// plan notes when Tick is due. A wake that is already queued early enough
// stands for it, so that moving a deadline does not fill the queue.
func (s *Sim) plan(n *node, wakeAt time.Time) {
	if wakeAt.IsZero() {
		n.due = never
		return
	}
	n.due = max(s.now, n.world(wakeAt.Sub(epoch))+s.lag(n))
	if n.due < n.timer {
		n.timer = n.due
		s.push(event{at: n.due, kind: wake, to: n.id, uid: n.self.UID})
	}
}

// tick runs the timer, unless its deadline has moved.
func (s *Sim) tick(n *node, e *event) {
	if e.at != n.timer {
		return // a later wake replaced by an earlier one
	}
	n.timer = never
	if n.due > s.now {
		if n.due != never {
			n.timer = n.due
			s.push(event{at: n.due, kind: wake, to: n.id, uid: n.self.UID})
		}
		return
	}
	n.machine.Tick(s.clock(n))
	s.settle(n)
	if !n.running() || n.due > s.now {
		n.ticks = 0
	} else if n.ticks++; n.ticks > spin {
		s.fail("wake", "%s asks again and again for a Tick at the same moment", name(n.id))
	}
}

// noteText is the line that an operator would read.
func noteText(n core.Note) string {
	text := n.Text
	if n.By != "" {
		text += " (" + n.By + ")"
	}
	if n.Refused {
		return "refused: " + text
	}
	return text
}
