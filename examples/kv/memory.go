package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// backend is where the entities of the slots live. Any goroutine.
type backend interface {
	// ask brings a message to the entity of a slot, wherever that is, and returns
	// what it answers, or one of the errors below.
	ask(slot uint16, m kvpb.Command) (proto.Message, error)
	// home tells who answers for a slot: this node, or the member at an address;
	// "" if nobody does.
	home(slot uint16) (address string, here bool)
	// serving tells that this node may answer at all: it is in the cluster, and
	// not cut off from it.
	serving() bool
	// table is who has which slots at present. It is not to be changed.
	table() *table
	// tell is ask without an answer, for a slot that runs on this node.
	tell(slot uint16, m kvpb.Command)
	// filled lists the slots of this node that have keys, sorted, and their keys.
	filled() []filled
	// mayHave tells that this node has a copy of keys of a slot, or had them a moment
	// ago.
	mayHave(slot uint16) bool
	// wait waits until so many replicas have all that was done to a slot, and
	// returns how many do.
	wait(slot uint16, replicas int, limit time.Duration) int
	// failover makes this node the primary of all slots that it is a replica of.
	failover(ctx context.Context) (moved int, err error)
	// start is called once, before any of the others, when the node runs.
	start(n *clusterd.Node)
	// freeze makes t the table for good: the node has left.
	freeze(t *table)
	// expired lists the slots that have keys whose time has come.
	expired(now time.Time) []uint16
}

// filled is a slot that has keys.
type filled struct {
	slot uint16
	keys int64
}

// farewells is the part of a backend that is left when its node has left.
type farewells struct{ last atomic.Pointer[table] }

// freeze makes t the table for good: this node only tells clients where to go.
func (f *farewells) freeze(t *table) { f.last.Store(t) }

var (
	// errNotServed: the message was not handled.
	errNotServed = errors.New("kv: nobody serves the slot at present")
	// errTooBig: it was not either, since what it changes is too much for one message.
	errTooBig = errors.New("kv: the change is too large")
	// errUnknown: nobody knows whether it was.
	errUnknown = errors.New("kv: no answer in time")
)

// askTime bounds the wait for an entity's answer.
const askTime = 5 * time.Second

// memory keeps each slot in the memory of one node: the token of its slot says
// which. A planned move takes the keys along, a crash loses them.
type memory struct {
	node *clusterd.Node
	refs []actor.Ref[kvpb.Command]
	ids  []string
	here *shelf

	farewells

	mu     sync.Mutex
	cached *table
	until  time.Time
}

// memorySlot is the entity of a slot in memory.
type memorySlot struct {
	*slot
	broken error // the id is not that of a slot
}

// newKind makes the entities of one node.
func newKind(sh *shelf) actor.Kind[kvpb.Command] {
	return actor.NewKind(kindName, func(id string) actor.Behavior[kvpb.Command] {
		s, err := newSlot(id, sh)
		return &memorySlot{s, err}
	})
}

// Started puts the slot on the shelf.
func (s *memorySlot) Started(*actor.Context[kvpb.Command]) error {
	if s.broken == nil {
		s.start()
	}
	return s.broken
}

// Stopped takes it off.
func (s *memorySlot) Stopped(*actor.Context[kvpb.Command], error) { s.stop() }

// Receive handles one message.
func (s *memorySlot) Receive(c *actor.Context[kvpb.Command], m kvpb.Command) error {
	answer, _ := s.handle(m)
	if answer != nil {
		c.Reply(answer)
	}
	return nil
}

// Snapshot is what moves along when the slot does.
func (s *memorySlot) Snapshot() (proto.Message, error) { return s.store.Snapshot(), nil }

// Restore takes it up.
func (s *memorySlot) Restore(m proto.Message) error {
	state, ok := m.(*kvpb.Slot)
	if !ok {
		return fmt.Errorf("kv: state of a slot is a %T", m)
	}
	return s.store.Restore(state)
}

// newMemory returns the backend and what the node must host for it. Before start
// nothing may be asked.
func newMemory() (*memory, []clusterd.Service) {
	m := &memory{ids: slotIDs(), here: new(shelf)}
	return m, []clusterd.Service{sharding.Host(newKind(m.here))}
}

func (m *memory) start(n *clusterd.Node) {
	m.node = n
	kind := newKind(m.here)
	m.refs = make([]actor.Ref[kvpb.Command], slots.Count)
	for s, id := range m.ids {
		m.refs[s] = sharding.Ref(n, kind, id)
	}
}

func (m *memory) ask(slot uint16, msg kvpb.Command) (proto.Message, error) {
	answer, err := actor.Ask[proto.Message](context.Background(), m.refs[slot].With(msg).Within(askTime))
	return answer, askError(err)
}

// askError tells what was not handled from what may have been.
func askError(err error) error {
	var ask *actor.AskError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ask) && !errors.Is(err, context.DeadlineExceeded):
		return errNotServed
	}
	return errUnknown
}

// home is where the token of a slot is. While it leaves this node, commands wait
// here and follow it.
func (m *memory) home(slot uint16) (string, bool) {
	if t := m.last.Load(); t != nil {
		return t.owner(slot), false
	}
	at := sharding.LocateSlot(m.node, kindName, slot)
	return at.Address, at.Local || at.Moving || at.Address == m.node.System().Address()
}

func (m *memory) serving() bool { return m.last.Load() != nil || m.node.MayAct() }

func (m *memory) tell(slot uint16, msg kvpb.Command) { m.refs[slot].Tell(msg) }

func (m *memory) filled() []filled { return m.here.filled() }

func (m *memory) mayHave(slot uint16) bool { return m.here.mayHave(slot) }

func (m *memory) expired(now time.Time) []uint16 { return m.here.expired(now) }

// wait knows that slots in memory have no replicas.
func (m *memory) wait(uint16, int, time.Duration) int { return 0 }

func (m *memory) failover(context.Context) (int, error) { return 0, nil }

// tableAge is how old the table may be that CLUSTER prints. Redirections do not
// come from it.
const tableAge = 50 * time.Millisecond

func (m *memory) table() *table {
	if t := m.last.Load(); t != nil {
		return t
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.cached == nil || now.After(m.until) {
		m.cached = newTable(m.node)
		for _, r := range sharding.Table(m.node, kindName) {
			m.cached.add(r.First, r.Last, r.Address, nil)
		}
		m.until = now.Add(tableAge)
	}
	return m.cached
}
