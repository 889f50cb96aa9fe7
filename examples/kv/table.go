package main

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Keys of a member's record: where its clients connect, and its name for them.
const (
	metaClients = "kv.clients" // HOST:PORT
	metaID      = "kv.id"      // 40 hexadecimal digits, the same for life
)

// span is the slots from first to last.
type span struct{ first, last uint16 }

// place is one node as clients see it.
type place struct {
	address string // for the other nodes
	id      string
	host    string // for clients
	port    int    // for clients
	bus     int    // the port of address
	self    bool
	status  member.Status
	lost    bool   // unreachable for this node
	epoch   uint64 // when it came: all differ, and it never changes
	spans   []span // that it is the primary of
}

func (p *place) slots() (n int) {
	for _, s := range p.spans {
		n += int(s.last-s.first) + 1
	}
	return n
}

// client is HOST:PORT for clients.
func (p *place) client() string { return net.JoinHostPort(p.host, strconv.Itoa(p.port)) }

// slotRange is slots that the same nodes keep.
type slotRange struct {
	span
	primary  *place
	replicas []*place
}

// table is the cluster as clients see it: places by id, ranges by slot.
type table struct {
	places  []*place
	ranges  []slotRange
	self    *place // nil before this node is a member
	view    uint64 // grows with each change of the members
	covered int    // slots that somebody has
}

// newTable has the members. Their slots are added from the first to the last.
func newTable(n *clusterd.Node) *table {
	t := &table{}
	for _, m := range n.View().Members {
		if p := placeOf(m); p != nil && m.Status != member.Removed {
			p.self = m.Address == n.Self().Address
			t.places = append(t.places, p)
			t.view = max(t.view, m.UpNumber)
			if p.self {
				t.self = p
			}
		}
	}
	slices.SortFunc(t.places, func(a, b *place) int { return cmp.Compare(a.id, b.id) })
	return t
}

// add adds slots that are greater than all before.
func (t *table) add(first, last uint16, primary string, replicas []string) {
	p := t.at(primary)
	if p == nil {
		return
	}
	r := slotRange{span{first, last}, p, nil}
	for _, address := range replicas {
		if replica := t.at(address); replica != nil {
			r.replicas = append(r.replicas, replica)
		}
	}
	t.covered += int(last-first) + 1
	if n := len(p.spans); n > 0 && p.spans[n-1].last+1 == first {
		p.spans[n-1].last = last
	} else {
		p.spans = append(p.spans, r.span)
	}
	if n := len(t.ranges); n > 0 {
		if before := &t.ranges[n-1]; before.last+1 == first && before.primary == p && slices.Equal(before.replicas, r.replicas) {
			before.last = last
			return
		}
	}
	t.ranges = append(t.ranges, r)
}

// placeOf is a member that serves clients, nil for others.
func placeOf(m clusterd.Member) *place {
	p := &place{address: m.Address, status: m.Status, lost: !m.Reachable, epoch: m.UpNumber}
	clients := ""
	for _, pair := range m.Info.Meta {
		switch pair.Key {
		case metaClients:
			clients = pair.Value
		case metaID:
			p.id = pair.Value
		}
	}
	host, port, err := net.SplitHostPort(clients)
	if err != nil || p.id == "" {
		return nil
	}
	p.host, p.port = host, number(port)
	if i := strings.LastIndexByte(m.Address, ':'); i >= 0 {
		p.bus = number(m.Address[i+1:])
	}
	return p
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // 0 for what is none
	return n
}

// at returns the place of a member, nil if it serves no clients.
func (t *table) at(address string) *place {
	i := slices.IndexFunc(t.places, func(p *place) bool { return p.address == address })
	if i < 0 {
		return nil
	}
	return t.places[i]
}

// owner returns the address of who has a slot, "" for nobody.
func (t *table) owner(slot uint16) string {
	for _, p := range t.places {
		i, _ := slices.BinarySearchFunc(p.spans, slot, func(s span, slot uint16) int { return cmp.Compare(s.last, slot) })
		if i < len(p.spans) && p.spans[i].first <= slot {
			return p.address
		}
	}
	return ""
}

// withoutSelf tells that other nodes have all slots.
func (t *table) withoutSelf() bool {
	return t.covered == slots.Count && (t.self == nil || len(t.self.spans) == 0)
}

// byID returns the place with an id, nil if there is none.
func (t *table) byID(id string) *place {
	i := slices.IndexFunc(t.places, func(p *place) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return t.places[i]
}

// primaries are the places that have slots.
func (t *table) primaries() (list []*place) {
	for _, p := range t.places {
		if len(p.spans) > 0 {
			list = append(list, p)
		}
	}
	return list
}

// flags are the words of CLUSTER NODES.
func (p *place) flags() string {
	var list []string
	if p.self {
		list = append(list, "myself")
	}
	list = append(list, "master") // each may be the primary of some slots and a replica of others
	switch {
	case p.status == member.Down:
		list = append(list, "fail")
	case p.lost:
		list = append(list, "fail?")
	}
	return strings.Join(list, ",")
}
