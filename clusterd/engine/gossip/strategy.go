package gossip

import (
	"math/rand/v2"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Strategy chooses the peers of each gossip round. It knows a digest of all
// facts and which peers have been told it. It is owned by one engine.
type Strategy interface {
	// Changed tells that the facts known here have a new digest.
	Changed(digest uint64)
	// Heard tells that a peer showed the digest of its own facts.
	Heard(peer member.Node, digest uint64)
	// Next returns the peers to tell the current digest in this round, and
	// takes them as told. peers are all candidates, sorted by address, and are
	// not kept.
	Next(peers []member.Node, r *rand.Rand) []member.Node
	// Pending reports whether a further round would find somebody to tell.
	Pending(peers []member.Node) bool
	// Forget takes a peer as not told, because a message to it was lost.
	Forget(peer member.Node)
}
