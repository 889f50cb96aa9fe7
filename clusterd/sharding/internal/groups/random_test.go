package groups

import (
	"container/heap"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/internal/race"
)

var (
	seedFlag = flag.Uint64("seed", 0, "the one seed that TestRandom runs")
	runsFlag = flag.Int("runs", race.Less(12, 3), "how many seeds TestRandom runs")
	fromFlag = flag.Uint64("from", 1, "the first of these seeds")
)

// TestRandom runs clusters under random faults; -seed=N repeats one, -runs=N
// runs many.
func TestRandom(t *testing.T) {
	if *seedFlag != 0 {
		w := randomRun(*seedFlag, ingredients{})
		if w.err != nil {
			t.Fatalf("%s\nseed %d: %v", strings.Join(tail(w.log, 400), "\n"), *seedFlag, w.err)
		}
		t.Logf("seed %d: %+v", *seedFlag, w.stats)
		return
	}
	var mu sync.Mutex
	var sum simStats
	failed := 0
	seeds := make(chan uint64)
	var wg sync.WaitGroup
	for range min(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for seed := range seeds {
				w := randomRun(seed, ingredients{})
				mu.Lock()
				if w.err != nil {
					failed++
					if failed < 10 {
						t.Errorf("seed %d: %v (repeat with -run TestRandom -seed=%d)", seed, w.err, seed)
					}
				}
				sum.add(w.stats)
				mu.Unlock()
			}
		})
	}
	for i := range *runsFlag {
		seeds <- *fromFlag + uint64(i)
	}
	close(seeds)
	wg.Wait()
	t.Logf("%d runs, %d failed: %+v", *runsFlag, failed, sum)
}

// TestFixedSeeds keeps the seeds of faults that were found and fixed: an own
// snapshot written after a newer one was installed, a receiver that waited for ever
// when the log was shortened before it had installed, writes at All that left no
// room for others while a member was lost, and a receiver that waited for ever
// since its word that it has installed was lost.
func TestFixedSeeds(t *testing.T) {
	for _, seed := range []uint64{92, 1140, 2962, 200268, 300304} {
		if w := randomRun(seed, ingredients{}); w.err != nil {
			t.Errorf("seed %d: %v", seed, w.err)
		}
	}
}

// TestSeedRepeats: a seed is the whole run. The Raft library has a source of
// randomness of its own, which must not matter.
func TestSeedRepeats(t *testing.T) {
	a, b := randomRun(3, ingredients{}), randomRun(3, ingredients{})
	if a.stats != b.stats {
		t.Errorf("two runs of one seed: %+v and %+v", a.stats, b.stats)
	}
	if !slices.Equal(a.log, b.log) {
		t.Error("two runs of one seed have different traces")
	}
}

func (s *simStats) add(o simStats) {
	s.events += o.events
	s.packets += o.packets
	s.acked += o.acked
	s.unknown += o.unknown
	s.reads += o.reads
	s.crashes += o.crashes
	s.wipes += o.wipes
	s.plans += o.plans
	s.transfers += o.transfers
	s.installs += o.installs
	s.recovery = max(s.recovery, o.recovery)
}

func tail(list []string, n int) []string { return list[max(0, len(list)-n):] }

// randomRun is one cluster: a storm of faults, a lull, in which writes go on, the
// rest of the storm, then peace, in which everything has to come right.
func randomRun(seed uint64, off ingredients) *world {
	w := newWorld(seed, off)
	w.found()
	w.clients()
	w.nemesis()
	w.run(time.Duration(5+w.rng.IntN(15)) * time.Second)
	w.lull()
	w.run(time.Duration(w.rng.IntN(5)) * time.Second)
	w.peace()
	if w.err != nil {
		return w
	}
	if err := w.checkHistory(); err != nil {
		w.failf("%w", err)
	}
	return w
}

