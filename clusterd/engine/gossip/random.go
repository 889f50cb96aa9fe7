package gossip

import (
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Random tells, round by round, k random peers whether they know already or
// not: push gossip as in Demers et al. 1987. A node stops after 2k·(log2(n)+1)
// messages about one digest.
type Random struct{ audience }

func newRandom(cfg Config) *Random { return &Random{audience{cfg: cfg}} }

// Aim implements [Strategy].
func (s *Random) Aim(all func() []member.Node) { s.aim(all) }

// Changed implements [Strategy].
func (s *Random) Changed(now time.Time, digest uint64, _ Facts) {
	if s.renew(digest) {
		s.hurry(now)
	}
}

// Heard implements [Strategy].
func (s *Random) Heard(time.Time, member.Node, *Note, Facts) []Letter { return nil }

// Next implements [Strategy].
func (s *Random) Next(now time.Time, r *rand.Rand) []Letter {
	if s.digest == 0 {
		return nil
	}
	drawn := s.draw(min(s.cfg.Fanout, s.rest()), r)
	s.pace(now, len(drawn), s.few())
	return s.letters(drawn, func() Note { return Note{Digest: s.digest} })
}

// CatchUp implements [Strategy]: an extra round.
func (s *Random) CatchUp(now time.Time, r *rand.Rand) []Letter { return s.Next(now, r) }

// Lost implements [Strategy].
func (s *Random) Lost(time.Time, member.Node) {}

// Due implements [Strategy].
func (s *Random) Due() time.Time { return s.due }
