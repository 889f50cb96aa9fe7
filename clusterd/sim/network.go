package sim

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// Up to these a link is no excuse for anything.
const (
	fair = 0.05
	slow = 50 * time.Millisecond
)

// sluggish is how late a node may be without an excuse to be removed.
const sluggish = 100 * time.Millisecond

// bad reports whether a link may cost a node its membership.
func (l Link) bad() bool { return l.Loss > fair || l.Max > slow }

// few is how many accusers make a member unreachable in a cluster that is not
// tiny. Who has lost fewer links than that is still well.
const few = 3

// troubled reports whether node n may be removed for the faults of the network:
// as many members have a bad link to it as it takes to accuse it, which is one
// more than some member hears, at most a few. A joiner is in no view yet, and
// one bad link may be the one that it needs.
func (s *Sim) troubled(n *node) bool {
	if s.cfg.Link.bad() {
		return true
	}
	peers, needed := s.nodes[1:], 1
	if v := s.newest(n); v != nil {
		peers = s.nodesOf(v)
		needed = few
		for _, o := range peers {
			if o != n && o.running() {
				needed = min(needed, 1+s.heard(o, peers))
			}
		}
	}
	accusers := 0
	for _, o := range peers {
		if s.loses(o, n, peers) {
			accusers++
		}
	}
	return accusers >= needed
}

// seekers is how many helpers a node asks about another that is silent.
const seekers = 3

// loses reports whether node o may take n for silent: their link is cut, and it
// cannot rely on the others to reach n. Of those that it hears so many lack a link
// to n that it may ask no one else.
func (s *Sim) loses(o, n *node, peers []*node) bool {
	if !s.cutOff(o, n) {
		return false
	}
	reach, fail := 0, 0
	for _, h := range peers {
		switch {
		case h == o || h == n || !h.running() || h.frozen || s.cutOff(o, h):
		case s.cutOff(h, n):
			fail++
		default:
			reach++
		}
	}
	return reach == 0 || fail >= seekers || s.cfg.Link.Loss > 0
}

// heard returns how many of peers node n can hear.
func (s *Sim) heard(n *node, peers []*node) (count int) {
	for _, o := range peers {
		if o != n && o.running() && !o.frozen && !s.cutOff(o, n) {
			count++
		}
	}
	return count
}

// cutOff reports whether the link between two nodes is cut, one way or both.
func (s *Sim) cutOff(a, b *node) bool { return s.isCut(a.id, b.id) || s.isCut(b.id, a.id) }

// newest returns the newest decided view that lists node n, nil if none does.
func (s *Sim) newest(n *node) *member.View {
	for _, c := range s.law.chains { // order: a UID is in one cluster
		if v := c.views[len(c.views)-1]; holds(v, n.self) {
			return v
		}
	}
	return nil
}

func (s *Sim) nodesOf(v *member.View) []*node {
	list := make([]*node, 0, len(v.Members))
	for i := range v.Members {
		if id := idOf(v.Members[i].Address); id != 0 {
			list = append(list, s.node(id))
		}
	}
	return list
}

// trouble excuses the removal of everybody whose links have become too few.
func (s *Sim) trouble() {
	if len(s.cuts) == 0 {
		return
	}
	for _, n := range s.nodes[1:] {
		n.disturbed = n.disturbed || s.troubled(n)
	}
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
				s.node(from)
				s.node(to)
				if !s.isCut(from, to) {
					s.cuts[pair{from, to}] = s.now
				}
			}
		}
	}
	s.trouble()
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

// excuse lets what a cut began end in a second cluster for a while, and in the
// removal of who had a broken link for long.
func (s *Sim) excuse() {
	s.excused = s.now + 10*time.Second
	for _, n := range s.nodes[1:] {
		n.disturbed = n.disturbed || s.worn(n)
	}
}

// worn reports whether a link of node n has been broken for so long that one of
// its ends may be removed, by a clock that is fast.
func (s *Sim) worn(n *node) bool {
	mend := cmp.Or(s.cfg.Timing, engine.Lan()).Mend
	if mend == 0 {
		return false
	}
	for p, since := range s.cuts { // order: any one decides
		if (p.from == n.id || p.to == n.id) && s.now-since >= mend*9/10 {
			return true
		}
	}
	return false
}

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
	if s.size != nil {
		s.bytes += uint64(s.size(p))
	}
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
		s.push(event{at: s.now + late, kind: deliver, from: from.id, to: to, packet: p, extra: s.seal(p)})
	}
}

// dispatch queues the arrival: in order on its link, unless it may overtake.
func (s *Sim) dispatch(from *node, to int, p *core.Packet, delay time.Duration, link Link) {
	if link.Max > link.Min {
		delay += time.Duration(s.rng.Int64N(int64(link.Max - link.Min)))
	}
	at := s.now + delay + s.lag(s.node(to))
	if link.Reorder == 0 || s.rng.Float64() >= link.Reorder {
		at = from.inOrder(to, s.now, at)
	}
	s.push(event{at: at, kind: deliver, from: from.id, to: to, packet: p, extra: s.seal(p)})
}

// inOrder returns at, or later when an earlier packet to the same node is later.
// Only those that are under way can be, and these are few.
func (n *node) inOrder(to int, now, at time.Duration) time.Duration {
	kept := n.arrivals[:0]
	for _, a := range n.arrivals {
		switch {
		case a.to == to:
			at = max(at, a.at)
		case a.at > now:
			kept = append(kept, a)
		}
	}
	n.arrivals = append(kept, arrival{to, at})
	return at
}

// seal has a packet known again by a hash, with Config.Sealed.
func (s *Sim) seal(p *core.Packet) *extra {
	if !s.cfg.Sealed {
		return nil
	}
	return &extra{seal: hashOf(p)}
}

func hashOf(p *core.Packet) uint64 {
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
	if len(s.cuts) == 0 {
		return false
	}
	_, cut := s.cuts[pair{from, to}]
	return cut
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
		s.push(event{at: s.now + delay, kind: failed, to: to.id, uid: to.self.UID, extra: &extra{fail: &f}})
	}
}
