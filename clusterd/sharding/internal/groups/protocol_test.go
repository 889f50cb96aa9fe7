package groups

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func (n *trioNode) acks(id uint64) []Ack {
	return slices.DeleteFunc(slices.Clone(n.all.Acks), func(a Ack) bool { return a.ID != id })
}

func (tr *trio) wantPrimary(shard uint32, want uint64) {
	tr.t.Helper()
	if got := tr.primary(shard); got != want {
		tr.t.Fatalf("primary of shard %d: got %d, want %d", shard, got, want)
	}
}

func TestCreatedGroupServesAtOnce(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 8})
	tr.create(5, 2, 1, 3)
	tr.wantPrimary(5, 2)
	row := tr.node(2).all.Rows[len(tr.node(2).all.Rows)-1]
	if row.Shard != 5 || row.Primary != 2 || !slices.Equal(row.Replicas, []uint64{1, 2, 3}) {
		t.Errorf("row %+v, want shard 5 with primary 2 of 1 2 3", row)
	}
	tr.write(2, 5, Quorum, "x")
	tr.run(time.Second)
	for _, n := range tr.nodes {
		if got := n.state[5].lists["a"]; got != "x;" {
			t.Errorf("node %d has applied %q, want %q", n.id, got, "x;")
		}
	}
}

func TestLevels(t *testing.T) {
	// What is acknowledged when 1, 2 and 3 of three nodes can be reached.
	for _, c := range []struct {
		lost  []uint64
		level Level
		want  bool
	}{
		{nil, Async, true}, {nil, Quorum, true}, {nil, All, true},
		{[]uint64{3}, Async, true}, {[]uint64{3}, Quorum, true}, {[]uint64{3}, All, false},
		{[]uint64{2, 3}, Async, true}, {[]uint64{2, 3}, Quorum, false}, {[]uint64{2, 3}, All, false},
	} {
		t.Run(fmt.Sprintf("level %d, %d lost", c.level, len(c.lost)), func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			tr.create(0, 1, 2, 3)
			tr.drop = cutOff(c.lost...)
			tr.write(1, 0, c.level, "x")
			if got := len(tr.node(1).acks(1)) == 1; got != c.want {
				t.Errorf("acknowledged: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAllFollowsTheConfiguration(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.drop = cutOff(3)
	tr.write(1, 0, All, "x")
	tr.write(1, 0, Quorum, "yy")
	if a := tr.node(1).acks(2); len(a) != 1 || a[0].Result != Done {
		t.Fatalf("a Quorum proposal behind an open one at All: %+v, want done", a)
	}
	for _, n := range tr.nodes {
		tr.step(n.id, Plan{View: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 2}}}})
	}
	tr.run(time.Second)
	if a := tr.node(1).acks(1); len(a) != 1 || a[0].Result != Done {
		t.Errorf("All, when the silent member was taken out: %+v, want done", a)
	}
}

func TestProposalsAreBounded(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1, Limits: Limits{Open: 3, CommandBytes: 10}})
	tr.create(0, 1, 2, 3)
	tr.drop = cutOff(2, 3)
	for i := range 3 {
		tr.step(1, Propose{Shard: 0, ID: uint64(i), Level: Quorum, Data: []byte("a=x")})
	}
	m := tr.node(1).m
	for _, c := range []struct {
		in   Propose
		want error
	}{
		{Propose{Shard: 0, Level: Quorum, Data: []byte("a=x")}, ErrFull},
		{Propose{Shard: 0, Level: Quorum, Data: make([]byte, 11)}, ErrTooLarge},
		{Propose{Shard: 0, Level: Quorum}, ErrTooLarge},
		{Propose{Shard: 1, Level: Quorum, Data: []byte("a=x")}, ErrShard},
		{Propose{Shard: 0, Level: 9, Data: []byte("a=x")}, ErrInput},
	} {
		if err := m.Step(tr.now, c.in); err != c.want {
			t.Errorf("%+v: got %v, want %v", c.in, err, c.want)
		}
	}
	if err := tr.node(2).m.Step(tr.now, Propose{Shard: 0, Level: Quorum, Data: []byte("a=x")}); err != ErrNotPrimary {
		t.Errorf("at a replica: got %v, want %v", err, ErrNotPrimary)
	}
	tr.drop = nil
	tr.run(time.Second)
	if got := len(tr.node(1).all.Acks); got != 3 {
		t.Errorf("acks: got %d, want 3", got)
	}
	tr.write(1, 0, Quorum, "x")
}

