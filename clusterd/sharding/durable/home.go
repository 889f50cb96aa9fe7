package durable

import (
	"cmp"
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// How much of a shard may be under way at its primary. What comes beyond it waits
// in the backlog, and what comes when that is full is refused with ErrFull.
const (
	maxFlight      = 2048    // commands that are not applied
	maxFlightBytes = 4 << 20 // the same in bytes; the last one may exceed it
	maxCommand     = 3 << 20 // bytes of one command, which is one message to other nodes
	maxHeld        = 16384   // messages whose outputs wait for their level
	maxHeldAll     = 2048    // those of them that wait for All
	maxBacklog     = 16384   // messages
)

// home runs the entities of one shard while this node is its primary. It is an
// actor: one message at a time for all entities of the shard, so a message of one
// never meets a half-done one of another, and what they change goes into the
// shard's log in the order in which it was done.
//
// A message is handled at once on the state as it is in memory, which may be ahead
// of the log. Its changes are proposed, its outputs are held until they are safe,
// and the next message is handled meanwhile. So a shard is as fast as its entities
// while each answer is as safe as its level says: commands of many messages share
// a write to the disk and a packet.
type home struct {
	svc   *service
	shard int
	self  actor.Ref[any]

	// Owned by the actor.
	rep     *replica
	ctx     context.Context // ends with the run
	cancel  context.CancelFunc
	run     uint64         // 0 = this node is not the primary
	seq     uint64         // of the newest command of this run
	asked   [levels]uint64 // the newest command of which the log was asked to say when it reaches a level
	reached [levels]uint64
	applied uint64 // the newest command that is in the shard's state
	held    [levels][]held
	waiting int   // in all of held
	order   int   // counts what is held
	sizes   []int // of the commands from applied+1 on
	bytes   int   // their sum
	live    map[key]*entity
	recent  *list.List // of live, the least lately used first
	backlog []*call
	sweeper bool // a sweep is due

	mu   sync.Mutex
	news news // under mu
}

// news is what the shell has to tell a home.
type news struct {
	told     bool     // a wake is in the mailbox
	turns    []turn   // ends and begins of runs, in order
	progress progress // of the run after them
}

// turn is the end of a run, or the begin of one.
type turn struct {
	run  uint64   // that begins; 0 = one ends
	rep  *replica // what it begins with
	last progress // of the one that ends
}

// held is a message whose outputs wait until seq is safe.
type held struct {
	seq   uint64
	order int
	call  *call
	out   []output
}

// call is a message on its way to an entity.
type call struct {
	kind *kind
	id   string
	slot uint16
	hops int
	msg  any
	from *pa.PID // who asks, nil for nobody
	when time.Time
}

// Messages of a home beside calls.
type (
	wake  struct{}
	sweep struct{}
)

func newHome(svc *service, shard int) (*home, error) {
	h := &home{svc: svc, shard: shard, live: map[key]*entity{}, recent: list.New()}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.cancel()
	var err error
	h.self, err = actor.Spawn(svc.sys, "", func() actor.Behavior[any] { return h })
	return h, err
}

// Receive handles one message. It never fails: behaviors are guarded one by one.
func (h *home) Receive(c *actor.Context[any], m any) error {
	switch m := m.(type) {
	case *call:
		h.take(m)
	case wake:
		h.hear()
	case sweep:
		h.sweep(time.Now())
	}
	if !h.sweeper && len(h.live) > 0 {
		h.sweeper = true
		c.After(h.svc.cfg.Idle/2+time.Millisecond, sweep{})
	}
	return nil
}

// tell leaves news and sees to it that they are read. Any goroutine.
func (h *home) tell(change func(*news)) {
	h.mu.Lock()
	change(&h.news)
	told := h.news.told
	h.news.told = true
	h.mu.Unlock()
	if !told {
		h.self.Tell(wake{})
	}
}

// hear acts on the news, in the order in which things happened.
func (h *home) hear() {
	h.mu.Lock()
	n := h.news
	h.news.told, h.news.turns = false, nil
	h.mu.Unlock()
	for _, t := range n.turns {
		if t.run != 0 {
			h.begin(t)
			continue
		}
		h.reach(t.last)
		h.end()
	}
	if h.run != 0 {
		h.reach(n.progress)
	}
	h.work()
}

// begin opens a run: this node is the primary, and has applied all that earlier
// runs have committed.
func (h *home) begin(t turn) {
	h.run, h.rep, h.seq, h.applied = t.run, t.rep, 0, 0
	h.asked, h.reached = [levels]uint64{}, [levels]uint64{}
	h.ctx, h.cancel = context.WithCancel(context.Background())
}

// end throws the run away. What the log had accepted may become durable or not;
// those who wait for it learn that. What it had not accepted never will: nothing of
// it has left, so its messages are handled anew by the next run, here or elsewhere.
func (h *home) end() {
	if h.run == 0 {
		return
	}
	h.cancel()
	h.run = 0
	var again []held
	for l := range h.held {
		for _, x := range h.held[l] {
			if x.seq > h.reached[Async] {
				again = append(again, x)
				continue
			}
			h.disown(x.out)
		}
		h.held[l] = nil
	}
	h.waiting, h.sizes, h.bytes = 0, nil, 0
	h.svc.live.Add(int64(-len(h.live)))
	clear(h.live)
	h.recent.Init()
	slices.SortFunc(again, func(a, b held) int { return cmp.Compare(a.order, b.order) })
	for _, x := range again {
		h.svc.router.comeBack(h.shard, x.call)
	}
	for _, m := range h.backlog {
		h.svc.router.comeBack(h.shard, m)
	}
	h.backlog = nil
}

// disown tells who waits for outputs that they will not come.
func (h *home) disown(out []output) {
	for _, o := range out {
		if o.to != nil {
			h.svc.refuse(o.to, ErrUnknownOutcome)
		}
	}
}

// reach lets out what has become safe.
func (h *home) reach(p progress) {
	if p.applied > h.applied {
		n := min(int(p.applied-h.applied), len(h.sizes))
		h.applied = p.applied
		for _, size := range h.sizes[:n] {
			h.bytes -= size
		}
		h.sizes = h.sizes[n:]
	}
	h.reached[Async] = max(h.reached[Async], p.accepted)
	h.reached[Quorum] = max(h.reached[Quorum], p.quorum)
	h.reached[All] = max(h.reached[All], p.all)
	for l := range h.held {
		h.release(Level(l))
	}
}

func (h *home) release(l Level) {
	q := h.held[l]
	n := 0
	for n < len(q) && q[n].seq <= h.reached[l] {
		h.emit(q[n].out)
		q[n] = held{}
		n++
	}
	h.waiting -= n
	if h.held[l] = q[n:]; len(h.held[l]) == 0 {
		h.held[l] = nil
	}
}

// work goes on with what had to wait.
func (h *home) work() {
	for len(h.backlog) > 0 && !h.busy() {
		next := h.backlog[0]
		h.backlog[0] = nil
		h.backlog = h.backlog[1:]
		h.handle(next)
	}
	if len(h.backlog) == 0 {
		h.backlog = nil
	}
}

// busy tells that enough is under way.
func (h *home) busy() bool {
	return len(h.sizes) >= maxFlight || h.bytes >= maxFlightBytes || h.waiting >= maxHeld || len(h.held[All]) >= maxHeldAll
}

func (h *home) take(m *call) {
	switch {
	case len(h.backlog) == 0 && !h.busy():
		h.handle(m)
	case len(h.backlog) < maxBacklog:
		h.backlog = append(h.backlog, m)
	default:
		h.svc.refuse(m.from, ErrFull)
	}
}
