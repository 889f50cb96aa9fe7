package durable

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
	"github.com/pando-go/pando/clusterd/sharding/store"
	"github.com/pando-go/pando/clusterd/slots"
)

// command is an entry of a log that sets one entity's state.
func command(run, seq uint64, id, state string) []byte {
	return marshal(&durablepb.Command{Run: run, Seq: seq, Changes: []*durablepb.Change{
		{Kind: "k", Id: id, Replace: true, State: []byte(state)},
	}})
}

// TestCommandsOfARunHaveNoGap: what was built on a command that got lost does not
// count, nor does what an earlier primary still sends.
func TestCommandsOfARunHaveNoGap(t *testing.T) {
	r := newReplica(0, slots.Count)
	for i, c := range []struct {
		run, seq uint64
		counts   bool
	}{
		{3, 1, true}, {3, 2, true}, {3, 4, false}, {3, 2, false}, {3, 3, true},
		{5, 2, false}, {5, 1, true}, {3, 4, false}, {5, 2, true}, {4, 1, false},
	} {
		state := fmt.Sprint(i)
		_, _, ok, err := r.apply(command(c.run, c.seq, "a", state))
		if err != nil || ok != c.counts {
			t.Errorf("command %d.%d: got %v, %v, want %v", c.run, c.seq, ok, err, c.counts)
		}
		if got := string(r.get(key{"k", "a"}).state); (got == state) != c.counts {
			t.Errorf("command %d.%d: the state is %q", c.run, c.seq, got)
		}
	}
}

