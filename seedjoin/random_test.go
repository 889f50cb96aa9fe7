package seedjoin

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "run TestRandom with this seed only")

// TestRandom runs worlds with loss, duplicates and reordering, processes that
// start in any order, die and return. What must hold is in world.check: one
// cluster at a time, founded by nobody but a first seed; and at the end all
// are in it.
func TestRandom(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = seeds[:0]
		for s := range uint64(300) {
			seeds = append(seeds, s+1)
		}
	}
	for _, s := range seeds {
		t.Run(fmt.Sprint(s), func(t *testing.T) { randomRun(t, s) })
	}
}

func randomRun(t *testing.T, seed uint64) {
	w := newWorld(t, seed)
	r := rand.New(rand.NewPCG(seed, 2))
	w.loss, w.dup, w.delay = 0.2*r.Float64(), 0.2*r.Float64(), time.Duration(1+r.IntN(150))*time.Millisecond
	n := 2 + r.IntN(3)
	var list, addrs []string
	for i := range n + r.IntN(4) {
		addrs = append(addrs, fmt.Sprintf("10.0.0.%d:7000", i+1))
	}
	list = addrs[:n]
	swapped := append([]string{list[1], list[0]}, list[2:]...)
	twoHeads := r.IntN(4) == 0
	every, lookedUp := r.IntN(3) == 0, r.IntN(2) == 0
	start := func(i int) {
		seeds := list
		switch {
		case every && lookedUp: // the list comes in pieces
			p := w.up(addrs[i], nil, expect(n))
			for range 3 {
				w.after(time.Duration(r.Int64N(int64(3*time.Second))), func() { w.step(p, Seeds{list[:1+r.IntN(n)], r.IntN(2) == 0}) })
			}
			w.after(4*time.Second, func() { w.step(p, Seeds{Addresses: list}) })
			return
		case every:
			w.up(addrs[i], seeds, symmetric)
			return
		case twoHeads && i == 1:
			seeds = swapped
		}
		w.up(addrs[i], seeds)
	}
	for i := range addrs {
		w.after(time.Duration(r.Int64N(int64(8*time.Second))), func() { start(i) })
	}
	w.run(8 * time.Second)
	w.until(2*time.Minute, fmt.Sprintf("seed %d: one cluster", seed), w.joined)

	for range 3 { // one dies and returns, while others of the list live
		i := r.IntN(len(addrs))
		old := w.procs[addrs[i]].self
		w.kill(addrs[i])
		fc := w.clusters[0]
		w.after(time.Duration(r.Int64N(int64(4*time.Second))), func() { w.remove(fc, old) })
		w.run(time.Duration(r.Int64N(int64(6 * time.Second))))
		start(i)
		w.until(time.Minute, fmt.Sprintf("seed %d: one cluster again", seed), w.joined)
	}
	if len(w.clusters) != 1 {
		t.Errorf("seed %d: got %d clusters, want 1", seed, len(w.clusters))
	}
}

// TestSameInputsSameOutputs holds that a run is a function of its seed.
func TestSameInputsSameOutputs(t *testing.T) {
	transcript := func() string {
		w := newWorld(t, 7)
		w.loss, w.dup, w.delay = 0.1, 0.1, 50*time.Millisecond
		for _, addr := range []string{d, c, b, a} {
			w.up(addr, abc)
		}
		w.run(10 * time.Second)
		return fmt.Sprint(w.log)
	}
	if first, second := transcript(), transcript(); first != second {
		t.Errorf("got two transcripts of one seed:\n%s\n%s", first, second)
	}
}
