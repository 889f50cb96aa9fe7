package groups

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// check holds what an omniscient observer knows, and the invariants.
type check struct {
	boots     uint64
	log       map[[2]uint64]string // shard, index → what was applied there first
	leaders   map[[2]uint64]uint64 // shard, term → primary
	open      map[uint64]*op
	ops       []*op
	lastAcked map[uint32]Ack
	written   map[uint32]time.Time // when a write was acknowledged last
	conf      map[uint32]Row       // newest configuration applied at any primary
}

// op is one operation of a client.
type op struct {
	shard     uint32
	key       string
	value     string // "" for a read
	level     Level
	node      *simNode
	call, ret time.Time // ret zero: outcome unknown
	out       string
	applied   bool
}

func (c *check) init() {
	c.log, c.leaders = map[[2]uint64]string{}, map[[2]uint64]uint64{}
	c.open, c.lastAcked, c.conf = map[uint64]*op{}, map[uint32]Ack{}, map[uint32]Row{}
	c.written = map[uint32]time.Time{}
}

// lostNode makes the outcome of what was open at a node unknown.
func (c *check) lostNode(n *simNode) {
	for id, o := range c.open { // order: each is only deleted
		if o.node == n {
			delete(c.open, id)
		}
	}
}

// applied checks that all replicas apply the same.
func (w *world) applied(n *simNode, a Apply) {
	key := [2]uint64{uint64(a.Shard), a.Index}
	what := fmt.Sprintf("%d %s", a.Term, a.Data)
	if first, ok := w.check.log[key]; ok && first != what {
		w.failf("shard %d index %d: n%d applies %q, another applied %q", a.Shard, a.Index, n.at, what, first)
	}
	w.check.log[key] = what
	s := n.states[a.Shard]
	if s == nil {
		w.failf("n%d applies to shard %d without a state", n.at, a.Shard)
		return
	}
	if a.Index <= s.index {
		w.failf("n%d applies %d of shard %d twice (state %d)", n.at, a.Index, a.Shard, s.index)
	}
	out := s.apply(a.Index, a.Data)
	if o := w.open[a.ID]; a.ID != 0 && o != nil && o.node == n {
		o.out, o.applied = out, true
	}
}

func (w *world) role(n *simNode, r RoleChange) {
	w.tracef("n%d id %d shard %d: role %d term %d primary %d", n.at, n.id, r.Shard, r.Role, r.Term, r.Primary)
	if r.Role == None {
		delete(n.states, r.Shard)
	}
	if r.Role != Primary {
		return
	}
	key := [2]uint64{uint64(r.Shard), r.Term}
	if other, ok := w.leaders[key]; ok && other != n.id {
		w.failf("shard %d term %d: both %d and %d are primary", r.Shard, r.Term, other, n.id)
	}
	w.leaders[key] = n.id
}

func (w *world) ack(n *simNode, a Ack) {
	o := w.open[a.ID]
	if o == nil || o.node != n {
		w.failf("n%d: ack of proposal %d, which is not open", n.at, a.ID)
		return
	}
	delete(w.open, a.ID)
	if a.Result == Unknown {
		w.stats.unknown++
		return
	}
	w.stats.acked++
	w.written[a.Shard] = w.now
	if o.level == Async {
		return // may be lost: its outcome stays unknown
	}
	if !o.applied {
		w.failf("n%d: proposal %d acknowledged before it was applied", n.at, a.ID)
	}
	if o.level == All {
		w.checkEverywhere(n, a)
	}
	o.ret = w.now
	if last := w.lastAcked[a.Shard]; a.Index > last.Index {
		w.lastAcked[a.Shard] = a
	}
}

// checkEverywhere: All means durable on every voter of the configuration.
func (w *world) checkEverywhere(n *simNode, a Ack) {
	for _, id := range n.m.groups[a.Shard].conf.voters {
		d := w.ghosts[id]
		if holder := w.byID(id); holder != nil {
			d = holder.disk
		}
		if d == nil || !d.shard(a.Shard).has(a.Index, a.Term) {
			w.failf("shard %d: %d was acknowledged at All, and %d has it not", a.Shard, a.Index, id)
		}
	}
}

// checkAll holds after each event.
func (w *world) checkAll() {
	for shard := range uint32(w.shards) {
		w.checkOnePrimary(shard)
		w.checkHolders(shard)
	}
}

// checkOnePrimary: at any real time at most one node may serve a shard.
func (w *world) checkOnePrimary(shard uint32) {
	var serving []*simNode
	for _, n := range w.nodes {
		if n.m != nil && n.m.CanServe(shard, n.clock()) {
			serving = append(serving, n)
		}
	}
	if len(serving) > 1 {
		w.failf("shard %d: n%d and n%d serve at one time", shard, serving[0].at, serving[1].at)
	}
}

