package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding/boltstore"
	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// replicated keeps each slot on several nodes: what a command changes is an event
// that they agree on before the reply leaves, as far as the level says. The
// primary of a slot's shard runs its entity.
type replicated struct {
	node *clusterd.Node
	cfg  durable.Config
	kind durable.Kind[kvpb.Command]
	refs []actor.Ref[kvpb.Command]
	ids  []string
	here *shelf
	farewells

	mu     sync.Mutex
	cached *table
	until  time.Time
}

// durableSlot is the entity of a slot that is replicated.
type durableSlot struct {
	*slot
	started bool
	fresh   *kvpb.Change // what this message did, so it is not done again
	broken  error        // the id is not that of a slot
}

// Receive handles one message. A slot that has become empty leaves nothing behind.
func (s *durableSlot) Receive(c *durable.Context, m kvpb.Command) error {
	if s.broken != nil {
		return s.broken
	}
	if !s.started {
		s.started = true
		s.start()
	}
	if b, ok := m.(*kvpb.Batch); ok && b.GetWait() > 0 {
		c.Level(waitLevel(int(b.GetWait())))
	}
	answer, change := s.handle(m)
	if err := s.persist(c, change); err != nil {
		return err
	}
	if answer != nil {
		c.Reply(answer)
	}
	return nil
}

func (s *durableSlot) persist(c *durable.Context, change *kvpb.Change) error {
	switch {
	case change == nil:
		return nil
	case s.store.Len() == 0:
		c.Delete()
		return nil
	}
	s.fresh = change
	return c.Persist(change)
}

// Apply repeats a change, unless it was just made.
func (s *durableSlot) Apply(event proto.Message) error {
	change, ok := event.(*kvpb.Change)
	if !ok {
		return fmt.Errorf("kv: event of a slot is a %T", event)
	}
	if change != s.fresh {
		s.repeat(change)
	}
	s.fresh = nil
	return nil
}

// Snapshot is the whole slot.
func (s *durableSlot) Snapshot() (proto.Message, error) { return s.store.Snapshot(), nil }

// Restore takes one up.
func (s *durableSlot) Restore(m proto.Message) error {
	state, ok := m.(*kvpb.Slot)
	if !ok {
		return fmt.Errorf("kv: state of a slot is a %T", m)
	}
	return s.store.Restore(state)
}

// clientWait is how long a command waits for a slot's primary before the client
// is told that there is none. It is shorter than what clients wait for a reply:
// who gives up by himself does not know whether the command was carried out.
const clientWait = time.Second

// snapshotEvery is small, since most slots hold few keys: events beyond that, and
// beyond the size of the slot, give way to a snapshot.
const snapshotEvery = 16

// newReplicated returns the backend and what the node must host for it. dir "" is
// memory. Before start nothing may be asked.
func newReplicated(level durable.Level, replicas int, dir string) (*replicated, []clusterd.Service, error) {
	r := &replicated{ids: slotIDs(), here: new(shelf)}
	r.cfg = durable.Config{Replicas: replicas, Idle: 1000 * time.Hour, MaxLive: slots.Count, MaxWait: clientWait}
	r.kind = durable.Kind[kvpb.Command]{Name: kindName, Level: level, SnapshotEvery: snapshotEvery, New: func(id string) durable.Behavior[kvpb.Command] {
		s, err := newSlot(id, r.here)
		return &durableSlot{slot: s, broken: err}
	}}
	if dir != "" {
		data, err := boltstore.Open(dir)
		if err != nil {
			return nil, nil, err
		}
		r.cfg.Store = data
	}
	return r, []clusterd.Service{durable.Host(r.cfg, r.kind)}, nil
}

func (r *replicated) start(n *clusterd.Node) {
	r.node = n
	r.refs = make([]actor.Ref[kvpb.Command], slots.Count)
	for s, id := range r.ids {
		r.refs[s] = durable.Ref(n, r.kind, id)
	}
}

func (r *replicated) ask(slot uint16, m kvpb.Command) (proto.Message, error) {
	answer, err := durable.Ask[proto.Message](context.Background(), r.refs[slot].With(m).Within(askTime))
	switch {
	case errors.Is(err, durable.ErrTooLarge):
		return nil, errTooBig
	case errors.Is(err, durable.ErrNotDone):
		return nil, errNotServed
	case err != nil:
		return nil, errUnknown
	}
	return answer, nil
}

