package gossip

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// wood is a cluster of trees with a network that loses, delays and kills.
type wood struct {
	t       *testing.T
	r       *rand.Rand
	all     []member.Node
	trees   []*Tree[int, string]
	dead    []bool
	told    []int // how often each was handed the load
	loss    float64
	now     time.Time
	flight  []flying
	reached map[member.Node]bool // as reported to the origin
	sent    int
	depth   int // the longest share ever handed out
}

type flying struct {
	from, to int
	Parcel[int, string]
}

func newWood(t *testing.T, seed uint64, n int, cfg TreeConfig) *wood {
	w := &wood{
		t: t, r: rand.New(rand.NewPCG(seed, 9)), all: nodes(n), dead: make([]bool, n), told: make([]int, n),
		now: time.Unix(0, 0), reached: map[member.Node]bool{},
	}
	cfg.Hop = time.Second
	for range n {
		w.trees = append(w.trees, NewTree[int, string](cfg))
	}
	return w
}

func (w *wood) post(from int, parcels []Parcel[int, string]) {
	for _, p := range parcels {
		w.sent++
		w.depth = max(w.depth, len(p.Share))
		if w.r.Float64() >= w.loss {
			w.flight = append(w.flight, flying{from, int(p.To.UID) - 1, p})
		}
	}
}

// run goes on until nothing is on its way and nobody waits.
func (w *wood) run() {
	for range 10_000 {
		if len(w.flight) > 0 {
			i := w.r.IntN(len(w.flight)) // in any order
			f := w.flight[i]
			w.flight = slices.Delete(w.flight, i, i+1)
			w.arrive(f)
			continue
		}
		next := time.Time{}
		for i, tree := range w.trees {
			if due := tree.Due(); !w.dead[i] && !due.IsZero() && (next.IsZero() || due.Before(next)) {
				next = due
			}
		}
		if next.IsZero() {
			return
		}
		w.now = next
		for i, tree := range w.trees {
			if !w.dead[i] && !tree.Due().IsZero() && !tree.Due().After(next) {
				w.post(i, tree.Next(w.now))
			}
		}
	}
	w.t.Fatal("the tree does not come to rest")
}

func (w *wood) arrive(f flying) {
	if w.dead[f.to] {
		return
	}
	if f.Report == 0 {
		w.told[f.to]++
		w.trees[f.to].Take(w.now, w.all[f.from], f.Key, f.Ticket, f.Load, f.Share)
	} else {
		reached := w.trees[f.to].Hear(w.now, w.all[f.from], f.Key, f.Ticket, f.Missing, f.Report)
		if f.to == 0 {
			for _, n := range reached {
				w.reached[n] = true
			}
		}
	}
	w.post(f.to, w.trees[f.to].Flush())
}

func (w *wood) begin() {
	w.trees[0].Begin(w.now, 1, "load", w.all[1:], w.r)
	w.post(0, w.trees[0].Flush())
	w.run()
}

// TestTreeTellsEachOnce: without faults 2(n-1) messages, and a report beside
// for each share of more than DefaultConfirm.
func TestTreeTellsEachOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 100, 1000} {
		for fanout := 1; fanout <= 3; fanout++ {
			w := newWood(t, uint64(n), n, TreeConfig{Fanout: fanout})
			w.begin()
			for i, told := range w.told {
				if i > 0 && told != 1 {
					t.Fatalf("n=%d k=%d: got %d told %d times, want once", n, fanout, i, told)
				}
			}
			if len(w.reached) != n-1 {
				t.Errorf("n=%d k=%d: got %d reported as reached, want all others", n, fanout, len(w.reached))
			}
			if least := 2 * (n - 1); w.sent < least || w.sent > least+n/DefaultConfirm {
				t.Errorf("n=%d k=%d: got %d messages, want 2(n-1) = %d and a few", n, fanout, w.sent, least)
			}
		}
	}
}

// TestTreeUnderFaults: whatever is lost and whoever is dead, the tree comes to
// rest, and nobody is reported as reached who is not.
func TestTreeUnderFaults(t *testing.T) {
	for seed := range uint64(200) {
		n := 2 + int(seed)%60
		w := newWood(t, seed, n, TreeConfig{Fanout: 1 + int(seed)%3})
		w.loss = float64(seed%4) * 0.1
		for i := 1; i < n; i++ {
			w.dead[i] = w.r.IntN(5) == 0
		}
		w.begin()
		for i := 1; i < n; i++ {
			if w.reached[w.all[i]] && w.told[i] == 0 {
				t.Fatalf("seed %d: %d is reported as reached and was never told", seed, i)
			}
			if w.loss == 0 && !w.dead[i] && !w.reached[w.all[i]] {
				t.Fatalf("seed %d: %d lives and was not reached", seed, i)
			}
			if w.trees[i].Len() != 0 && !w.dead[i] {
				t.Fatalf("seed %d: %d still serves a share", seed, i)
			}
		}
	}
}

