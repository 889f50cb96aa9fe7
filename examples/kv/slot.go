package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

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

// slotSize is what others may know of a slot that runs here.
type slotSize struct {
	keys atomic.Int64
	due  atomic.Int64 // when a key expires next, ms since 1970; 0 = never
	// epoch is that of the shard for which keys is right, 0 while nobody has asked.
	epoch atomic.Uint64
	// left is when the slot went to another node with its keys, ms since 1970; 0 if
	// it did not.
	left atomic.Int64
}

// leftFor is how long a node remembers that a slot with keys has left it.
const leftFor = 10 * time.Second

// keys is the number of keys of a slot that runs here, else 0.
func (s *shelf) keys(slot uint16) int64 {
	if size := s[slot].Load(); size != nil {
		return size.keys.Load()
	}
	return 0
}

// mayHave tells that a slot has keys here, or has left with them a moment ago.
func (s *shelf) mayHave(slot uint16) bool {
	size := s[slot].Load()
	return size != nil && (size.keys.Load() > 0 || size.left.Load() > 0)
}

// filled lists the slots that have keys, in order.
func (s *shelf) filled() (list []filled) {
	for slot := range uint16(slots.Count) {
		if n := s.keys(slot); n > 0 {
			list = append(list, filled{slot, n})
		}
	}
	return list
}

// expired lists the slots that have keys whose time has come, and forgets those that
// have left long ago.
func (s *shelf) expired(now time.Time) (list []uint16) {
	for slot := range s {
		size := s[slot].Load()
		if size == nil {
			continue
		}
		if left := size.left.Load(); left != 0 && now.UnixMilli()-left > leftFor.Milliseconds() {
			s[slot].CompareAndSwap(size, nil)
			continue
		}
		if due := size.due.Load(); due != 0 && due <= now.UnixMilli() {
			list = append(list, uint16(slot))
		}
	}
	return list
}

// slot holds the keys of one slot and runs the commands on them, in the order in
// which they come. The entity is this and what its place asks of it: memorySlot.
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
}

func newSlot(id string, sh *shelf) (*slot, error) {
	number, err := slotOf(id)
	return &slot{number: number, shelf: sh, size: new(slotSize), store: store.New(rand.Uint64()), run: rand.Uint64()}, err
}

// start puts the slot on the shelf, stop takes it off.
func (s *slot) start() {
	s.shelf[s.number].Store(s.size)
	s.expire()
}

func (s *slot) stop() {
	if s.size.keys.Swap(0) == 0 {
		s.shelf[s.number].CompareAndSwap(s.size, nil)
		return
	}
	s.size.due.Store(0)
	s.size.left.Store(time.Now().UnixMilli())
}

// handle carries out one message. The change is nil if there was none.
func (s *slot) handle(m kvpb.Command) (answer proto.Message, change *kvpb.Change) {
	now := time.Now().UnixMilli()
	s.store.Pass(now)
	switch m := m.(type) {
	case *kvpb.Batch:
		answer, change = s.batch(m, now)
	case *kvpb.Look:
		answer = s.look(m)
	}
	s.expire()
	return answer, change
}

// batch runs commands, all of them or none.
func (s *slot) batch(m *kvpb.Batch, now int64) (*kvpb.Answers, *kvpb.Change) {
	for _, w := range m.GetWatches() {
		if w.GetRun() != s.run || w.GetVersion() != s.store.Version(w.GetKey()) {
			return &kvpb.Answers{Aborted: true}, nil
		}
	}
	w := resp.Writer{V3: m.GetResp3()}
	ends := make([]uint32, 0, len(m.GetLengths()))
	var change *kvpb.Change
	eachCommand(m.GetWords(), m.GetLengths(), func(words [][]byte) {
		if done := s.store.Do(now, words, &w); done != nil {
			if change == nil {
				change = &kvpb.Change{At: now}
			}
			change.Words = append(change.Words, done...)
			change.Lengths = append(change.Lengths, uint32(len(done)))
		}
		ends = append(ends, uint32(len(w.Buf)))
	})
	return &kvpb.Answers{Replies: w.Buf, Ends: ends}, change
}

// eachCommand splits words by lengths. It stops at what no node sends; who waits
// for answers sees that some are missing.
func eachCommand(words [][]byte, lengths []uint32, f func(words [][]byte)) {
	for _, n := range lengths {
		if n == 0 || int(n) > len(words) {
			return
		}
		f(words[:n])
		words = words[n:]
	}
}

// repeat does what a change did.
func (s *slot) repeat(ch *kvpb.Change) {
	var replies resp.Writer
	eachCommand(ch.GetWords(), ch.GetLengths(), func(words [][]byte) { s.store.Do(ch.GetAt(), words, &replies) })
}

func (s *slot) look(m *kvpb.Look) *kvpb.Seen {
	seen := &kvpb.Seen{}
	for _, key := range m.GetKeys() {
		seen.Watches = append(seen.Watches, &kvpb.Watch{Key: key, Run: s.run, Version: s.store.Version(key)})
	}
	return seen
}

// expireMany is how many keys a slot removes at once when their time has come. A
// key is not seen any more from its very millisecond on; this is about memory.
const expireMany = 1000

// expire removes keys whose time has come, and tells the shelf what is left.
func (s *slot) expire() {
	s.size.due.Store(s.store.Expire(expireMany))
	s.size.keys.Store(int64(s.store.Len()))
}
