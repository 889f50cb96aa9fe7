package engine

import (
	"math/bits"
	"time"

	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// The limits of what one message of facts may hold, and of how many bytes of
// them go to one peer at once, which must fit into the transport's queue; what
// is left over is found by a later round.
const (
	maxFacts = 1 << 14
	maxAhead = 512 << 10
)

// strategy returns the configuration of how this node spreads its news.
func (e *Engine) strategy() gossip.Config {
	t := e.cfg.Timing
	return gossip.Config{
		Self:     e.self,
		Strategy: e.cfg.Gossip,
		Fanout:   e.cfg.Fanout,
		Extra:    t.Gossip / 3,
		Hop:      t.Gossip / hops,
		MaxBytes: e.cfg.MaxMessage,
		Doubt:    e.doubts,
	}
}

// hops is how many messages and their answers fit into a gossip interval, at
// the least, when nothing is wrong.
const hops = 4

// doubts reports whether n is better not relied on to pass something on. A tree
// asks this of everybody in turn, so nothing is remembered of whoever is asked about.
func (e *Engine) doubts(n member.Node) bool {
	p := e.roster.remembered(n)
	return p != nil && (p.accused || e.around(p)) || !e.verdict.reachable(n)
}

// round is one gossip round: the news to some peers, and a digest to one, which
// finds whatever the news did not reach. At rest the digest is all.
func (e *Engine) round() {
	e.nextRound = e.now.Add(e.cfg.Timing.Gossip)
	if e.stale { // the beat before may have changed facts
		e.refresh()
	}
	if e.roster.present == 0 {
		return
	}
	e.gossip.Changed(e.now, e.table.Digest(), gossip.Facts{})
	e.post(e.gossip.Next(e.now, e.cfg.Rand))
	e.send(e.partner(), e.digest(false))
	if !e.ahead.IsZero() {
		e.send(e.ahead, e.digest(false))
		e.ahead = member.Node{}
	}
}

// far is one in how many digests goes to anybody while nothing is seen to
// differ.
const far = 64

// partner draws whom this node compares its facts with in a round.
//
// A digest to anybody would mix best, and would have each node keep a connection
// to every other. So it goes to a successor on the ring, to which heartbeats go
// anyway. The ring is ordered by hashes, so whom news did not reach is scattered
// over it, and the ring connects all: wherever some know a fact and others do
// not, two neighbours differ and find that out within some rounds. From then on
// these two, and all whom they come to differ with, draw among all members until
// they have long met nobody who differs, as an epidemic wants it. And now and
// then everybody does, since nodes that list different members have different
// rings.
func (e *Engine) partner() member.Node {
	ring := e.roster.ring
	if small := e.roster.present < reach.All; small || len(ring) == 0 || e.now.Before(e.mixing) || e.cfg.Rand.IntN(far) == 0 {
		return e.anybody()
	}
	return ring[e.cfg.Rand.IntN(len(ring))]
}

// mix has digests go to anybody for as many rounds as an epidemic takes to
// reach all: facts differ somewhere.
func (e *Engine) mix() {
	rounds := bits.Len(uint(e.roster.present)) + 1
	e.mixing = e.now.Add(time.Duration(rounds) * e.cfg.Timing.Gossip)
}

// catchUp does what gossip and the waves have to do between two rounds.
func (e *Engine) catchUp() {
	if due := e.gossip.Due(); !due.IsZero() && !e.now.Before(due) {
		e.post(e.gossip.CatchUp(e.now, e.cfg.Rand))
	}
	if due := e.waves.Due(); !due.IsZero() && !e.now.Before(due) {
		e.shipAll(e.waves.Next(e.now))
	}
}

// post sends what the strategy wants sent.
func (e *Engine) post(letters []gossip.Letter) {
	for i := range letters {
		l := &letters[i]
		switch {
		case l.Latest:
			e.tell(l.To, l.Note)
		case len(l.News.Records)+len(l.News.Rows) > 0:
			e.sendFacts(l.To, []gossip.Facts{l.News}, l.Note)
		default:
			e.send(l.To, &Aside{Note: l.Note})
		}
	}
}

// tell sends a peer what has changed since it was last told.
func (e *Engine) tell(n member.Node, note gossip.Note) {
	p := e.roster.find(n)
	if p == nil {
		return
	}
	parts := e.table.Since(p.told)
	if len(parts) == 0 {
		e.send(n, &Aside{Note: note})
		return
	}
	p.before, p.told = p.told, e.table.Seq()
	e.sendFacts(n, parts, note)
}

// sendFacts sends facts, the note with the last of them: whoever reads it has
// all that goes with it.
func (e *Engine) sendFacts(to member.Node, parts []gossip.Facts, note gossip.Note) {
	parts = parts[:min(len(parts), max(1, maxAhead/e.cfg.MaxMessage))]
	for i, f := range parts {
		d := &Delta{
			Facts:   e.table.Digest(),
			View:    e.views.decided.Number,
			Active:  e.views.activeNumber(),
			Records: f.Records,
			Rows:    f.Rows,
		}
		if i == len(parts)-1 {
			d.Note = note
		}
		e.send(to, d)
	}
}

// digest sums up what this node knows; an answer to a digest has the buckets.
func (e *Engine) digest(answer bool) *Digest {
	d := &Digest{Facts: e.table.Digest(), View: e.views.decided.Number, Active: e.views.activeNumber()}
	if answer {
		d.Buckets = e.table.BucketDigests()
	}
	return d
}

// onDigest compares. A digest with buckets is an answer and gets none, so the
// exchange ends.
func (e *Engine) onDigest(from member.Node, d *Digest) error {
	if n := len(d.Buckets); n != 0 && n != gossip.Buckets {
		return malformed("digest with %d buckets", n)
	}
	behind := e.compareViews(from, d.View, d.Active)
	e.heardFacts(from, d.Facts)
	differ := d.Facts != e.table.Digest()
	if differ {
		e.mix()
	}
	switch {
	case len(d.Buckets) == 0 && (differ || behind):
		e.send(from, e.digest(true))
	case len(d.Buckets) != 0 && differ:
		for _, ask := range e.table.Inquire(d.Buckets) {
			e.send(from, &Request{Buckets: ask.Buckets, Have: ask.Have})
		}
	}
	return nil
}

// compareViews sends the newest view to a peer that does not know it, and
// reports whether this node is the one that is behind.
func (e *Engine) compareViews(from member.Node, view, active uint64) (behind bool) {
	decided, mine := e.views.decided.Number, e.views.activeNumber()
	if p := e.roster.find(from); p != nil && view > p.decided {
		p.decided, e.stir = view, true
	}
	if view < decided || view == decided && active < mine {
		e.sendView(from)
		return false
	}
	return view > decided || active > mine
}

// hail sends a digest to a member that this node may not know. A digest is
// answered to anybody: who was removed is told so, who is behind gets the view,
// and both find the facts that differ.
func (e *Engine) hail(h Hail) error {
	if err := h.Node.Validate(); err != nil {
		return faulty(err)
	}
	if e.id.IsZero() {
		return ErrNotMember
	}
	e.send(h.Node, e.digest(false))
	return nil
}

// heardFacts notes that a peer with an equal digest needs to be told nothing.
func (e *Engine) heardFacts(from member.Node, digest uint64) {
	mine := e.table.Digest()
	if digest != mine {
		return
	}
	e.gossip.Changed(e.now, mine, gossip.Facts{})
	e.post(e.gossip.Heard(e.now, from, &gossip.Note{Digest: digest}, gossip.Facts{}))
	if p := e.roster.find(from); p != nil {
		p.told = e.table.Seq()
		p.before = p.told
	}
}

func (e *Engine) onRequest(from member.Node, r *Request) error {
	if len(r.Buckets) > gossip.Buckets || len(r.Have) > 2*maxRecords || len(r.Want) > 2*maxRecords {
		return malformed("request for %d buckets, %d had, %d wanted", len(r.Buckets), len(r.Have), len(r.Want))
	}
	e.sendFacts(from, e.table.Lacking(r.Buckets, r.Have), gossip.Note{})
	if len(r.Want) > 0 {
		e.sendFacts(from, e.table.Pick(r.Want), gossip.Note{})
	}
	if want := e.table.Unknown(r.Have); len(want) > 0 {
		e.send(from, &Request{Want: want})
	}
	return nil
}

// onDelta merges facts. Those of a stranger are not merged, but for what it
// says of itself: whoever accepted it may have died before it told anybody.
func (e *Engine) onDelta(from member.Node, d *Delta) error {
	if err := d.validate(); err != nil {
		return err
	}
	if !e.known(from) && !e.meet(from, d.Records) {
		e.sendOff(from, d.Records)
		return ErrStranger
	}
	for _, r := range d.Records {
		if e.merge(r) && r.Node == from && e.joining(r) {
			e.passOn(from)
		}
	}
	for _, row := range d.Rows {
		if row.Observer != e.self {
			e.mergeRow(row)
		}
	}
	e.heardFacts(from, d.Facts)
	e.gossip.Changed(e.now, e.table.Digest(), gossip.Facts{})
	e.post(e.gossip.Heard(e.now, from, &d.Note, gossip.Facts{Records: d.Records, Rows: d.Rows}))
	if e.compareViews(from, d.View, d.Active) {
		e.ahead = from
	}
	e.checkOwn()
	return nil
}

// onAside reads what gossip says without facts.
func (e *Engine) onAside(from member.Node, a *Aside) error {
	if err := validNote(&a.Note); err != nil {
		return err
	}
	if !e.known(from) {
		return ErrStranger
	}
	e.post(e.gossip.Heard(e.now, from, &a.Note, gossip.Facts{}))
	return nil
}

// passOn brings what a joiner says of itself to the leader and the stewards,
// and, where it was welcomed, to everybody: one node does that, not all who
// hear it from the joiner.
func (e *Engine) passOn(joiner member.Node) {
	d := &Delta{Records: []*member.Record{e.table.Record(joiner.Address)}}
	if p := e.roster.find(joiner); p != nil && p.welcomed {
		e.announce(d)
		return
	}
	e.push(d)
}

// meet takes a stranger's word that it was accepted into this cluster, where its
// address is free and its UID is above all that were there. Its own record is
// what any member would have passed on.
func (e *Engine) meet(from member.Node, records []*member.Record) bool {
	for _, r := range records {
		if r.Node == from && r.Live() && r.Own.Present && e.checkJoiner(from) == nil && e.merge(r) {
			e.passOn(from)
			return true
		}
	}
	return false
}

// sendOff tells a stranger to come back anew whose acceptance is so old that
// its tombstone may have been pruned (17).
func (e *Engine) sendOff(from member.Node, records []*member.Record) {
	for _, r := range records {
		if r.Node == from && !e.admissible(r) {
			e.send(from, &Gone{View: e.views.decided.Floor, Cause: member.CauseUnreachable})
			return
		}
	}
}

func (d *Delta) validate() error {
	if len(d.Records) > maxFacts || len(d.Rows) > maxFacts {
		return malformed("delta of %d records and %d rows", len(d.Records), len(d.Rows))
	}
	for _, r := range d.Records {
		if err := r.Validate(); err != nil {
			return faulty(err)
		}
	}
	for _, row := range d.Rows {
		if err := row.Validate(); err != nil {
			return faulty(err)
		}
	}
	return validNote(&d.Note)
}

// validNote refuses a note whose nodes could not be written to.
func validNote(n *gossip.Note) error {
	if len(n.Share) > maxFacts || len(n.Missing) > maxFacts || len(n.Seen) > maxFacts {
		return malformed("note with a share of %d, %d missing, %d seen", len(n.Share), len(n.Missing), 64*len(n.Seen))
	}
	for _, share := range [][]member.Node{n.Share, n.Missing} {
		for _, node := range share {
			if err := node.Validate(); err != nil {
				return faulty(err)
			}
		}
	}
	return nil
}

// checkOwn looks at what others have said of this node: that it was removed,
// or something that only it may say, which it then says anew.
func (e *Engine) checkOwn() {
	r := e.own()
	switch {
	case r.UID > e.self.UID:
		e.end(member.CauseReplaced)
	case !r.Live():
		e.end(r.Wanted)
	case !r.Own.Present:
		e.restate(e.introduce)
	}
}

func (e *Engine) sendFailed(f SendFailed) {
	if p := e.roster.find(f.To); p != nil {
		p.told = p.before
		e.gossip.Lost(e.now, f.To)
		e.waves.Lost(e.now, f.To)
	}
}