func TestFailover(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.write(1, 0, Quorum, "x")
	tr.drop = cutOff(1)
	cut := tr.now
	tr.write(1, 0, Quorum, "lost")
	var leaseOver, taken time.Time
	for taken.IsZero() && tr.now.Sub(cut) < time.Minute {
		tr.run(50 * time.Millisecond)
		if leaseOver.IsZero() && !tr.node(1).m.CanServe(0, tr.now) {
			leaseOver = tr.now
		}
		if p := tr.primary(0); p == 2 || p == 3 {
			taken = tr.now
		}
	}
	if leaseOver.IsZero() || !leaseOver.Before(taken) {
		t.Errorf("the old primary served until %v, the new one from %v", leaseOver.Sub(cut), taken.Sub(cut))
	}
	if d, most := taken.Sub(cut), 3800*time.Millisecond; d > most {
		t.Errorf("failover took %v, want at most %v: patience, jitter and a second try", d, most)
	}
	tr.run(3 * time.Second)
	if a := tr.node(1).acks(4); len(a) != 1 || a[0].Result != Unknown {
		t.Errorf("the write of the cut off primary: %+v, want unknown, once", a)
	}
	tr.drop = nil
	tr.run(3 * time.Second)
	p := tr.primary(0)
	tr.write(p, 0, Quorum, "yy")
	tr.run(time.Second)
	for _, n := range tr.nodes {
		if got := n.state[0].lists["a"]; got != "x;yy;" {
			t.Errorf("node %d has %q, want %q", n.id, got, "x;yy;")
		}
	}
}

func TestHandoverTakesNoTime(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.run(time.Second)
	for i := range 100 {
		from := uint64(i%3) + 1
		to := from%3 + 1
		tr.step(from, Propose{Shard: 0, ID: 1000 + uint64(i), Level: Quorum, Data: []byte("a=x")})
		tr.step(from, Transfer{Shard: 0, To: to})
		if err := tr.node(from).m.Step(tr.now, Propose{Shard: 0, ID: 1, Level: Quorum, Data: []byte("a=y")}); !errors.Is(err, ErrMoving) {
			t.Fatalf("proposal during a handover: %v, want %v", err, ErrMoving)
		}
		rounds := tr.rounds
		tr.settle() // no time passes
		tr.wantPrimary(0, to)
		if a := tr.node(from).acks(1000 + uint64(i)); len(a) != 1 || a[0].Result != Done {
			t.Fatalf("what was open at the handover: %+v, want done", a)
		}
		if n := tr.rounds - rounds; n > 16 {
			t.Fatalf("handover %d took %d rounds of messages, want at most 16", i, n)
		}
	}
}