func (r *replicated) tell(slot uint16, m kvpb.Command) { r.refs[slot].Tell(m) }

// home is the primary. While there is none this node takes the command, which
// waits here until there is one.
func (r *replicated) home(slot uint16) (string, bool) {
	if t := r.last.Load(); t != nil {
		return t.owner(slot), false
	}
	row, err := durable.RowOf(r.node, slot)
	if err != nil {
		return "", false
	}
	return row.Primary, row.Primary == "" || row.Primary == r.node.System().Address()
}

func (r *replicated) serving() bool { return r.last.Load() != nil || r.node.MayAct() }

// filled asks the slots that are not in memory, since this node has just become
// their primary, how many keys they have.
func (r *replicated) filled() (list []filled) {
	rows, err := durable.Table(r.node)
	if err != nil {
		return nil
	}
	for _, row := range rows {
		for slot := int(row.First); row.Primary == r.node.System().Address() && slot <= int(row.Last); slot++ {
			if n := r.keys(uint16(slot), row.Epoch); n > 0 {
				list = append(list, filled{uint16(slot), n})
			}
		}
	}
	return list
}

func (r *replicated) keys(slot uint16, epoch uint64) int64 {
	if there, err := durable.Count(r.node, kindName, slot); err != nil || there == 0 {
		return 0
	}
	if size := r.here[slot].Load(); size != nil && size.epoch.Load() == epoch {
		return size.keys.Load()
	}
	b := &batch{slot: slot, msg: &kvpb.Batch{Words: [][]byte{[]byte("@count")}, Lengths: []uint32{1}}}
	if b.run(r); b.fault != "" {
		return 0
	}
	size := r.here[slot].Load()
	if size == nil {
		return 0
	}
	size.epoch.Store(epoch)
	return size.keys.Load()
}

// mayHave asks the replica, so that a slot whose primary changes is known to others
// that keep it.
func (r *replicated) mayHave(slot uint16) bool {
	n, err := durable.Count(r.node, kindName, slot)
	return err == nil && n > 0 || r.here.keys(slot) > 0
}

// expired lists slots of which this node is the primary.
func (r *replicated) expired(now time.Time) (list []uint16) {
	for _, slot := range r.here.expired(now) {
		if _, here := r.home(slot); here {
			list = append(list, slot)
		} else {
			r.here[slot].Store(nil)
		}
	}
	return list
}

func (r *replicated) table() *table {
	if t := r.last.Load(); t != nil {
		return t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.cached == nil || now.After(r.until) {
		r.cached = r.newTable()
		r.until = now.Add(tableAge)
	}
	return r.cached
}

func (r *replicated) newTable() *table {
	t := newTable(r.node)
	rows, err := durable.Table(r.node)
	if err != nil {
		return t
	}
	for _, row := range rows {
		t.add(row.First, row.Last, row.Primary, row.Replicas)
	}
	return t
}

// waitLevel is what WAIT for so many replicas waits for.
func waitLevel(n int) durable.Level {
	if n > 1 {
		return durable.All
	}
	return durable.Quorum
}

// wait is WAIT for one slot: how many replicas have all of it.
func (r *replicated) wait(slot uint16, want int, limit time.Duration) int {
	sure := 0
	if r.kind.Level != durable.Async {
		sure = r.cfg.Replicas / 2
	}
	if want <= sure {
		return sure
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := durable.Ask[proto.Message](ctx, r.refs[slot].With(&kvpb.Batch{Wait: uint32(want)})); err != nil {
		return sure
	}
	if waitLevel(want) == durable.All {
		return r.cfg.Replicas - 1
	}
	return r.cfg.Replicas / 2
}

// failover makes this node the primary of all that it keeps a replica of. The
// planner moves them again when that has unbalanced the nodes.
func (r *replicated) failover(ctx context.Context) (moved int, err error) {
	rows, err := durable.Table(r.node)
	if err != nil {
		return 0, err
	}
	self := r.node.System().Address()
	for _, row := range rows {
		for _, replica := range row.Replicas {
			if replica == self {
				if err := durable.Transfer(ctx, r.node, row.First, self); err != nil {
					return moved, err
				}
				moved++
			}
		}
	}
	return moved, nil
}
