package durable

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
)

// How much of a shard may be under way at its primary. What comes beyond it waits
// in the backlog, and what comes when that is full is refused with ErrFull.
const (
	maxFlight      = 2048    // commands that have not reached a quorum
	maxFlightBytes = 4 << 20 // the same in bytes; the last one may exceed it
	maxCommand     = 8 << 20 // bytes of one command
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
	run     uint64 // 0 = this node is not the primary
	seq     uint64 // of the newest command of this run
	allSeq  uint64 // of the newest one that was proposed with All
	reached [levels]uint64
	held    [levels][]held
	waiting int   // in all of held
	order   int   // counts what is held
	sizes   []int // of the commands from reached[Quorum]+1 on
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

// entity is an entity whose behavior is in memory.
type entity struct {
	*actorOf
	key   key
	kind  *kind
	rec   *record // the state with all that was proposed
	fault error   // why there is no behavior
	last  uint64  // its newest command
	used  time.Time
	place *list.Element

	holdSeq   uint64 // its outputs up to this command wait, or waited,
	holdLevel Level  // for this level
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
	h.run, h.rep, h.seq, h.allSeq, h.reached = t.run, t.rep, 0, 0, [levels]uint64{}
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
	if n := int(p.quorum - min(p.quorum, h.reached[Quorum])); n > 0 {
		n = min(n, len(h.sizes))
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

// handle lets an entity handle a message.
func (h *home) handle(m *call) {
	// By the real clock, before anything begins (rule L5).
	if h.run == 0 || !h.svc.mayServe(h.shard) {
		h.svc.router.comeBack(h.shard, m)
		return
	}
	e := h.entity(m)
	if e.fault != nil {
		h.svc.refuse(m.from, e.fault)
		h.forget(e)
		return
	}
	c := &Context{home: h, entity: e, from: m.from, level: m.kind.level}
	err := h.receive(c, m.msg)
	var ch *durablepb.Change
	if err == nil {
		ch, err = c.change()
	}
	if err == nil && ch != nil {
		err = h.propose(e, c.level, ch)
	}
	if err != nil {
		h.undo(c, m, err)
		return
	}
	h.hold(e, c.level, m, c.out)
	if c.deleted {
		h.renew(e)
	}
}

// receive calls the behavior, whose panic is its own affair.
func (h *home) receive(c *Context, msg any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h.svc.log.Error("durable entity panicked", "kind", c.Kind(), "id", c.ID(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = &actor.Failure{Code: "panic", Text: fmt.Sprint(r)}
		}
	}()
	return c.entity.receive(c, msg)
}

// undo answers a message that failed, and starts the entity again from the state
// before it.
func (h *home) undo(c *Context, m *call, err error) {
	h.renew(c.entity)
	if m.from != nil {
		h.hold(c.entity, c.level, m, []output{{to: m.from, fail: err}})
	}
}

// propose puts a change into the shard's log; an error if it is too large for that.
func (h *home) propose(e *entity, level Level, ch *durablepb.Change) error {
	data := marshal(&durablepb.Command{Run: h.run, Seq: h.seq + 1, Changes: []*durablepb.Change{ch}})
	if len(data) > maxCommand {
		return fmt.Errorf("%w: a change of %d bytes, the limit is %d", ErrTooLarge, len(data), maxCommand)
	}
	e.rec = e.rec.with(ch)
	h.send(level, data)
	e.last = h.seq
	return nil
}

// send gives the next command to the shell.
func (h *home) send(level Level, data []byte) {
	h.seq++
	if level == All {
		h.allSeq = h.seq
	}
	h.sizes = append(h.sizes, len(data))
	h.bytes += len(data)
	h.svc.shell.propose(proposal{h.shard, h.run, h.seq, level, data})
}

// hold lets a message's outputs leave in their order once they are safe.
func (h *home) hold(e *entity, level Level, m *call, out []output) {
	seq := e.last
	if e.holdSeq > h.reached[e.holdLevel] { // earlier ones still wait
		level, seq = stronger(level, e.holdLevel), max(seq, e.holdSeq)
	}
	if level == All && seq > h.reached[All] && seq > h.allSeq {
		// Nobody has asked yet whether all have it. An empty command does.
		h.send(All, marshal(&durablepb.Command{Run: h.run, Seq: h.seq + 1}))
		seq = h.seq
	}
	if seq <= h.reached[level] {
		h.emit(out)
		return
	}
	e.holdSeq, e.holdLevel = seq, level
	h.order++
	h.held[level] = append(h.held[level], held{seq, h.order, m, out})
	h.waiting++
}

func stronger(a, b Level) Level {
	switch {
	case a == All || b == All:
		return All
	case a == Quorum || b == Quorum:
		return Quorum
	}
	return Async
}

func (h *home) emit(out []output) {
	for _, o := range out {
		switch {
		case o.then != nil:
			o.then()
		case o.fail != nil:
			h.svc.refuse(o.to, o.fail)
		default:
			h.svc.answer(o.to, o.answer)
		}
	}
}

// entity returns the one that a message is for, started if needed.
func (h *home) entity(m *call) *entity {
	k := key{m.kind.name, m.id}
	now := time.Now()
	if e := h.live[k]; e != nil {
		e.used = now
		h.recent.MoveToBack(e.place)
		return e
	}
	e := &entity{key: k, kind: m.kind, rec: h.rep.get(k).branch(), used: now}
	e.place = h.recent.PushBack(e)
	h.live[k] = e
	h.renew(e)
	h.svc.live.Add(1)
	h.shrink()
	return e
}

// renew gives an entity a fresh behavior with the state that was proposed last.
func (h *home) renew(e *entity) {
	e.fault = func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		if e.actorOf, err = e.kind.start(e.key.id); err != nil {
			return err
		}
		return e.rec.restore(e.behavior)
	}()
	if e.fault != nil {
		h.svc.log.Error("durable entity cannot start", "kind", e.key.kind, "id", e.key.id, "error", e.fault)
		e.fault = errors.Join(ErrNotDone, e.fault)
	}
}

// shrink lets those go that were used least lately, if there are too many.
func (h *home) shrink() {
	for at := h.recent.Front(); at != nil && len(h.live) > h.svc.cfg.MaxLive; {
		e := at.Value.(*entity)
		at = at.Next()
		if at == nil || !h.forget(e) { // the newest is about to be used
			return
		}
	}
}

// sweep lets those go that were not used for long.
func (h *home) sweep(now time.Time) {
	h.sweeper = false
	for at := h.recent.Front(); at != nil; {
		e := at.Value.(*entity)
		at = at.Next()
		if now.Sub(e.used) < h.svc.cfg.Idle {
			return
		}
		h.forget(e)
	}
}

// forget drops an entity's behavior, if the shard's state is up to it: the next
// message starts it from there.
func (h *home) forget(e *entity) bool {
	if e.last > h.reached[Quorum] || e.holdSeq > h.reached[e.holdLevel] {
		return false
	}
	delete(h.live, e.key)
	h.recent.Remove(e.place)
	h.svc.live.Add(-1)
	return true
}