// TestReplicaRoundTrip writes a shard out and reads it back.
func TestReplicaRoundTrip(t *testing.T) {
	r := newReplica(0, slots.Count)
	for i := range 100 {
		if _, _, _, err := r.apply(command(1, uint64(i+1), fmt.Sprint("id ", i%40), fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, ok, err := r.apply(marshal(&durablepb.Command{Run: 1, Seq: 101, Changes: []*durablepb.Change{
		{Kind: "k", Id: "id 7", Delete: true},
		{Kind: "j", Id: "id 8", Events: []*durablepb.Event{{Type: "t", Data: []byte("d")}}},
	}})); !ok || err != nil {
		t.Fatal(ok, err)
	}
	b := marshal(r.freeze().message())
	again := newReplica(0, slots.Count)
	if err := again.restore(b); err != nil {
		t.Fatal(err)
	}
	if again.run != 1 || again.seq != 101 || again.total("k") != 39 || again.total("j") != 1 {
		t.Errorf("got run %d, seq %d, %d and %d entities", again.run, again.seq, again.total("k"), again.total("j"))
	}
	for i := range 40 {
		k := key{"k", fmt.Sprint("id ", i)}
		a, b := r.get(k), again.get(k)
		if (a == nil) != (b == nil) || a != nil && !bytes.Equal(a.state, b.state) {
			t.Errorf("%v: got %v, want %v", k, b, a)
		}
		if got, want := again.count("k", slots.Of(k.id)), r.count("k", slots.Of(k.id)); got != want {
			t.Errorf("slot of %v: got %d, want %d", k, got, want)
		}
	}
	if got := again.ids("k", slots.Of("id 3")); !slices.Contains(got, "id 3") {
		t.Errorf("ids: got %q", got)
	}
}

// TestBranchesShareNothing: an entity that runs and the shard's state go on from one
// record by themselves.
func TestBranchesShareNothing(t *testing.T) {
	add := func(r *record, s string) *record {
		return r.with(&durablepb.Change{Events: []*durablepb.Event{{Type: "t", Data: []byte(s)}}})
	}
	var base *record
	for i := range 5 {
		base = add(base, fmt.Sprint(i))
	}
	a, b := add(base.branch(), "a"), add(base, "b")
	if string(a.events[5].data) != "a" || string(b.events[5].data) != "b" || len(base.events) != 5 {
		t.Errorf("got %v and %v", a.events, b.events)
	}
}

// TestLayout stores what groups write, as far as it is stored, and reads it back.
func TestLayout(t *testing.T) {
	var m store.Memory
	l := layout{map[uint32]snapshotID{}}
	write := func(w groups.Write) {
		t.Helper()
		w.Shard, w.Group = 5, 77
		if err := m.Apply(l.ops(nil, w), true); err != nil {
			t.Fatal(err)
		}
	}
	entries := func(from, to, term uint64) (list []groups.Entry) {
		for i := from; i <= to; i++ {
			list = append(list, groups.Entry{Index: i, Term: term, Data: fmt.Append(nil, i)})
		}
		return list
	}
	write(groups.Write{Install: &groups.SnapshotMeta{Index: 1, Term: 1, Voters: []uint64{1, 2}}, Hard: true, Term: 1, Commit: 1})
	write(groups.Write{Entries: entries(2, 9, 2)})
	write(groups.Write{Hard: true, Term: 3, Vote: 2, Commit: 6, Entries: entries(7, 8, 3)})
	for at := range 3 {
		if err := m.Apply([]store.Op{store.Put(partKey(5, takenHere, 6, uint64(at*10)), bytes.Repeat([]byte{'a' + byte(at)}, 10))}, true); err != nil {
			t.Fatal(err)
		}
	}
	write(groups.Write{Taken: &groups.SnapshotMeta{Index: 6, Term: 2, Voters: []uint64{1, 2}, Learners: []uint64{3}, Size: 30}, Compact: 4})
	got, err := load(&m)
	if err != nil || len(got.stored) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	s := got.stored[0]
	if s.Shard != 5 || s.Group != 77 || s.Term != 3 || s.Vote != 2 || s.Commit != 6 || s.Snapshot.Index != 6 || len(s.Snapshot.Learners) != 1 {
		t.Errorf("got %+v", s)
	}
	if len(s.Entries) != 5 || s.Entries[0].Index != 4 || s.Entries[4].Index != 8 || s.Entries[4].Term != 3 || s.Entries[2].Term != 2 {
		t.Errorf("entries: got %+v", s.Entries)
	}
	if b, err := readSnapshot(&m, 5, takenHere, 6, 5, 17); err != nil || string(b) != "aaaaabbbbbbbbbbcc" {
		t.Errorf("a piece of the snapshot: got %q, %v", b, err)
	}
	write(groups.Write{Destroy: true, Hard: true, Term: 4})
	if got, err = load(&m); err != nil || len(got.stored) != 1 || got.stored[0].Term != 4 || got.stored[0].Snapshot.Index != 0 || len(got.stored[0].Entries) != 0 {
		t.Errorf("destroyed: got %+v, %v", got.stored, err)
	}
}

// FuzzStored reads what a disk or another node might hold.
func FuzzStored(f *testing.F) {
	f.Add(command(1, 1, "a", "b"), []byte("e\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("123456789"))
	r := newReplica(0, slots.Count)
	_, _, _, _ = r.apply(command(1, 1, "a", "b"))
	f.Add(marshal(r.freeze().message()), []byte("h\x00\x00\x00\x01"), []byte{8, 1})
	f.Add(marshal(&durablepb.Charter{Id: 1}), []byte("mcharter"), marshal(&durablepb.Charter{Id: 1}))
	f.Fuzz(func(t *testing.T, data, key, value []byte) {
		a, b := newReplica(0, slots.Count), newReplica(64, 64)
		_, _, _, _ = a.apply(data)
		_, _, _, _ = b.apply(data)
		if a.restore(data) == nil {
			if err := proto.Unmarshal(marshal(a.freeze().message()), new(durablepb.Shard)); err != nil {
				t.Error(err)
			}
		}
		var m store.Memory
		if err := m.Apply([]store.Op{store.Put(key, value)}, true); err == nil {
			_, _ = load(&m)
		}
	})
}
