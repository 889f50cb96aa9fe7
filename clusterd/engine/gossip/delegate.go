package gossip

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Delegate hands each piece of news down a [Tree] of its own: 2(n-1) messages,
// reports included, whatever k is. Only who is the first to know begins one, so
// news that a peer brought otherwise goes no further by itself.
//
// What changes in one round goes out together. A node that hears of more than
// busy rumours in a round leaves its own news to anti-entropy, which costs the
// same however many have changed.
type Delegate struct {
	cfg   Config
	tree  *Tree[Rumour, Facts]
	all   func() []member.Node
	news  Facts  // not sent off yet
	begun uint64 // rumours of this node so far
	heard int    // rumours heard since the last round
}

const busy = 64

func newDelegate(cfg Config) *Delegate {
	tree := TreeConfig{
		Self: cfg.Self, Fanout: cfg.Fanout, Hop: cfg.Hop, Paced: cfg.Paced, MaxShare: cfg.MaxBytes / 2, Doubt: cfg.Doubt,
	}
	if cfg.Paced { // the literature counts rounds of random choices
		tree.Self = member.Node{}
	}
	return &Delegate{cfg: cfg, tree: NewTree[Rumour, Facts](tree)}
}

// Aim implements [Strategy].
func (s *Delegate) Aim(all func() []member.Node) { s.all = all }

// Changed implements [Strategy].
func (s *Delegate) Changed(_ time.Time, _ uint64, news Facts) { s.news.join(news) }

// Heard implements [Strategy].
func (s *Delegate) Heard(now time.Time, from member.Node, note *Note, news Facts) []Letter {
	switch {
	case note.Rumour == Rumour{} || note.Rumour.Origin == s.cfg.Self && note.Report == 0:
		return nil
	case note.Report != 0:
		s.tree.Hear(now, from, note.Rumour, note.Ticket, note.Missing, note.Report)
	default:
		s.heard++
		s.tree.Take(now, from, note.Rumour, note.Ticket, news, note.Share)
	}
	return letters(s.tree.Flush())
}

// Next implements [Strategy].
func (s *Delegate) Next(now time.Time, r *rand.Rand) []Letter {
	if !s.news.empty() {
		if s.heard <= busy && s.all != nil {
			s.begin(now, r)
		}
		s.news = Facts{}
	}
	s.heard = 0
	return s.CatchUp(now, r)
}

// CatchUp implements [Strategy].
func (s *Delegate) CatchUp(now time.Time, _ *rand.Rand) []Letter { return letters(s.tree.Next(now)) }

// begin sends off the news, in as many rumours as its size asks for.
func (s *Delegate) begin(now time.Time, r *rand.Rand) {
	others := slices.DeleteFunc(slices.Clone(s.all()), func(n member.Node) bool { return n == s.cfg.Self })
	c := collector{limit: s.cfg.MaxBytes / 2}
	c.facts(s.news)
	for _, part := range c.parts {
		s.begun++
		s.tree.Begin(now, Rumour{s.cfg.Self, s.begun}, part, others, r)
	}
}

// Lost implements [Strategy].
func (s *Delegate) Lost(now time.Time, peer member.Node) { s.tree.Lost(now, peer) }

// Due implements [Strategy].
func (s *Delegate) Due() time.Time { return s.tree.Due() }

func letters(parcels []Parcel[Rumour, Facts]) []Letter {
	var list []Letter
	for _, p := range parcels {
		list = append(list, Letter{To: p.To, News: p.Load, Note: Note{
			Rumour: p.Key, Ticket: p.Ticket, Share: p.Share, Report: p.Report, Missing: p.Missing,
		}})
	}
	return list
}
