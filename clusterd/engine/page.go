package engine

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// A view of ten thousand members is more than a message may hold. It is sent in
// pages then, to a joiner, to whoever lacks it, and after a recovery. Each page
// stands for itself: it names the view and the place of its first entry. A
// receiver keeps what it has from the beginning on, and asks for the rest from
// there: of whoever sent it a page last, which need not be the one that began,
// since a number and a term name one content everywhere. So whatever is lost,
// repeated or overtaken costs one burst, and nothing begins anew unless the
// sender has gone on to a newer view meanwhile.

// burst is how many pages answer one question.
const burst = 4

// pageTries is how often a question is put without a page in answer.
const pageTries = 3

// Page is a part of a view: its members, and then its tombstones, counted
// through.
type Page struct {
	Head    member.View        // the view without members and tombstones
	Members uint32             // how many the view has
	Buried  uint32             // how many tombstones it has
	First   uint32             // place of the first entry here, members before tombstones
	Entries []member.Entry     // from First on, as far as there are members
	Removed []member.Tombstone // after these
	Last    bool               // of a burst: the receiver is to ask for more
	Active  uint64             // number of the newest active view

	Record *member.Record  // of the receiver, which becomes a member by the view; nil = it is one
	From   member.Identity // of the receiver before a recovery; zero = there was none

	// What it is a part of. A receiver in the same process (there are thousands
	// in the simulator) need not build a copy. Never on the wire.
	whole *member.View
}

// album is a view that is being gathered.
type album struct {
	id     member.Identity
	source member.Node // who sent the newest page
	extent [2]uint32   // of the view: members and tombstones
	view   member.View // what is there of it, from the beginning
	page   Page        // the newest, for what it says beside its entries
	whole  *member.View
	due    time.Time // when it is asked for again
	tries  int
}

// have is how many entries are there.
func (a *album) have() int { return len(a.view.Members) + len(a.view.Removed) }

// size is how many entries the view has.
func (p *Page) size() int { return int(p.Members) + int(p.Buried) }

// pages cuts a view from an entry on into at most so many pages. none means
// that the whole view fits into one message.
func pages(v *member.View, first, limit, most int) (list []*Page) {
	size := len(v.Members) + len(v.Removed)
	for at := first; at < size && len(list) < most; {
		p := &Page{Head: *v, Members: uint32(len(v.Members)), Buried: uint32(len(v.Removed)), First: uint32(at), whole: v}
		p.Head.Members, p.Head.Removed = nil, nil
		next := at
		for bytes := 0; next < size && (bytes == 0 || bytes+weight(v, next) <= limit); next++ {
			bytes += weight(v, next)
		}
		members := len(v.Members)
		p.Entries = v.Members[min(at, members):min(next, members)]
		p.Removed = v.Removed[max(at-members, 0):max(next-members, 0)]
		list, at = append(list, p), next
	}
	if len(list) > 0 {
		list[len(list)-1].Last = true
	}
	return list
}

// weight is about how many bytes an entry of a view has in a message.
func weight(v *member.View, at int) int {
	const fixed = 32 // numbers, and the heads of fields
	if at >= len(v.Members) {
		return fixed + len(v.Removed[at-len(v.Members)].Address)
	}
	m := &v.Members[at]
	return fixed + len(m.Address) + m.Info.Size()
}

// sendPages sends a node a burst of pages of the newest decided view, as they
// follow on what it has. It sends nothing, and reports false, if all of a view
// fits into one message.
func (e *Engine) sendPages(to member.Node, first int, r *member.Record, from member.Identity) bool {
	list := pages(e.views.decided, first, e.cfg.MaxMessage, burst)
	if first == 0 && len(list) <= 1 {
		return false
	}
	for _, p := range list {
		p.Active, p.Record, p.From = e.views.activeNumber(), r, from
		e.send(to, p)
	}
	return true
}

// onPage gathers. A page of what is known here, or of a view older than the one
// that is being gathered, is of no use.
func (e *Engine) onPage(from member.Node, id member.Identity, p *Page) error {
	if err := p.validate(); err != nil {
		return err
	}
	if err := e.expectsPage(from, id, p); err != nil {
		return err
	}
	a := e.album
	switch {
	case e.id == id && p.Head.Number <= e.views.decided.Number:
		return nil
	case a == nil || a.id != id:
		a = &album{id: id}
	case p.Head.Number < a.view.Number:
		return nil
	}
	e.album = a
	if err := a.take(from, p); err != nil {
		return err
	}
	if a.have() == p.size() {
		e.album = nil
		return e.complete(a)
	}
	a.due = e.now.Add(e.cfg.Timing.Retry)
	if p.Last {
		e.askOn()
	}
	return nil
}

