package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// store is the one lease that is kept outside the clusters of a world, for nodes
// whose strategy is downing.Leased. It is as unkind as the rules allow: it gives
// the lease away as early as the fastest clock of a waiting node would, and its
// answers may be lost or late.
type store struct {
	owner  string
	number uint64
	note   string
	until  time.Duration   // from then on somebody else may have it
	noted  map[string]bool // every note that was ever stored
	cut    map[int]bool    // nodes that do not reach it
}

// CutStore keeps nodes from reaching the lease outside the cluster.
func (s *Sim) CutStore(ids ...int) {
	s.recordAction("store cut from %v", ids)
	for _, id := range ids {
		if s.store.cut == nil {
			s.store.cut = map[int]bool{}
		}
		s.store.cut[id] = true
		s.node(id).disturbed = true // without the store it may lose its cluster
	}
}

// HealStore lets all nodes reach the lease again.
func (s *Sim) HealStore() {
	s.recordAction("store healed")
	clear(s.store.cut)
}

// StoreOwner returns the id of the node that holds the lease, 0 for none.
func (s *Sim) StoreOwner() int {
	if s.store.owner == "" || s.now >= s.store.until {
		return 0
	}
	address, _, _ := strings.Cut(s.store.owner, "#")
	return idOf(address)
}

// leased reports whether the lease decides.
func (s *Sim) leased() bool {
	_, ok := s.cfg.Downing.(downing.Leased)
	return ok
}

// claim sends a claim on its way. Those of a node are carried out in order.
func (s *Sim) claim(n *node, c engine.Claim) {
	n.claimed = max(n.claimed, s.now+s.storeLag())
	s.push(event{at: n.claimed, kind: claims, to: n.id, uid: n.self.UID, extra: &extra{claim: &c}})
}

// storeLag is how long a claim or an answer is under way: as long as a packet.
func (s *Sim) storeLag() time.Duration {
	return s.cfg.Link.Min + time.Duration(s.rng.Int64N(int64(s.cfg.Link.Max)))
}

// claimed carries out a claim and answers.
func (s *Sim) claimed(n *node, c *engine.Claim) {
	if s.store.cut[n.id] {
		if !c.Release {
			s.respond(n, core.Denied{Stamp: c.Stamp})
		}
		return
	}
	st := &s.store
	mine := st.owner == c.Owner
	switch {
	case c.Release:
		if mine {
			st.owner = ""
		}
		return
	case c.Renew && !mine:
		s.respond(n, core.Denied{Stamp: c.Stamp, Lost: true})
		return
	case !c.Renew && !mine && st.owner != "" && s.now < st.until:
		s.respond(n, core.Denied{Stamp: c.Stamp})
		return
	case c.Renew:
		st.write(c.Note)
	case !mine:
		st.owner = c.Owner
		st.number++
	}
	// A waiting node waits for TTL·(1+ρ)/(1−ρ) of its own clock, which may be fast by ρ.
	st.until = s.now + time.Duration(float64(c.TTL)/(1-maxDrift))
	s.respond(n, core.Granted{Stamp: c.Stamp, Number: st.number, Note: st.note})
}

// maxDrift is ρ.
const maxDrift = 0.05

func (st *store) write(note string) {
	st.note = note
	if st.noted == nil {
		st.noted = map[string]bool{}
	}
	// Without the last field, the counter of the term.
	st.noted[note[:strings.LastIndexByte(note, ' ')]] = true
}

func (s *Sim) respond(n *node, answer core.Input) {
	if s.cfg.Link.Loss > 0 && s.rng.Float64() < s.cfg.Link.Loss {
		return // the node gives up waiting by itself
	}
	s.push(event{at: s.now + s.storeLag(), kind: answered, to: n.id, uid: n.self.UID, extra: &extra{answer: answer}})
}

// checkNoted holds for a view that a holder of the lease decided that it was noted
// beside it first.
func (s *Sim) checkNoted(id member.Identity, v *member.View) {
	if !s.store.noted[fmt.Sprintf("%x %d %d", id.Cluster[:], id.Branch, v.Number)] {
		s.fail("I4", "view %d is taken as decided, and was not noted beside the lease", v.Number)
	}
}
