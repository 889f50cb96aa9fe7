package gossip

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Tree hands loads down to an audience, without anybody telling anybody twice:
// who has to serve m others divides them into k+1 shares, hands each of k of
// them the load and one share, keeps the last and goes on with that. n nodes
// know it after ⌈log_(k+1) n⌉ steps, by n-1 messages.
//
// A node answers with one report once its whole share is served, so a report
// is a proof and nobody can fake it by answering early (finding 13): it names
// everybody who was not reached, and everybody else was. That is another n-1
// messages. Until the report has come, the share stays the sender's to serve:
// after a time-out it asks again, and then divides the share anew among those
// that are left. A node that took a share and died costs time, not its subtree.
//
// Two more sorts of reports keep faults from costing time. Begun confirms a
// large share on receipt, so that a share that got lost is noticed after one
// hop rather than after the time that its subtree may take. Partial goes up as
// soon as a node waits only for nodes that are late, so that one dead node does
// not keep the knowledge of all the others from the origin.
//
// K names a load, P is what is handed on. Whoever takes a load is told once;
// repeating it is the caller's to notice. The zero Tree is not usable.
type Tree[K comparable, P any] struct {
	cfg      TreeConfig
	tasks    map[origin[K]]*task[K, P]
	done     []*task[K, P]           // those of tasks that are finished, oldest first: to answer whoever asks again
	children map[uint64]*child[K, P] // of all tasks, by ticket
	timers   timers[K, P]            // the children, the one that is late first
	waiting  []*task[K, P]           // Paced: those with somebody left to hand on
	drawn    uint64                  // tickets so far
	out      []Parcel[K, P]
}

// TreeConfig describes a [Tree].
type TreeConfig struct {
	// Self has an audience served along the ring (package reach) from that node
	// on, unless it is so small that everybody deals with everybody anyway. Shares
	// are then arcs, and whoever begins, a node hands its arc on at the distances
	// n/(k+1), n/(k+1)², … and their multiples up to k: it comes to use
	// k·log₍k+1₎ n connections, the same for all loads. In a random order each load
	// would open n new ones. Zero: in a random order.
	Self   member.Node
	Fanout int           // k; 0 = DefaultFanout
	Hop    time.Duration // what one message there and its answer may take; required
	// Paced makes a node send k messages in each call of Next, as the literature
	// counts rounds; else everything goes out at once.
	Paced bool
	// Confirm is how many nodes a share may have without being confirmed on
	// receipt; 0 = DefaultConfirm, negative = each share is.
	Confirm int
	// MaxShare is how many bytes of node names a share may have, about; 0 = any
	// number. Where that makes shares smaller, a node hands out more of them.
	MaxShare int
	// Doubt reports whether a node is better not relied on: it is served, but
	// given no share. nil = nobody is doubted.
	Doubt func(member.Node) bool
}

// Parcel is a message that a [Tree] wants sent: a load with a share, or a
// report.
type Parcel[K comparable, P any] struct {
	To      member.Node
	Key     K
	Ticket  uint64        // of the share, drawn by who hands it out; a report returns it
	Load    P             // zero in a report
	Share   []member.Node // whom the receiver is to serve
	Report  Report        // 0 in a load
	Missing []member.Node // in a partial or final report: who of the share was not reached
}

// Report tells how far the sender is with a share.
type Report uint8

// The reports. The zero Report is none.
const (
	Begun   Report = 1 + iota // it has the share, and works on it
	Partial                   // all but Missing are reached, and it works on those
	Final                     // all but Missing are reached, and it has given those up
)

// task is a share that this node took over from a parent, or a whole audience.
type task[K comparable, P any] struct {
	origin  origin[K]
	load    P
	size    int           // of the share
	rest    []member.Node // not handed on yet; may share memory with others: never written to
	open    []*child[K, P]
	missing []member.Node // given up
	told    bool          // the parent was told who is late
	waits   bool          // it is among those waiting
	until   time.Time     // finished: when it may be forgotten; else zero
}

