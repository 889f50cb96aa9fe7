package engine

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// TestGossipAtRestCostsTheSameAtAnySize: each node sends one digest of fixed
// size a round, and nothing else of gossip, however many members there are.
func TestGossipAtRestCostsTheSameAtAnySize(t *testing.T) {
	race.SkipPure(t)
	for _, n := range []int{5, 40} {
		p := newPump(t, 80)
		all := names(n)
		p.cluster(all...)
		p.run(5 * time.Second) // until the news of the joins has settled
		const rounds = 20
		digests, other := 0, 0
		p.twice = func(m *Message) bool {
			switch b := m.Body.(type) {
			case *Heartbeat:
			case *Digest:
				digests++
				if len(b.Buckets) > 0 {
					other++
				}
			default:
				other++
			}
			return false
		}
		p.run(rounds * Lan().Gossip)
		if got := float64(digests) / float64(n) / rounds; got < 0.95 || got > 1.05 {
			t.Errorf("n=%d: got %.2f digests a node and round, want 1", n, got)
		}
		if other != 0 {
			t.Errorf("n=%d: got %d other messages at rest, want none", n, other)
		}
	}
}

// TestOneChangeCostsWhatTheTableSays: what a member tells anew reaches
// everybody by 2(n-1) messages of gossip, beside those straight to the leader
// and the stewards.
func TestOneChangeCostsWhatTheTableSays(t *testing.T) {
	race.SkipPure(t)
	const n = 40
	for _, fanout := range []int{1, 3} {
		p := newPump(t, 81)
		p.config = func(c *Config) { c.Fanout = fanout }
		all := names(n)
		p.cluster(all...)
		p.run(10 * time.Second)
		told, reports, large := 0, 0, 0
		p.twice = func(m *Message) bool {
			switch b := m.Body.(type) {
			case *Delta:
				if b.Note.Rumour.Number != 0 {
					told++
					if len(b.Note.Share) > gossip.DefaultConfirm {
						large++
					}
				}
			case *Aside:
				reports++
			}
			return false
		}
		p.must(all[20], Describe{Info: member.Info{Version: "2", Kinds: []string{"room"}}})
		p.run(2 * Lan().Gossip)
		if told != n-1 || reports != n-1+large {
			t.Errorf("k=%d: got %d messages with the news and %d reports, want %d and %d", fanout, told, reports, n-1, n-1+large)
		}
		for _, b := range p.nodes {
			if r := b.table.Record(p.get(all[20]).self.Address); r.Own.Info.Version != "2" {
				t.Errorf("k=%d: %s does not know after two rounds", fanout, b.name)
			}
		}
	}
}

// TestEveryStrategyConverges: under each of them, with loss, all come to know
// all, and the cluster does its work.
func TestEveryStrategyConverges(t *testing.T) {
	race.SkipPure(t)
	for _, kind := range []gossip.Kind{gossip.ByDelegate, gossip.ByMemory, gossip.ByRandom, gossip.BySeenSet} {
		p := newPump(t, 82)
		p.config = func(c *Config) { c.Gossip = kind }
		all := names(12)
		p.cluster(all...)
		p.drop = func(*Message) bool { return p.rng.IntN(10) == 0 }
		p.must(all[3], Describe{Info: member.Info{Version: "2", Kinds: []string{"room"}}})
		p.crash(all[5])
		rest := append(append([]string(nil), all[:5]...), all[6:]...)
		p.wantUp(30*time.Second, rest...)
		p.run(5 * time.Second)
		for _, name := range rest {
			if r := p.get(name).table.Record(p.get(all[3]).self.Address); r.Own.Info.Version != "2" {
				t.Errorf("%s: %s does not know what was told", kind, name)
			}
		}
	}
}
