package durable

import (
	"bytes"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
)

// record is the durable state of one entity. It never changes: a change makes a
// new one. Since each has one successor at most, that may use the room behind the
// events; whoever begins a line of his own takes a branch first.
type record struct {
	state  []byte   // a Stateful's state, a Sourced's snapshot; nil if there is none
	events []event  // since then, oldest first
	bytes  int      // of the events
	staged [][]byte // the parts so far of the snapshot that is on its way
}

// event is an event as it is stored.
type event struct {
	kind string // full name of the message's type
	data []byte
}

// key names an entity.
type key struct{ kind, id string }

// with returns what follows r by a change; nil if the entity is gone. r may be nil.
func (r *record) with(ch *durablepb.Change) *record {
	if ch.GetDelete() {
		return nil
	}
	next := &record{}
	if r != nil && !ch.GetReplace() {
		*next = *r
	}
	if ch.GetReplace() {
		next.state = ch.GetState()
	}
	for _, ev := range ch.GetEvents() {
		next.events = append(next.events, event{ev.GetType(), ev.GetData()})
		next.bytes += len(ev.GetData())
	}
	next.stage(ch)
	return next
}

// stage takes up a part of a snapshot. With the last one it takes the place of the
// events that it was made of.
func (r *record) stage(ch *durablepb.Change) {
	if ch.GetFirst() {
		r.staged = nil
	}
	if part := ch.GetPart(); len(part) > 0 {
		r.staged = append(r.staged, part)
	}
	n := int(ch.GetFolds())
	if n == 0 || n > len(r.events) {
		return
	}
	for _, ev := range r.events[:n] {
		r.bytes -= len(ev.data)
	}
	r.state, r.events, r.staged = bytes.Join(r.staged, nil), slices.Clone(r.events[n:]), nil
}

// branch is the same state, whose successors touch nothing of r's.
func (r *record) branch() *record {
	if r == nil {
		return nil
	}
	return &record{state: r.state, events: slices.Clip(r.events), bytes: r.bytes, staged: slices.Clip(r.staged)}
}

// restore gives a fresh behavior its state.
func (r *record) restore(behavior any) error {
	if r == nil {
		return nil
	}
	switch b := behavior.(type) {
	case Stateful:
		return proto.UnmarshalOptions{Merge: true}.Unmarshal(r.state, b.State())
	case Sourced:
		return r.replay(b)
	}
	return nil
}

// replay restores a Sourced. Its snapshot is stored as an event is.
func (r *record) replay(b Sourced) error {
	if len(r.state) > 0 {
		kind, data, _ := bytes.Cut(r.state, []byte{0})
		m, err := decode(event{string(kind), data})
		if err != nil {
			return err
		}
		if err := b.Restore(m); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	for _, ev := range r.events {
		m, err := decode(ev)
		if err != nil {
			return err
		}
		if err := b.Apply(m); err != nil {
			return fmt.Errorf("apply %s: %w", ev.kind, err)
		}
	}
	return nil
}

func decode(ev event) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(ev.kind))
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", ev.kind, err)
	}
	m := t.New().Interface()
	if err := proto.Unmarshal(ev.data, m); err != nil {
		return nil, fmt.Errorf("type %q: %w", ev.kind, err)
	}
	return m, nil
}

// change is what a message did to an entity in the form that is stored; nil if it
// did nothing. It is computed before anything of it is made known, so an error
// leaves the entity as it was.
func (c *Context) change() (*durablepb.Change, error) {
	e := c.entity
	ch := &durablepb.Change{Kind: e.key.kind, Id: e.key.id}
	if c.deleted {
		ch.Delete, c.parts = true, parts{}
		if e.rec == nil {
			ch = nil
		}
		return ch, nil
	}
	switch b := e.behavior.(type) {
	case Stateful:
		if c.same {
			return nil, nil
		}
		state, err := proto.MarshalOptions{Deterministic: true}.Marshal(b.State())
		if err != nil {
			return nil, fmt.Errorf("durable: state: %w", err)
		}
		if e.rec == nil && len(state) == 0 || e.rec != nil && bytes.Equal(state, e.rec.state) {
			return nil, nil
		}
		ch.Replace, ch.State = true, state
		return ch, nil
	case Sourced:
		if len(c.events) == 0 {
			return nil, nil
		}
		return ch, c.sourced(b, ch)
	}
	return nil, nil
}

// due tells whether a snapshot is to take the place of the events, with those that
// come now. Beyond the number that the kind says they must also take as much room
// as the last snapshot: else a large entity would be written anew again and again,
// and so each change costs twice its own size at most, whatever the entity's.
func (e *entity) due(more []event) bool {
	n, bytes, state := len(more), 0, 0
	for _, ev := range more {
		bytes += len(ev.data)
	}
	if e.rec != nil {
		n, bytes, state = n+len(e.rec.events), bytes+e.rec.bytes, len(e.rec.state)
	}
	return n >= e.kind.every && bytes >= state
}

// sourced fills in events, or a snapshot in place of all of them. A large snapshot
// goes along with this message's events and those of the next ones, part by part, so
// that no command is larger than a message between nodes may be, and no message of
// the entity waits for all of it.
func (c *Context) sourced(b Sourced, ch *durablepb.Change) error {
	e := c.entity
	for _, ev := range c.events {
		ch.Events = append(ch.Events, &durablepb.Event{Type: ev.kind, Data: ev.data})
	}
	if proto.Size(ch)+partBytes > maxCommand {
		return nil // the next one has room
	}
	if len(c.parts.rest) == 0 && e.due(c.events) {
		state, err := snapshotOf(b)
		if err != nil {
			return err
		}
		if len(state) <= partBytes {
			ch.Events, ch.Replace, ch.State = nil, true, state
			return nil
		}
		ch.First, c.parts = true, parts{state, len(c.events)}
		if e.rec != nil {
			c.parts.folds += len(e.rec.events)
		}
	}
	c.parts.next(ch)
	return nil
}

// parts is a snapshot on its way into the log.
type parts struct {
	rest  []byte
	folds int // how many events it takes the place of
}

// partBytes is the size of a part.
const partBytes = 128 << 10

// next puts the next part into a change, if there is one.
func (p *parts) next(ch *durablepb.Change) {
	n := min(len(p.rest), partBytes)
	if n == 0 {
		return
	}
	ch.Part = p.rest[:n]
	if p.rest = p.rest[n:]; len(p.rest) == 0 {
		ch.Folds = uint32(p.folds)
	}
}

// snapshotOf is a Sourced's state in the form in which it is stored.
func snapshotOf(b Sourced) ([]byte, error) {
	m, err := b.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("durable: snapshot: %w", err)
	}
	state := append([]byte(m.ProtoReflect().Descriptor().FullName()), 0)
	state, err = proto.MarshalOptions{}.MarshalAppend(state, m)
	if err != nil {
		return nil, fmt.Errorf("durable: snapshot: %w", err)
	}
	return state, nil
}