// origin tells where a share comes from. One parent may hand a node several
// shares of one load, after it took others back.
type origin[K comparable] struct {
	key    K
	parent member.Node // zero = this node began it
	ticket uint64
}

// The patience of a tree and its memory.
const (
	maxTries   = 3    // how often a node is told that does not answer
	maxAnswers = 8    // how often a node may say that it is at it
	maxTasks   = 1024 // beyond it a node reports that it serves nobody
	maxDone    = 256

	nodeSize = 14 // bytes of a node in a message, beside its address
)

// DefaultConfirm is how large a share may be that is not confirmed on receipt.
const DefaultConfirm = 16

// NewTree returns a tree without loads.
func NewTree[K comparable, P any](cfg TreeConfig) *Tree[K, P] {
	if cfg.Fanout <= 0 {
		cfg.Fanout = DefaultFanout
	}
	if cfg.Confirm == 0 {
		cfg.Confirm = DefaultConfirm
	}
	if cfg.Doubt == nil {
		cfg.Doubt = func(member.Node) bool { return false }
	}
	return &Tree[K, P]{cfg: cfg, tasks: map[origin[K]]*task[K, P]{}, children: map[uint64]*child[K, P]{}}
}

// Begin hands a load to an audience, in the order that the configuration asks
// for. No load of that key may be on its way from here. audience is not kept.
func (t *Tree[K, P]) Begin(now time.Time, key K, load P, audience []member.Node, r *rand.Rand) {
	k := &task[K, P]{origin: origin[K]{key: key}, load: load, size: len(audience)}
	t.tasks[k.origin] = k
	for _, n := range audience {
		if t.cfg.Doubt(n) {
			t.hand(now, k, n, nil)
		} else {
			k.rest = append(k.rest, n)
		}
	}
	if t.cfg.Self.IsZero() || len(k.rest) < reach.All {
		r.Shuffle(len(k.rest), func(i, j int) { k.rest[i], k.rest[j] = k.rest[j], k.rest[i] })
	} else {
		reach.Sort(t.cfg.Self, k.rest)
	}
	t.pursue(now, k)
}

// Take takes over a share from a parent. What this node serves already, or has
// served, it reports on. A share of nobody is served at once, however often it
// comes, and not remembered: most are.
func (t *Tree[K, P]) Take(now time.Time, parent member.Node, key K, ticket uint64, load P, share []member.Node) {
	from := origin[K]{key, parent, ticket}
	if len(share) == 0 {
		t.report(from, Final, nil)
		return
	}
	if k := t.tasks[from]; k != nil {
		if k.until.IsZero() {
			t.report(from, Begun, nil)
		} else {
			t.report(from, Final, k.missing)
		}
		return
	}
	k := &task[K, P]{origin: from, load: load, size: len(share), rest: share}
	if t.Len() >= maxTasks {
		k.rest, k.missing = nil, share
	}
	t.tasks[from] = k
	if len(k.rest) > t.cfg.Confirm {
		t.report(from, Begun, nil)
	}
	t.pursue(now, k)
}

// Hear takes a report and returns who is known by it to be reached, that
// was not before.
func (t *Tree[K, P]) Hear(now time.Time, from member.Node, key K, ticket uint64, missing []member.Node, report Report) (reached []member.Node) {
	c := t.children[ticket]
	if c == nil || c.node != from || c.task.origin.key != key {
		return nil
	}
	if !c.heard {
		c.heard, reached = true, append(reached, c.node)
	}
	if report != Begun {
		c.left, reached = part(c.left, set(missing), reached)
	}
	c.tries = 1
	c.answers++
	switch {
	case report == Final:
		c.task.missing = append(c.task.missing, c.left...)
		t.drop(c)
	case c.answers > maxAnswers:
		t.reclaim(now, c)
	default:
		c.late = c.late || report == Partial
		patience := t.patience(len(c.left) + 1)
		if c.late { // it tries each of them as often as anybody may be tried
			patience += maxTries * t.cfg.Hop
		}
		t.await(c, now.Add(patience))
	}
	t.pursue(now, c.task)
	return reached
}

