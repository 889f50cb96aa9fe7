package gossip

import (
	"math/bits"
	"math/rand/v2"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// DefaultFanout is k, the number of peers that are told in one round.
const DefaultFanout = 2

// Memory tells, round by round, k random peers among those not told the
// current digest: told is whom it was sent to and who showed the same digest.
//
// Literally run, each node would go on to tell all others, n(n-1) messages in
// all. So a node stops after 2k·(log2(n)+1) peers; the few that nobody has told
// by then are found by anti-entropy. Up to some 30 nodes that is everybody.
type Memory struct {
	fanout int
	digest uint64
	told   map[member.Node]bool
	sent   int // since the digest changed
}

// NewMemory returns a Memory that tells fanout peers in one round; 0 means
// [DefaultFanout].
func NewMemory(fanout int) *Memory {
	if fanout <= 0 {
		fanout = DefaultFanout
	}
	return &Memory{fanout: fanout, told: make(map[member.Node]bool)}
}

// Changed implements [Strategy].
func (m *Memory) Changed(digest uint64) {
	if digest == m.digest {
		return
	}
	m.digest, m.sent = digest, 0
	clear(m.told)
}

// Heard implements [Strategy].
func (m *Memory) Heard(peer member.Node, digest uint64) {
	if digest == m.digest {
		m.told[peer] = true
	}
}

// Forget implements [Strategy].
func (m *Memory) Forget(peer member.Node) { delete(m.told, peer) }

// Next implements [Strategy].
func (m *Memory) Next(peers []member.Node, r *rand.Rand) []member.Node {
	untold := m.untold(peers)
	n := min(m.fanout, len(untold), m.limit(len(peers))-m.sent)
	if n <= 0 {
		return nil
	}
	for i := range n {
		j := i + r.IntN(len(untold)-i)
		untold[i], untold[j] = untold[j], untold[i]
		m.told[untold[i]] = true
	}
	m.sent += n
	return untold[:n]
}

// Pending implements [Strategy].
func (m *Memory) Pending(peers []member.Node) bool {
	if m.sent >= m.limit(len(peers)) {
		return false
	}
	for _, p := range peers {
		if !m.told[p] {
			return true
		}
	}
	return false
}

func (m *Memory) untold(peers []member.Node) []member.Node {
	untold := make([]member.Node, 0, len(peers))
	for _, p := range peers {
		if !m.told[p] {
			untold = append(untold, p)
		}
	}
	return untold
}

func (m *Memory) limit(peers int) int { return 2 * m.fanout * (bits.Len(uint(peers)) + 1) }
