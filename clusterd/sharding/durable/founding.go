package durable

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/store"
)

// A store is founded once, by a charter: an id drawn at random, and the first
// nodes, from which the first replicas of each shard follow. It must never happen
// that a second one is founded over data that the first has acknowledged
// (protocols.md, finding 8), so a charter takes two steps:
//
//	held   the issuer of a view asks all hosts of it; if none has a charter, it
//	       draws one, and each host writes it to its disk and says so
//	open   all hosts of the view hold it: it is in force, and the shards start
//
// So whatever a shard acknowledges, every host of that view has the charter on its
// disk; wherever one of them turns up, no other charter is drawn. A later issuer
// that finds it held goes on with it.
//
// The id of the charter, not that of the cluster, is what a store belongs to. After
// a restart of all nodes the cluster may be a new one, founded by whichever node
// came first, and no rule of membership has to wait for the others: a shard starts
// when a quorum of its own stored configuration is there, and not before. A node
// whose store has another charter than the rest takes no part, and says so.

// founding is this node's part.
type founding struct {
	charter *durablepb.Charter // on the disk; nil = none
	writing bool
	answers map[member.Node]*durablepb.Charter // of this view's hosts; a nil one = none
	settled bool                               // all hosts have the open charter
}

// begin starts anew in a new view.
func (f *founding) begin() { f.answers, f.settled = map[member.Node]*durablepb.Charter{}, false }

// found does the next step, at each beat.
func (sh *shell) found(now time.Time) {
	f := &sh.founding
	if !sh.host || f.writing || sh.crowd.view == 0 && !f.charter.GetOpen() {
		return
	}
	if f.charter.GetOpen() && sh.machine == nil && sh.status.Fault == nil {
		sh.begin(now)
	}
	issuer, ok := sh.crowd.issuer()
	if !ok || issuer.id != sh.self || f.settled || f.answers == nil {
		return
	}
	f.answers[issuer.node] = f.charter
	if open := f.opened(); open != nil {
		sh.enforce(now, open)
		return
	}
	all := true
	for _, h := range sh.crowd.hosts {
		if _, ok := f.answers[h.node]; !ok {
			sh.post(h.node, &durablepb.Packet{Body: &durablepb.Packet_Census{Census: &durablepb.Census{}}})
			all = false
		}
	}
	if all {
		sh.charter(now)
	}
}

// opened is the open charter that most hosts have, the one with the lowest id of
// several; nil if none is known.
func (f *founding) opened() *durablepb.Charter {
	count := map[uint64]int{}
	var best *durablepb.Charter
	for _, ch := range f.answers { // order: only counted
		if ch.GetOpen() {
			count[ch.GetId()]++
		}
	}
	for _, ch := range f.answers { // order: the best is the same in any
		if !ch.GetOpen() {
			continue
		}
		if d := count[ch.GetId()] - count[best.GetId()]; best == nil || d > 0 || d == 0 && ch.GetId() < best.GetId() {
			best = ch
		}
	}
	return best
}

// enforce tells the charter that is in force to those that do not have it.
func (sh *shell) enforce(now time.Time, open *durablepb.Charter) {
	f := &sh.founding
	f.settled = true
	for _, h := range sh.crowd.hosts {
		if has := f.answers[h.node]; has.GetOpen() && has.GetId() == open.GetId() {
			continue
		}
		f.settled = false
		if h.id == sh.self {
			sh.chartered(now, h.node, open)
		} else {
			sh.post(h.node, &durablepb.Packet{Body: &durablepb.Packet_Charter{Charter: open}})
		}
	}
}

// charter draws a charter, or goes on with one that is held.
func (sh *shell) charter(now time.Time) {
	f := &sh.founding
	var best *durablepb.Charter
	for _, ch := range f.answers { // order: the newest is the same in any
		if ch != nil && (best == nil || ch.GetView() > best.GetView() || ch.GetView() == best.GetView() && ch.GetId() > best.GetId()) {
			best = ch
		}
	}
	if best == nil {
		if best = sh.draw(); best == nil {
			return
		}
	}
	all := true
	for _, h := range sh.crowd.hosts {
		if f.answers[h.node].GetId() == best.GetId() {
			continue
		}
		all = false
		if h.id == sh.self {
			sh.chartered(now, h.node, best)
		} else {
			sh.post(h.node, &durablepb.Packet{Body: &durablepb.Packet_Charter{Charter: best}})
		}
	}
	if all {
		open := proto.CloneOf(best)
		open.Open = true
		self, _ := sh.crowd.issuer()
		sh.chartered(now, self.node, open)
	}
}