// part returns those nodes that are in lacks, and appends the others to gone.
func part(nodes []member.Node, lacks map[member.Node]bool, gone []member.Node) (left, all []member.Node) {
	for _, n := range nodes {
		if lacks[n] {
			left = append(left, n)
		} else {
			gone = append(gone, n)
		}
	}
	return left, gone
}

// Lost tells that a message to a node was lost, or that it is accused: what it
// was handed need not wait for the time-out.
func (t *Tree[K, P]) Lost(now time.Time, n member.Node) {
	for _, c := range slices.Clone(t.timers) {
		if c.node != n {
			continue
		}
		if t.await(c, now); len(c.share) > 0 {
			c.tries = maxTries // ask nobody again whom nothing reaches
		}
	}
}

// Drop forgets all loads that match, whether they are finished or not.
func (t *Tree[K, P]) Drop(match func(K) bool) {
	for from, k := range t.tasks { // order: each goes by itself
		if !match(from.key) {
			continue
		}
		for _, c := range slices.Clone(k.open) {
			t.drop(c)
		}
		delete(t.tasks, from)
	}
	dropped := func(k *task[K, P]) bool { return match(k.origin.key) }
	t.done = slices.DeleteFunc(t.done, dropped)
	t.waiting = slices.DeleteFunc(t.waiting, dropped)
	t.out = slices.DeleteFunc(t.out, func(p Parcel[K, P]) bool { return match(p.Key) })
}

// Serving reports whether this node has begun a load that is still on its way.
func (t *Tree[K, P]) Serving(key K) bool { return t.tasks[origin[K]{key: key}] != nil }

// Len returns how many loads are on their way from here.
func (t *Tree[K, P]) Len() int { return len(t.tasks) - len(t.done) }

// Next looks after everybody who is late and returns what is to be sent.
func (t *Tree[K, P]) Next(now time.Time) []Parcel[K, P] {
	t.forget(now)
	moved := t.waiting
	t.waiting = nil
	for _, k := range moved {
		k.waits = false
		t.divide(now, k)
	}
	for len(t.timers) > 0 && !now.Before(t.timers[0].due) {
		c := t.timers[0]
		moved = append(moved, c.task)
		if c.tries < c.limit() {
			c.late = true
			t.tell(now, c, t.cfg.Hop)
		} else {
			t.reclaim(now, c)
		}
	}
	for _, k := range moved {
		if k.until.IsZero() {
			t.pursue(now, k)
		}
	}
	return t.Flush()
}

// Flush returns what is to be sent after an input.
func (t *Tree[K, P]) Flush() []Parcel[K, P] {
	out := t.out
	t.out = nil
	return out
}

// Due returns when Next has something to do; zero = not before an input.
func (t *Tree[K, P]) Due() time.Time {
	if len(t.timers) == 0 {
		return time.Time{}
	}
	return t.timers[0].due
}

// pursue hands on what there is, and reports when there is nothing left.
func (t *Tree[K, P]) pursue(now time.Time, k *task[K, P]) {
	for !t.cfg.Paced && len(k.rest) > 0 {
		t.divide(now, k)
	}
	switch {
	case len(k.rest) > 0:
		if !k.waits {
			k.waits = true
			t.waiting = append(t.waiting, k)
		}
	case len(k.open) == 0:
		t.finish(now, k)
	case !k.told && !slices.ContainsFunc(k.open, func(c *child[K, P]) bool { return !c.late }):
		k.told = true
		missing := slices.Clone(k.missing)
		for _, c := range k.open {
			if !c.heard {
				missing = append(missing, c.node)
			}
			missing = append(missing, c.left...)
		}
		t.report(k.origin, Partial, missing)
	}
}

// divide makes one step: k+1 shares of nearly equal size, one of them kept.
func (t *Tree[K, P]) divide(now time.Time, k *task[K, P]) {
	fanout := t.cfg.Fanout
	group := len(k.rest) + 1
	keep := max(1, group/(fanout+1)) - 1
	others := k.rest[keep:]
	k.rest = k.rest[:keep:keep]
	for i := range fanout {
		part := others[len(others)*i/fanout : len(others)*(i+1)/fanout]
		for len(part) > 0 {
			size := t.fit(part)
			head, share := t.choose(part[:size:size])
			t.hand(now, k, head, share)
			part = part[size:]
		}
	}
}

