package seedjoin

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func symmetric(c *Config) { c.Symmetric = true }

// S2, symmetric: no one node is needed to start, and one cluster is founded.
func TestSymmetricEveryPair(t *testing.T) {
	for _, pair := range [][]string{{a, b}, {b, c}, {c, a}, {a, b, c}, {c, b, a}} {
		for _, gap := range []time.Duration{0, 10 * time.Millisecond, time.Second, 20 * time.Second} {
			t.Run(fmt.Sprint(pair, gap), func(t *testing.T) {
				w := newWorld(t, 1)
				for _, s := range abc { // those that are not started are unreachable, not refusing
					w.silent[s] = !slices.Contains(pair, s)
				}
				for _, addr := range pair {
					w.up(addr, abc, symmetric)
					w.run(gap)
				}
				w.until(20*time.Second, "one cluster", w.joined)
				if len(w.clusters) != 1 {
					t.Errorf("got %d clusters, want 1", len(w.clusters))
				}
			})
		}
	}
}

// Of several candidates the lowest address that a majority answered founds.
func TestSymmetricLowestFounds(t *testing.T) {
	w := newWorld(t, 1)
	for _, addr := range []string{c, b, a} {
		w.up(addr, abc, symmetric)
	}
	w.until(5*time.Second, "one cluster", w.joined)
	if w.procs[a].founded != 1 {
		t.Errorf("the lowest address did not found\n%s", w.state())
	}
}

func TestSymmetricAloneWaits(t *testing.T) {
	w := newWorld(t, 1)
	w.silent[b], w.silent[c] = true, true
	w.up(a, abc, symmetric)
	w.run(time.Minute)
	if len(w.clusters) != 0 {
		t.Error("one of three founded while the others are silent")
	}
}

// Who is not in the list founds nothing, also where every seed is a candidate.
func TestSymmetricOrdinaryNeverFounds(t *testing.T) {
	w := newWorld(t, 1)
	w.up(d, abc, symmetric)
	w.run(time.Minute)
	if len(w.clusters) != 0 {
		t.Error("an ordinary process founded")
	}
}

// The lowest candidate is heard and cannot hear: the next one founds, since the
// first abstains now and then.
func TestSymmetricDeafCandidate(t *testing.T) {
	w := newWorld(t, 1)
	w.cut = func(_, to string) bool { return to == a }
	for _, addr := range abc {
		w.up(addr, abc, symmetric)
	}
	w.until(2*time.Minute, "a cluster of b and c", func() bool { return len(w.clusters) == 1 && w.of(0) == 2 })
	w.cut = nil
	w.until(time.Minute, "one cluster", w.joined)
}

func expect(n int) func(*Config) { return func(c *Config) { c.Symmetric, c.Expect = true, n } }

// A list that is looked up: nobody founds before a majority of the complete list
// has answered, however short the list is by now.
func TestExpect(t *testing.T) {
	w := newWorld(t, 1)
	p := w.up(a, nil, expect(3))
	w.run(30 * time.Second)
	w.step(p, Seeds{Addresses: []string{a}})
	w.run(30 * time.Second)
	if len(w.clusters) != 0 {
		t.Fatal("founded with one contact point of three")
	}
	q := w.up(b, nil, expect(3))
	w.step(p, Seeds{Addresses: []string{a, b}})
	w.run(5 * time.Second)
	if len(w.clusters) != 1 { // a and b are a majority of three, and b has answered a
		t.Errorf("got %d clusters, want 1", len(w.clusters))
	}
	w.step(q, Seeds{Addresses: []string{b, a, c}})
	r := w.up(c, nil, expect(3))
	w.step(r, Seeds{Addresses: abc})
	w.until(20*time.Second, "one cluster", w.joined)
}

// A list that changes keeps what was heard of those that stay.
func TestReplaceSeeds(t *testing.T) {
	w := newWorld(t, 1)
	p := w.up(d, nil, expect(2))
	w.step(p, Seeds{Addresses: []string{a, b, a, ""}})
	if got := p.m.seeds; got != 2 {
		t.Fatalf("got %d seeds, want 2: doubles and empty ones do not count", got)
	}
	kept := p.m.contact(b)
	w.step(p, Seeds{Addresses: []string{c, b}})
	if p.m.contact(b) != kept || p.m.seeds != 2 || p.m.contact(a) == nil || p.m.contact(a).seed {
		t.Errorf("got %d seeds, want b kept, c added, and a no seed any more", p.m.seeds)
	}
	w.step(p, Seeds{})
	if p.m.seeds != 2 {
		t.Error("an empty list changed something")
	}
	var many []string
	for i := range 3 * MaxSeeds {
		many = append(many, fmt.Sprintf("10.1.0.%d:1", i))
	}
	w.step(p, Seeds{Addresses: many})
	if p.m.seeds != MaxSeeds || len(p.m.contacts) > MaxSeeds+maxMet {
		t.Errorf("got %d seeds of %d contacts, want at most %d", p.m.seeds, len(p.m.contacts), MaxSeeds)
	}
	fixed := newSolo(t, a, a, b)
	if err := fixed.Step(fixed.at, Seeds{Addresses: abc}); !errors.Is(err, ErrFixedSeeds) {
		t.Errorf("without Symmetric: got %v, want %v", err, ErrFixedSeeds)
	}
}

// A handshake that refuses the UID names the one to exceed.
func TestHandshakeNamesTheUID(t *testing.T) {
	s := newSolo(t, a, a, b)
	step(t, s.Machine, s.at, SendFailed{To: s.cfg.Self, Refused: "followed", Exceed: 77})
	for _, e := range s.Ready().Events {
		if r, ok := e.(Refused); ok && r.Code == StaleUID && r.Exceed == 77 {
			return
		}
	}
	t.Error("got no Refused with the code StaleUID and 77")
}
