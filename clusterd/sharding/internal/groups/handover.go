package groups

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// handover is a planned change of primary. The primary stops taking proposals,
// waits until the open ones are acknowledged and the next primary has the whole
// log, gives its lease up for good, and tells the other to stand for election
// at once. Whoever asks meanwhile is told to try again in a moment; nothing
// ends with an unknown outcome. The pause is about four round trips.
type handover struct {
	to    uint64 // 0: none
	until time.Time
	sent  bool
	retry time.Time // not before, after one that failed
}

// transferTo is the order of the shell, as before a node leaves.
func (m *Machine) transferTo(in Transfer) error {
	g, err := m.group(in.Shard)
	if err != nil {
		return err
	}
	if !g.serving || g.released {
		return ErrNotPrimary
	}
	if !g.conf.votes(in.To) {
		return ErrMember
	}
	if in.To != m.cfg.Self && g.handover.to == 0 {
		g.yieldTo(in.To)
	}
	return nil
}

func (g *group) yieldTo(to uint64) {
	g.handover = handover{to: to, until: g.m.now.Add(g.m.cfg.Timing.Release)}
	g.postpone(g.handover.until)
	g.m.touch(g)
}

// drained tells whether no proposal is open and all is applied.
func (g *group) drained() bool {
	return g.open() == 0 && g.applied == g.last
}

// proceed begins, continues or gives up a handover.
func (g *group) proceed() {
	h := &g.handover
	if h.to == 0 {
		if to := g.heir(); to != 0 {
			g.yieldTo(to)
		}
		return
	}
	now := g.m.now
	mem := g.member(h.to)
	switch {
	case h.sent && !now.Before(h.until):
		if g.m.without.released {
			g.released = false
			*h = handover{retry: now.Add(g.patience())}
			return
		}
		g.renew()
	case h.sent:
	case !now.Before(h.until) || mem == nil || mem.learner:
		*h = handover{retry: now.Add(g.patience())} // the lease was never given up: nothing has happened
	case g.drained() && !g.change.proposed && mem.match == g.last:
		h.sent, g.released = true, true
		h.until = now.Add(g.m.cfg.Timing.Release)
		g.postpone(h.until)
		g.send(&raftpb.Message{
			Type: raftpb.MsgTimeoutNow.Enum(), From: new(g.m.cfg.Self), To: new(h.to), Term: new(g.term),
		})
	}
}

// heir is the member that the plan wants as primary in this node's place, if it
// can take over now.
func (g *group) heir() uint64 {
	w := g.wish()
	if w == nil || !g.serving || g.change.proposed || g.m.now.Before(g.handover.retry) {
		return 0
	}
	self := g.m.cfg.Self
	if w.Primary == self || w.Primary == 0 && slices.Contains(w.Members, self) {
		return 0
	}
	if w.Primary != 0 {
		if to := g.fit(w.Primary); to != 0 || slices.Contains(w.Members, self) {
			return to
		}
	}
	for _, id := range w.Members {
		if g.fit(id) != 0 {
			return id
		}
	}
	return 0
}

// fit returns id if that member votes, answers and has about the whole log.
func (g *group) fit(id uint64) uint64 {
	mem := g.member(id)
	if mem == nil || mem.learner || !g.caughtUp(id) || g.m.now.Sub(mem.heardAt) >= 3*g.m.cfg.Timing.Beat {
		return 0
	}
	return id
}
