package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// exposure is the set of names that other nodes may reach. The rule has two halves.
//
// An id that nobody chose is a capability: it ends in random bits, so who names it
// was given it, in a message or as the one who sends. Nothing has to be declared
// for that, and refs passed around just work. See actor.ReachKnown.
//
// A name that somebody chose can be guessed, so it is reached only if it is exposed
// here, or if the actor has shown itself by sending to another node under this
// name: then answers must find it.
type exposure struct {
	mu       sync.RWMutex
	names    map[string]struct{}
	prefixes []string
	shown    map[string]struct{} // names of actors that have sent to other nodes
}

// maxShown bounds the table of actors that have shown themselves.
const maxShown = 1 << 16

// checkExpose reports entries of Config.Expose that can never match.
func checkExpose(names []string) error {
	var faults []error
	for _, n := range names {
		if n == "" || strings.HasPrefix(n, "$") || len(n) > wire.MaxText {
			faults = append(faults, fmt.Errorf("Expose: %.100q is no name of an actor; those that begin with '$' are reserved", n))
		}
	}
	return errors.Join(faults...)
}

// Expose adds to Config.Expose. What is exposed stays so. Any goroutine.
func (r *Remote) Expose(names ...string) {
	x := r.exposure
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, n := range names {
		if prefix, ok := strings.CutSuffix(n, "*"); ok {
			if !slices.Contains(x.prefixes, prefix) {
				x.prefixes = append(x.prefixes, prefix)
			}
			continue
		}
		if x.names == nil {
			x.names = make(map[string]struct{})
		}
		x.names[n] = struct{}{}
	}
}

func (x *exposure) has(name string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if _, ok := x.names[name]; ok {
		return true
	}
	for _, p := range x.prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	_, ok := x.shown[name]
	return ok
}

// show makes answers to a named local actor find it, from now on.
func (r *Remote) show(id string) {
	if strings.HasPrefix(id, "$") || r.exposure.has(id) || r.sys.Reach(id) != actor.ReachNamed {
		return
	}
	x := r.exposure
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.shown) >= maxShown {
		x.prune(r.sys.Proto().ProcessRegistry)
	}
	if len(x.shown) >= maxShown {
		return // it must be exposed to be answered: the refusal will say so
	}
	if x.shown == nil {
		x.shown = make(map[string]struct{})
	}
	x.shown[id] = struct{}{}
}

// prune forgets actors that are gone. x.mu is held.
func (x *exposure) prune(registry *pa.ProcessRegistryValue) {
	for id := range x.shown {
		if _, ok := registry.GetLocal(id); !ok {
			delete(x.shown, id)
		}
	}
}

// unreachable is the reason why another node may not address an id, nil if it may.
func (r *Remote) unreachable(id string) error {
	switch r.sys.Reach(id) {
	case actor.ReachKnown:
		return nil
	case actor.ReachNamed:
		bare := id
		if i := strings.LastIndexByte(id, '#'); i >= 0 {
			bare = id[:i] // a name has no '#', so this is an incarnation's
		}
		if r.exposure.has(bare) {
			return nil
		}
		return fmt.Errorf("%w: %s does not expose %.100q; list it in Expose there", actor.ErrNotExposed, r.self.Address, bare)
	}
	if strings.HasPrefix(id, "$") {
		return actor.ErrNoActor // also the ids of an earlier incarnation: nothing is wrong with naming one
	}
	return fmt.Errorf("%w: %.100q at %s is reserved", actor.ErrNotExposed, id, r.self.Address)
}

// reach is unreachable for the receiver of an envelope. What may be reached stays
// so, and is remembered for receivers that are named by number: by their text, so
// that a number which comes to mean another receiver is looked at again.
func (c *inbound) reach(to wire.Seen, id string) error {
	n := int(to.Ref)
	if n != 0 && n <= len(c.reached) && c.reached[n-1] == id {
		return nil
	}
	err := c.r.unreachable(id)
	if err == nil && n != 0 {
		for len(c.reached) < c.table.Len() {
			c.reached = append(c.reached, "")
		}
		c.reached[n-1] = id
	}
	return err
}

// deny answers a system message whose target may not be reached: a watcher is told
// that there is nobody, as it would be for a name that nobody has.
func (p *peer) deny(m *remotepb.System, reason error) {
	var msg any
	switch m.Op {
	case remotepb.System_OP_WATCH:
		msg = &pa.Watch{Watcher: &pa.PID{Address: p.address, Id: m.Other}}
		p.control.pushSystem(systemMessage{
			op: remotepb.System_OP_TERMINATED, target: m.Other, other: m.Target, why: uint32(pa.TerminatedReason_NotFound),
		})
	case remotepb.System_OP_STOP:
		msg = &pa.Stop{}
	default:
		return // there can be no watch to end
	}
	p.r.turnAway(m.Target, nil, msg, reason)
}

// turnAway makes a dead letter of what may not reach its receiver. The asker is
// told the reason.
func (r *Remote) turnAway(id string, from *pa.PID, msg any, reason error) {
	if errors.Is(reason, actor.ErrNotExposed) {
		r.count.notExposed.Add(1)
	}
	r.sys.DeadLetter(&pa.PID{Address: r.self.Address, Id: id}, from, msg, reason)
}
