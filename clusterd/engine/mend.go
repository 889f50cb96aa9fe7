package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// A link between two members may break while both live and everybody else
// reaches them. Neither is accused then, for helpers show that both live, and
// the cluster decides, admits and fences as ever, since nothing of that needs a
// particular link. But what runs on the two cannot talk, and no node can repair
// that from within. A link that stays broken for Timing.Mend is therefore ended
// as a cut is, by making the rest whole: the smallest set of members without
// whom no link is broken goes, the younger ones first where sets are equally
// small. That set must leave a quorum of the strategy behind; where none does,
// nobody goes. Whoever went is held back at its return until its links work.

// strand is a broken link, both of whose ends live as far as this node knows.
type strand struct {
	downing.Link
	since time.Time // when this node first collected it
}

// broken returns the broken links. They are collected where they are asked for,
// which every beat does: while many join, rows change with nearly every message.
func (e *Engine) broken() []strand {
	if e.verdict.frayed {
		e.verdict.frayed, e.verdict.strands = false, e.strands()
	}
	return e.verdict.strands
}

// strands brings the broken links up to date with the rows. A link that anybody
// of those who count reports is one, whichever end tells.
func (e *Engine) strands() []strand {
	var list []strand
	for _, row := range e.verdict.rows {
		if len(row.Around) == 0 || !e.heeds(row.Observer) {
			continue
		}
		for _, n := range row.Around {
			list = append(list, strand{linkOf(row.Observer, n), e.now})
		}
	}
	slices.SortFunc(list, strand.compare)
	list = slices.CompactFunc(list, func(a, b strand) bool { return a.Link == b.Link })
	former := e.verdict.strands // sorted, too
	for i := range list {
		for len(former) > 0 && former[0].compare(list[i]) < 0 {
			former = former[1:]
		}
		if len(former) > 0 && former[0].Link == list[i].Link {
			list[i].since = former[0].since
		}
	}
	return list
}

// heeds reports whether the one who wrote a row of the table counts or is listed.
// The table has rows of live records only, so that it is unless it was removed.
func (e *Engine) heeds(observer member.Node) bool {
	if observer == e.self {
		return e.counts(observer)
	}
	return !e.views.decided.Buries(observer)
}

func linkOf(a, b member.Node) downing.Link {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return downing.Link{A: a, B: b}
}

func (s strand) compare(o strand) int {
	if c := s.A.Compare(o.A); c != 0 {
		return c
	}
	return s.B.Compare(o.B)
}

// mend has the leader want those out who keep a link broken for too long. All
// links that are broken choose the set, so that one node that loses its links one
// after another goes alone; only ends of a link that has lasted go. While
// somebody is unreachable it waits for that to be decided first, at most twice as
// long: with the unreachable the links to them may go as well.
func (e *Engine) mend() {
	patience, broken := e.cfg.Timing.Mend, e.broken()
	if len(broken) == 0 || patience == 0 || !e.leads() || e.now.Sub(e.tenure.since) < e.cfg.Timing.Accuse {
		return
	}
	if e.troubled() {
		patience *= 2
	}
	var links []downing.Link
	var ends []member.Node // of links that have lasted
	for _, s := range broken {
		if !e.stands(s.A) || !e.stands(s.B) {
			continue
		}
		links = append(links, s.Link)
		if e.now.Sub(s.since) >= patience {
			ends = append(ends, s.A, s.B)
		}
	}
	if len(ends) == 0 {
		return
	}
	for _, n := range downing.Cover(e.views.decided, links, e.cfg.Downing) {
		if slices.Contains(ends, n) {
			e.want(n, member.CauseUnreachable)
		}
	}
}

// stands reports whether n is a member that nobody has found lost yet.
func (e *Engine) stands(n member.Node) bool {
	return e.views.decided.Find(n) != nil && e.verdict.reachable(n) && e.wanted(n) == 0
}

// moored reports whether a joiner has no broken link to a member: it would be
// removed for that again.
func (e *Engine) moored(joiner member.Node) bool {
	return !slices.ContainsFunc(e.broken(), func(s strand) bool {
		return s.A == joiner && e.views.decided.Find(s.B) != nil || s.B == joiner && e.views.decided.Find(s.A) != nil
	})
}

// accusing returns the rows that say something against somebody, of which there
// are few.
func (e *Engine) accusing() []*reach.Row {
	return slices.DeleteFunc(e.table.Rows(), (*reach.Row).Empty)
}
