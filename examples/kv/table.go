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
	address  string // for the other nodes
	id       string
	host     string // for clients
	port     int    // for clients
	bus      int    // the port of address
	self     bool
	status   member.Status
	lost     bool   // unreachable for this node
	epoch    uint64 // when it came: all differ, and it never changes
	spans    []span
	replicas []*place // of its slots, the same for all of them
	primary  *place   // whose replica it is, nil if it has slots of its own
}

func (p *place) slots() (n int) {
	for _, s := range p.spans {
		n += int(s.last-s.first) + 1
	}
	return n
}

// client is HOST:PORT for clients.
func (p *place) client() string { return net.JoinHostPort(p.host, strconv.Itoa(p.port)) }

// table is the cluster as clients see it: places by id.
type table struct {
	places  []*place
	self    *place // nil before this node is a member
	view    uint64 // grows with each change of the members
	covered int    // slots that somebody has
}

// newTable asks for the owner of each slot.
func newTable(n *clusterd.Node, owner func(slot uint16) string) *table {
	t := &table{}
	byAddress := map[string]*place{}
	for _, m := range n.View().Members {
		if p := placeOf(m); p != nil && m.Status != member.Removed {
			p.self = m.Address == n.Self().Address
			t.places = append(t.places, p)
			byAddress[m.Address] = p
			t.view = max(t.view, m.UpNumber)
			if p.self {
				t.self = p
			}
		}
	}
	slices.SortFunc(t.places, func(a, b *place) int { return cmp.Compare(a.id, b.id) })
	for s := range uint16(slots.Count) {
		if p := byAddress[owner(s)]; p != nil {
			p.add(s)
			t.covered++
		}
	}
	return t
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

// add appends a slot that is greater than all before.
func (p *place) add(s uint16) {
	if n := len(p.spans); n > 0 && p.spans[n-1].last+1 == s {
		p.spans[n-1].last = s
		return
	}
	p.spans = append(p.spans, span{s, s})
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
	if p.primary == nil {
		list = append(list, "master")
	} else {
		list = append(list, "slave")
	}
	switch {
	case p.status == member.Down:
		list = append(list, "fail")
	case p.lost:
		list = append(list, "fail?")
	}
	return strings.Join(list, ",")
}
