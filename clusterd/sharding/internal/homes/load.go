package homes

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Usage is an input: how busy the slots of a kind were here in the last period,
// from a shell that has been busy at all.
type Usage Report

func (Usage) input() {}

// MaxHot bounds the slots that a report names. The rest of its total is taken to
// be spread evenly over the other slots of the node.
const MaxHot = 256

type loadKey struct {
	node member.Node
	kind string
}

// usage is a report and when it came.
type usage struct {
	Report
	at time.Time
}

// used passes on how busy this node was.
func (m *Machine) used(now time.Time, r Report) error {
	issuer, ok := m.view.Issuer()
	if !ok {
		return ErrStale
	}
	if issuer != m.cfg.Self {
		m.send(issuer, r)
		return nil
	}
	return m.reported(now, m.cfg.Self, r)
}

// reported notes how busy a node was. Once in a period, at rest, the issuer
// compares them.
func (m *Machine) reported(now time.Time, from member.Node, r Report) error {
	c := m.issuer
	if c == nil || len(r.Hot) > MaxHot || m.view.find(from) == nil || m.table(r.Kind) == nil {
		return ErrStale
	}
	c.loads[loadKey{from, r.Kind}] = usage{r, now}
	if m.cfg.Rebalance <= 0 || now.Sub(c.checked) < m.cfg.Rebalance || c.busy() {
		return nil
	}
	c.checked = now
	for _, group := range m.groups() {
		m.relieve(now, group)
	}
	return nil
}

// relieve plans anew for a group of kinds if its load is uneven.
func (m *Machine) relieve(now time.Time, group []string) {
	c := m.issuer
	old := c.plans[group[0]].plan.Target
	units := make([][]slots.Node, slots.Count)
	for _, r := range old {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			units[slot] = []slots.Node{slots.Node(r.Node.Address)}
		}
	}
	next := slots.Relieve(units, m.loadOf(now, group, old), m.view.hosts(group[0]))
	var target []Span
	moved := false
	for slot, where := range next {
		if len(where) == 0 {
			return
		}
		moved = moved || where[0] != units[slot][0]
		node, _ := m.view.at(string(where[0]))
		target = extend(target, Span{uint16(slot), uint16(slot), node, 0})
	}
	if !moved {
		return
	}
	for _, kind := range group {
		c.plan(m, kind, target)
	}
	c.timer.reset()
	c.send(now, m)
}

// loadOf estimates the messages of each slot from the reports of two periods.
func (m *Machine) loadOf(now time.Time, group []string, target []Span) []uint64 {
	load := make([]uint64, slots.Count)
	for _, kind := range group {
		for _, o := range m.view.Members {
			u, ok := m.issuer.loads[loadKey{o.Node, kind}]
			if !ok || now.Sub(u.at) > 2*m.cfg.Rebalance {
				continue
			}
			rest, hot := u.Total, new(slots.Set)
			for _, l := range u.Hot {
				load[l.Slot%slots.Count] += uint64(l.Messages)
				rest -= min(rest, uint64(l.Messages))
				hot.Add(l.Slot)
			}
			others := new(slots.Set)
			for _, r := range target {
				if r.Node == o.Node {
					others.AddRange(r.First, r.Last)
				}
			}
			others.Subtract(hot)
			if n := uint64(others.Len()); n > 0 {
				for slot := range others.Slots() {
					load[slot] += rest / n
				}
			}
		}
	}
	return load
}
