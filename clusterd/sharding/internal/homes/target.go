package homes

import (
	"strings"

	"github.com/pando-go/pando/clusterd/slots"
)

// groups returns the kinds of the view, those with the same hosts together:
// they share homes, so that keys with the same tag live together.
func (m *Machine) groups() [][]string {
	var order []string
	by := map[string][]string{}
	for _, kind := range m.view.kinds() {
		var b strings.Builder
		for _, h := range m.view.hosts(kind) {
			b.WriteString(string(h.Node))
			b.WriteByte(' ')
		}
		if key := b.String(); by[key] == nil {
			order = append(order, key)
		}
		by[b.String()] = append(by[b.String()], kind)
	}
	list := make([][]string, 0, len(order))
	for _, key := range order {
		list = append(list, by[key])
	}
	return list
}

// targetOf plans where the slots of a group of kinds ought to be: balanced, and
// as near as can be to where they are. Where kinds differ, the first that has
// the slot anywhere counts. It is empty if no member may own them.
func (m *Machine) targetOf(group []string) []Span {
	hosts := m.view.hosts(group[0])
	if len(hosts) == 0 {
		return nil
	}
	now := make([][]slots.Node, slots.Count)
	for slot := range now {
		for _, kind := range group {
			if holder, _ := m.table(kind).where(uint16(slot)); holder.Address != "" {
				now[slot] = []slots.Node{slots.Node(holder.Address)}
				break
			}
		}
	}
	var target []Span
	for slot, where := range (slots.Planner{}).Plan(now, hosts) {
		node, _ := m.view.at(string(where[0]))
		target = extend(target, Span{uint16(slot), uint16(slot), node, 0})
	}
	return target
}
