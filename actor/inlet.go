package actor

import (
	"strings"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Inlet is a local id that messages from other nodes keep arriving for. It
// spares each of them the way through the registry: an actor that was found is
// used until it has stopped. An Inlet belongs to one goroutine.
type Inlet struct {
	sys   *System
	id    string
	to    *pa.PID // what processes are told that the message was sent to
	known *core   // nil: to be looked up
	slow  bool    // the id is none of a plain actor's: System.Deliver knows
}

// Inlet returns an inlet for a local id.
func (s *System) Inlet(id string) *Inlet {
	_, _, pinned := cutUID(id)
	return &Inlet{
		sys: s, id: id, to: &pa.PID{Address: s.proto.ProcessRegistry.Address, Id: id},
		slow: pinned || strings.HasPrefix(id, askPrefix) || isInternal(id) || s.prefixes.find(id) != nil,
	}
}

// Deliver is [System.DeliverWith] for the inlet's id.
func (in *Inlet) Deliver(from *pa.PID, header map[string]string, msg any) {
	s := in.sys
	if c := in.core(); c == nil || header != nil || isSystem(msg) {
		s.DeliverWith(in.id, from, header, msg)
	} else {
		s.sendAs(c, in.to, msg, question{asker: s.comeHome(from)})
	}
}

// Turn is the turn of an idle actor that a message has woken: see [Inlet.Lend].
// The zero Turn is none.
type Turn struct{ c *core }

// IsZero reports whether there is nothing to run.
func (t Turn) IsZero() bool { return t.c == nil }

// Run handles the message, and those that have come since, up to the number after
// which other actors get their turn. The actor may block.
func (t Turn) Run() { t.c.box.RunHeld() }

// Lend is Deliver for a caller that lends an idle actor its goroutine, so that
// nobody need be woken: it must soon run the turn that comes back, unless that is
// none because the actor is busy, has a mailbox of its own, or is not one of ours.
func (in *Inlet) Lend(from *pa.PID, header map[string]string, msg any) Turn {
	c := in.core()
	if c == nil || header != nil || !c.ours() || isSystem(msg) || isBatch(msg) {
		in.Deliver(from, header, msg)
		return Turn{}
	}
	q := question{asker: in.sys.comeHome(from)}
	if !q.nobody() {
		msg = in.sys.requests.get(msg, q)
	}
	if c.box.PostHeld(msg) {
		return Turn{c}
	}
	return Turn{}
}

// core finds the actor; nil if there is none, or it is not one of ours.
func (in *Inlet) core() *core {
	if in.slow {
		return nil
	}
	if c := in.known; c != nil && !c.dead.Load() {
		return c
	}
	in.known = in.sys.coreOf(in.to)
	return in.known
}
