package groups

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/pando-go/pando/clusterd/sharding/internal/groupspb"
)

// peer is another node and what is on its way to it: at each Ready one packet,
// or more if it grew large. A packet is not much larger than the largest command, or
// than Limits.PacketBytes: what the transport cannot carry would never get through.
type peer struct {
	id     uint64
	beats  []*group         // with a line in the next heartbeat
	echoes []*groupspb.Echo // answers to its heartbeats
	items  []*groupspb.Item
	bytes  int // of the items
	used   bool
}

// maxEchoes bounds the heartbeats that one packet answers; older ones are worth
// less than the newest.
const maxEchoes = 4

// peer finds or makes the record of a node.
func (m *Machine) peer(id uint64) (*peer, error) {
	at, found := slices.BinarySearchFunc(m.peers, id, func(p *peer, id uint64) int { return cmp.Compare(p.id, id) })
	if found {
		return m.peers[at], nil
	}
	if len(m.peers) >= m.cfg.Limits.Peers {
		m.forgetPeers()
		if len(m.peers) >= m.cfg.Limits.Peers {
			return nil, ErrPeers
		}
		at, _ = slices.BinarySearchFunc(m.peers, id, func(p *peer, id uint64) int { return cmp.Compare(p.id, id) })
	}
	p := &peer{id: id}
	m.peers = slices.Insert(m.peers, at, p)
	return p, nil
}

// forgetPeers makes room: those that are in no group led here and for whom
// nothing waits, such as nodes that lost their disks and came back as others.
func (m *Machine) forgetPeers() {
	for _, p := range m.peers {
		p.used = len(p.beats) > 0 || len(p.echoes) > 0 || len(p.items) > 0
	}
	for _, g := range m.led {
		for _, mem := range g.members {
			if mem.peer != nil {
				mem.peer.used = true
			}
		}
	}
	m.peers = slices.DeleteFunc(m.peers, func(p *peer) bool { return !p.used })
}

// send queues a message of the library. Snapshots go in parts; answers to
// heartbeats are not sent, since the echo of the line has said it already.
func (g *group) send(msg *raftpb.Message) {
	switch msg.GetType() {
	case raftpb.MsgSnap:
		g.beginShipping(msg)
		return
	case raftpb.MsgHeartbeatResp, raftpb.MsgHeartbeat:
		return
	}
	data, err := proto.Marshal(msg)
	if err != nil {
		panic(err) // a message of the library's own making
	}
	g.post(msg.GetTo(), &groupspb.Item{Raft: data}, len(data))
}

// post queues an item for a node. One that has no room among the peers gets
// none, as if it was lost.
func (g *group) post(to uint64, item *groupspb.Item, size int) {
	p, err := g.m.peer(to)
	if err != nil || to == g.m.cfg.Self {
		return
	}
	item.Shard, item.Group = g.shard, g.id
	if len(p.items) > 0 && p.bytes+size > g.m.cfg.Limits.PacketBytes {
		g.m.pack(p)
	}
	p.items = append(p.items, item)
	p.bytes += size + entryOverhead
	if p.bytes >= g.m.cfg.Limits.PacketBytes {
		g.m.pack(p)
	}
}

// flush packs what waits for all peers.
func (m *Machine) flush() {
	for _, p := range m.peers {
		if len(p.beats) > 0 || len(p.echoes) > 0 || len(p.items) > 0 {
			m.pack(p)
		}
	}
}

// pack makes one packet of what waits for a peer.
func (m *Machine) pack(p *peer) {
	pkt := &groupspb.Packet{From: m.cfg.Self, To: p.id, Beat: m.beatFor(p), Echoes: p.echoes, Items: p.items,
		PlanView: m.plan.newest.view, PlanNumber: m.plan.newest.number}
	data, err := proto.Marshal(pkt)
	if err != nil {
		panic(err) // a message of our own making
	}
	m.out.Packets = append(m.out.Packets, Packet{To: p.id, Data: data})
	p.echoes, p.items, p.bytes = nil, nil, 0
}

// beatFor makes the heartbeat for a peer, with the stamp of now.
func (m *Machine) beatFor(p *peer) *groupspb.Beat {
	if len(p.beats) == 0 {
		return nil
	}
	slices.SortFunc(p.beats, byShard)
	n := len(p.beats)
	b := &groupspb.Beat{
		Boot: m.cfg.Boot, Stamp: m.stamp(),
		Shards: make([]uint32, 0, n), Groups: make([]uint64, 0, n), Terms: make([]uint64, 0, n), Commits: make([]uint64, 0, n),
	}
	prev := -1
	for _, g := range p.beats {
		l, ok := g.lineFor(p.id)
		if !ok || int(l.shard) == prev {
			continue
		}
		b.Shards = append(b.Shards, delta(l.shard, prev))
		b.Groups = append(b.Groups, l.group)
		b.Terms = append(b.Terms, l.term)
		b.Commits = append(b.Commits, l.commit)
		prev = int(l.shard)
	}
	p.beats = p.beats[:0]
	if prev < 0 {
		return nil
	}
	return b
}

// delta encodes a growing list of shards; prev is -1 at the first.
func delta(shard uint32, prev int) uint32 {
	if prev < 0 {
		return shard
	}
	return shard - uint32(prev)
}
