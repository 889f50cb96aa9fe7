package durable

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Behavior is what an entity does. Its methods, and those of the optional
// interfaces below, run one at a time for all entities of a shard: they compute,
// and do not wait for others.
//
// It is [Stateful] or [Sourced]; else nothing of it is durable, and it starts
// afresh whenever it is needed.
type Behavior[M any] interface {
	// Receive handles a message. An error or a panic undoes what the message did
	// to the state; the asker gets it as a *actor.Failure.
	Receive(c *Context, m M) error
}

// Stateful is a behavior whose state is one protobuf message.
type Stateful interface {
	// State returns the message in which the behavior keeps its state, the same
	// one each time. What is stored is unmarshaled into it before the first
	// message; after each message that is not said to be [Context.Unchanged], the
	// state is stored if it differs from what is stored.
	State() proto.Message
}

// Sourced is a behavior whose state follows from events, which it passes to
// [Context.Persist]. It stores what is added rather than all of it: for states
// that are large, and for those whose history matters.
type Sourced interface {
	// Apply changes the state by an event, and does nothing else: it is called
	// for a new event, and again whenever the entity is restored.
	Apply(event proto.Message) error
	// Snapshot returns the state, which takes the place of all events so far.
	Snapshot() (proto.Message, error)
	// Restore is called before any Apply with what Snapshot returned, unless
	// there never was one.
	Restore(state proto.Message) error
}

// Kind is a kind of durable entities. All nodes that host it, or send to it, have
// the same value.
type Kind[M any] struct {
	// Name is 1 to 64 letters, digits, '-', '_' or '.', and no name of a kind of
	// package sharding.
	Name string
	// New makes the behavior of the entity with this id, without its state.
	New func(id string) Behavior[M]
	// Level is when replies leave. Zero: Quorum. See also [Context.Level].
	Level Level
	// SnapshotEvery is after how many events a Sourced is asked for a snapshot, or
	// later, when the events take as much room as the last snapshot. Zero: 100.
	SnapshotEvery int
}

// NewKind returns a Kind with the default level.
func NewKind[M any](name string, new func(id string) Behavior[M]) Kind[M] {
	return Kind[M]{Name: name, New: new}
}

// AnyKind is a Kind[M] of any M.
type AnyKind interface {
	// KindName is the kind's Name.
	KindName() string
	kind() (*kind, error)
}

// KindName is the kind's Name.
func (k Kind[M]) KindName() string { return k.Name }

// maxKind bounds the name of a kind, and maxID the id of an entity, in bytes.
const (
	maxKind = 64
	maxID   = 512
)

func (k Kind[M]) kind() (*kind, error) {
	switch {
	case k.Name == "" || len(k.Name) > maxKind || strings.ContainsAny(k.Name, "/#$"):
		return nil, fmt.Errorf("kind %q: want 1 to %d letters, digits, '-', '_' or '.'", k.Name, maxKind)
	case k.New == nil:
		return nil, fmt.Errorf("kind %q has no constructor", k.Name)
	case k.Level > All:
		return nil, fmt.Errorf("kind %q: there is no %v", k.Name, k.Level)
	case k.SnapshotEvery < 0:
		return nil, fmt.Errorf("kind %q: SnapshotEvery %d must not be negative", k.Name, k.SnapshotEvery)
	}
	out := &kind{name: k.Name, level: k.Level, every: k.SnapshotEvery}
	if out.every == 0 {
		out.every = 100
	}
	out.start = func(id string) (*actorOf, error) {
		b := k.New(id)
		if b == nil {
			return nil, errors.New("the constructor made no behavior")
		}
		return &actorOf{behavior: b, receive: func(c *Context, m any) error {
			typed, ok := m.(M)
			if !ok {
				return fmt.Errorf("durable: kind %s does not accept %T", k.Name, m)
			}
			return b.Receive(c, typed)
		}}, nil
	}
	return out, nil
}

// kind is a Kind without its type.
type kind struct {
	name  string
	level Level
	every int
	start func(id string) (*actorOf, error)
}

// actorOf is a behavior without its type.
type actorOf struct {
	behavior any
	receive  func(c *Context, m any) error
}