// draw makes a charter, if there are hosts enough.
func (sh *shell) draw() *durablepb.Charter {
	cfg := sh.svc.cfg
	if n := len(sh.crowd.hosts); n < cfg.Expect {
		sh.setStatus(func(s *Status) {
			s.Waiting = fmt.Sprintf("a new store is founded with %d hosts, there are %d", cfg.Expect, n)
		})
		return nil
	}
	ch := &durablepb.Charter{Id: drawID(), View: sh.crowd.view, Shards: uint32(cfg.Shards), Replicas: uint32(cfg.Replicas)}
	for _, h := range sh.crowd.hosts {
		ch.Nodes = append(ch.Nodes, h.id)
	}
	slices.Sort(ch.Nodes)
	return ch
}

// answered takes a host's answer to the census. One from another view than ours
// might be from before another issuer gave it a charter.
func (sh *shell) answered(from member.Node, view uint64, ch *durablepb.Charter) {
	if f := &sh.founding; f.answers != nil && view == sh.crowd.view {
		f.answers[from] = ch
		sh.beat = time.Time{}
	}
}

// chartered takes a charter to hold, or the one that is in force.
func (sh *shell) chartered(now time.Time, from member.Node, ch *durablepb.Charter) {
	f := &sh.founding
	have := f.charter
	same := have.GetId() == ch.GetId()
	switch {
	case f.writing || ch.GetId() == 0 || !sh.host:
		return
	case have.GetOpen() && ch.GetOpen() && !same:
		sh.beForeign(from)
		return
	case have.GetOpen() || same && !ch.GetOpen():
		sh.tellCharter(from)
		return
	case int(ch.GetShards()) != sh.svc.cfg.Shards:
		sh.setStatus(func(s *Status) {
			s.Waiting = fmt.Sprintf("the cluster's store has %d shards, Config.Shards here is %d", ch.GetShards(), sh.svc.cfg.Shards)
		})
		return
	}
	f.writing = true
	sh.disk.put(job{ops: []store.Op{store.Put(keyCharter, marshal(ch))}, sync: true, done: func() {
		sh.put(chartered{func() {
			f.writing, f.charter = false, ch
			sh.tellCharter(from)
			sh.beat = now
		}})
	}})
}

// tellCharter answers the issuer.
func (sh *shell) tellCharter(to member.Node) {
	if to.Address == sh.svc.address {
		return // found looks at its own
	}
	sh.post(to, &durablepb.Packet{Body: &durablepb.Packet_Answer{Answer: &durablepb.Census{Charter: sh.founding.charter}}})
}

// beForeign takes this node's store out: it belongs to other data.
func (sh *shell) beForeign(by member.Node) {
	if sh.status.Fault == nil {
		sh.svc.log.Error("the store here belongs to other data than the cluster's: nothing of it is used", "by", by.Address)
	}
	sh.setStatus(func(s *Status) { s.Fault, s.Founded = ErrForeignStore, false })
	for shard := range sh.lead { // order: each is for itself
		sh.endRun(shard)
		sh.leases[shard].Store(0)
	}
	clear(sh.lead)
	clear(sh.ailing)
	sh.machine = nil
	for _, m := range sh.crowd.members {
		sh.post(m, &durablepb.Packet{Body: &durablepb.Packet_Foreign{Foreign: &durablepb.Foreign{}}})
	}
	sh.crowd.foreign[member.Node{Address: sh.svc.address, UID: sh.svc.sys.UID()}] = true
	sh.crowd.hosts = slices.DeleteFunc(sh.crowd.hosts, func(h host) bool { return h.id == sh.self })
}

// begin starts the shards.
func (sh *shell) begin(now time.Time) {
	ch := sh.founding.charter
	if err := sh.openMachine(now, ch); err != nil {
		sh.svc.log.Error("the shards cannot start", "error", err)
		sh.setStatus(func(s *Status) { s.Fault = err })
		sh.machine = nil
		return
	}
	sh.setStatus(func(s *Status) { s.Store, s.Founded, s.Waiting = ch.GetId(), true, "" })
	sh.svc.log.Info("durable shards are at work", "store", shownID(ch.GetId()), "node", shownID(sh.self))
}

// firstMembers are the first replicas of a shard, the first primary first: a run of
// the charter's nodes that begins one further with each shard, so that both are
// spread evenly. It must never change, since nodes that start later compute it too.
func firstMembers(ch *durablepb.Charter, shard int) []uint64 {
	n := len(ch.GetNodes())
	list := make([]uint64, 0, ch.GetReplicas())
	for k := range min(n, int(ch.GetReplicas())) {
		list = append(list, ch.GetNodes()[(shard+k)%n])
	}
	return list
}

// groupID is the identity of a shard's group: of this charter, and short.
func groupID(ch *durablepb.Charter) uint64 {
	const bits = 1<<40 - 1
	return ch.GetId()&bits | 1
}
