package groups

import (
	"encoding/binary"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/pando-go/pando/clusterd/sharding/internal/groupspb"
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

// FuzzMessage is FuzzReceive for packets that are well formed: any values in the
// messages of one group, from a member.
func FuzzMessage(f *testing.F) {
	f.Add(uint32(0), uint8(0), uint64(2), uint64(4), uint64(2), uint64(4), uint8(2), []byte("a=b"))
	f.Add(uint32(1), uint8(0), uint64(9), uint64(4), uint64(2), uint64(7), uint8(3), []byte{})
	f.Add(uint32(1), uint8(2), uint64(9), uint64(4), uint64(2), uint64(7), uint8(0), []byte{})
	f.Add(uint32(2), uint8(8), uint64(3), uint64(40), uint64(2), uint64(10), uint8(1), []byte("0123456789"))
	f.Fuzz(func(t *testing.T, shard uint32, kind uint8, term, index, logTerm, commit uint64, n uint8, data []byte) {
		item := &groupspb.Item{Shard: shard, Group: 1}
		pkt := &groupspb.Packet{From: 2, To: 1, Items: []*groupspb.Item{item}}
		switch kind % 12 {
		case 7:
			pkt.Beat = &groupspb.Beat{Boot: 2, Stamp: int64(index), Shards: []uint32{shard}, Groups: []uint64{1}, Terms: []uint64{term}, Commits: []uint64{commit}}
		case 8:
			item.Part = &groupspb.Part{Term: term, Index: index, IndexTerm: logTerm, Voters: []uint64{1, 2}, Offset: commit, Size: uint64(len(data)), Data: data}
		case 9:
			item.Got = &groupspb.Got{Term: term, Index: index, Offset: commit, Again: n%2 == 0}
		case 10:
			item.Gone = &groupspb.Gone{Term: term}
		case 11:
			item.Ask = &groupspb.Ask{Term: term}
		default:
			types := []raftpb.MessageType{raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp, raftpb.MsgTimeoutNow}
			msg := &raftpb.Message{
				Type: types[kind%12].Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(term), Index: new(index),
				LogTerm: new(logTerm), Commit: new(commit), Reject: new(n%3 == 1), RejectHint: new(commit),
			}
			for i := range uint64(n % 4) {
				typ := raftpb.EntryNormal
				if n%8 >= 4 {
					typ = raftpb.EntryConfChangeV2
				}
				msg.Entries = append(msg.Entries, &raftpb.Entry{Index: new(index + i + 1), Term: new(term), Type: typ.Enum(), Data: data})
			}
			item.Raft, _ = proto.Marshal(msg)
		}
		packet, err := proto.Marshal(pkt)
		if err != nil {
			t.Skip()
		}
		tr := fuzzTrio(t)
		for range 3 {
			_ = tr.node(1).m.Step(tr.now, Receive{From: 2, Data: packet})
			tr.ready(tr.node(1))
			tr.now = tr.now.Add(2 * time.Second)
			tr.node(1).m.Tick(tr.now)
			tr.ready(tr.node(1))
		}
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
				in = tr.node(who).snapshot(shard, arg)
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

// snapshot is what a shell may report at any time: a snapshot that it has taken
// of what it has applied, asked for or not.
func (n *trioNode) snapshot(shard uint32, arg uint64) Input {
	s := n.state[shard]
	if s == nil {
		return SnapshotReady{Shard: shard, Index: arg}
	}
	data := s.encode()
	n.disk.shard(shard).snapshots[s.index] = data
	return SnapshotReady{Shard: shard, Index: s.index, Size: uint64(len(data))}
}
