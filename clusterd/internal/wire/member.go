package wire

import (
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
)

// enum is an enumeration of one byte in memory. Which values make sense is for
// the receiver to judge.
type enum interface{ ~uint8 }

func getEnum[E enum](g *getter, v uint32) E {
	if v > 0xff {
		g.fail("enumeration value %d", v)
	}
	return E(v)
}

// putAll and getAll map slices; an empty one is nil afterwards.
func putAll[T, P any](ts []T, put func(T) P) []P {
	var ps []P
	if len(ts) > 0 {
		ps = make([]P, len(ts))
	}
	for i, t := range ts {
		ps[i] = put(t)
	}
	return ps
}

func getAll[P, T any](ps []P, get func(P) T) []T { return putAll(ps, get) }

func putNode(n member.Node) *wirepb.Node {
	if n.IsZero() {
		return nil
	}
	return &wirepb.Node{Address: n.Address, Uid: n.UID}
}

func (g *getter) node(n *wirepb.Node) member.Node {
	return member.Node{Address: n.GetAddress(), UID: n.GetUid()}
}

func putIdentity(i member.Identity) *wirepb.Identity {
	if i == (member.Identity{}) {
		return nil
	}
	pb := &wirepb.Identity{Branch: i.Branch}
	if !i.IsZero() {
		pb.Cluster = i.Cluster[:]
	}
	return pb
}

func (g *getter) identity(i *wirepb.Identity) member.Identity {
	id := member.Identity{Branch: i.GetBranch()}
	if c := i.GetCluster(); len(c) != 0 && len(c) != len(id.Cluster) {
		g.fail("cluster ID of %d bytes", len(c))
	}
	copy(id.Cluster[:], i.GetCluster())
	return id
}

func putTerm(t member.Term) *wirepb.Term {
	if t == (member.Term{}) {
		return nil
	}
	return &wirepb.Term{Counter: t.Counter, Leader: putNode(t.Leader)}
}

func (g *getter) term(t *wirepb.Term) member.Term {
	return member.Term{Counter: t.GetCounter(), Leader: g.node(t.GetLeader())}
}

func putPair(p member.Pair) *wirepb.Pair { return &wirepb.Pair{Key: p.Key, Value: p.Value} }

func (g *getter) pair(p *wirepb.Pair) member.Pair {
	return member.Pair{Key: p.GetKey(), Value: p.GetValue()}
}

func putInfo(i member.Info) *wirepb.Info {
	return &wirepb.Info{
		Roles:   i.Roles,
		Zone:    i.Zone,
		Version: i.Version,
		Kinds:   i.Kinds,
		Meta:    putAll(i.Meta, putPair),
	}
}

func (g *getter) info(i *wirepb.Info) member.Info {
	return member.Info{
		Roles:   i.GetRoles(),
		Zone:    i.GetZone(),
		Version: i.GetVersion(),
		Kinds:   i.GetKinds(),
		Meta:    getAll(i.GetMeta(), g.pair),
	}
}

func putRecord(r *member.Record) *wirepb.Record {
	if r == nil {
		return nil
	}
	return &wirepb.Record{
		Node:     putNode(r.Node),
		Accepted: r.Accepted,
		Own: &wirepb.Own{
			Version: r.Own.Version,
			Present: r.Own.Present,
			Leaving: r.Own.Leaving,
			Drained: r.Own.Drained,
			Halt:    r.Own.Halt,
			Info:    putInfo(r.Own.Info),
		},
		Weakly:  r.Weakly,
		Wanted:  uint32(r.Wanted),
		Removed: r.Removed,
	}
}

func (g *getter) record(r *wirepb.Record) *member.Record {
	if r == nil {
		g.fail("no record")
	}
	own := r.GetOwn()
	return &member.Record{
		Node:     g.node(r.GetNode()),
		Accepted: r.GetAccepted(),
		Own: member.Own{
			Version: own.GetVersion(),
			Present: own.GetPresent(),
			Leaving: own.GetLeaving(),
			Drained: own.GetDrained(),
			Halt:    own.GetHalt(),
			Info:    g.info(own.GetInfo()),
		},
		Weakly:  r.GetWeakly(),
		Wanted:  getEnum[member.Cause](g, r.GetWanted()),
		Removed: r.GetRemoved(),
	}
}

func putRow(r *reach.Row) *wirepb.Row {
	return &wirepb.Row{
		Observer: putNode(r.Observer),
		Version:  r.Version,
		Accused:  putAll(r.Accused, putListed),
		Around:   putAll(r.Around, putListed),
	}
}

// putListed keeps the place of a zero node in a list.
func putListed(n member.Node) *wirepb.Node {
	return &wirepb.Node{Address: n.Address, Uid: n.UID}
}

func (g *getter) row(r *wirepb.Row) *reach.Row {
	return &reach.Row{
		Observer: g.node(r.GetObserver()),
		Version:  r.GetVersion(),
		Accused:  getAll(r.GetAccused(), g.node),
		Around:   getAll(r.GetAround(), g.node),
	}
}

func putView(v *member.View) *wirepb.View {
	if v == nil {
		return nil
	}
	return &wirepb.View{
		Number:   v.Number,
		Term:     putTerm(v.Term),
		Members:  putAll(v.Members, putEntry),
		Removed:  putAll(v.Removed, putTombstone),
		NextUp:   v.NextUp,
		Floor:    v.Floor,
		Open:     v.Open,
		Shutdown: v.Shutdown,
	}
}

// view returns nil for a view that is not there.
func (g *getter) view(v *wirepb.View) *member.View {
	if v == nil {
		return nil
	}
	return &member.View{
		Number:   v.GetNumber(),
		Term:     g.term(v.GetTerm()),
		Members:  getAll(v.GetMembers(), g.entry),
		Removed:  getAll(v.GetRemoved(), g.tombstone),
		NextUp:   v.GetNextUp(),
		Floor:    v.GetFloor(),
		Open:     v.GetOpen(),
		Shutdown: v.GetShutdown(),
	}
}

// needView is for bodies that make no sense without one.
func (g *getter) needView(v *wirepb.View) *member.View {
	if v == nil {
		g.fail("no view")
	}
	return g.view(v)
}

func putEntry(e member.Entry) *wirepb.Entry {
	return &wirepb.Entry{
		Node:     putNode(e.Node),
		Status:   uint32(e.Status),
		UpNumber: e.UpNumber,
		Cause:    uint32(e.Cause),
		Info:     putInfo(e.Info),
	}
}

func (g *getter) entry(e *wirepb.Entry) member.Entry {
	return member.Entry{
		Node:     g.node(e.GetNode()),
		Status:   getEnum[member.Status](g, e.GetStatus()),
		UpNumber: e.GetUpNumber(),
		Cause:    getEnum[member.Cause](g, e.GetCause()),
		Info:     g.info(e.GetInfo()),
	}
}

func putTombstone(t member.Tombstone) *wirepb.Tombstone {
	return &wirepb.Tombstone{Node: putNode(t.Node), View: t.View, Cause: uint32(t.Cause)}
}

func (g *getter) tombstone(t *wirepb.Tombstone) member.Tombstone {
	return member.Tombstone{
		Node:  g.node(t.GetNode()),
		View:  t.GetView(),
		Cause: getEnum[member.Cause](g, t.GetCause()),
	}
}
