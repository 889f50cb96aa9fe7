package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// kindName is under which kind the slots of this server are entities.
const kindName = "slot"

// slotID are the ids of the entities: that of slot s hashes to slot s, so that
// CLUSTER SLOTS and the homes of entities are one and the same thing. It is a
// tag in braces that was found by trying, and the number for people.
func slotIDs() []string {
	ids := make([]string, slots.Count)
	for n, left := 0, slots.Count; left > 0; n++ {
		tag := strconv.FormatInt(int64(n), 36)
		if s := slots.Of(tag); ids[s] == "" {
			ids[s] = "{" + tag + "}" + strconv.Itoa(int(s))
			left--
		}
	}
	return ids
}

// slotOf is the inverse.
func slotOf(id string) (uint16, error) {
	_, number, _ := strings.Cut(id, "}")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n >= slots.Count || slots.Of(id) != uint16(n) {
		return 0, fmt.Errorf("kv: %q is not the id of a slot", id)
	}
	return uint16(n), nil
}

// shelf has the slots that run on this node, for DBSIZE and SCAN. Any goroutine.
type shelf [slots.Count]atomic.Pointer[slotSize]

// slotSize is how many keys a slot has.
type slotSize struct{ keys atomic.Int64 }

// keys is the number of keys of a slot that runs here, else 0.
func (s *shelf) keys(slot int) int64 {
	if size := s[slot].Load(); size != nil {
		return size.keys.Load()
	}
	return 0
}

// total is the number of keys on this node.
func (s *shelf) total() (n int64) {
	for slot := range s {
		n += s.keys(slot)
	}
	return n
}

// slot is the entity: it runs the commands on the keys of one slot, in the order
// in which they come.
//
// Why the entity is the slot and not the key: a transaction, a scan, a count and
// the moving of a slot are one message each, an entity at rest costs as much for
// a hundred keys as for one, and nothing outside needs an index of keys. What it
// costs is that two keys of a slot are not worked on at once, which among 16384
// slots nobody notices.
type slot struct {
	number uint16
	shelf  *shelf
	size   *slotSize
	store  *store.Store
	run    uint64 // of this run: what was watched in another one counts as changed
	broken error  // the state that came with a move does not fit
	wake   time.Time
	timer  actor.Timer
}

// kind makes the entities of one node.
func newKind(sh *shelf) actor.Kind[kvpb.Command] {
	return actor.NewKind(kindName, func(id string) actor.Behavior[kvpb.Command] {
		number, err := slotOf(id)
		return &slot{number: number, shelf: sh, size: new(slotSize), store: store.New(rand.Uint64()), run: rand.Uint64(), broken: err}
	})
}

// Started puts the slot on the shelf.
func (s *slot) Started(c *actor.Context[kvpb.Command]) error {
	if s.broken != nil {
		return s.broken
	}
	s.shelf[s.number].Store(s.size)
	s.after(c)
	return nil
}

// Stopped takes it off.
func (s *slot) Stopped(*actor.Context[kvpb.Command], error) {
	s.shelf[s.number].CompareAndSwap(s.size, nil)
}

// Receive handles one message.
func (s *slot) Receive(c *actor.Context[kvpb.Command], m kvpb.Command) error {
	switch m := m.(type) {
	case *kvpb.Batch:
		c.Reply(s.batch(m))
	case *kvpb.Look:
		c.Reply(s.look(m))
	case *kvpb.Tick:
		s.timer, s.wake = actor.Timer{}, time.Time{}
	}
	s.after(c)
	return nil
}

// batch runs commands, all of them or none.
func (s *slot) batch(m *kvpb.Batch) *kvpb.Answers {
	now := time.Now().UnixMilli()
	s.store.Expire(now, 0) // brings the time
	for _, w := range m.GetWatches() {
		if w.GetRun() != s.run || w.GetVersion() != s.store.Version(w.GetKey()) {
			return &kvpb.Answers{Aborted: true}
		}
	}
	w := resp.Writer{V3: m.GetResp3()}
	ends := make([]uint32, 0, len(m.GetLengths()))
	words := m.GetWords()
	for _, n := range m.GetLengths() {
		if n == 0 || int(n) > len(words) {
			break // not what a node sends; the asker sees that replies are missing
		}
		s.store.Do(now, words[:n], &w)
		words = words[n:]
		ends = append(ends, uint32(len(w.Buf)))
	}
	return &kvpb.Answers{Replies: w.Buf, Ends: ends}
}

func (s *slot) look(m *kvpb.Look) *kvpb.Seen {
	s.store.Expire(time.Now().UnixMilli(), 0)
	seen := &kvpb.Seen{}
	for _, key := range m.GetKeys() {
		seen.Watches = append(seen.Watches, &kvpb.Watch{Key: key, Run: s.run, Version: s.store.Version(key)})
	}
	return seen
}

// How many keys are removed at once when their time has come, and how long the
// next ones wait at least. A key is not seen any more from its very millisecond
// on; this is about its memory.
const (
	expireMany  = 1000
	expireEvery = 100 * time.Millisecond
)

// after notes how many keys there are, and removes those whose time has come.
func (s *slot) after(c *actor.Context[kvpb.Command]) {
	now := time.Now()
	next := s.store.Expire(now.UnixMilli(), expireMany)
	s.size.keys.Store(int64(s.store.Len()))
	if next == 0 {
		return
	}
	at := time.UnixMilli(next)
	if soon := now.Add(expireEvery); at.Before(soon) {
		at = soon
	}
	if s.wake.IsZero() || at.Before(s.wake) {
		s.timer.Stop()
		s.wake, s.timer = at, c.After(at.Sub(now), &kvpb.Tick{})
	}
}

// Snapshot is what moves along when the slot does.
func (s *slot) Snapshot() (proto.Message, error) { return s.store.Snapshot(), nil }

// Restore takes it up.
func (s *slot) Restore(m proto.Message) error {
	state, ok := m.(*kvpb.Slot)
	if !ok {
		return fmt.Errorf("kv: state of a slot is a %T", m)
	}
	return s.store.Restore(state)
}
