package seedjoin

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// FuzzStep feeds a machine inputs made of the fuzzer's bytes. It must never
// panic, never ask to be woken in the past, and only a first seed may found,
// once.
func FuzzStep(f *testing.F) {
	f.Add([]byte("\x00\x00\x01\x02\x03"), byte(0))
	f.Add([]byte("\x01\x11\x02\x01\x00\x02\x22\x00\x07\x00\x03\x10\x01\x00\x00\x05\x00\x00\x00\x00"), byte(1))
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 40 {
		b := make([]byte, 400)
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		f.Add(b, byte(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, role byte) {
		self := member.Node{Address: abc[role%3], UID: 1 << 30}
		if role%4 == 3 {
			self.Address = d
		}
		m, err := New(Config{
			Self: self, Name: "test", Seeds: abc, Symmetric: role&8 != 0, ReportOnly: role&16 != 0, Durable: role&32 != 0,
			Rand: rand.New(rand.NewPCG(1, 1)),
		})
		if err != nil {
			t.Fatal(err)
		}
		g := &feed{data: data, self: self, now: time.Unix(1e9, 0)}
		founded, yielded := 0, 0
		for len(g.data) > 0 {
			in := g.input()
			if in == nil {
				m.Tick(g.now)
			} else {
				_ = m.Step(g.now, in)
			}
			rd := m.Ready()
			if !rd.Wake.IsZero() && !rd.Wake.After(m.now) {
				t.Fatalf("got Wake %s, want it after now %s", rd.Wake, m.now)
			}
			for _, e := range rd.Events {
				switch e.(type) {
				case Founded:
					founded++
				case Yielded:
					yielded++
				}
			}
		}
		if len(m.contacts) > MaxSeeds+2*maxMet || len(m.island.reached) > 2 {
			t.Fatalf("remembers %d contacts, and %d voters that reached an island", len(m.contacts), len(m.island.reached))
		}
		if founded > 1 || founded == 1 && !m.cfg.Symmetric && !m.first() {
			t.Fatalf("founded %d times as first=%v", founded, m.first())
		}
		if len(m.memory.words) > 2 {
			t.Fatalf("remembers the words of %d, has 2 voters", len(m.memory.words))
		}
	})
}

// feed makes inputs of bytes.
type feed struct {
	data []byte
	self member.Node
	now  time.Time
}

func (g *feed) byte() byte {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return b
}

func (g *feed) address() string { return []string{a, b, c, d, "localhost:7001", ""}[g.byte()%6] }

func (g *feed) node() member.Node {
	n := member.Node{Address: g.address(), UID: uint64(g.byte())}
	if n.UID == 255 {
		n = g.self
	}
	return n
}

func (g *feed) identity() member.Identity {
	return member.Identity{Cluster: member.ClusterID{g.byte() % 3}}
}

// input returns the next input, nil for a tick.
func (g *feed) input() Input {
	kind := g.byte()
	g.now = g.now.Add(time.Duration(g.byte()) * 10 * time.Millisecond)
	switch kind % 4 {
	case 0:
		return nil
	case 1:
		return SendFailed{To: g.node(), Nobody: kind&16 != 0, Refused: []string{"", "why"}[kind>>7]}
	case 2:
		if kind&0x90 == 0x80 {
			if kind&1 == 0 {
				return Yield{}
			}
			return Seeds{Addresses: []string{g.address(), g.address(), g.address()}}
		}
		if kind&0xe0 != 0xe0 { // rarely: it ends the search
			return Denied{Node: g.node(), Exceed: uint64(kind)}
		}
		return Stand{Standing{Identity: g.identity(), View: uint64(kind), Lease: kind&8 != 0, Leaving: kind&4 != 0, Steward: true, Members: member.Nodes{g.self, g.node()}, Voters: member.Nodes{g.self, g.node()}}}
	}
	return &Message{From: g.node(), To: g.self, Body: g.body()}
}

func (g *feed) body() Body {
	stamp := Stamp(g.byte()) * 20 * time.Millisecond
	switch k := g.byte(); k % 9 {
	case 0:
		return Probe{Asked: g.address(), Name: []string{"test", "other"}[k>>7], Candidate: k&8 != 0, Stamp: stamp}
	case 1:
		return Answer{Asked: g.address(), Stamp: stamp, State: State(k >> 5), Identity: g.identity(), Size: uint32(k), Lease: k&8 != 0, Leaving: k&16 != 0, Node: g.node()}
	case 2:
		return Join{Name: "test", Versions: Versions{1, uint32(k >> 7)}}
	case 3:
		return Refusal{Code: Code(k >> 4)}
	case 4:
		return Invite{Asked: g.address(), Name: "test", Stamp: stamp, Identity: g.identity()}
	case 5:
		return Look{Own: g.identity(), Other: g.identity(), At: g.node()}
	case 6:
		return Reached{Own: g.identity(), Other: g.identity(), At: g.node(), Durable: k&128 != 0}
	case 7:
		return Yielding{Own: g.identity(), Other: g.identity(), At: g.node(), Asked: k&128 != 0}
	}
	return nil
}
