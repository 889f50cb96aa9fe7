package engine

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// largeView is a view of n members and a third as many tombstones.
func largeView(rng *rand.Rand, n int) *member.View {
	v := &member.View{Number: uint64(n) + 5, NextUp: uint64(n) + 2, Open: true, Floor: 2}
	for i := range n + n/3 {
		at := member.Node{Address: fmt.Sprintf("h%05d:1", i), UID: uint64(i) + 1}
		if i%4 == 3 {
			v.Removed = append(v.Removed, member.Tombstone{Node: at, View: 4, Cause: member.CauseLeft})
			continue
		}
		info := member.Info{Zone: fmt.Sprint("zone", i%3), Kinds: []string{"room"}}
		if rng.IntN(20) == 0 {
			info.Meta = []member.Pair{{Key: "text", Value: string(make([]byte, rng.IntN(member.MaxMeta-4)))}}
		}
		v.Members = append(v.Members, member.Entry{Node: at, Status: member.Up, UpNumber: uint64(len(v.Members)) + 1, Info: info})
	}
	v.Term = member.Term{Counter: 3, Leader: v.Members[0].Node}
	return v
}

// strange makes a page what one from another process is.
func strange(p *Page) *Page {
	c := *p
	c.whole = nil
	return &c
}

// TestPagesComeTogether: whatever is lost, repeated and overtaken, and although
// two senders cut the view differently, a joiner gets the whole of it.
func TestPagesComeTogether(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		v := largeView(rng, 1+rng.IntN(300))
		self := member.Node{Address: "z:1", UID: 9000}
		e, err := New(Config{Self: self, Rand: rng})
		if err != nil {
			t.Fatal(err)
		}
		now, id := epoch, member.Identity{Cluster: member.ClusterID{1}}
		acceptor := v.Members[0].Node
		if err := e.Step(now, Expect{From: acceptor}); err != nil {
			t.Fatal(err)
		}
		record := &member.Record{Node: self, Accepted: v.Number}
		begin := pages(v, 0, 1000, burst)
		for _, p := range begin {
			p.Record = record
		}
		way := begin // what is under way
		for steps := 0; e.id.IsZero(); steps++ {
			if steps > 10_000 {
				t.Fatalf("seed %d: %d members, nothing comes of it; %d of them are there", seed, len(v.Members), e.album.have())
			}
			if len(way) == 0 {
				now = now.Add(Lan().Retry + time.Millisecond)
				e.Tick(now)
				if e.album == nil { // given up, or never begun: it asks to join again
					way = slices.Clone(begin)
				}
			} else {
				i := 0
				if rng.IntN(4) == 0 {
					i = rng.IntN(len(way))
				}
				p := way[i]
				if rng.IntN(8) > 0 { // else it comes once more
					way = slices.Delete(way, i, i+1)
				}
				if rng.IntN(5) > 0 { // else it is lost
					if err := e.Step(now, &Message{From: acceptor, To: self, Identity: id, Body: strange(p)}); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
			}
			for _, m := range e.Ready().Messages {
				if l, ok := m.Body.(*Lack); ok && m.Identity == id && m.To == acceptor && rng.IntN(5) > 0 {
					way = append(way, pages(v, int(l.First), []int{1000, 1777}[rng.IntN(2)], burst)...)
				}
			}
		}
		if got := e.views.decided; !reflect.DeepEqual(got, v) {
			t.Fatalf("seed %d: got view %d of %d members, want %d of %d", seed, got.Number, len(got.Members), v.Number, len(v.Members))
		}
	}
}

// TestNewerViewBeginsAnew: pages of a newer view replace what was gathered, and
// those of an older one are of no use any more.
func TestNewerViewBeginsAnew(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	old := largeView(rng, 60)
	next := *old
	next.Number++
	self := member.Node{Address: "z:1", UID: 9000}
	e, _ := New(Config{Self: self, Rand: rng})
	id := member.Identity{Cluster: member.ClusterID{1}}
	must := func(in Input) {
		t.Helper()
		if err := e.Step(epoch, in); err != nil {
			t.Fatal(err)
		}
	}
	from := old.Members[0].Node
	must(Expect{From: from})
	before, after := pages(old, 0, 1000, 100), pages(&next, 0, 1000, 100)
	before[0].Record = &member.Record{Node: self, Accepted: 3}
	page := func(p *Page) *Message { return &Message{From: from, To: self, Identity: id, Body: strange(p)} }
	must(page(before[0]))
	must(page(before[1]))
	for _, p := range after {
		must(page(p))
		must(page(before[2])) // too late
	}
	if e.id != id || e.views.decided.Number != next.Number {
		t.Errorf("got a member of %v at %v, want one of view %d", e.id, e.views.decided, next.Number)
	}
	if err := e.Step(epoch, page(&Page{Head: member.View{Number: 1}, Members: 1})); err == nil {
		t.Error("a page of nothing was taken")
	}
}

// TestNoMessageIsLarge: a cluster forms, loses members, is cut and recovers
// without a message that has many more entries than its limit leaves room for.
func TestNoMessageIsLarge(t *testing.T) {
	race.SkipPure(t)
	p := newPump(t, 85)
	p.config = func(c *Config) { c.MaxMessage = 1 << 10 }
	most := 0
	p.twice = func(m *Message) bool {
		entries := 0
		switch b := m.Body.(type) {
		case *Welcome:
			entries = len(b.View.Members) + len(b.View.Removed)
		case *Commit:
			if b.View != nil {
				entries = len(b.View.Members) + len(b.View.Removed)
			}
		case *Page:
			entries = len(b.Entries) + len(b.Removed)
			if m.To.Address == "zz:1" {
				m.Body = strange(b)
			}
		case *Delta:
			entries = len(b.Records) + len(b.Rows)
		}
		most = max(most, entries)
		return false
	}
	all := names(40)
	p.cluster(all...)
	p.drop = func(m *Message) bool { return p.rng.IntN(20) == 0 }
	p.crash(all[7])
	p.crash(all[33])
	rest := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == all[7] || name == all[33] })
	p.wantUp(time.Minute, rest...)
	p.join("zz", all[3])
	p.wantUp(time.Minute, append(rest, "zz")...)
	if most > 40 {
		t.Errorf("a message had %d entries, want no more than 1 KiB has room for", most)
	}
	if p.count["*engine.Page"] == 0 {
		t.Errorf("no pages were sent: %v", p.count)
	}
}
