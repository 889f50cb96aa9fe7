package engine

import (
	"iter"
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Standing returns what the join machine needs to know.
func (e *Engine) Standing() Standing {
	e.show()
	return e.shown.standing
}

// nowhere is the standing of who is no member.
func nowhere() Standing { return Standing{Members: member.Nodes(nil), Voters: member.Nodes(nil)} }

func (e *Engine) stand() Standing {
	return Standing{
		Identity:     e.id,
		View:         e.views.decided.Number,
		Lease:        e.mayAct(),
		Leaving:      e.own().Own.Leaving || e.views.decided.Shutdown,
		Steward:      slices.Contains(e.verdict.stewards, e.self),
		OtherSteward: e.otherSteward(),
		Change:       e.roster.change,
		Members:      inUse{e},
		Voters:       voters{e},
	}
}

// otherSteward returns the lowest steward that is not this node; zero = none.
func (e *Engine) otherSteward() member.Node {
	for _, n := range e.verdict.stewards {
		if n != e.self {
			return n
		}
	}
	return member.Node{}
}

// inUse is the roll of every address in use, as the engine knows them when it is
// asked: Joining to Down.
type inUse struct{ e *Engine }

// Len implements [member.Roll].
func (u inUse) Len() int { return u.e.roster.listed + 1 }

// Find implements [member.Roll].
func (u inUse) Find(address string) (member.Node, bool) {
	if m := u.e.views.decided.At(address); m != nil {
		return m.Node, true
	}
	if r := u.e.table.Record(address); r != nil && r.Live() {
		return r.Node, true
	}
	return member.Node{}, false
}

// All implements [member.Roll].
func (u inUse) All() iter.Seq[member.Node] {
	return func(yield func(member.Node) bool) {
		for m, r := range u.e.places() {
			switch {
			case m != nil:
				if !yield(m.Node) {
					return
				}
			case r.Live():
				if !yield(r.Node) {
					return
				}
			}
		}
	}
}

// voters is the roll of those of the newest decided view.
type voters struct{ e *Engine }

// Len implements [member.Roll].
func (v voters) Len() int { return v.e.views.decided.Voters() }

// Find implements [member.Roll].
func (v voters) Find(address string) (member.Node, bool) {
	if m := v.e.views.decided.At(address); m != nil && m.Status.Votes() {
		return m.Node, true
	}
	return member.Node{}, false
}

// All implements [member.Roll].
func (v voters) All() iter.Seq[member.Node] {
	return func(yield func(member.Node) bool) {
		members := v.e.views.decided.Members
		for i := range members {
			if members[i].Status.Votes() && !yield(members[i].Node) {
				return
			}
		}
	}
}
