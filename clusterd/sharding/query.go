package sharding

import (
	"slices"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/slots"
)

// Location is where an entity is, as far as a node knows.
type Location struct {
	Slot    uint16
	Address string // of the node that runs it, or would; "" = nobody knows
	Epoch   uint64 // under which that one has the slot; a higher one is newer
	Local   bool   // the slot is on this node, and does not move at the moment
	Moving  bool   // the slot was here and is on its way to another node
}

// Locate returns where an entity is. It asks nobody: a node may not know yet of a
// move that has just ended, and messages find their way all the same. Any
// goroutine.
func Locate(n *clusterd.Node, kind, id string) Location { return locate(n, kind, slots.Of(id)) }

// LocateSlot is [Locate] for all entities of a kind in a slot.
func LocateSlot(n *clusterd.Node, kind string, slot uint16) Location { return locate(n, kind, slot) }

func locate(n node, kind string, slot uint16) Location {
	out := Location{Slot: slot % slots.Count}
	s, ok := n.Attachment(serviceName).(*service)
	if !ok {
		return out
	}
	if way, known := s.router.routes.owner(kind, out.Slot); known {
		out.Address, out.Epoch = way.to.Address, uint64(way.epoch)
	}
	st := s.router.stripe(out.Slot)
	st.mu.RLock()
	defer st.mu.RUnlock()
	if at := st.seats[seatKey{kind, out.Slot}]; at != nil {
		out.Local = at.state == here
		out.Moving = at.state == closing || at.state == shipped
	}
	return out
}

// Range is a run of slots of a kind that are on the same node.
type Range struct {
	First, Last uint16 // both in it
	Address     string
	UID         uint64 // of the node's incarnation
	Epoch       uint64 // the highest in the range
}

// Table returns where the slots of a kind are, as far as this node knows, in
// rising order. Slots that nobody is known to have are left out. At rest all
// nodes return the same. Any goroutine.
func Table(n *clusterd.Node, kind string) []Range { return table(n, kind) }

func table(n node, kind string) []Range {
	s, ok := n.Attachment(serviceName).(*service)
	if !ok {
		return nil
	}
	var list []Range
	for slot := range uint16(slots.Count) {
		way, known := s.router.routes.owner(kind, slot)
		if !known {
			continue
		}
		r := Range{slot, slot, way.to.Address, way.to.UID, uint64(way.epoch)}
		if n := len(list); n > 0 && list[n-1].Last+1 == slot && list[n-1].Address == r.Address && list[n-1].UID == r.UID {
			list[n-1].Last, list[n-1].Epoch = slot, max(list[n-1].Epoch, r.Epoch)
			continue
		}
		list = append(list, r)
	}
	return list
}

// CountInSlot returns how many entities of a kind run in a slot on this node.
func CountInSlot(n *clusterd.Node, kind string, slot uint16) int {
	return len(inSlot(n, kind, slot, -1))
}

// IDsInSlot returns the ids of entities of a kind that run in a slot on this
// node, sorted, at most limit of them; a negative limit is none.
func IDsInSlot(n *clusterd.Node, kind string, slot uint16, limit int) []string {
	return inSlot(n, kind, slot, limit)
}

func inSlot(n node, kind string, slot uint16, limit int) []string {
	s, ok := n.Attachment(serviceName).(*service)
	if !ok {
		return nil
	}
	var ids []string
	st := s.router.stripe(slot % slots.Count)
	st.mu.RLock()
	if at := st.seats[seatKey{kind, slot % slots.Count}]; at != nil {
		for id, ln := range at.lines {
			if ln.life != nil {
				ids = append(ids, id)
			}
		}
	}
	st.mu.RUnlock()
	slices.Sort(ids)
	if limit >= 0 && len(ids) > limit {
		ids = ids[:limit]
	}
	return ids
}

// IDs calls yield with the id of each entity of a kind that runs on this node,
// in no particular order, until it returns false. No lock is held meanwhile:
// entities that start or stop during the call may or may not be among them.
func IDs(n *clusterd.Node, kind string) func(yield func(string) bool) { return idsOf(n, kind) }

func idsOf(n node, kind string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		s, ok := n.Attachment(serviceName).(*service)
		if !ok {
			return
		}
		for i := range s.router.stripes {
			st := &s.router.stripes[i]
			var ids []string
			st.mu.RLock()
			for key, at := range st.seats {
				if key.kind != kind {
					continue
				}
				for id, ln := range at.lines {
					if ln.life != nil {
						ids = append(ids, id)
					}
				}
			}
			st.mu.RUnlock()
			for _, id := range ids {
				if !yield(id) {
					return
				}
			}
		}
	}
}
