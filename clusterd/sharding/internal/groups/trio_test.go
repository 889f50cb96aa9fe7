package groups

import (
	"slices"
	"testing"
	"time"
)

// trio is a few machines with a network that delivers at once and disks that
// are durable at once, for tests of one thing at a time and for benchmarks.
type trio struct {
	t     testing.TB
	now   time.Time
	nodes []*trioNode
	// drop, if set, loses a packet.
	drop func(from, to uint64) bool
	// quick leaves the disks out.
	quick bool
	// endless: messages may go to and fro for ever; settle gives up.
	endless bool
	rounds  int
}

type trioNode struct {
	id    uint64
	m     *Machine
	disk  *disk
	state map[uint32]*state
	all   Ready // what it handed out, but packets and writes
	inbox []Receive
}

func newTrio(t testing.TB, n int, cfg Config) *trio {
	t.Helper()
	tr := &trio{t: t, now: time.Unix(1000, 0)}
	for id := range uint64(n) {
		cfg := cfg
		cfg.Self, cfg.Boot, cfg.Seed = id+1, id+1, id
		m, err := New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		tr.nodes = append(tr.nodes, &trioNode{id: id + 1, m: m, disk: newDisk(), state: map[uint32]*state{}})
	}
	return tr
}

func (tr *trio) node(id uint64) *trioNode { return tr.nodes[id-1] }

func (tr *trio) step(id uint64, in Input) {
	tr.t.Helper()
	if err := tr.node(id).m.Step(tr.now, in); err != nil {
		tr.t.Fatalf("node %d: step %T: %v", id, in, err)
	}
}

// create founds a shard with all nodes, the first of which is its primary.
func (tr *trio) create(shard uint32, members ...uint64) {
	tr.t.Helper()
	for _, id := range members {
		tr.step(id, Create{Shard: shard, Group: 1, Members: members})
	}
	tr.settle()
}

// settle lets everything happen that needs no time.
func (tr *trio) settle() {
	tr.t.Helper()
	for round := range 10000 {
		if tr.endless && round == 100 {
			return
		}
		busy := false
		for _, n := range tr.nodes {
			inbox := n.inbox
			n.inbox = n.inbox[len(n.inbox):]
			for _, in := range inbox {
				_ = n.m.Step(tr.now, in)
			}
			busy = tr.ready(n) || busy || len(inbox) > 0
		}
		tr.rounds++
		if !busy {
			return
		}
	}
	tr.t.Fatal("never settles")
}

// ready does what one Ready asks for.
func (tr *trio) ready(n *trioNode) bool {
	rd := n.m.Ready()
	for _, p := range rd.Packets {
		if int(p.To) <= len(tr.nodes) && (tr.drop == nil || !tr.drop(n.id, p.To)) {
			to := tr.node(p.To)
			to.inbox = append(to.inbox, Receive{From: n.id, Data: p.Data})
		}
	}
	busy := len(rd.Packets) > 0 || rd.Batch != 0
	if rd.Batch != 0 {
		if !tr.quick {
			if err := n.disk.apply(rd.Writes); err != nil {
				tr.t.Fatalf("node %d: %v", n.id, err)
			}
		}
		tr.step(n.id, Persisted{Batch: rd.Batch})
	}
	if tr.quick {
		return busy
	}
	for _, in := range rd.Installs {
		n.state[in.Shard] = decodeState(n.disk.shard(in.Shard).snapshots[in.Index])
	}
	for _, a := range rd.Applies {
		n.state[a.Shard].apply(a.Index, a.Data)
	}
	for _, q := range rd.Snapshots {
		data := n.state[q.Shard].encode()
		n.disk.shard(q.Shard).snapshots[q.Index] = data
		tr.step(n.id, SnapshotReady{Shard: q.Shard, Index: q.Index, Size: uint64(len(data))})
		busy = true
	}
	for _, r := range rd.Reads {
		data := n.disk.shard(r.Shard).snapshots[r.Index][r.Offset:]
		tr.step(n.id, SnapshotPart{Shard: r.Shard, Index: r.Index, To: r.To, Offset: r.Offset, Data: data[:min(len(data), r.Max)]})
		busy = true
	}
	n.all.Applies = append(n.all.Applies, rd.Applies...)
	n.all.Installs = append(n.all.Installs, rd.Installs...)
	n.all.Acks = append(n.all.Acks, rd.Acks...)
	n.all.Roles = append(n.all.Roles, rd.Roles...)
	n.all.Rows = append(n.all.Rows, rd.Rows...)
	n.all.Failures = append(n.all.Failures, rd.Failures...)
	return busy
}

// run lets d pass in steps of a fifth of a heartbeat.
func (tr *trio) run(d time.Duration) {
	tr.t.Helper()
	for end := tr.now.Add(d); tr.now.Before(end); {
		tr.now = tr.now.Add(tr.nodes[0].m.cfg.Timing.Beat / 5)
		for _, n := range tr.nodes {
			n.m.Tick(tr.now)
		}
		tr.settle()
	}
}

// primary is the node that serves the shard, 0 if none does.
func (tr *trio) primary(shard uint32) uint64 {
	for _, n := range tr.nodes {
		if n.m.CanServe(shard, tr.now) {
			return n.id
		}
	}
	return 0
}

// write proposes and returns the acks of that proposal.
func (tr *trio) write(id uint64, shard uint32, level Level, value string) {
	tr.t.Helper()
	tr.step(id, Propose{Shard: shard, ID: uint64(len(value)), Level: level, Data: []byte("a=" + value)})
	tr.settle()
}

// cutOff loses all packets from and to a node.
func cutOff(ids ...uint64) func(from, to uint64) bool {
	return func(from, to uint64) bool { return slices.Contains(ids, from) || slices.Contains(ids, to) }
}
