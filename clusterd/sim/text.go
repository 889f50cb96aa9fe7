package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// pick returns the nodes that were named, all if none were.
func (s *Sim) pick(ids []int) []*node {
	var list []*node
	for _, n := range s.nodes[1:] {
		if len(ids) == 0 || slices.Contains(ids, n.id) {
			list = append(list, n)
		}
	}
	return list
}

// stateText returns a line a node: how it sees the cluster.
func (s *Sim) stateText(ids []int) []string {
	var out []string
	for _, n := range s.pick(ids) {
		out = append(out, name(n.id)+" "+s.stateOf(n))
	}
	return out
}

func (s *Sim) stateOf(n *node) string {
	if !n.running() {
		if n.cause == "" {
			return "was not started"
		}
		return n.cause
	}
	snap := n.machine.Snapshot()
	if snap.Identity.IsZero() {
		return frozenText(n) + "has no cluster"
	}
	text := fmt.Sprintf("%scluster %s view %d", frozenText(n), s.clusterName(snap.Identity), snap.View)
	if snap.Leader == "" {
		text += " no leader"
	} else {
		text += " leader " + plain(snap.Leader)
	}
	if !snap.Converged {
		text += " not converged"
	}
	return text + ": " + s.memberText(snap.Members)
}

func frozenText(n *node) string {
	if n.frozen {
		return "(frozen) "
	}
	return ""
}

// memberText lists members as `n1 up 1, n2 joining unreachable`.
func (s *Sim) memberText(members []engine.Member) string {
	var list []string
	for _, m := range members {
		text := fmt.Sprintf("%s %v", s.incarnationText(m.Node), m.Status)
		if m.UpNumber != 0 {
			text += fmt.Sprintf(" %d", m.UpNumber)
		}
		if !m.Reachable {
			text += " unreachable"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// incarnationText names a node: n3 for its newest incarnation, n3' for older ones.
func (s *Sim) incarnationText(who member.Node) string {
	if id := idOf(who.Address); id != 0 {
		if s.node(id).self != who {
			return name(id) + "'"
		}
		return name(id)
	}
	return who.String()
}

// clusterName names clusters A, B, … in the order in which they were founded.
func (s *Sim) clusterName(id member.Identity) string {
	var all []member.Identity
	for other := range s.law.chains { // order: sorted below
		all = append(all, other)
	}
	slices.SortFunc(all, func(a, b member.Identity) int {
		if c := slices.Compare(a.Cluster[:], b.Cluster[:]); c != 0 {
			return c
		}
		return int(a.Branch) - int(b.Branch)
	})
	return string(rune('A' + slices.Index(all, id)))
}

// eventText returns what happened to membership since the last time, in order
// for each node.
func (s *Sim) eventText(ids []int) []string {
	var out []string
	for _, n := range s.pick(ids) {
		for _, e := range n.events {
			out = append(out, fmt.Sprintf("%s %s", name(n.id), s.eventLine(e)))
		}
		n.events = nil
	}
	return out
}

// eventLine tells an event without UIDs, which differ from seed to seed.
func (s *Sim) eventLine(e engine.Event) string {
	switch e := e.(type) {
	case engine.MemberChanged:
		return fmt.Sprintf("%s is %v", s.incarnationText(e.Member.Node), e.Member.Status)
	case engine.ReachabilityChanged:
		if e.Member.Reachable {
			return s.incarnationText(e.Member.Node) + " is reachable"
		}
		return s.incarnationText(e.Member.Node) + " is unreachable"
	case engine.ViewActive:
		return fmt.Sprintf("view %d is active with %d members", e.Number, len(e.Members))
	}
	return plain(e.String())
}

// noteText returns what operators read since the last time, repetitions once.
func (s *Sim) noteText(ids []int) []string {
	var out []string
	for _, n := range s.pick(ids) {
		for _, note := range n.notes {
			text := name(n.id) + ": " + plain(noteText(note))
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
		n.notes = nil
	}
	return out
}
