package core_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/wire"
)

// FuzzStep feeds a founder, and a process that seeks, whatever the wire's
// decoder lets through. Neither may panic. The corpus is what three nodes say
// to each other while they come together and one of them restarts.
func FuzzStep(f *testing.F) {
	for _, payload := range traffic(f) {
		f.Add(payload, byte(2), true)
		f.Add(payload, byte(1), false)
	}
	f.Fuzz(func(t *testing.T, payload []byte, from byte, founder bool) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		self := member.Node{Address: a, UID: 7}
		n, err := core.New(core.Config{
			Self: self, Name: "test", Seeds: []string{a, b}[:1+int(from)%2], FoundAlone: founder,
			Rand: rand.New(rand.NewPCG(1, 1)),
		})
		if err != nil {
			t.Fatal(err)
		}
		n.Tick(now)
		now = now.Add(5 * time.Second)
		n.Tick(now)
		packet, err := wire.Decode(member.Node{Address: []string{a, b, c}[from%3], UID: uint64(from)}, payload)
		if err != nil {
			return
		}
		toMe(packet, self, n)
		for range 3 {
			_ = n.Step(now, packet)
			n.Ready()
			now = now.Add(300 * time.Millisecond)
			n.Tick(now)
			n.Snapshot()
		}
	})
}

// toMe changes what would only have the packet refused at the door.
func toMe(p *core.Packet, self member.Node, n *core.Core) {
	p.To = self
	if p.Engine != nil {
		p.Engine.To = self
		p.Engine.Identity = n.Snapshot().Identity
	} else {
		p.Join.To = self
	}
}

// traffic returns payloads of a run, no more than a few of each length.
func traffic(t testing.TB) [][]byte {
	var all [][]byte
	seen := map[int]int{}
	p := newPump(t)
	p.tap = func(payload []byte) {
		if seen[len(payload)]++; seen[len(payload)] <= 2 && len(all) < 150 {
			all = append(all, payload)
		}
	}
	for _, address := range []string{a, b, c} {
		p.up(address, []string{a, b})
	}
	p.run(3 * time.Second)
	p.up(a, []string{a, b})
	p.run(3 * time.Second)
	return all
}