// fit returns how many nodes of a part fit into one share and its head.
func (t *Tree[K, P]) fit(part []member.Node) int {
	if t.cfg.MaxShare == 0 {
		return len(part)
	}
	bytes := 0
	for i, n := range part[1:] {
		if bytes += len(n.Address) + nodeSize; bytes > t.cfg.MaxShare {
			return i + 1
		}
	}
	return len(part)
}

// choose picks who of a part is handed the rest of it: the first that can be
// relied on.
func (t *Tree[K, P]) choose(part []member.Node) (head member.Node, share []member.Node) {
	i := max(0, slices.IndexFunc(part, func(n member.Node) bool { return !t.cfg.Doubt(n) }))
	if i == 0 {
		return part[0], part[1:len(part):len(part)]
	}
	return part[i], slices.Concat(part[:i], part[i+1:])
}

// hand hands a share to a node.
func (t *Tree[K, P]) hand(now time.Time, k *task[K, P], n member.Node, share []member.Node) {
	c := t.add(&child[K, P]{task: k, node: n, share: share, left: share})
	patience := t.patience(len(share) + 1)
	if len(share) > t.cfg.Confirm {
		patience = t.cfg.Hop
	}
	t.tell(now, c, patience)
}

func (t *Tree[K, P]) tell(now time.Time, c *child[K, P], patience time.Duration) {
	c.tries++
	t.await(c, now.Add(patience))
	t.out = append(t.out, Parcel[K, P]{To: c.node, Key: c.task.origin.key, Ticket: c.ticket, Load: c.task.load, Share: c.share})
}

// patience is how long a group of nodes may take: the way down, a step each,
// and the reports on the way up.
func (t *Tree[K, P]) patience(group int) time.Duration {
	depth := 0
	for reach := 1; reach < group; reach *= t.cfg.Fanout + 1 {
		depth++
	}
	return time.Duration(2*depth+1) * t.cfg.Hop
}

// reclaim takes back what a child has not served. If it never answered, it
// gets one more chance to be told at all, without a share.
func (t *Tree[K, P]) reclaim(now time.Time, c *child[K, P]) {
	t.drop(c)
	switch {
	case c.heard:
	case len(c.share) > 0 && c.tries < maxTries:
		t.tell(now, t.add(&child[K, P]{task: c.task, node: c.node, tries: c.tries, late: true}), t.cfg.Hop)
	default:
		c.task.missing = append(c.task.missing, c.node)
	}
	c.task.rest = slices.Concat(c.task.rest, c.left)
}

// finish reports to the parent, and remembers that for as long as it may ask
// again.
func (t *Tree[K, P]) finish(now time.Time, k *task[K, P]) {
	if k.origin.parent.IsZero() {
		delete(t.tasks, k.origin)
		return
	}
	t.report(k.origin, Final, k.missing)
	var none P
	k.load, k.rest, k.open, k.until = none, nil, nil, now.Add((maxTries+1)*t.patience(k.size+1))
	t.done = append(t.done, k)
	t.forget(now)
}

// forget drops what nobody asks about any more, and the oldest beyond a limit.
func (t *Tree[K, P]) forget(now time.Time) {
	for len(t.done) > maxDone || len(t.done) > 0 && !now.Before(t.done[0].until) {
		delete(t.tasks, t.done[0].origin)
		t.done[0] = nil
		t.done = t.done[1:]
	}
}

// report tells the parent of a share how far this node is with it.
func (t *Tree[K, P]) report(of origin[K], report Report, missing []member.Node) {
	if !of.parent.IsZero() {
		t.out = append(t.out, Parcel[K, P]{To: of.parent, Key: of.key, Ticket: of.ticket, Report: report, Missing: missing})
	}
}