// found creates the groups, as an issuer would: again and again until a primary
// is seen. Some of the creations come late.
func (w *world) found() {
	for shard := range uint32(w.shards) {
		w.create(Create{Shard: shard, Group: 100 + uint64(shard), Members: w.someIDs([]int{1, 2, 3, 3, 4}[w.rng.IntN(5)])})
	}
}

func (w *world) create(in Create) {
	for i, id := range in.Members {
		n := w.byID(id)
		if n != nil && (i == 0 || w.rng.IntN(3) > 0) && n.m != nil {
			n.do(n.life, func() { _ = n.step(in) })
		}
	}
	w.lasting(w.upTo(time.Second), func() {
		if w.conf[in.Shard].Epoch == 0 || w.rng.IntN(5) == 0 && w.now.Sub(simEpoch) < 5*time.Second {
			w.create(in)
		}
	})
}

// someIDs draws ids of living nodes.
func (w *world) someIDs(n int) []uint64 {
	var ids []uint64
	for _, i := range w.rng.Perm(len(w.nodes)) {
		if len(ids) < n {
			ids = append(ids, w.nodes[i].id)
		}
	}
	return ids
}

// clients write and read as long as the world runs.
func (w *world) clients() {
	w.lasting(w.upTo(40*time.Millisecond), func() {
		if len(w.ops) < 1500 {
			w.operate()
		}
		w.clients()
	})
}

func (w *world) operate() {
	shard := uint32(w.rng.IntN(w.shards))
	n := w.nodes[w.rng.IntN(len(w.nodes))]
	for _, i := range w.rng.Perm(len(w.nodes)) { // mostly somebody who serves
		c := w.nodes[i]
		if c.m != nil && c.m.groups[shard] != nil && c.m.groups[shard].serving {
			n = c
			break
		}
	}
	if n.m == nil || n.until.After(w.now) {
		return
	}
	o := &op{shard: shard, key: simKeys[w.rng.IntN(len(simKeys))], node: n, call: w.now}
	if w.rng.IntN(2) == 0 {
		if n.m.CanServe(shard, n.clock()) {
			o.out, o.ret = n.states[shard].lists[o.key], w.now
			w.ops = append(w.ops, o)
			w.stats.reads++
		}
		return
	}
	for range 1 + w.rng.IntN(3)*w.rng.IntN(3) {
		level := Quorum
		switch w.rng.IntN(10) {
		case 0:
			level = Async
		case 1:
			level = All
		}
		w.write(n, shard, o.key, level)
	}
	n.poll()
}

// nemesis does one bad thing after another.
func (w *world) nemesis() {
	w.after(50*time.Millisecond+w.upTo(time.Second), func() {
		if !w.mild {
			w.evil()
		}
		w.nemesis()
	})
}

func (w *world) evil() {
	n := w.victim()
	switch w.rng.IntN(15) {
	case 0:
		if n.m != nil {
			n.crash()
			w.after(w.upTo(2*time.Second), n.restart)
		}
	case 1:
		if n.m != nil {
			n.crash()
			w.after(w.upTo(50*time.Millisecond), n.restart)
		}
	case 2:
		w.isolate(n)
	case 3:
		to := w.nodes[w.rng.IntN(len(w.nodes))]
		w.tracef("cut n%d -> n%d", n.at, to.at)
		w.cut[[2]int{n.at, to.at}] = true
	case 4:
		w.split()
	case 5, 6:
		w.tracef("heal")
		clear(w.cut)
	case 7:
		if n.m != nil {
			n.stop(w.upTo(1500 * time.Millisecond))
		}
	case 8:
		w.loss, w.slow = 0.3*w.rng.Float64()*float64(w.rng.IntN(2)), 0.1*w.rng.Float64()*float64(w.rng.IntN(2))
	case 9, 10:
		w.replan([]int{1, 2, 3, 3, 3, 5}[w.rng.IntN(6)])
	case 11:
		w.transfer()
	case 12:
		w.wipe(n)
	case 13, 14:
		if to := w.nodes[w.rng.IntN(len(w.nodes))]; to != n {
			w.tracef("cut n%d | n%d", n.at, to.at)
			w.cut[[2]int{n.at, to.at}], w.cut[[2]int{to.at, n.at}] = true, true
		}
	}
}