// TestHandoverToANewVoter: the order to stand comes in one packet with the news that
// the change by which its receiver votes is committed. Before that is applied the
// Raft library refuses to stand.
func TestHandoverToANewVoter(t *testing.T) {
	tr := newTrio(t, 9, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.run(time.Second)
	from := uint64(1)
	for to := uint64(4); to <= 9; to++ {
		seen := len(tr.node(from).all.Roles)
		for _, n := range tr.nodes {
			tr.step(n.id, Plan{View: to, Rows: []PlanRow{{Shard: 0, Members: []uint64{to - 2, to - 1, to}, Primary: to}}})
		}
		tr.run(3 * time.Second)
		tr.wantPrimary(0, to)
		for _, r := range tr.node(from).all.Roles[seen:] {
			if r.Role == Primary {
				t.Errorf("node %d took the shard back, in term %d, since node %d did not take it over", from, r.Term, to)
			}
		}
		from = to
	}
}

func TestFailedHandoverBeginsANewTerm(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.run(time.Second)
	term, _ := tr.node(1).m.Lease(0)
	var late []Receive
	tr.step(1, Transfer{Shard: 0, To: 2})
	// The order to node 2 is held back by the network.
	for range 3 {
		for _, p := range tr.node(1).m.Ready().Packets {
			late = append(late, Receive{From: 1, Data: p.Data})
		}
	}
	if tr.node(1).m.CanServe(0, tr.now) {
		t.Fatal("the primary serves although it gave its lease up")
	}
	tr.run(time.Second)
	tr.wantPrimary(0, 1)
	if now, _ := tr.node(1).m.Lease(0); now <= term {
		t.Errorf("term %d after a failed handover in term %d, want a higher one", now, term)
	}
	for _, in := range late {
		_ = tr.node(2).m.Step(tr.now, in)
	}
	tr.settle()
	tr.wantPrimary(0, 1)
}

// TestStandbyNeverLeads: a replica that never leads counts for all that needs a
// majority, neither takes over by itself nor when it is told to, and nobody else
// is put out by that.
func TestStandbyNeverLeads(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.node(3).m.cfg.Standby = true
	tr.create(0, 3, 1, 2)
	tr.run(5 * time.Second)
	first := tr.primary(0)
	if first != 1 && first != 2 {
		t.Fatalf("the founded group's primary: got %d, want 1 or 2", first)
	}
	tr.step(first, Transfer{Shard: 0, To: 3})
	tr.run(5 * time.Second)
	tr.wantPrimary(0, first)
	tr.drop = cutOff(first)
	tr.run(5 * time.Second)
	tr.wantPrimary(0, 3-first)
	tr.write(3-first, 0, Quorum, "x")
	tr.drop = cutOff(1, 2)
	tr.run(20 * time.Second)
	tr.wantPrimary(0, 0)
	tr.drop = nil
	tr.run(5 * time.Second)
	if p := tr.primary(0); p != 1 && p != 2 {
		t.Errorf("primary at the end: got %d, want 1 or 2", p)
	}
}

func TestRestartFromDisk(t *testing.T) {
	cfg := Config{Shards: 2, Limits: Limits{LogEntries: 10, KeepEntries: 4}}
	tr := newTrio(t, 3, cfg)
	tr.create(0, 1, 2, 3)
	tr.create(1, 2, 3, 1)
	for i := range 30 {
		tr.write(1, 0, Quorum, fmt.Sprint("v", i))
	}
	want := tr.node(1).state[0].lists["a"]
	for _, n := range tr.nodes { // all at once
		cfg := cfg
		cfg.Self, cfg.Boot = n.id, n.id+100
		stored := n.disk.stored()
		m, err := New(cfg, stored)
		if err != nil {
			t.Fatal(err)
		}
		n.m, n.inbox, n.all = m, nil, Ready{}
		for _, s := range stored {
			n.state[s.Shard] = decodeState(n.disk.shards[s.Shard].snapshots[s.Snapshot.Index])
		}
		if err := m.Step(tr.now, Create{Shard: 0, Group: 7, Members: []uint64{n.id}}); err != ErrExists {
			t.Errorf("creation over stored data: got %v, want %v", err, ErrExists)
		}
	}
	tr.run(6 * time.Second)
	if p := tr.primary(0); p == 0 {
		t.Fatal("no primary after a full restart")
	}
	for _, n := range tr.nodes {
		if got := n.state[0].lists["a"]; got != want {
			t.Errorf("node %d has %q, want %q", n.id, got, want)
		}
	}
}

// TestPreVote: who was cut off for long takes part again when it returns, and
// disturbs nobody. Without PreVote it returns with a term of its own: nobody
// votes for it, as all have a primary, and it follows none of a lower term.
func TestPreVote(t *testing.T) {
	for _, c := range []struct {
		name string
		off  ingredients
		back bool
	}{{"with", ingredients{}, true}, {"without", ingredients{preVote: true}, false}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = c.off
			}
			tr.create(0, 1, 2, 3)
			before, _ := tr.node(1).m.Lease(0)
			tr.drop = cutOff(3)
			tr.run(30 * time.Second)
			tr.drop = nil
			tr.write(1, 0, Quorum, "x")
			tr.run(10 * time.Second)
			if after, _ := tr.node(1).m.Lease(0); before != after {
				t.Errorf("term %d before and %d after the return", before, after)
			}
			if back := tr.node(3).state[0].lists["a"] == "x;"; back != c.back {
				t.Errorf("it takes part: got %v, want %v", back, c.back)
			}
		})
	}
}

