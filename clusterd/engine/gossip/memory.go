package gossip

import (
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Memory tells, round by round, k random peers among those not told the
// current digest: told is whom it was sent to and who showed the same digest.
//
// Literally run, each node would go on to tell all others, n(n-1) messages in
// all. So a node stops after 2k·(log2(n)+1) peers; the few that nobody has told
// by then are found by anti-entropy. Up to some 30 nodes that is everybody.
type Memory struct{ audience }

func newMemory(cfg Config) *Memory { return &Memory{audience{cfg: cfg}} }

// Aim implements [Strategy].
func (s *Memory) Aim(all func() []member.Node) { s.aim(all) }

// Changed implements [Strategy].
func (s *Memory) Changed(now time.Time, digest uint64, _ Facts) {
	if s.renew(digest) {
		s.hurry(now)
	}
}

// Heard implements [Strategy].
func (s *Memory) Heard(_ time.Time, from member.Node, note *Note, _ Facts) []Letter {
	if note.Digest == s.digest {
		s.mark(from)
	}
	return nil
}

// Next implements [Strategy].
func (s *Memory) Next(now time.Time, r *rand.Rand) []Letter {
	if s.digest == 0 {
		return nil
	}
	drawn := s.draw(min(s.cfg.Fanout, s.rest()), r)
	for _, i := range drawn {
		s.told.add(i)
	}
	s.count += len(drawn)
	s.pace(now, len(drawn), s.few())
	return s.letters(drawn, func() Note { return Note{Digest: s.digest} })
}

// CatchUp implements [Strategy]: an extra round.
func (s *Memory) CatchUp(now time.Time, r *rand.Rand) []Letter { return s.Next(now, r) }

// Lost implements [Strategy].
func (s *Memory) Lost(_ time.Time, peer member.Node) { s.forget(peer) }

// Due implements [Strategy].
func (s *Memory) Due() time.Time { return s.due }