// victim is any node, or one that leads.
func (w *world) victim() *simNode {
	if w.rng.IntN(2) == 0 {
		for _, i := range w.rng.Perm(len(w.nodes)) {
			if n := w.nodes[i]; n.m != nil && len(n.m.led) > 0 {
				return n
			}
		}
	}
	return w.nodes[w.rng.IntN(len(w.nodes))]
}

func (n *simNode) restart() {
	if n.m == nil {
		n.w.tracef("restart n%d id %d", n.at, n.id)
		n.start()
	}
}

func (w *world) isolate(n *simNode) {
	w.tracef("isolate n%d", n.at)
	for _, o := range w.nodes {
		w.cut[[2]int{n.at, o.at}], w.cut[[2]int{o.at, n.at}] = true, true
	}
}

func (w *world) split() {
	side := w.rng.Uint32()
	w.tracef("split %b", side)
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if side>>a.at&1 != side>>b.at&1 {
				w.cut[[2]int{a.at, b.at}] = true
			}
		}
	}
}

// replan wishes for other replica sets.
func (w *world) replan(replicas int) {
	w.view++
	w.stats.plans++
	w.rows = nil
	for shard := range uint32(w.shards) {
		row := PlanRow{Shard: shard, Members: w.someIDs(replicas)}
		if w.rng.IntN(4) > 0 {
			row.Primary = row.Members[w.rng.IntN(len(row.Members))]
		}
		w.rows = append(w.rows, row)
	}
	p := Plan{View: w.view, Number: 1, Rows: w.rows}
	w.tracef("plan %v", w.rows)
	for _, n := range w.nodes {
		if w.rng.IntN(5) > 0 {
			n.learn(p)
		}
	}
}

func (n *simNode) learn(p Plan) {
	n.plan = p
	if n.m != nil {
		n.do(n.life, func() {
			if err := n.step(p); err != nil {
				n.w.failf("plan: %v", err)
			}
		})
	}
}

func (w *world) transfer() {
	for _, n := range w.nodes {
		if n.m == nil || n.until.After(w.now) {
			continue
		}
		for _, g := range n.m.led {
			to := g.conf.voters[w.rng.IntN(len(g.conf.voters))]
			if n.step(Transfer{Shard: g.shard, To: to}) == nil {
				w.stats.transfers++
			}
		}
		n.poll()
	}
}

// wipe takes a node's disk, if no group has lost one already: the node comes
// back as another one, and the plan has to put it in the old one's place.
func (w *world) wipe(n *simNode) {
	for shard := range uint32(w.shards) {
		if w.conf[shard].Epoch == 0 {
			return
		}
		// With two a group stands still when one is lost, and soon it may be of two.
		if c := w.conf[shard].Replicas; slices.Contains(c, n.id) && (len(c) < 3 || len(c) == 3 && w.changes(shard)) {
			return
		}
		for id := range w.ghosts { // order: any one is enough
			if w.mayCount(shard, id) {
				return
			}
		}
		// A majority must be left of those that have the data.
		if n.m != nil && n.m.groups[shard] != nil && n.m.groups[shard].leads() || !w.spares(shard, n) {
			return
		}
	}
	if n.m != nil {
		n.crash()
	}
	w.nextID++
	w.tracef("wipe n%d: id %d becomes %d", n.at, n.id, w.nextID)
	w.ghosts[n.id], n.disk, n.id = n.disk, newDisk(), w.nextID
	w.stats.wipes++
	n.restart()
}

// changes tells whether some log has a change of configuration that nobody has
// applied: it may come true still, whoever is lost.
func (w *world) changes(shard uint32) bool {
	for _, n := range w.nodes {
		if slices.ContainsFunc(n.disk.shard(shard).log, func(e Entry) bool {
			return e.Kind == Change && e.Index > w.conf[shard].Index
		}) {
			return true
		}
	}
	return false
}