// expectsPage refuses pages of whoever could not have sent the whole view.
func (e *Engine) expectsPage(from member.Node, id member.Identity, p *Page) error {
	switch {
	case id.IsZero():
		return malformed("page of no cluster")
	case e.id.IsZero():
		if !e.expects(from) {
			return ErrUnexpected
		}
	case e.id != id && !e.follows(from, id):
		return ErrForeign
	case e.id != id && p.From != e.id && (e.album == nil || e.album.id != id):
		return ErrForeign
	}
	return nil
}

// take adds what follows on what is there.
func (a *album) take(from member.Node, p *Page) error {
	extent := [2]uint32{p.Members, p.Buried}
	switch {
	case a.view.Number != p.Head.Number || a.view.Term != p.Head.Term:
		a.view, a.extent, a.whole = p.Head, extent, p.whole
	case a.extent != extent:
		return malformed("page of a view of %v entries, others say %v", extent, a.extent)
	}
	record, former := a.page.Record, a.page.From
	if p.Record != nil {
		record = p.Record
	}
	if !p.From.IsZero() {
		former = p.From
	}
	a.source, a.page = from, *p
	a.page.Record, a.page.From = record, former
	if a.whole != p.whole {
		a.whole = nil
	}
	skip := a.have() - int(p.First)
	if skip < 0 || skip >= len(p.Entries)+len(p.Removed) {
		return nil // a page before it is lacking, or it came before
	}
	a.tries = 0
	members := p.Entries[min(skip, len(p.Entries)):]
	buried := p.Removed[max(skip-len(p.Entries), 0):]
	if w := a.whole; w != nil { // all pages so far are of it: its own entries will do
		m, b := len(a.view.Members)+len(members), len(a.view.Removed)+len(buried)
		a.view.Members, a.view.Removed = w.Members[:m:m], w.Removed[:b:b]
		return nil
	}
	a.view.Members = append(a.view.Members, members...)
	a.view.Removed = append(a.view.Removed, buried...)
	return nil
}

// complete does with a view that is all there what its message would have
// brought about.
func (e *Engine) complete(a *album) error {
	view, p := &a.view, &a.page
	if a.whole != nil {
		view = a.whole
	}
	switch {
	case e.id.IsZero() && p.Record != nil:
		err := e.onWelcome(a.source, a.id, &Welcome{View: view, Active: p.Active, Record: p.Record})
		if err == nil {
			e.send(a.source, e.digest(false)) // the facts did not come with the pages
		}
		return err
	case e.id.IsZero():
		return ErrNotMember
	case e.id != a.id:
		return e.onRecovered(a.source, a.id, &Recovered{From: p.From, View: view})
	}
	return e.onCommit(a.source, &Commit{View: view, Active: p.Active})
}

// askOn asks for the pages that follow on what is there.
func (e *Engine) askOn() {
	a := e.album
	a.due = e.now.Add(e.cfg.Timing.Retry)
	e.out = append(e.out, &Message{From: e.self, To: a.source, Identity: a.id, Body: &Lack{
		Number: a.view.Number, Term: a.view.Term, First: uint32(a.have()),
	}})
}

// leaf looks after an album whose pages do not come. One that is given up is
// begun anew when its view is heard of again.
func (e *Engine) leaf() {
	a := e.album
	if a == nil || e.now.Before(a.due) {
		return
	}
	if a.tries++; a.tries > pageTries {
		e.album = nil
		return
	}
	e.askOn()
}

func (a *album) dueAt() time.Time {
	if a == nil {
		return time.Time{}
	}
	return a.due
}

func (p *Page) validate() error {
	here := len(p.Entries) + len(p.Removed)
	switch first := int(p.First); {
	case p.Head.Number == 0 || len(p.Head.Members)+len(p.Head.Removed) != 0:
		return malformed("page of view %d with %d entries in its head", p.Head.Number, len(p.Head.Members)+len(p.Head.Removed))
	case p.Members > maxRecords || p.Buried > maxRecords:
		return malformed("page of a view of %d members and %d tombstones", p.Members, p.Buried)
	case here == 0 || first+here > p.size():
		return malformed("page of %d entries from %d of %d", here, first, p.size())
	case first < int(p.Members) && len(p.Removed) > 0 && first+len(p.Entries) != int(p.Members),
		first+len(p.Entries) > int(p.Members) && len(p.Entries) > 0:
		return malformed("page of %d members from %d of %d, and %d tombstones", len(p.Entries), first, p.Members, len(p.Removed))
	}
	if p.Record != nil {
		return faultyOrNil(p.Record.Validate())
	}
	return nil
}

func faultyOrNil(err error) error {
	if err == nil {
		return nil
	}
	return faulty(err)
}

func (b *Page) absent() bool { return b == nil }
