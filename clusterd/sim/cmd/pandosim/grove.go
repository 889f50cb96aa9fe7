package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/wire"
	"github.com/pando-go/pando/clusterd/sim"
)

// Of a grove: how long it may take to form and to take in one more, after what
// time the last news has been told to everybody who may be told of it, and for
// how long the grove is watched at rest then.
const (
	patience = 2 * time.Minute
	echoes   = 30 * time.Second
	rest     = 10 * time.Second
)

// watched is of how many nodes of a very large grove the lists of members are
// looked at: that takes some 400 bytes of each member.
const watched = 32

// room is how much memory a grove takes before garbage is collected more often,
// in bytes: what it keeps is less, and in all it should stay below 4 GiB.
const room = 3700 << 20

// tell is how often it is told how far a grove is that takes long.
const tell = time.Minute

// grow forms a large cluster through three seeds, all nodes at once or some at a
// time, watches it at rest and lets one more node join. Links take 1 to 5 ms and lose 1 %.
func (o options) grow(out io.Writer) error {
	if o.batch < 0 {
		return fmt.Errorf("pandosim: -batch %d, want how many nodes start at a time, or 0 for all", o.batch)
	}
	debug.SetMemoryLimit(room)
	timing := engine.Lan()
	timing.Gossip = o.interval
	watch := 0
	if o.grove > 200 {
		watch = max(64, o.grove/watched)
	}
	s := sim.New(sim.Config{
		Seed:   max(o.seed, 1),
		Seeds:  []int{1, 2, 3},
		Timing: timing,
		Link:   sim.Link{Min: time.Millisecond, Max: 5 * time.Millisecond, Loss: 0.01},
		Watch:  watch,

		MaxMessage: o.message,
	})
	l := lap{sim: s, nodes: o.grove, out: out}
	if o.message > 0 {
		s.Weigh(l.size)
		defer func() { fmt.Fprintf(out, "the largest message had %d bytes: %s\n", l.most, l.which) }()
	}
	for id := 1; id <= o.grove; id++ {
		s.Start(id)
		if id == o.grove || o.batch > 0 && id%o.batch == 0 {
			l.nodes = id
			if err := l.settle("formed"); err != nil {
				return err
			}
		}
	}
	s.Run(echoes)
	l.begin()
	s.Run(rest)
	l.print("at rest for")
	l.begin()
	s.Weigh(l.size) // encodes every packet
	s.Run(rest / 5)
	if o.message == 0 {
		s.Weigh(nil)
	}
	l.print("weighed at rest for")
	s.Start(o.grove + 1)
	if err := l.settle("one more joined after"); err != nil {
		return err
	}
	return s.Err()
}

// size is how many bytes a packet has in a frame. It notes the largest.
func (l *lap) size(p *core.Packet) int {
	b, err := wire.Append(l.scratch[:0], p)
	if err != nil {
		return 0
	}
	if l.scratch = b; len(b) > l.most {
		l.most, l.which = len(b), "of the join machine"
		if p.Engine != nil {
			l.which = fmt.Sprintf("%T", p.Engine.Body)
		}
	}
	return len(b)
}

// lap measures a stretch of a simulation.
type lap struct {
	sim     *sim.Sim
	nodes   int
	out     io.Writer
	began   time.Time
	busy    time.Duration // processor time so far
	at      time.Duration
	events  uint64
	packets uint64
	bytes   uint64
	scratch []byte
	most    int    // bytes of the largest packet
	which   string // what that was
}

func (l *lap) begin() {
	l.began, l.at, l.busy = time.Now(), l.sim.Now(), processorTime()
	l.events, l.packets, l.bytes = l.sim.Events(), l.sim.Packets(), l.sim.Bytes()
}

// settle runs until everybody is up and converged.
func (l *lap) settle(what string) error {
	l.begin()
	const look = 100 * time.Millisecond
	told := l.began
	for end := l.at + patience; l.sim.Now() < end && l.sim.Err() == nil; {
		if l.sim.Settle(look) {
			l.print(what)
			return nil
		}
		if time.Since(told) > tell {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "after %v: %.1f s simulated, %d events; %s\n",
				told.Sub(l.began).Round(time.Second), (l.sim.Now() - l.at).Seconds(), l.sim.Events()-l.events, l.sim.Amiss())
		}
	}
	return cmp.Or(l.sim.Err(), fmt.Errorf("%d nodes were not calm after %v: %s", l.nodes, patience, l.sim.Amiss()))
}

// print tells what the stretch took, simulated and real, and what it cost.
func (l *lap) print(what string) {
	real := time.Since(l.began)
	simulated := l.sim.Now() - l.at
	busy := processorTime() - l.busy
	perNode := 1 / float64(l.nodes) / simulated.Seconds()
	runtime.GC() // what is left is what the nodes keep
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(l.out, "%d nodes %s %.1f s: %.1f messages and %.0f bytes a node and second; %v real, %.0f times real time, %.0f times processor time, %d events, live heap %d MiB, %.0f bytes a pair of nodes, peak memory %d MiB\n",
		l.nodes, what, simulated.Seconds(),
		float64(l.sim.Packets()-l.packets)*perNode, float64(l.sim.Bytes()-l.bytes)*perNode,
		real.Round(time.Millisecond), simulated.Seconds()/real.Seconds(), simulated.Seconds()/busy.Seconds(), l.sim.Events()-l.events,
		m.HeapAlloc>>20, float64(m.HeapAlloc)/float64(l.nodes*l.nodes), peakMemory()>>20)
}
