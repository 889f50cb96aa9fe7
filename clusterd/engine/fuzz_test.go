package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// forge draws inputs from a string of bytes: whatever a peer, a careless caller
// or a broken disk may come up with. Values are drawn from few, so that they
// often hit.
type forge struct {
	asked int64 // stamp of the newest claim
	data  []byte
	self  member.Node
}

func (f *forge) byte() byte {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return b
}

func (f *forge) n(limit int) int { return int(f.byte()) % limit }
func (f *forge) flag() bool      { return f.byte()&1 == 1 }

func (f *forge) number() uint64 {
	switch b := f.byte(); {
	case b == 255:
		return ^uint64(0)
	case b == 254:
		return 1 << 62
	default:
		return uint64(b % 8)
	}
}

func (f *forge) node() member.Node {
	i := f.n(6)
	switch i {
	case 0:
		return f.self
	case 1:
		return member.Node{}
	}
	return member.Node{Address: fmt.Sprintf("%c:1", 'a'+i), UID: f.number()}
}

func (f *forge) nodes() []member.Node {
	var list []member.Node
	for range f.n(4) {
		list = append(list, f.node())
	}
	return list
}

func (f *forge) term() member.Term { return member.Term{Counter: f.number(), Leader: f.node()} }

func (f *forge) view() *member.View {
	if f.n(8) == 0 {
		return nil
	}
	v := &member.View{Number: f.number(), Term: f.term(), NextUp: 9, Floor: f.number(), Open: f.flag()}
	for i := range f.n(5) {
		n := member.Node{Address: fmt.Sprintf("%c:1", 'a'+i), UID: f.number()}
		if n.Address == f.self.Address && f.flag() {
			n = f.self
		}
		v.Members = append(v.Members, member.Entry{Node: n, Status: member.Status(f.n(9)), UpNumber: f.number()})
	}
	for range f.n(3) {
		v.Removed = append(v.Removed, member.Tombstone{Node: f.node(), View: f.number(), Cause: member.Cause(f.n(6))})
	}
	return v
}

// page is of a view, or one that nobody made.
func (f *forge) page() *Page {
	v := f.view()
	if v == nil {
		return nil
	}
	p := &Page{
		Head: *v, Members: uint32(len(v.Members)), Buried: uint32(len(v.Removed)), First: uint32(f.n(4)), Last: f.flag(),
		Active: f.number(), Entries: v.Members, Removed: v.Removed,
	}
	p.Head.Members, p.Head.Removed = nil, nil
	if f.flag() {
		p.Record = f.record()
	}
	if f.flag() {
		p.From = member.Identity{Cluster: member.ClusterID{f.byte() % 3}}
	}
	if f.flag() && len(p.Entries) > 0 {
		p.First, p.Entries = 0, p.Entries[:1]
	}
	return p
}

// patch is between two views, or one that nobody made.
func (f *forge) patch() *member.Patch {
	base, next := f.view(), f.view()
	if base == nil || next == nil {
		return nil
	}
	if f.flag() {
		next.Number = base.Number + 1
		return member.Diff(base, next)
	}
	head := *next
	head.Members, head.Removed = nil, nil
	return &member.Patch{Base: f.number(), BaseTerm: f.term(), Head: head, Gone: []string{"d:1"}, Members: next.Members, Removed: next.Removed}
}

func (f *forge) leg() Leg { return Leg{Ticket: f.number(), Share: f.nodes()} }

func (f *forge) tally() Tally {
	return Tally{Ticket: f.number(), Report: gossip.Report(f.n(5)), Missing: f.nodes()}
}

func (f *forge) note() gossip.Note {
	return gossip.Note{
		Digest: f.number(), Answer: f.flag(), Rumour: gossip.Rumour{Origin: f.node(), Number: f.number()},
		Ticket: f.number(), Share: f.nodes(), Report: gossip.Report(f.n(5)), Missing: f.nodes(),
	}
}

func (f *forge) record() *member.Record {
	if f.n(16) == 0 {
		return nil
	}
	return &member.Record{
		Node:     f.node(),
		Accepted: f.number(),
		Own:      member.Own{Version: f.number(), Present: f.flag(), Leaving: f.flag(), Drained: f.flag()},
		Wanted:   member.Cause(f.n(6)),
		Removed:  f.number() / 4,
	}
}

