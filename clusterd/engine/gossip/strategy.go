package gossip

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Strategy decides whom a node tells its news. All strategies do that by the
// same calls, in the engine as in the simulated rounds of the reference table.
// One is owned by one engine. What a strategy does not reach, anti-entropy
// does.
type Strategy interface {
	// Aim tells that there are other members than before. all returns them,
	// this node among them, sorted; it may be called until the next Aim, and
	// what it returns is kept and must not be written to.
	Aim(all func() []member.Node)
	// Changed tells that the facts known here have a new digest. news is that
	// part of the change of which this node is the first to know; it is empty
	// where a peer brought the change.
	Changed(now time.Time, digest uint64, news Facts)
	// Heard reads the note on a message of a peer, after the facts beside it
	// were merged and Changed was called. It returns what is to be sent at once.
	Heard(now time.Time, from member.Node, note *Note, news Facts) []Letter
	// Next returns what is to be sent in a round.
	Next(now time.Time, r *rand.Rand) []Letter
	// CatchUp returns what is to be sent between two rounds, when Due says so.
	CatchUp(now time.Time, r *rand.Rand) []Letter
	// Lost tells that a message to a peer was lost, or that it is accused.
	Lost(now time.Time, peer member.Node)
	// Due returns when CatchUp wants to be called; zero = not before an input.
	Due() time.Time
}

// Letter is a message that a [Strategy] wants sent.
type Letter struct {
	To   member.Node
	Note Note
	News Facts // what to tell
	// Latest asks for all that has changed lately and that To has not been
	// told, instead of News.
	Latest bool
}

// Note is what a strategy writes on a message, for that of the receiver. Notes
// of another strategy are ignored, so that a cluster works, if less well, while
// its nodes differ in that. The zero Note says nothing.
type Note struct {
	Digest uint64   // of the sender's facts; 0 = not told
	Answer bool     // it answers a note, and wants no answer itself
	Peers  uint64   // hash of the list of nodes that Seen is about
	Seen   []uint64 // SeenSet: bits of the nodes that have seen the digest

	Rumour  Rumour        // Delegate: what is handed down; zero = nothing
	Ticket  uint64        // Delegate: of the share; see [Parcel]
	Share   []member.Node // Delegate: whom the receiver is to tell in turn
	Report  Report        // Delegate: how far the sender is with what it was handed; 0 = it hands down
	Missing []member.Node // Delegate: who of the share was not reached
}

// Rumour names the news that a node has sent off at once.
type Rumour struct {
	Origin member.Node // who was the first to know
	Number uint64      // counted by the origin, from 1
}

// Kind names a strategy.
type Kind uint8

// The strategies. See docs/gossip.md for a comparison.
const (
	ByDelegate Kind = iota // the default: see [Delegate]
	ByMemory               // see [Memory]
	ByRandom               // see [Random]
	BySeenSet              // see [SeenSet]
)

// String returns the name of the strategy in lower case.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("strategy(%d)", uint8(k))
}

var kinds = [...]string{"delegate", "memory", "random", "seenset"}

// ParseKind returns the strategy of a name; "" is the default.
func ParseKind(name string) (Kind, error) {
	for i, k := range kinds {
		if name == k {
			return Kind(i), nil
		}
	}
	if name == "" {
		return ByDelegate, nil
	}
	return 0, fmt.Errorf("gossip: no strategy %q, want one of %v", name, kinds)
}

// DefaultFanout is k, the number of peers that are told in one round.
const DefaultFanout = 2

// Config describes a strategy. Self is required; other zero values are good
// defaults for a simulation in rounds. The engine fills in what it knows.
type Config struct {
	Self     member.Node   // whose strategy it is
	Strategy Kind          // which one
	Fanout   int           // k: how many peers are told in one round; 0 = DefaultFanout
	Extra    time.Duration // between extra rounds while few have seen a change; 0 = no extra rounds
	Hop      time.Duration // Delegate: what a message and its answer may take; 0 = 1 s
	MaxBytes int           // Delegate: about how many bytes a message may have; 0 = any number
	// Paced makes Delegate send k messages a round. The engine does not: a
	// node hands on what it has to at once.
	Paced bool
	// Endless takes the stop rules out of Random and Memory, as the founding
	// document and the reference table have it: somebody else must stop them.
	Endless bool
	// Doubt reports whether a peer is better not relied on; nil = nobody is.
	Doubt func(member.Node) bool
}

// New returns the strategy that cfg asks for.
func New(cfg Config) Strategy {
	if cfg.Fanout <= 0 {
		cfg.Fanout = DefaultFanout
	}
	if cfg.Hop <= 0 {
		cfg.Hop = time.Second
	}
	switch cfg.Strategy {
	case ByMemory:
		return newMemory(cfg)
	case ByRandom:
		return newRandom(cfg)
	case BySeenSet:
		return newSeenSet(cfg)
	}
	return newDelegate(cfg)
}

// steps returns ⌈log_(k+1) n⌉: how many steps k messages a node a step need at
// least to reach n nodes.
func steps(fanout, n int) int {
	steps := 0
	for reach := 1; reach < n; reach *= fanout + 1 {
		steps++
	}
	return steps
}

// enough is after how many messages about one digest a node stops: some twice
// as many as the last node to hear of it has to wait for, on average.
func enough(fanout, peers int) int { return 2 * fanout * (bits.Len(uint(peers)) + 1) }
