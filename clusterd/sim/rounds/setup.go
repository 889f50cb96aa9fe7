package rounds

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/gossip"
)

// Way is how news is spread.
type Way uint8

// The ways. The letters are those of the reference table in docs/gossip.md.
const (
	Random     Way = iota // (a) k random peers a round, for as long as somebody does not know
	Memory                // (b) the same, but nobody twice
	Recall                // (b2) Memory, and nobody from whom the news came
	SeenSet               // (c) only who is outside the set that travels along
	HopByHop              // (e) delegation, each share confirmed on receipt
	Delegate              // (d) delegation, each share confirmed when it is served: what the engine does
	Memberlist            // (m) hashicorp/memberlist's broadcast, at its defaults
)

// String returns the letter and the name.
func (w Way) String() string {
	names := [...]string{"(a) random", "(b) memory", "(b2) recall", "(c) seenset", "(e) hop by hop", "(d) delegate", "(m) memberlist"}
	if int(w) < len(names) {
		return names[w]
	}
	return fmt.Sprintf("way(%d)", uint8(w))
}

// Setup describes one run.
type Setup struct {
	Way    Way
	Nodes  int // n, the dead included; node 0 has the news
	Fanout int // k; ignored by Memberlist, which has 3

	Loss  float64 // part of the messages that vanish
	Dead  float64 // part of the nodes that are dead, though everybody lists them
	Fatal float64 // part of the nodes that crash once they have the news and have sent their first answers
}

// Result is what one run came to.
type Result struct {
	Rounds   int // until all that live know
	Messages int // of all sorts, until then; for a way that stops by itself, until it stops
	Silence  int // rounds until nobody sends any more; 0 = the way does not stop by itself
	Total    int // messages until then
	Live     int // nodes that live in the end
	Untold   int // how many of these did not know when the strategy was silent
	Repairs  int // messages of anti-entropy that these took; among Messages
}

// strategy returns the strategy of a way that has one.
func (w Way) strategy() (gossip.Kind, bool) {
	switch w {
	case Random:
		return gossip.ByRandom, true
	case Memory, Recall:
		return gossip.ByMemory, true
	case SeenSet:
		return gossip.BySeenSet, true
	case Delegate:
		return gossip.ByDelegate, true
	}
	return 0, false
}
