package sim

import (
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/internal/core"
)

// Up to these a link is no excuse for anything.
const (
	fair = 0.05
	slow = 50 * time.Millisecond
)

// bad reports whether a link may cost a node its membership.
func (l Link) bad() bool { return l.Loss > fair || l.Max > slow }

// troubled reports whether the network of node id has faults.
func (s *Sim) troubled(id int) bool {
	for p := range s.cuts { // order: any one decides
		if p.from == id || p.to == id {
			return true
		}
	}
	return s.cfg.Link.bad()
}

// pair is one direction between two nodes.
type pair struct{ from, to int }

// Cut stops all packets between every node of a and every node of b, both
// ways. Nobody is told; senders learn it by a timeout.
func (s *Sim) Cut(a, b []int) {
	s.CutOneWay(a, b)
	s.CutOneWay(b, a)
}

// CutOneWay stops all packets from the nodes of a to those of b.
func (s *Sim) CutOneWay(a, b []int) {
	s.recordAction("cut %v > %v", a, b)
	for _, from := range a {
		for _, to := range b {
			if from != to {
				s.cuts[pair{from, to}] = true
				s.node(from).disturbed, s.node(to).disturbed = true, true
			}
		}
	}
}

// Heal ends all cuts.
func (s *Sim) Heal() {
	s.recordAction("heal")
	s.excuse()
	clear(s.cuts)
}

// HealBetween ends the cuts between the nodes of a and those of b, both ways.
func (s *Sim) HealBetween(a, b []int) {
	s.recordAction("heal %v | %v", a, b)
	s.excuse()
	for _, from := range a {
		for _, to := range b {
			delete(s.cuts, pair{from, to})
			delete(s.cuts, pair{to, from})
		}
	}
}

// excuse lets what a cut began end in a second cluster for a while.
func (s *Sim) excuse() { s.excused = s.now + 10*time.Second }

// SetLink gives one direction between two nodes its own quality.
func (s *Sim) SetLink(from, to int, l Link) { s.links[pair{from, to}] = l }

// SetLinks gives all links the same quality from now on.
func (s *Sim) SetLinks(l Link) {
	s.recordAction("links %v to %v, loss %g, duplicate %g, reorder %g", l.Min, l.Max, l.Loss, l.Duplicate, l.Reorder)
	s.cfg.Link = l
	clear(s.links)
	if l.bad() {
		for _, n := range s.nodes[1:] {
			n.disturbed = true
		}
		s.excuse()
	}
}

// send puts a packet on its way.
func (s *Sim) send(from *node, p *core.Packet) {
	s.packets++
	to := idOf(p.To.Address)
	if to == 0 {
		s.report(from, core.SendFailed{To: p.To, Nobody: true}, s.cfg.Link.Max)
		return
	}
	link := s.link(from.id, to)
	if link.Loss > 0 && s.rng.Float64() < link.Loss {
		return
	}
	s.dispatch(from, to, p, link.Min, link)
	if link.Duplicate > 0 && s.rng.Float64() < link.Duplicate {
		late := time.Duration(s.rng.Int64N(int64(100*link.Max) + 1))
		s.push(event{at: s.now + late, kind: deliver, from: from.id, to: to, packet: p, seal: s.seal(p)})
	}
}

// dispatch queues the arrival: in order on its link, unless it may overtake.
func (s *Sim) dispatch(from *node, to int, p *core.Packet, delay time.Duration, link Link) {
	if link.Max > link.Min {
		delay += time.Duration(s.rng.Int64N(int64(link.Max - link.Min)))
	}
	at := s.now + delay
	if link.Reorder == 0 || s.rng.Float64() >= link.Reorder {
		at = from.inOrder(to, at)
	}
	s.push(event{at: at, kind: deliver, from: from.id, to: to, packet: p, seal: s.seal(p)})
}

// inOrder returns at, or later when an earlier packet to the same node is later.
func (n *node) inOrder(to int, at time.Duration) time.Duration {
	for len(n.arrivals) <= to {
		n.arrivals = append(n.arrivals, 0)
	}
	n.arrivals[to] = max(n.arrivals[to], at)
	return n.arrivals[to]
}

// seal returns a hash of the packet, 0 unless Config.Sealed.
func (s *Sim) seal(p *core.Packet) uint64 {
	if !s.cfg.Sealed {
		return 0
	}
	t := transcript{hash: offset}
	t.mixText(string(appendValue(nil, p)))
	return t.hash
}

func (s *Sim) link(from, to int) Link {
	if len(s.links) > 0 {
		if l, ok := s.links[pair{from, to}]; ok {
			return l
		}
	}
	return s.cfg.Link
}

func (s *Sim) isCut(from, to int) bool {
	return len(s.cuts) > 0 && s.cuts[pair{from, to}]
}

// arrive hands a packet over, or lets its sender know why that is impossible.
func (s *Sim) arrive(from, to *node, p *core.Packet) {
	switch back := s.link(to.id, from.id).Max; {
	case s.isCut(from.id, to.id):
		s.report(from, core.SendFailed{To: p.To}, s.cfg.Timeout)
	case !to.running():
		s.refuse(to, from, core.SendFailed{To: p.To, Nobody: true}, back)
	case from.name != to.name:
		text := fmt.Sprintf("cluster name is %q here, not %q", to.name, from.name)
		s.refuse(to, from, core.SendFailed{To: p.To, Refused: text}, back)
	case p.To.UID != 0 && p.To.UID != to.self.UID:
		s.refuse(to, from, core.SendFailed{To: p.To}, back)
	default:
		s.step(to, p)
	}
}

// refuse answers in place of the node to, if its answer gets through.
func (s *Sim) refuse(to, from *node, f core.SendFailed, delay time.Duration) {
	if s.isCut(to.id, from.id) {
		f, delay = core.SendFailed{To: f.To}, s.cfg.Timeout
	}
	s.report(from, f, delay)
}

// report tells the sender after delay that a packet did not arrive.
func (s *Sim) report(to *node, f core.SendFailed, delay time.Duration) {
	if to.running() {
		s.push(event{at: s.now + delay, kind: failed, to: to.id, uid: to.self.UID, fail: &f})
	}
}
