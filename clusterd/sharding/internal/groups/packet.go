package groups

import (
	"errors"
	"math"

	"google.golang.org/protobuf/proto"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/pando-go/pando/clusterd/sharding/internal/groupspb"
)

// receive takes a packet apart. What is refused of it is reported; the rest
// counts.
func (m *Machine) receive(in Receive) error {
	var pkt groupspb.Packet
	if err := proto.Unmarshal(in.Data, &pkt); err != nil {
		return ErrPacket
	}
	if pkt.From != in.From || pkt.To != m.cfg.Self || !validID(in.From) || in.From == m.cfg.Self {
		return ErrPacket
	}
	m.plan.newest = m.plan.newest.max(version{pkt.PlanView, pkt.PlanNumber})
	var faults []error
	note := func(err error) {
		if err != nil && len(faults) < 4 {
			faults = append(faults, err)
		}
	}
	if pkt.Beat != nil {
		note(m.receiveBeat(in.From, pkt.Beat))
	}
	for _, e := range pkt.Echoes {
		note(m.receiveEcho(in.From, e))
	}
	for _, item := range pkt.Items {
		note(m.receiveItem(in.From, item))
	}
	return errors.Join(faults...)
}

// receiveBeat follows the lines of a heartbeat and answers them.
func (m *Machine) receiveBeat(from uint64, b *groupspb.Beat) error {
	n := len(b.Shards)
	if n == 0 || n > m.cfg.Shards || len(b.Groups) != n || len(b.Terms) != n || len(b.Commits) != n {
		return ErrPacket
	}
	p, err := m.peer(from)
	if err != nil {
		return err
	}
	echo := &groupspb.Echo{Boot: b.Boot, Stamp: b.Stamp, Shards: make([]uint32, 0, n)}
	shard, prev := uint32(0), -1
	for i := range n {
		if shard, err = m.next(shard, b.Shards[i], i); err != nil {
			return err
		}
		if b.Terms[i] == 0 {
			return ErrPacket
		}
		if m.follow(from, line{shard, b.Groups[i], b.Terms[i], b.Commits[i]}) {
			echo.Shards = append(echo.Shards, delta(shard, prev))
			prev = int(shard)
		}
	}
	if prev < 0 {
		return nil
	}
	if len(p.echoes) == maxEchoes {
		p.echoes = p.echoes[1:]
	}
	p.echoes = append(p.echoes, echo)
	return nil
}

// next decodes one shard of a growing list.
func (m *Machine) next(prev, diff uint32, i int) (uint32, error) {
	shard := uint64(diff)
	if i > 0 {
		if diff == 0 {
			return 0, ErrPacket
		}
		shard += uint64(prev)
	}
	if shard >= uint64(m.cfg.Shards) {
		return 0, ErrShard
	}
	return uint32(shard), nil
}

// receiveEcho counts the support that a heartbeat found. An answer to an
// earlier life of this process, or one that was never asked for, counts not.
func (m *Machine) receiveEcho(from uint64, e *groupspb.Echo) error {
	if e.Boot != m.cfg.Boot || e.Stamp <= 0 || e.Stamp > m.stamp() {
		return nil
	}
	shard, err := uint32(0), error(nil)
	for i, diff := range e.Shards {
		if shard, err = m.next(shard, diff, i); err != nil {
			return err
		}
		if g := m.groups[shard]; g != nil {
			g.echoed(from, e.Stamp)
		}
	}
	return nil
}

// receiveItem hands a message to its group.
func (m *Machine) receiveItem(from uint64, item *groupspb.Item) error {
	if item.Shard >= uint32(m.cfg.Shards) {
		return ErrShard
	}
	var msg *raftpb.Message
	if item.Raft != nil {
		msg = new(raftpb.Message)
		if proto.Unmarshal(item.Raft, msg) != nil || !m.validMessage(from, msg) {
			return ErrPacket
		}
	}
	g := m.groups[item.Shard]
	if g == nil && (msg != nil && msg.GetType() == raftpb.MsgApp || item.Part != nil) {
		g = m.blankFor(item.Shard, item.Group)
	}
	if g == nil {
		return ErrNoReplica
	}
	if g.rn == nil {
		return ErrBroken
	}
	if !g.same(item.Group) {
		return ErrGroup
	}
	switch {
	case msg != nil:
		return g.receive(msg)
	case item.Part != nil:
		return g.receivePart(from, item.Part)
	case item.Got != nil:
		return g.receiveGot(from, item.Got)
	case item.Gone != nil:
		return g.receiveGone(from, item.Gone)
	case item.Ask != nil:
		return g.receiveAsk(from, item.Ask)
	}
	return ErrPacket
}

// validMessage checks what the Raft library takes for granted.
func (m *Machine) validMessage(from uint64, msg *raftpb.Message) bool {
	if msg.GetFrom() != from || msg.GetTo() != m.cfg.Self || msg.GetTerm() == 0 || msg.GetTerm() > math.MaxUint64/2 {
		return false
	}
	if msg.Snapshot != nil || len(msg.Responses) > 0 {
		return false
	}
	switch msg.GetType() {
	case raftpb.MsgApp:
		return validEntries(msg)
	case raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp, raftpb.MsgTimeoutNow:
		return len(msg.Entries) == 0 && msg.GetIndex() <= math.MaxUint64/2
	}
	return false
}

// validEntries checks that the entries continue where the message says, with
// terms that do not fall.
func validEntries(msg *raftpb.Message) bool {
	index, term := msg.GetIndex(), msg.GetLogTerm()
	if index == 0 || term == 0 || index > math.MaxUint64/2 { // a log begins after a snapshot, which is entry 1 at least
		return false
	}
	for _, e := range msg.GetEntries() {
		index++
		if e.GetIndex() != index || e.GetTerm() < max(term, 1) || e.GetTerm() > msg.GetTerm() {
			return false
		}
		switch e.GetType() {
		case raftpb.EntryNormal, raftpb.EntryConfChangeV2:
		default:
			return false
		}
		term = e.GetTerm()
	}
	return true
}

// same tells whether a message's group is this one. A blank replica that has
// never known a group becomes the one that it first hears of.
func (g *group) same(id uint64) bool {
	if g.blank() && id != 0 {
		g.id = id
	}
	return g.id == id
}

// blankFor makes the empty replica of a group that counts this node in.
func (m *Machine) blankFor(shard uint32, id uint64) *group {
	if id == 0 {
		return nil
	}
	g, err := m.open(Stored{Shard: shard, Group: id})
	if err != nil {
		return nil
	}
	return g
}

// receive gives a message to the library.
func (g *group) receive(msg *raftpb.Message) error {
	switch msg.GetType() {
	case raftpb.MsgVote, raftpb.MsgPreVote:
		if g.leads() && !g.conf.has(msg.GetFrom()) {
			g.tellGone(msg.GetFrom())
			return nil
		}
		if !g.mayVote(msg) {
			return nil
		}
	case raftpb.MsgTimeoutNow:
		if g.m.cfg.Standby {
			return nil // whoever sent it takes the shard back
		}
		g.called = msg.GetTerm()
		g.m.touch(g)
		return nil
	case raftpb.MsgApp:
		if msg.GetTerm() < g.term {
			break
		}
		defer g.follows(msg.GetFrom(), msg.GetTerm())
	}
	g.step(msg)
	return nil
}

// follows renews the patience with a leader that has just sent entries.
func (g *group) follows(from, term uint64) {
	if g.rn != nil && g.lead == from && g.term == term {
		g.heard()
	}
}
