package engine

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// TestAtRestANodeTalksToFew: whom a node sends anything to, while nothing
// changes, does not grow with the cluster: the successors that it monitors and
// the stewards, those that monitor it, and now and then anybody.
func TestAtRestANodeTalksToFew(t *testing.T) {
	race.SkipPure(t)
	const rounds = 64
	most := map[int]int{}
	for _, n := range []int{20, 60} {
		p := newPump(t, 83)
		all := names(n)
		p.cluster(all...)
		p.run(10 * time.Second)
		steward := map[member.Node]bool{}
		for _, s := range p.get(all[0]).verdict.stewards {
			steward[s] = true
		}
		heard, mates := map[[2]member.Node]bool{}, map[member.Node]int{}
		p.twice = func(m *Message) bool {
			if way := [2]member.Node{m.From, m.To}; !heard[way] && !steward[m.From] {
				heard[way] = true
				mates[m.From]++
			}
			return false
		}
		p.run(rounds * Lan().Gossip)
		for _, count := range mates { // order: the greatest is looked for
			most[n] = max(most[n], count)
		}
	}
	t.Logf("in %d rounds a node sent to at most %d of 20 and %d of 60", rounds, most[20], most[60])
	// 5 and 3 targets, 5 or so who have it as theirs (by the luck of the hashes up
	// to 10), and two or three strangers.
	if most[60] > 24 {
		t.Errorf("a node sent to %d others of 60 at rest, want no more than 24", most[60])
	}
}

// TestDifferenceIsMixed: two neighbours that differ compare with anybody from
// then on, until they have met nobody who differs for some rounds.
func TestDifferenceIsMixed(t *testing.T) {
	p := newPump(t, 84)
	all := names(30)
	p.cluster(all...)
	p.run(10 * time.Second)
	b := p.get(all[7])
	b.mix()
	met := map[member.Node]bool{}
	for range 400 {
		met[b.partner()] = true
	}
	if len(met) != 29 {
		t.Errorf("a node that saw a difference draws among %d others, want all 29", len(met))
	}
	b.mixing = time.Time{}
	near := 0
	for range 6400 {
		n := b.partner()
		for _, m := range b.roster.ring {
			if m == n {
				near++
				break
			}
		}
	}
	if near < 6200 {
		t.Errorf("%d of 6400 digests go to the ring at rest, want all but some 83", near)
	}
}