func (f *forge) body() Body {
	switch f.n(24) {
	case 0:
		return &Heartbeat{Stamp: int64(f.number()), Echo: int64(f.number()), Reply: f.flag(), View: f.number(), Decided: f.number(), Active: f.number(), Counter: f.number()}
	case 1:
		d := &Digest{Facts: f.number(), View: f.number(), Active: f.number()}
		d.Buckets = make([]uint64, []int{0, 1, gossip.Buckets}[f.n(3)])
		return d
	case 2:
		return &Request{Buckets: []uint32{uint32(f.byte()), uint32(f.byte())}, Have: []uint64{f.number()}, Want: []uint64{f.number()}}
	case 3:
		d := &Delta{Facts: f.number(), View: f.number(), Active: f.number()}
		for range f.n(4) {
			d.Records = append(d.Records, f.record())
		}
		for range f.n(3) {
			d.Rows = append(d.Rows, &reach.Row{Observer: f.node(), Version: f.number(), Accused: f.nodes(), Around: f.nodes()})
		}
		d.Note = f.note()
		return d
	case 4:
		return &Welcome{View: f.view(), Active: f.number(), Record: f.record()}
	case 5:
		return &ReadWave{Term: f.term(), Base: f.number(), Leg: f.leg()}
	case 6:
		return &Promise{Term: f.term(), Base: f.number(), Newer: f.number(), Acked: f.patch(), Ballot: f.term(), Tally: f.tally()}
	case 7, 8:
		return &WriteWave{Term: f.term(), Change: f.patch(), Leg: f.leg()}
	case 9:
		return &Ack{Term: f.term(), Number: f.number(), Quiet: f.flag(), Tally: f.tally()}
	case 10:
		return &Refusal{Term: f.term(), Highest: f.term()}
	case 11, 12:
		if f.flag() {
			return &Commit{Change: f.patch(), Active: f.number(), Leg: f.leg()}
		}
		return &Commit{View: f.view(), Active: f.number(), Leg: f.leg()}
	case 13:
		return &Poll{View: f.number(), Nodes: f.nodes()}
	case 14:
		return &Vouch{View: f.number(), Nodes: f.nodes()}
	case 15:
		return &Aside{Note: f.note()}
	case 16:
		return &Known{Term: f.term(), Number: f.number(), Tally: f.tally()}
	case 17:
		return &Pending{Ballot: f.term(), Change: f.patch()}
	case 18:
		return &Lack{Number: f.number(), Term: f.term(), First: uint32(f.n(4))}
	case 19:
		return &Ended{View: f.number()}
	case 20:
		return &Recovered{From: member.Identity{Cluster: member.ClusterID{f.byte() % 3}}, View: f.view()}
	}
	switch f.n(5) {
	case 4:
		return f.page()
	case 0:
		return &Seek{Subject: f.node(), Asker: f.node(), Stamp: int64(f.number())}
	case 1:
		return &Sign{Subject: f.node(), Asker: f.node(), Stamp: int64(f.number()), Counter: f.number(), View: f.number(), Decided: f.number()}
	}
	return []Body{nil, (*Heartbeat)(nil), (*Delta)(nil), (*Welcome)(nil), (*Gone)(nil), &Gone{View: 1, Cause: 1}}[f.n(6)]
}

// granted mostly answers what the engine last asked.
func (f *forge) granted() Granted {
	g := Granted{Stamp: f.asked, Number: f.number(), Note: []string{"", "x", note{number: f.number(), counter: f.number()}.String()}[f.n(3)]}
	if f.n(4) == 0 {
		g.Stamp = int64(f.number())
	}
	return g
}

func (f *forge) input() Input {
	switch f.n(16) {
	case 0:
		return Found{ID: member.ClusterID{f.byte() % 3}}
	case 1:
		return Expect{From: f.node()}
	case 2:
		return Admit{Node: f.node()}
	case 3:
		return Replace{Old: f.node()}
	case 4:
		return Down{Address: f.node().Address}
	case 5:
		return SendFailed{To: f.node()}
	case 6:
		return []Input{Leave{}, Drained{}, nil, (*Message)(nil), Hail{Node: f.node()}, Hail{Node: f.node()}, Hail{}, Abandon{}, Shutdown{}, Recover{}, Describe{Info: member.Info{Version: "2"}}, f.granted(), f.granted(), Denied{Stamp: int64(f.number()), Lost: f.flag()}}[f.n(14)]
	}
	to := f.self
	if f.n(16) == 0 {
		to = f.node()
	}
	from := f.node()
	m := &Message{From: from, To: to, Identity: member.Identity{Cluster: member.ClusterID{1}}, Body: f.body()}
	if f.n(16) == 0 {
		m.Identity = member.Identity{}
	}
	if w, ok := m.Body.(*WriteWave); ok && f.flag() { // one that passes the first checks
		w.Term.Leader = from
	}
	return m
}

// FuzzStep feeds one engine arbitrary inputs: nothing panics or hangs, and what
// is refused changes nothing.
func FuzzStep(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 64 {
		seed := make([]byte, 600)
		for i := range seed {
			seed[i] = byte(r.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4<<10 {
			data = data[:4<<10]
		}
		self := member.Node{Address: "c:1", UID: 5}
		forge := &forge{data: data, self: self}
		cfg := Config{Self: self, Rand: rand.New(rand.NewPCG(1, 1))}
		if forge.n(3) == 0 {
			cfg.Downing = downing.LeaseMajority{TTL: time.Second}
		}
		e, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		now := epoch
		if forge.flag() {
			_ = e.Step(now, Found{ID: member.ClusterID{1}})
		}
		for len(forge.data) > 0 {
			now = now.Add(time.Duration(forge.byte()) * 10 * time.Millisecond)
			in := forge.input()
			before := fmt.Sprintf("%+v %+v", e.Inspect(), e.Snapshot())
			if err := e.Step(now, in); err != nil {
				if after := fmt.Sprintf("%+v %+v", e.Inspect(), e.Snapshot()); after != before {
					t.Fatalf("refused (%v), yet changed by %+v:\n%s\n%s", err, in, before, after)
				}
			}
			forge.check(t, e)
			if forge.flag() {
				e.Tick(now)
				forge.check(t, e)
			}
		}
	})
}

func (f *forge) check(t *testing.T, e *Engine) {
	t.Helper()
	rd := e.Ready()
	for _, c := range rd.Claims {
		f.asked = max(f.asked, c.Stamp)
	}
	checkReady(t, e, rd)
}

func checkReady(t *testing.T, e *Engine, rd Ready) {
	t.Helper()
	for _, m := range rd.Messages {
		if m.From != e.self || m.To == e.self || m.To.Validate() != nil || m.Body == nil {
			t.Fatalf("a message from %s to %s with %T", m.From, m.To, m.Body)
		}
	}
	if !e.removed && !e.id.IsZero() && rd.Wake.IsZero() {
		t.Fatal("a member that never wakes")
	}
	if len(rd.Messages) > 10_000 {
		t.Fatalf("%d messages at once", len(rd.Messages))
	}
}
