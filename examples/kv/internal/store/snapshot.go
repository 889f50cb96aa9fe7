package store

import (
	"bytes"
	"fmt"

	"github.com/pando-go/pando/examples/kv/kvpb"
)

// Snapshot is everything that the store holds, in the order of a scan. It shares
// bytes with the store, so it is to be encoded before the next command.
func (s *Store) Snapshot() *kvpb.Slot {
	slot := &kvpb.Slot{Now: s.now}
	for _, e := range s.keys.list {
		it := e.val
		if it.deadline != 0 && it.deadline <= s.now {
			continue
		}
		slot.Items = append(slot.Items, it.pack())
	}
	return slot
}

func (it *item) pack() *kvpb.Item {
	p := &kvpb.Item{Key: []byte(it.key), Kind: kvpb.Item_Kind(it.kind), Deadline: it.deadline}
	switch it.kind {
	case String:
		p.Value = it.str
	case Hash:
		for _, e := range it.hash.list {
			p.Elements = append(p.Elements, []byte(e.key), e.val)
		}
	case List:
		p.Elements = it.list.slice(0, it.list.len())
	case Set:
		for _, e := range it.set.list {
			p.Elements = append(p.Elements, []byte(e.key))
		}
	}
	return p
}

// Restore fills an empty store.
func (s *Store) Restore(slot *kvpb.Slot) error {
	s.now = max(s.now, slot.GetNow())
	for _, p := range slot.GetItems() {
		it, err := unpack(p)
		if err != nil {
			return err
		}
		s.put(it)
		if it.deadline != 0 {
			s.due.add(s, it)
		}
	}
	return nil
}

func unpack(p *kvpb.Item) (*item, error) {
	it := &item{key: string(p.GetKey()), kind: Kind(p.GetKind()), deadline: p.GetDeadline()}
	list := p.GetElements()
	switch it.kind {
	case String:
		it.str = bytes.Clone(p.GetValue())
	case Hash:
		if len(list)%2 != 0 {
			return nil, fmt.Errorf("store: hash %q has a field without a value", p.GetKey())
		}
		it.hash = new(dict[[]byte])
		for i := 0; i < len(list); i += 2 {
			it.hash.put(list[i], bytes.Clone(list[i+1]))
		}
	case List:
		it.list = new(deque)
		for _, b := range list {
			it.list.pushBack(bytes.Clone(b))
		}
	case Set:
		it.set = new(dict[struct{}])
		for _, m := range list {
			it.set.put(m, struct{}{})
		}
	default:
		return nil, fmt.Errorf("store: key %q is of unknown kind %d", p.GetKey(), p.GetKind())
	}
	return it, nil
}
