package groups

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// forced marks the votes asked for by the receiver of a transfer: the leader
// has given its lease up, so promises to it need not be kept.
const forced = "CampaignTransfer"

// draw returns an election jitter. The voters but for the last leader have their
// parts of the spread one after the other, so that two of them hardly ever stand at
// one time and split the votes; which one is first differs from shard to shard, so
// that the shards of a lost node are shared by the others. Within a part it is
// random: nodes may differ in what they take for the voters.
func (g *group) draw() time.Duration {
	spread, n, rank := int64(g.m.cfg.Timing.Spread), int64(0), int64(0)
	for _, id := range g.conf.voters {
		switch {
		case id == g.guardFor:
			continue
		case id == g.m.cfg.Self:
			rank = n
		}
		n++
	}
	n = max(n, 1)
	rank = (rank + int64(g.shard)) % n
	return time.Duration(spread*rank/n + g.m.rng.Int64N(max(spread/(2*n), 1)))
}

func (g *group) patience() time.Duration { return g.m.cfg.Timing.Patience + g.jitter }

// timeout is called when the group's timer fires.
func (g *group) timeout() {
	switch {
	case g.rn == nil:
		g.due = time.Time{}
	case g.leads():
		g.overdue()
	case g.blank():
		g.due = time.Time{} // woken again by whoever counts it as a member
	default:
		g.ask()
		g.stand()
	}
}

// stand has the replica stand for election, first without consequences
// (PreVote). Its own vote is bound by its promises like any other.
func (g *group) stand() {
	g.jitter = g.draw()
	if g.m.now.Before(g.guard) {
		g.due = g.guard
		return
	}
	g.due = g.m.now.Add(g.m.cfg.Timing.Spread + 2*g.jitter)
	if !g.conf.votes(g.m.cfg.Self) || g.m.cfg.Standby {
		return
	}
	g.guarded(func() {
		_ = g.rn.ForgetLeader() // refused only in a mode that is not used
		_ = g.rn.Campaign()     // refused while a change of the configuration is unapplied
	})
	g.m.touch(g)
}

// obey has the replica stand because its leader said so, with forced votes, and
// tells whether it does. The library refuses while a change of the configuration is
// committed and not applied, such as the one that made this node a voter, and would
// forget the order; here it stands as long as the term does.
func (g *group) obey() bool {
	if g.called != g.term || g.state != raft.StateFollower {
		return false
	}
	_ = g.rn.Step(&raftpb.Message{
		Type: raftpb.MsgTimeoutNow.Enum(), From: new(g.lead), To: new(g.m.cfg.Self), Term: new(g.term),
	})
	return g.rn.HasReady()
}

// mayVote tells whether a candidate's request may reach the library.
func (g *group) mayVote(msg *raftpb.Message) bool {
	if g.blank() && !g.m.without.blankRefuses {
		return false
	}
	if string(msg.GetContext()) == forced || g.m.without.guard {
		return true
	}
	if g.leads() {
		return !g.m.now.Before(g.leaseEnd())
	}
	return !g.m.now.Before(g.guard) || g.guardFor == msg.GetFrom()
}

// overdue is called at a leader when a quorum should have answered by now. One
// that has not heard from a quorum steps down (CheckQuorum), so that its
// heartbeats, which may still arrive, keep nobody from electing another.
func (g *group) overdue() {
	t := g.m.cfg.Timing
	if h := g.handover; h.to != 0 {
		g.m.touch(g)
		if h.until.After(g.m.now) || h.sent {
			g.due = maxTime(h.until, g.m.now.Add(t.Beat))
			return
		}
	}
	due := g.leaseEnd()
	if begun := g.m.start.Add(time.Duration(g.since - 1)).Add(t.Lease); begun.After(due) {
		due = begun
	}
	if due = due.Add(t.Spread); due.After(g.m.now) {
		g.due = due
		return
	}
	g.stepDown()
	g.due = g.m.now.Add(g.patience())
}

// stepDown ends this node's leadership within the term. The library compares
// who was active since the last check; the second check finds nobody.
func (g *group) stepDown() {
	for range 2 {
		g.step(&raftpb.Message{Type: raftpb.MsgCheckQuorum.Enum(), From: new(raft.LocalAppendThread)})
	}
	if g.rn != nil {
		g.refresh()
	}
}

// renew ends the term and stands again at once: the own lease is given up, so
// the election may be forced. It begins a term in which a member that was removed
// in this one can be added again, or which a member that stood in vain accepts.
// Nobody else was told to stand, so that the votes it forces were promised to this
// node alone.
func (g *group) renew() {
	self := g.m.cfg.Self
	g.step(&raftpb.Message{Type: raftpb.MsgVote.Enum(), From: new(self), To: new(self), Term: new(g.term + 1)})
	if g.rn == nil {
		return
	}
	g.refresh()
	g.step(&raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum(), From: new(self), To: new(self), Term: new(g.term)})
	g.due = g.m.now.Add(g.patience())
	g.postpone(g.due)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