// TestDeafPrimary: a primary whose heartbeats arrive but which hears no answer
// steps down (CheckQuorum), or its group would wait for it for ever.
func TestDeafPrimary(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.drop = func(from, to uint64) bool { return to == 1 }
	tr.run(10 * time.Second)
	if p := tr.primary(0); p != 2 && p != 3 {
		t.Errorf("primary %d, want 2 or 3", p)
	}
}

func TestTwoGroupsOfOneShard(t *testing.T) {
	tr := newTrio(t, 2, Config{Shards: 1})
	tr.step(1, Create{Shard: 0, Group: 1, Members: []uint64{1, 2}})
	tr.step(2, Create{Shard: 0, Group: 2, Members: []uint64{2}})
	var packets []Packet
	for range 3 {
		packets = append(packets, tr.node(1).m.Ready().Packets...)
		_ = tr.node(1).m.Step(tr.now, Persisted{Batch: 1})
	}
	refused := false
	for _, p := range packets {
		refused = refused || errors.Is(tr.node(2).m.Step(tr.now, Receive{From: 1, Data: p.Data}), ErrGroup)
	}
	if !refused {
		t.Errorf("no message of another group was refused, of %d packets", len(packets))
	}
}

func TestPeersAreForgotten(t *testing.T) {
	s := newSingle(t, Config{Self: 1, Boot: 1, Shards: 1, Limits: Limits{Peers: 3}})
	m := s.m
	for id := range uint64(20) {
		if _, err := m.peer(100 + id); err != nil {
			t.Fatalf("peer %d: %v", id, err)
		}
	}
	if len(m.peers) > 3 {
		t.Errorf("%d peers, want at most 3", len(m.peers))
	}
	for _, p := range m.peers {
		p.items = append(p.items, nil)
	}
	for len(m.peers) < 3 {
		p, _ := m.peer(uint64(200 + len(m.peers)))
		p.items = append(p.items, nil)
	}
	if _, err := m.peer(300); err != ErrPeers {
		t.Errorf("one more than are in use: got %v, want %v", err, ErrPeers)
	}
}

func TestStoredNonsense(t *testing.T) {
	snap := SnapshotMeta{Index: 5, Term: 2, Voters: []uint64{1}}
	for _, c := range []struct {
		name string
		s    Stored
	}{
		{"gap", Stored{Term: 3, Commit: 5, Snapshot: snap, Entries: []Entry{{Index: 7, Term: 3}}}},
		{"falling term", Stored{Term: 3, Commit: 5, Snapshot: snap, Entries: []Entry{{Index: 6, Term: 3}, {Index: 7, Term: 2}}}},
		{"commit beyond the log", Stored{Term: 3, Commit: 9, Snapshot: snap, Entries: []Entry{{Index: 6, Term: 3}}}},
		{"voter twice", Stored{Term: 3, Commit: 5, Snapshot: SnapshotMeta{Index: 5, Term: 2, Voters: []uint64{1}, Learners: []uint64{1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Group, c.s.Shard = 1, 1
			good := Stored{Shard: 0, Group: 1, Term: 2, Commit: 5, Snapshot: snap}
			m, err := New(Config{Self: 1, Boot: 1, Shards: 2}, []Stored{good, c.s})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Unix(1000, 0)
			m.Tick(now)
			rd := m.Ready()
			if len(rd.Failures) != 1 || rd.Failures[0].Shard != 1 || !errors.Is(rd.Failures[0].Err, ErrBroken) {
				t.Errorf("failures %+v, want shard 1 broken", rd.Failures)
			}
			m.Tick(now.Add(10 * time.Second))
			if rd := m.Ready(); rd.Batch == 0 {
				t.Error("the other replica does not stand for election")
			}
		})
	}
}

func TestConfigFaults(t *testing.T) {
	_, err := New(Config{Shards: 3, Timing: Timing{Patience: time.Second}}, nil)
	for _, want := range []string{"Self 0", "Boot is 0", "Shards 3", "Patience 1s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
