package durable

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
)

// A store's id stays the same over restarts, which its member's UID and perhaps its
// address do not. Each host shows its id to all members; the newest active view
// tells which member has which id.

// crowd is who is there, by the newest active view.
type crowd struct {
	view    uint64
	members []member.Node        // all others, whether they host or not
	hosts   []host               // by address, this node among them
	byID    map[uint64]host      // of hosts; an address stays known after its member is gone
	foreign map[member.Node]bool // members whose stores belong to other data
}

// host is a member that keeps shards.
type host struct {
	id      uint64
	node    member.Node
	zone    string
	leaving bool
	standby bool // it is never a primary
}

// follow takes over a view.
func (sh *shell) follow(now time.Time, v viewed) {
	c := &sh.crowd
	if c.byID == nil {
		c.byID, c.foreign = map[uint64]host{}, map[member.Node]bool{}
	}
	known := map[member.Node]bool{}
	for _, m := range c.members {
		known[m] = true
	}
	c.view, c.members, c.hosts = v.epoch, nil, nil
	fresh := false
	for _, m := range v.Members {
		if m.Address != sh.svc.address {
			c.members = append(c.members, m.Node)
			fresh = fresh || !known[m.Node]
		}
		id, ok := idOf(m)
		if !ok || c.foreign[m.Node] || m.Status != member.Up && m.Status != member.Leaving {
			continue
		}
		h := host{id: id, node: m.Node, zone: m.Info.Zone, leaving: m.Status == member.Leaving, standby: isStandby(m)}
		c.hosts = append(c.hosts, h)
		c.byID[id] = h
	}
	sh.nameAll()
	sh.directAll()
	sh.founding.begin()
	if fresh {
		sh.spreadAll()
	}
	sh.beat = now
}

// idOf reads the id that a host shows.
func idOf(m clusterd.Member) (uint64, bool) {
	for _, p := range m.Info.Meta {
		if p.Key == serviceName {
			id := readID(p.Value)
			return id, id != 0
		}
	}
	return 0, false
}

// standbyKey is in the metadata of a host that is never a primary.
const standbyKey = serviceName + ".standby"

func isStandby(m clusterd.Member) bool {
	return slices.ContainsFunc(m.Info.Meta, func(p member.Pair) bool { return p.Key == standbyKey })
}

// readID is the inverse of shownID; 0 if text is none.
func readID(text string) uint64 {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func shownID(id uint64) string { return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, id)) }

// nameAll lets users' calls know addresses.
func (sh *shell) nameAll() {
	names := map[uint64]string{}
	for id, h := range sh.crowd.byID { // order: into a map
		names[id] = h.node.Address
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.names = names
}

// issuer is the one host that founds and plans: of those that stay, the one with
// the lowest address. It is a function of the view, so there is one for each.
func (c *crowd) issuer() (host, bool) {
	for _, h := range c.hosts {
		if !h.leaving {
			return h, true
		}
	}
	return host{}, false
}

// address returns where a store's node is, "" if it is not known.
func (sh *shell) address(id uint64) string {
	if id == sh.self {
		return sh.svc.address
	}
	return sh.crowd.byID[id].node.Address
}

// Packets of the groups travel as user messages: their lanes take large ones apart
// and have room, and the control lane with its heartbeats of the membership stays
// free. The receiver is $durable.groups/TO/FROM with the ids of both stores, so
// that a packet for a store that is no longer at this address goes nowhere, and all
// packets from one to the other take one lane, in order.
const groupPrefix = "$durable.groups/"

// send passes a packet of the groups on.
func (sh *shell) send(p groups.Packet) {
	to := sh.address(p.To)
	if to == "" || p.To == sh.self {
		return // it is not known where; Raft asks again
	}
	pid := &pa.PID{Address: to, Id: groupPrefix + shownID(p.To) + "/" + shownID(sh.self)}
	sh.svc.sys.Proto().Root.Send(pid, p.Data)
}

// inlet is the process behind groupPrefix.
type inlet struct{ sh *shell }

// SendUserMessage takes a packet of another node's groups.
func (in inlet) SendUserMessage(pid *pa.PID, msg any) {
	_, m, _ := pa.UnwrapEnvelope(msg)
	payload, ok := m.([]byte)
	to, from, cut := strings.Cut(strings.TrimPrefix(pid.Id, groupPrefix), "/")
	id := readID(from)
	if !ok || !cut || id == 0 || in.sh.self == 0 || to != shownID(in.sh.self) {
		return
	}
	in.sh.put(data{id, payload})
}

// SendSystemMessage ignores what cannot be asked of it.
func (inlet) SendSystemMessage(*pa.PID, any) {}

// Stop does nothing.
func (inlet) Stop(*pa.PID) {}

// post sends a control message to the service on another member.
func (sh *shell) post(to member.Node, p *durablepb.Packet) {
	p.View = sh.crowd.view
	sh.svc.node.Post(to, serviceName, marshal(p))
}

// receive takes a control message apart.
func (sh *shell) receive(now time.Time, in packet) {
	var p durablepb.Packet
	if err := proto.Unmarshal(in.payload, &p); err != nil {
		sh.svc.log.Debug("durable packet refused", "from", in.from, "error", err)
		return
	}
	switch b := p.GetBody().(type) {
	case *durablepb.Packet_Census:
		sh.post(in.from, &durablepb.Packet{Body: &durablepb.Packet_Answer{Answer: &durablepb.Census{Charter: sh.founding.charter}}})
	case *durablepb.Packet_Answer:
		sh.answered(in.from, p.GetView(), b.Answer.GetCharter())
	case *durablepb.Packet_Charter:
		sh.chartered(now, in.from, b.Charter)
	case *durablepb.Packet_Rows:
		sh.learnRows(b.Rows)
	case *durablepb.Packet_Plan:
		sh.planned(now, p.GetView(), b.Plan)
	case *durablepb.Packet_Move:
		sh.pilot.pin(int(b.Move.GetShard()), b.Move.GetTo())
		sh.steer(now)
	case *durablepb.Packet_Foreign:
		sh.crowd.foreign[in.from] = true
		sh.crowd.hosts = slices.DeleteFunc(sh.crowd.hosts, func(h host) bool { return h.node == in.from })
	}
}