// checkHolders is I7: what was acknowledged at Quorum is on a majority of the
// newest configuration that anybody has applied.
func (w *world) checkHolders(shard uint32) {
	for _, n := range w.nodes {
		if n.m == nil || n.m.groups[shard] == nil {
			continue
		}
		g, c := n.m.groups[shard], w.conf[shard]
		if !g.blank() && g.conf.index > c.Index && g.serving || c.Epoch > 0 && g.conf.index > c.Index {
			w.conf[shard] = Row{Epoch: g.term, Index: g.conf.index, Replicas: g.conf.voters}
		}
	}
	a, ok := w.lastAcked[shard]
	if !ok {
		return
	}
	c := w.conf[shard]
	holders := 0
	for _, id := range c.Replicas {
		d := w.ghosts[id]
		if n := w.byID(id); n != nil {
			d = n.disk
		}
		if d != nil && d.shard(shard).has(a.Index, a.Term) {
			holders++
		}
	}
	if holders <= len(c.Replicas)/2 {
		w.failf("shard %d: acked %d (term %d) is on %d of %v", shard, a.Index, a.Term, holders, c.Replicas)
	}
}

type listIn struct{ value string }

// listModel is a list to which values are appended.
var listModel = porcupine.Model{
	Init: func() any { return "" },
	Step: func(st, in, out any) (bool, any) {
		list := st.(string)
		if v := in.(listIn).value; v != "" {
			list += v + ";"
		}
		return out == nil || out.(string) == list, list
	},
	Equal: func(a, b any) bool { return a == b },
}

// checkHistory asks whether the clients' history is linearizable: porcupine for
// a prefix of each list's history, and a direct test for all of it. Each output
// is a whole list of unique values, so a history is linearizable if and only if
// the outputs are prefixes of one another, an append's ends with its own value,
// no value is there before its call, and nobody who calls after another's
// return sees less.
func (w *world) checkHistory() error {
	lists := map[string][]*op{}
	for _, o := range w.ops {
		key := fmt.Sprint(o.shard, o.key)
		lists[key] = append(lists[key], o)
	}
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		if err := direct(lists[key]); err != nil {
			return fmt.Errorf("list %s: %w", key, err)
		}
		if porcupine.CheckOperationsTimeout(listModel, history(lists[key]), 2*time.Second) == porcupine.Illegal {
			return fmt.Errorf("list %s: not linearizable", key)
		}
	}
	return nil
}

func direct(ops []*op) error {
	called := map[string]time.Time{}
	for _, o := range ops {
		if o.value != "" {
			called[o.value] = o.call
		}
	}
	ops = slices.DeleteFunc(slices.Clone(ops), func(o *op) bool { return o.ret.IsZero() })
	for _, o := range ops {
		if o.value != "" && !strings.HasSuffix(";"+o.out, ";"+o.value+";") {
			return fmt.Errorf("append of %s returned %q", o.value, o.out)
		}
	}
	byLen := slices.Clone(ops)
	slices.SortStableFunc(byLen, func(a, b *op) int { return cmp.Compare(len(a.out), len(b.out)) })
	for i, o := range byLen[1:] {
		if !strings.HasPrefix(o.out, byLen[i].out) {
			return fmt.Errorf("%q does not continue %q", o.out, byLen[i].out)
		}
	}
	for _, o := range ops {
		for _, v := range strings.Split(strings.TrimSuffix(o.out, ";"), ";") {
			if at, known := called[v]; known && at.After(o.ret) {
				return fmt.Errorf("%q was seen before it was written", v)
			}
		}
	}
	byReturn := slices.Clone(ops)
	slices.SortStableFunc(byReturn, func(a, b *op) int { return a.ret.Compare(b.ret) })
	slices.SortStableFunc(ops, func(a, b *op) int { return a.call.Compare(b.call) })
	done, most := 0, &op{}
	for _, o := range ops {
		for ; done < len(byReturn) && byReturn[done].ret.Before(o.call); done++ {
			if len(byReturn[done].out) > len(most.out) {
				most = byReturn[done]
			}
		}
		if len(o.out) < len(most.out) || o.value != "" && len(o.out) == len(most.out) && most.out != "" {
			return fmt.Errorf("op called at %v sees %q, but %q was returned at %v before", o.call, o.out, most.out, most.ret)
		}
	}
	return nil
}

// history is what porcupine gets of a list: the first operations.
func history(ops []*op) []porcupine.Operation {
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(a, b *op) int { return a.call.Compare(b.call) })
	seen := map[string]bool{}
	ops = ops[:min(len(ops), 60)]
	for _, o := range ops {
		for _, v := range strings.Split(o.out, ";") {
			seen[v] = seen[v] || !o.ret.IsZero()
		}
	}
	var list []porcupine.Operation
	for i, o := range ops {
		p := porcupine.Operation{ClientId: i, Input: listIn{o.value}, Call: o.call.UnixNano(), Return: math.MaxInt64}
		if !o.ret.IsZero() {
			p.Output, p.Return = o.out, o.ret.UnixNano()
		} else if !seen[o.value] {
			continue // unknown, and nobody ever saw it: it may stand at the very end
		}
		list = append(list, p)
	}
	return list
}
