package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// trap is one way of starting that ends in two clusters where the first seed
// founds without asking. spring arranges it and returns when it has snapped:
// what comes after that is up to the nodes.
type trap struct {
	name   string
	story  string
	nodes  int
	spring func(*try) error
}

var traps = []trap{
	{"last", "the first seed is started last", 5, firstSeedLast},
	{"restart", "the first seed is killed and started again", 5, firstSeedRestarts},
	{"heads", "two lists with different heads", 5, twoHeads},
	{"seeds", "all seeds are killed and started again, ordinary nodes live", 7, allSeedsRestart},
	{"crowd", "twenty nodes start at the same moment", 20, atOnce},
}

// trapsNamed returns the trap of that name, all for "".
func trapsNamed(name string) ([]trap, error) {
	if name == "" {
		return traps, nil
	}
	var names []string
	for _, t := range traps {
		if t.name == name {
			return []trap{t}, nil
		}
		names = append(names, t.name)
	}
	return nil, fmt.Errorf("-only %q: want one of %s", name, strings.Join(names, ", "))
}

// try is one repeat of a trap.
type try struct {
	*crew
	ctx    context.Context
	rng    *rand.Rand
	repeat int // from 0
}

// result is what came of a try.
type result struct {
	trap     *trap
	end      end
	took     time.Duration // from the snap to the end
	clusters int           // how many were founded in all
}

// run springs the trap and waits for its end. In every other repeat islands are
// told and not healed.
func (tr *trap) run(ctx context.Context, rng *rand.Rand, repeat int) (result, error) {
	r := result{trap: tr}
	c, err := newCrew(rng, tr.nodes, repeat%2 == 1)
	if err != nil {
		return r, err
	}
	defer c.close()
	fault := func(err error) (result, error) {
		return r, fmt.Errorf("%s, repeat %d: %w", tr.story, repeat+1, err)
	}
	c.seed(all(tr.nodes), 0, 1, 2)
	if err := tr.spring(&try{c, ctx, rng, repeat}); err != nil {
		return fault(err)
	}
	snap := time.Now()
	at, err := c.until(ctx, "one cluster, or islands that are told", func() bool {
		r.end = c.ended()
		return r.end != ""
	})
	if err != nil {
		return fault(err)
	}
	r.took, r.clusters = at.Sub(snap), len(c.ids)
	return r, nil
}

// all returns the numbers from 0 to n-1.
func all(n int) []int { return between(0, n) }

func between(from, to int) (nodes []int) {
	for i := from; i < to; i++ {
		nodes = append(nodes, i)
	}
	return nodes
}

// shuffled returns the nodes in any order.
func (t *try) shuffled(nodes []int) []int {
	t.rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	return nodes
}

// dawdle lets up to d pass.
func (t *try) dawdle(d time.Duration) { t.pause(t.ctx, time.Duration(t.rng.Int64N(int64(d)))) }

// form starts all nodes and waits until they are one cluster.
func (t *try) form(nodes ...int) error {
	if err := t.start(nodes...); err != nil {
		return err
	}
	_, err := t.until(t.ctx, "a cluster to begin with", func() bool { return t.together(nodes...) })
	return err
}

func firstSeedLast(t *try) error {
	if err := t.start(t.shuffled(between(1, len(t.setups)))...); err != nil {
		return err
	}
	t.dawdle(time.Second)
	return t.start(0)
}

func firstSeedRestarts(t *try) error {
	if err := t.form(all(len(t.setups))...); err != nil {
		return err
	}
	t.kill(0)
	t.dawdle(2 * time.Second)
	return t.start(0)
}

// twoHeads is, in turn, a list in two orders, and two lists that have no seed
// in common: those make two clusters for certain, which hear of each other when
// a node starts that was given both lists.
func twoHeads(t *try) error {
	if t.repeat%3 == 0 {
		t.seed([]int{0, 3}, 0, 1, 2)
		t.seed([]int{1, 2, 4}, 1, 0, 2)
		return t.start(t.shuffled(all(len(t.setups)))...)
	}
	t.seed([]int{0, 2}, 0)
	t.seed([]int{1, 3}, 1)
	t.seed([]int{4}, 0, 1)
	if err := t.form(t.shuffled([]int{0, 2})...); err != nil {
		return err
	}
	if err := t.form(t.shuffled([]int{1, 3})...); err != nil {
		return err
	}
	return t.start(4)
}

func allSeedsRestart(t *try) error {
	if err := t.form(all(len(t.setups))...); err != nil {
		return err
	}
	t.kill(0, 1, 2)
	t.dawdle(2 * time.Second)
	return t.start(t.shuffled([]int{0, 1, 2})...)
}

func atOnce(t *try) error { return t.start(t.shuffled(all(len(t.setups)))...) }
