package durable

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/slots"
)

// replica is the state of one shard: what follows from its log up to the entry
// that was applied last. All members of the group that have applied the same
// entries have the same.
//
// The commands of a run, which is one primary's time in office, count from 1. One
// that does not follow its predecessor is skipped by everybody: a primary sends
// changes before the earlier ones are known to be in the log, and if one of them
// got lost, those built on it must not count.
type replica struct {
	first uint16 // the shard's first slot
	span  int    // how many slots it has

	mu    sync.RWMutex
	run   uint64
	seq   uint64
	kinds map[string]*table
}

// table has the entities of one kind in a shard.
type table struct {
	slots []map[string]*record // by slot, from the shard's first
	count int
}

func newReplica(first uint16, span int) *replica {
	return &replica{first: first, span: span, kinds: map[string]*table{}}
}

// apply carries out a command of the log. It reports whether it counted.
func (r *replica) apply(data []byte) (run, seq uint64, ok bool, err error) {
	var cmd durablepb.Command
	if err := proto.Unmarshal(data, &cmd); err != nil {
		return 0, 0, false, fmt.Errorf("command: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case cmd.GetRun() > r.run:
		ok = cmd.GetSeq() == 1
	case cmd.GetRun() == r.run:
		ok = cmd.GetSeq() == r.seq+1
	}
	if !ok {
		return cmd.GetRun(), cmd.GetSeq(), false, nil
	}
	r.run, r.seq = cmd.GetRun(), cmd.GetSeq()
	for _, ch := range cmd.GetChanges() {
		r.put(key{ch.GetKind(), ch.GetId()}, ch)
	}
	return r.run, r.seq, true, nil
}

// put changes one entity. Callers hold the lock.
func (r *replica) put(k key, ch *durablepb.Change) {
	at := int(slots.Of(k.id)) - int(r.first)
	if at < 0 || at >= r.span {
		return // not of this shard: no primary of ours proposes that
	}
	t := r.kinds[k.kind]
	if t == nil {
		t = &table{slots: make([]map[string]*record, r.span)}
		r.kinds[k.kind] = t
	}
	m := t.slots[at]
	before := m[k.id]
	next := before.with(ch)
	switch {
	case next == nil && before != nil:
		delete(m, k.id)
		t.count--
	case next != nil:
		if m == nil {
			m = map[string]*record{}
			t.slots[at] = m
		}
		if before == nil {
			t.count++
		}
		m[k.id] = next
	}
}

// get returns an entity's state, nil if it has none.
func (r *replica) get(k key) *record {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.kinds[k.kind]
	if t == nil {
		return nil
	}
	return t.slots[slots.Of(k.id)-r.first][k.id]
}

// ids returns the ids of a kind in a slot, sorted.
func (r *replica) ids(kind string, slot uint16) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.kinds[kind]
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.slots[slot-r.first]))
}

// count returns how many entities of a kind a slot has.
func (r *replica) count(kind string, slot uint16) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.kinds[kind]
	if t == nil {
		return 0
	}
	return len(t.slots[slot-r.first])
}

// total returns how many entities of a kind the shard has.
func (r *replica) total(kind string) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.kinds[kind]; t != nil {
		return t.count
	}
	return 0
}

// frozen is a replica at one moment, to be written out without holding it up.
type frozen struct {
	run, seq uint64
	kinds    []frozenKind
}

type frozenKind struct {
	name    string
	ids     []string
	records []*record
}

// freeze takes the state as it is. Records never change, so it copies pointers.
func (r *replica) freeze() *frozen {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f := &frozen{run: r.run, seq: r.seq}
	for _, name := range slices.Sorted(maps.Keys(r.kinds)) {
		t := r.kinds[name]
		k := frozenKind{name: name, ids: make([]string, 0, t.count), records: make([]*record, 0, t.count)}
		for _, m := range t.slots {
			for id, rec := range m {
				k.ids = append(k.ids, id)
				k.records = append(k.records, rec)
			}
		}
		f.kinds = append(f.kinds, k)
	}
	return f
}

// message is the form in which it is stored and sent.
func (f *frozen) message() *durablepb.Shard {
	out := &durablepb.Shard{Run: f.run, Seq: f.seq}
	for _, k := range f.kinds {
		kind := &durablepb.Kind{Name: k.name}
		for i, id := range k.ids {
			e := &durablepb.Entity{Id: id, State: k.records[i].state, Staged: k.records[i].staged}
			for _, ev := range k.records[i].events {
				e.Events = append(e.Events, &durablepb.Event{Type: ev.kind, Data: ev.data})
			}
			kind.Entities = append(kind.Entities, e)
		}
		out.Kinds = append(out.Kinds, kind)
	}
	return out
}

var errForeignEntity = errors.New("an entity of another shard")

// restore replaces everything by what marshal made.
func (r *replica) restore(data []byte) error {
	var in durablepb.Shard
	if err := proto.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("shard: %w", err)
	}
	fresh := newReplica(r.first, r.span)
	for _, k := range in.GetKinds() {
		for _, e := range k.GetEntities() {
			if at := int(slots.Of(e.GetId())) - int(r.first); at < 0 || at >= r.span {
				return fmt.Errorf("shard: %w: %q", errForeignEntity, e.GetId())
			}
			fresh.put(key{k.GetName(), e.GetId()}, &durablepb.Change{
				Replace: true, State: e.GetState(), Events: e.GetEvents(), Part: bytes.Join(e.GetStaged(), nil),
			})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run, r.seq, r.kinds = in.GetRun(), in.GetSeq(), fresh.kinds
	return nil
}