// spares tells whether a shard has a majority of data holders without a node.
func (w *world) spares(shard uint32, n *simNode) bool {
	c, holders := w.conf[shard], 0
	for _, o := range w.nodes {
		if o != n && slices.Contains(c.Replicas, o.id) && o.disk.shard(shard).snap.Index > 0 {
			holders++
		}
	}
	return holders > len(c.Replicas)/2 || !slices.Contains(c.Replicas, n.id)
}

// mayCount tells whether any replica still takes id for a member.
func (w *world) mayCount(shard uint32, id uint64) bool {
	for _, n := range w.nodes {
		s := n.disk.shard(shard)
		if slices.Contains(s.snap.Voters, id) {
			return true
		}
		if n.m != nil && n.m.groups[shard] != nil && n.m.groups[shard].conf.has(id) {
			return true
		}
	}
	return false
}

// peace heals everything, lets a last plan come true, and checks that it does.
func (w *world) peace() {
	w.tracef("peace")
	w.loss, w.slow = 0, 0
	clear(w.cut)
	w.calm()
	for i := 0; i < 60 && w.err == nil && w.unsettled() != ""; i++ {
		w.run(time.Second)
	}
	if why := w.unsettled(); w.err == nil && why != "" {
		w.explain()
		w.failf("not settled after a minute of peace: %s", why)
	}
}

// calm ends the nemesis and restarts whoever is down.
func (w *world) calm() {
	// Packets under way are lost; timers are set again by the restarts.
	w.events = slices.DeleteFunc(w.events, func(e event) bool { return !e.lasting })
	heap.Init(&w.events)
	for _, n := range w.nodes {
		if n.m != nil {
			n.crash()
		}
	}
	for _, n := range w.nodes {
		n.restart()
	}
	w.replan(3)
	for _, n := range w.nodes {
		n.learn(Plan{View: w.view, Number: 1, Rows: w.rows})
	}
}

// unsettled says what is not yet as planned.
func (w *world) unsettled() string {
	for shard := range uint32(w.shards) {
		row := w.rows[shard]
		want := sorted(row.Members)
		var primary *simNode
		for _, n := range w.nodes {
			g := n.m.groups[shard]
			if g == nil {
				continue
			}
			if g.serving {
				primary = n
			}
			if !slices.Contains(want, n.id) && !g.blank() {
				return fmt.Sprintf("shard %d: n%d still has its replica", shard, n.at)
			}
		}
		if primary == nil {
			return fmt.Sprintf("shard %d: no primary", shard)
		}
		g := primary.m.groups[shard]
		if row.Primary != 0 && primary.id != row.Primary {
			return fmt.Sprintf("shard %d: primary %d, want %d", shard, primary.id, row.Primary)
		}
		if !slices.Equal(g.conf.voters, want) || len(g.conf.learners) > 0 {
			return fmt.Sprintf("shard %d: voters %v learners %v, want %v", shard, g.conf.voters, g.conf.learners, want)
		}
	}
	return ""
}

func (g *group) debug() string {
	var b strings.Builder
	fmt.Fprintf(&b, "shard %d id %d blank %v state %d term %d vote %d lead %d commit %d applied %d last %d base %d snap %+v conf %+v own %d serving %v released %v handover %+v change %+v removed %v farewell %v stage %+v lease %v due %v guard %v",
		g.shard, g.id, g.blank(), g.state, g.term, g.vote, g.lead, g.commit, g.applied, g.last, g.st.base.Index, g.st.snap, g.conf, g.own, g.serving, g.released, g.handover,
		g.change, g.removed, g.farewell, g.stage, g.leaseEnd().Sub(g.m.now), g.due.Sub(g.m.now), g.guard.Sub(g.m.now))
	for _, mem := range g.members {
		fmt.Fprintf(&b, "\n      member %+v", mem)
	}
	for _, s := range g.outs {
		fmt.Fprintf(&b, "\n      ships %+v", *s)
	}
	return b.String()
}