// TestTreeSurvivesItsRelays: nodes that take a share and die before they serve
// it cost nobody else the load (finding 13).
func TestTreeSurvivesItsRelays(t *testing.T) {
	for seed := range uint64(100) {
		const n = 60
		w := newWood(t, seed, n, TreeConfig{Fanout: 2})
		w.trees[0].Begin(w.now, 1, "load", w.all[1:], w.r)
		parcels := w.trees[0].Flush()
		for _, p := range parcels[:2] { // the two largest shares
			i := int(p.To.UID) - 1
			w.trees[i].Take(w.now, w.all[0], 1, p.Ticket, "load", p.Share)
			for _, q := range w.trees[i].Flush() {
				if q.Report == Begun {
					w.trees[0].Hear(w.now, p.To, 1, p.Ticket, nil, Begun)
				}
			}
			w.dead[i] = true
		}
		w.post(0, parcels)
		w.run()
		for i := 1; i < n; i++ {
			if !w.dead[i] && w.told[i] == 0 {
				t.Fatalf("seed %d: %d was not told", seed, i)
			}
		}
	}
}

func TestTreeLimits(t *testing.T) {
	w := newWood(t, 1, 1000, TreeConfig{Fanout: 1, MaxShare: 1000})
	w.begin()
	if most := 1000 / (1 + nodeSize); w.depth > most {
		t.Errorf("got a share of %d nodes, want at most %d", w.depth, most)
	}
	if len(w.reached) != 999 {
		t.Errorf("got %d reached, want all", len(w.reached))
	}
	tree := NewTree[int, string](TreeConfig{Hop: time.Second})
	for key := range 2 * maxTasks {
		tree.Take(w.now, w.all[1], key, 1, "", w.all[2:4])
	}
	if tree.Len() > maxTasks {
		t.Errorf("got %d loads at once, want at most %d", tree.Len(), maxTasks)
	}
	refused := 0
	for _, p := range tree.Flush() {
		if p.Report == Final && len(p.Missing) == 2 {
			refused++
		}
	}
	if refused != maxTasks {
		t.Errorf("got %d shares reported as not served, want %d", refused, maxTasks)
	}
	tree.Drop(func(int) bool { return true })
	if tree.Len() != 0 || len(tree.done) != 0 || !tree.Due().IsZero() {
		t.Error("a dropped load is still there")
	}
}

// TestDoubtfulAreLeaves: who is accused is told, and relied on for nothing.
func TestDoubtfulAreLeaves(t *testing.T) {
	doubtful := nodes(60)[10:20]
	w := newWood(t, 1, 60, TreeConfig{Doubt: func(n member.Node) bool { return slices.Contains(doubtful, n) }})
	w.trees[0].Begin(w.now, 1, "load", w.all[1:], w.r)
	for _, p := range w.trees[0].Flush() {
		if slices.Contains(doubtful, p.To) && len(p.Share) > 0 {
			t.Errorf("%s was given a share of %d", p.To, len(p.Share))
		}
	}
}

// TestTreeForgets: who asks again is told that its share is served, for as long
// as it may ask; then nothing is kept of it.
func TestTreeForgets(t *testing.T) {
	all, now := nodes(4), time.Unix(0, 0)
	tree := NewTree[int, string](TreeConfig{Hop: time.Second})
	ask := func(ticket uint64) []Parcel[int, string] {
		tree.Take(now, all[1], 1, ticket, "load", all[2:3])
		return tree.Flush()
	}
	handed := ask(7)
	if len(handed) != 1 || handed[0].To != all[2] {
		t.Fatalf("got %v, want the load handed on", handed)
	}
	tree.Hear(now, all[2], 1, handed[0].Ticket, nil, Final)
	tree.Flush()
	if tree.Len() != 0 || !tree.Due().IsZero() {
		t.Errorf("got %d loads, due %v; want none on its way", tree.Len(), tree.Due())
	}
	now = now.Add(maxTries * tree.patience(2))
	if again := ask(7); len(again) != 1 || again[0].Report != Final {
		t.Errorf("got %v for a share that is asked for again, want the final report", again)
	}
	now = now.Add(tree.patience(2))
	tree.Next(now)
	if len(tree.tasks)+len(tree.done)+len(tree.children)+len(tree.timers) != 0 {
		t.Errorf("got %d tasks, %d done, %d children, %d timers; want nothing kept", len(tree.tasks), len(tree.done), len(tree.children), len(tree.timers))
	}
	for ticket := range uint64(2 * maxDone) {
		tree.Take(now, all[1], 2, ticket, "load", all[2:3])
		tree.Hear(now, all[2], 2, tree.Flush()[0].Ticket, nil, Final)
		tree.Flush()
	}
	if got := len(tree.tasks); got != maxDone {
		t.Errorf("got %d shares remembered, want %d", got, maxDone)
	}
	tree.Take(now, all[1], 3, 1, "load", nil)
	if said := tree.Flush(); len(said) != 1 || said[0].Report != Final || len(tree.tasks) != maxDone {
		t.Errorf("got %v and %d shares remembered for a share of nobody, want the final report and %d", said, len(tree.tasks), maxDone)
	}
}
