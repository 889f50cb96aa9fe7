package gossip

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// SeenSet is Akka's way: a set of who has seen the current digest travels with
// it, and only those outside are told. A told node answers with its own set,
// and both merge. When the set is full, the node knows that all know: that is
// what its n/8 bytes a message buy; they do not buy fewer messages.
//
// What is heard takes part from the next round on: a round's messages all show
// its beginning.
type SeenSet struct {
	audience
	names uint64 // hash of the nodes in their order
	seen  bitset // who has seen the digest, as far as is known here
	heard bitset // to be added to seen
	shown bitset // a copy of seen for messages; nil = to be made
}

func newSeenSet(cfg Config) *SeenSet { return &SeenSet{audience: audience{cfg: cfg}} }

// Aim implements [Strategy].
func (s *SeenSet) Aim(all func() []member.Node) {
	s.aim(all)
	s.names = 1
	for _, n := range s.nodes {
		s.names = bits.RotateLeft64(s.names, 7)*0x9e3779b97f4a7c15 ^ n.UID
	}
	s.reset()
}

// reset leaves in the set only this node.
func (s *SeenSet) reset() {
	s.seen, s.heard, s.shown = newBitset(len(s.nodes)), newBitset(len(s.nodes)), nil
	if i, ok := s.find(s.cfg.Self); ok {
		s.seen.add(i)
	}
}

// Changed implements [Strategy].
func (s *SeenSet) Changed(now time.Time, digest uint64, _ Facts) {
	if s.renew(digest) {
		s.reset()
		s.hurry(now)
	}
}

// Heard implements [Strategy].
func (s *SeenSet) Heard(_ time.Time, from member.Node, note *Note, _ Facts) []Letter {
	if note.Digest == 0 || note.Digest != s.digest || note.Peers != s.names || len(note.Seen) != len(s.heard) {
		return nil
	}
	s.heard.or(note.Seen)
	if note.Answer {
		return nil
	}
	return []Letter{{To: from, Note: s.note(true)}}
}

func (s *SeenSet) note(answer bool) Note {
	if s.shown == nil {
		s.shown = slices.Clone(s.seen)
	}
	return Note{Digest: s.digest, Answer: answer, Peers: s.names, Seen: s.shown}
}

// Next implements [Strategy].
func (s *SeenSet) Next(now time.Time, r *rand.Rand) []Letter {
	if s.digest == 0 {
		return nil
	}
	s.seen.or(s.heard)
	s.shown = nil
	copy(s.told, s.seen)
	s.count = s.told.count()
	drawn := s.draw(min(s.cfg.Fanout, s.rest()), r)
	s.pace(now, len(drawn), 2*s.count < len(s.nodes))
	return s.letters(drawn, func() Note { return s.note(false) })
}

// CatchUp implements [Strategy]: an extra round.
func (s *SeenSet) CatchUp(now time.Time, r *rand.Rand) []Letter { return s.Next(now, r) }

// Lost implements [Strategy].
func (s *SeenSet) Lost(time.Time, member.Node) {}

// Due implements [Strategy].
func (s *SeenSet) Due() time.Time { return s.due }
