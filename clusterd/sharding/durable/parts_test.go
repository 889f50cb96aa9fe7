package durable

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/slots"
)

// pile is a Sourced that keeps all that it was given.
type pile struct{ all []byte }

func (p *pile) Apply(ev proto.Message) error {
	p.all = append(p.all, ev.(*wrapperspb.BytesValue).Value...)
	return nil
}

func (p *pile) Snapshot() (proto.Message, error) { return wrapperspb.Bytes(p.all), nil }

func (p *pile) Restore(m proto.Message) error {
	p.all = bytes.Clone(m.(*wrapperspb.BytesValue).Value)
	return nil
}

// TestLargeSnapshotGoesInParts: no command of a large entity is larger than a message
// may be, and whoever has applied the commands so far, or has taken over a snapshot of
// the shard from one that has, knows all of it: at any moment, those in the middle of
// the entity's own snapshot among them. Now and then a message fails, the entity
// leaves the memory, or another primary goes on.
func TestLargeSnapshotGoesInParts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	k := key{"pile", "a"}
	follower := newReplica(0, slots.Count)
	e := &entity{kind: &kind{every: 4}, key: k, actorOf: &actorOf{behavior: &pile{}}}
	var want []byte
	seq, folds, most := uint64(0), 0, 0
	for i := range 300 {
		if rnd.IntN(50) == 0 { // it starts anew where the follower is
			e = &entity{kind: e.kind, key: k, rec: follower.get(k).branch(), actorOf: &actorOf{behavior: &pile{}}}
			if err := e.rec.restore(e.behavior); err != nil {
				t.Fatal(err)
			}
		}
		c := &Context{entity: e, parts: e.parts}
		data := bytes.Repeat([]byte{byte(i)}, 1+rnd.IntN(16<<10))
		if err := c.Persist(wrapperspb.Bytes(data)); err != nil {
			t.Fatal(err)
		}
		ch, err := c.change()
		if err != nil {
			t.Fatal(err)
		}
		if rnd.IntN(20) == 0 { // the message fails after all
			e.actorOf = &actorOf{behavior: &pile{}}
			if err := e.rec.restore(e.behavior); err != nil {
				t.Fatal(err)
			}
			continue
		}
		seq++
		cmd := marshal(&durablepb.Command{Run: 1, Seq: seq, Changes: []*durablepb.Change{ch}})
		most = max(most, len(cmd))
		e.rec, e.parts = e.rec.with(ch), c.parts
		want = append(want, data...)
		if ch.GetFolds() > 0 {
			folds++
		}
		if _, _, ok, err := follower.apply(cmd); !ok || err != nil {
			t.Fatalf("message %d: %v, %v", i, ok, err)
		}
		if rnd.IntN(10) == 0 {
			moved := newReplica(0, slots.Count)
			if err := moved.restore(marshal(follower.freeze().message())); err != nil {
				t.Fatal(err)
			}
			follower = moved
		}
		if i%8 != 0 {
			continue
		}
		var got pile
		if err := follower.get(k).restore(&got); err != nil || !bytes.Equal(got.all, want) {
			t.Fatalf("message %d: the follower has %d bytes, want %d: %v", i, len(got.all), len(want), err)
		}
	}
	if folds < 3 || most > 2*partBytes {
		t.Errorf("got %d large snapshots, and %d bytes in a command", folds, most)
	}
	if rec := follower.get(k); rec.bytes > len(rec.state)+len(want)/2 {
		t.Errorf("%d bytes of events wait behind a state of %d", rec.bytes, len(rec.state))
	}
}

// TestFoldOfTooMany: what no primary of ours proposes changes nothing.
func TestFoldOfTooMany(t *testing.T) {
	var r *record
	r = r.with(&durablepb.Change{Events: []*durablepb.Event{{Type: "t", Data: []byte("d")}}})
	r = r.with(&durablepb.Change{First: true, Part: []byte("p"), Folds: 2})
	if got := fmt.Sprint(len(r.events), len(r.state), r.bytes); got != "1 0 1" {
		t.Errorf("got events, state and bytes %s, want 1 0 1", got)
	}
}
