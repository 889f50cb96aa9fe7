package rounds

import (
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Run spreads one piece of news. The same seed and number give the same run.
func Run(s Setup, seed, number uint64) Result {
	w := newWorld(s, seed, number)
	if kind, ok := s.Way.strategy(); ok {
		newTroop(w, kind).run()
	} else if s.Way == Memberlist {
		memberlist(w)
	} else {
		hopByHop(w)
	}
	return w.result()
}

// troop is a cluster of strategies.
type troop struct {
	*world
	strategies []gossip.Strategy // nil while a node does not know
	kind       gossip.Kind
	all        []member.Node
	flight     []mail // answers that arrive in the next round
}

type mail struct {
	from int
	gossip.Letter
}

func newTroop(w *world, kind gossip.Kind) *troop {
	t := &troop{world: w, strategies: make([]gossip.Strategy, w.Nodes), kind: kind, all: everybody(w.Nodes)}
	t.begin(0, news)
	return t
}

// begin gives a node that has just heard the news its strategy. Before that
// it would have had nothing to do.
func (t *troop) begin(i int, fresh gossip.Facts) {
	s := gossip.New(gossip.Config{
		Self:     nodeOf(i),
		Strategy: t.kind,
		Fanout:   t.Fanout,
		Paced:    true,
		Endless:  true,
	})
	s.Aim(func() []member.Node { return t.all })
	s.Changed(clock(t.round), 1, fresh)
	t.strategies[i] = s
}

// patience is after how many rounds a run is given up as endless.
const patience = 10_000

// run goes on until all know, or, for a strategy that stops by itself, until
// it is silent.
func (t *troop) run() {
	omniscient := t.Way == Random || t.Way == Memory || t.Way == Recall || t.Way == SeenSet && t.Dead+t.Fatal > 0
	for t.round < patience {
		t.round++
		letters := t.send()
		t.read(letters)
		if t.told == t.live && omniscient {
			return
		}
		if t.told == t.live && t.Way == SeenSet && t.res.Silence == 0 && t.res.Total == 0 {
			t.res.Total = t.res.Messages // until all know; exchanged below
		}
		if len(letters) == 0 && len(t.flight) == 0 && t.idle() {
			break
		}
	}
	t.res.Silence = t.round - 1
	if t.Way == SeenSet {
		t.res.Messages, t.res.Total = t.res.Total, t.res.Messages
		return
	}
	t.repair()
	t.res.Total = t.res.Messages
}

// send collects what all nodes send in this round: what their strategies say,
// and the reports that the last round called forth.
func (t *troop) send() []mail {
	letters := t.flight
	t.flight = nil
	for i, s := range t.strategies {
		if s == nil || !t.alive[i] {
			continue
		}
		for _, l := range s.Next(clock(t.round), t.rng) {
			letters = append(letters, mail{i, l})
		}
	}
	return letters
}

// read delivers the letters of a round, then the answers to them. What those
// call forth waits for the next round.
func (t *troop) read(letters []mail) {
	var answers []mail
	for _, m := range letters {
		answers = append(answers, t.deliver(m)...)
	}
	for _, m := range answers {
		t.flight = append(t.flight, t.deliver(m)...)
	}
}

func (t *troop) deliver(m mail) (answers []mail) {
	to := indexOf(m.To)
	if !t.sent(to) {
		return nil
	}
	carries := m.Latest || len(m.News.Rows) > 0
	fresh := carries && t.learn(to)
	if fresh {
		t.begin(to, gossip.Facts{})
	}
	if t.Way != Memory { // which remembers only what it sent itself
		for _, l := range t.strategies[to].Heard(clock(t.round), nodeOf(m.from), &m.Note, m.News) {
			answers = append(answers, mail{to, l})
		}
	}
	if fresh && t.fatal[to] {
		t.crash(to)
	}
	return answers
}

// idle reports whether no strategy waits for anything.
func (t *troop) idle() bool {
	for i, s := range t.strategies {
		if s != nil && t.alive[i] && !s.Due().IsZero() {
			return false
		}
	}
	return true
}
