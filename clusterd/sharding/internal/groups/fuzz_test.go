package groups

import (
	"encoding/binary"
	"testing"
	"time"
)

// fuzzTrio is a cluster in the middle of its work: two shards with a primary,
// one of which this node leads, and one that is blank here.
func fuzzTrio(t testing.TB) *trio {
	tr := newTrio(t, 3, Config{Shards: 4, Limits: Limits{LogEntries: 4, KeepEntries: 2, PartBytes: 32}})
	tr.create(0, 1, 2, 3)
	tr.create(1, 2, 1, 3)
	tr.create(2, 2, 3)
	tr.write(1, 0, Quorum, "x")
	tr.write(2, 1, Quorum, "x")
	return tr
}

// FuzzReceive feeds one node packets from the network: they never panic, and
// what they make it do can be handed out and stored.
func FuzzReceive(f *testing.F) {
	tr := fuzzTrio(f)
	tr.drop = func(from, to uint64) bool { return false }
	capture := func() {
		for _, n := range tr.nodes {
			for _, p := range n.m.Ready().Packets {
				if p.To == 1 && n.id == 2 {
					f.Add(p.Data)
				}
			}
		}
	}
	tr.now = tr.now.Add(time.Second)
	for _, n := range tr.nodes {
		n.m.Tick(tr.now)
	}
	capture()
	tr.step(2, Propose{Shard: 1, ID: 1, Level: Quorum, Data: []byte("a=b")})
	capture()
	tr.step(2, Transfer{Shard: 1, To: 1})
	capture()
	tr.step(2, Plan{View: 1, Rows: []PlanRow{{Shard: 2, Members: []uint64{1, 2, 3}}}})
	capture()
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		tr := fuzzTrio(t)
		for range 2 {
			_ = tr.node(1).m.Step(tr.now, Receive{From: 2, Data: data})
			tr.ready(tr.node(1))
			tr.now = tr.now.Add(3 * time.Second)
			tr.node(1).m.Tick(tr.now)
		}
		tr.ready(tr.node(1))
	})
}

// FuzzStep runs a whole cluster by a script of bytes: any input at any time.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add([]byte{4, 1, 0, 0, 4, 2, 0, 0, 6, 1, 2, 3, 7, 1, 1, 1, 9, 9, 9, 9, 6, 0, 1, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		tr := fuzzTrio(t)
		for id := uint64(1); len(script) >= 4 && id < 200; id++ {
			op, who, shard, arg := script[0], uint64(script[1])%3+1, uint32(script[2])%5, uint64(script[3])
			script = script[4:]
			var in Input
			switch op % 10 {
			case 0:
				in = Propose{Shard: shard, ID: id, Level: Level(arg % 5), Data: make([]byte, arg%3)}
			case 1:
				in = Create{Shard: shard, Group: arg % 3, Members: []uint64{arg % 4, who}}
			case 2:
				in = Plan{View: arg / 16, Number: id, Rows: []PlanRow{{Shard: shard, Members: []uint64{arg%3 + 1, arg / 64}, Primary: arg / 64}}}
			case 3:
				in = Transfer{Shard: shard, To: arg % 4}
			case 4:
				in = SnapshotReady{Shard: shard, Index: arg % 8, Size: 0}
			case 5:
				in = SnapshotPart{Shard: shard, Index: arg % 8, To: arg % 4, Offset: arg / 8, Data: make([]byte, arg%5)}
			case 6:
				in = Persisted{Batch: arg}
			case 7:
				in = Unreachable{Node: arg % 4}
			case 8:
				tr.drop = func(from, to uint64) bool { return arg>>(from+to)&1 == 1 }
			case 9:
				tr.now = tr.now.Add(time.Duration(binary.BigEndian.Uint16([]byte{byte(arg), 0})) * time.Microsecond * 100)
				for _, n := range tr.nodes {
					n.m.Tick(tr.now)
				}
			}
			if in != nil {
				_ = tr.node(who).m.Step(tr.now, in)
			}
			tr.settle()
		}
	})
}
