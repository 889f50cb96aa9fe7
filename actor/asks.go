package actor

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

const (
	// askAddress is the PID address of askers inside this system.
	askAddress = "$ask"
	// askPrefix begins the id under which other nodes answer an asker.
	askPrefix = "$ask/"
	// forever is a time-out that does not come.
	forever time.Duration = -1 << 63
)

// A correlation is, from the lowest bit on, the shard, the slot in it, and a count
// of that shard's questions, which starts at a random place in each incarnation:
// an answer that is late, even by a whole incarnation, finds another number.
const (
	askShards = 1 << shardBits
	shardBits = 4
	slotBits  = 22
	maxSlots  = 1 << slotBits
	// keepSlots is what a shard keeps of its table after a burst.
	keepSlots = 256
	// clockGrain is how exact time-outs are at best, which bounds how often a
	// shard is searched for them.
	clockGrain = time.Millisecond
	// longest is what a longer time-out comes to: a century.
	longest = 100 * 365 * 24 * time.Hour
)

// asks is the one process to which all answers go, and the table of questions
// that wait for one.
type asks struct {
	sys    *System
	epoch  time.Time
	shards [askShards]askShard
	wires  sync.Pool // of chan any with room for one
}

type askShard struct {
	mu     sync.Mutex
	slots  []call
	free   []uint32 // slots without a question
	count  uint64   // of questions so far
	closed bool

	// One clock serves all time-outs of the shard.
	clock  *time.Timer
	due    time.Duration // when it rings by asks.now, 0 if it is not set
	timing int           // questions that can time out
	_      [40]byte      // a cache line apart
}

// call is a question that waits. Whoever takes it out of its slot ends it, so it
// ends once.
type call struct {
	corr   uint64        // 0 = the slot is free
	to     *pa.PID       // whom was asked; nil if that is in this system
	wire   chan any      // gets the answer
	asking *asking       // gets the answer instead, if set
	until  time.Duration // when time is up by asks.now, 0 = never
}

func newAsks(s *System) *asks {
	a := &asks{sys: s, epoch: time.Now()}
	for i := range a.shards {
		a.shards[i].count = rand.Uint64N(1 << (63 - shardBits - slotBits))
	}
	return a
}

// now is the time since the epoch. It is cheaper than a time.Time, and never 0.
func (a *asks) now() time.Duration { return time.Since(a.epoch) + 1 }

func (a *asks) shard(corr uint64) *askShard { return &a.shards[corr%askShards] }

func slotOf(corr uint64) uint64 { return corr >> shardBits % maxSlots }

// enter adds a question, which ends with ErrTimeout after d, and returns its
// correlation. The error is ErrStopped if the system is closed.
func (a *asks) enter(c call, d time.Duration) (uint64, error) {
	n := rand.Uint64() % askShards
	sh := &a.shards[n]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return 0, ErrStopped
	}
	slot, ok := sh.slot()
	if !ok {
		return 0, ErrMailboxFull
	}
	sh.count++
	c.corr = (sh.count<<slotBits|uint64(slot))<<shardBits | n
	if d != forever {
		now := a.now()
		c.until = now + min(max(d, 0), longest)
		sh.timing++
		sh.ringBy(a, c.until, now)
	}
	sh.slots[slot] = c
	return c.corr, nil
}

// slot finds a free one.
func (sh *askShard) slot() (uint32, bool) {
	if n := len(sh.free); n > 0 {
		slot := sh.free[n-1]
		sh.free = sh.free[:n-1]
		return slot, true
	}
	if len(sh.slots) == maxSlots {
		return 0, false
	}
	sh.slots = append(sh.slots, call{})
	return uint32(len(sh.slots) - 1), true
}

// take removes a question; whoever gets it must end it.
func (a *asks) take(corr uint64) (call, bool) {
	sh := a.shard(corr)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	slot := slotOf(corr)
	if corr == 0 || slot >= uint64(len(sh.slots)) || sh.slots[slot].corr != corr {
		return call{}, false
	}
	return sh.release(uint32(slot)), true
}

// release empties a slot. A table that a burst has blown up goes with its last
// question: correlations do not depend on it.
func (sh *askShard) release(slot uint32) call {
	c := sh.slots[slot]
	sh.slots[slot] = call{}
	sh.free = append(sh.free, slot)
	if c.until != 0 {
		sh.timing--
	}
	if len(sh.free) == len(sh.slots) && len(sh.slots) > keepSlots {
		sh.slots, sh.free = nil, nil
	}
	return c
}

// complete ends a question with an answer; false means that nobody waits.
func (a *asks) complete(corr uint64, answer any) bool {
	c, ok := a.take(corr)
	if ok {
		c.end(answer)
	}
	return ok
}

func (c *call) end(answer any) {
	if c.asking != nil {
		c.asking.answered(answer)
	} else {
		c.wire <- answer // never blocks: room for one, and one answer
	}
}

// ringBy sees to it that the clock rings in time. It is called under mu.
func (sh *askShard) ringBy(a *asks, t, now time.Duration) {
	if sh.due != 0 && t >= sh.due {
		return
	}
	wait := max(t-now, clockGrain)
	sh.due = now + wait
	if sh.clock == nil {
		sh.clock = time.AfterFunc(wait, func() { sh.ring(a) })
	} else {
		sh.clock.Reset(wait)
	}
}

// ring ends what has waited too long, and sets the clock for the next.
func (sh *askShard) ring(a *asks) {
	ended := sh.overdue(a)
	for i := range ended {
		ended[i].end(refusal(ErrTimeout))
	}
}

func (sh *askShard) overdue(a *asks) (ended []call) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.due = 0
	if sh.timing == 0 {
		return nil
	}
	now, next := a.now(), time.Duration(0)
	for i := range sh.slots {
		switch c := &sh.slots[i]; {
		case c.corr == 0 || c.until == 0:
		case c.until <= now:
			ended = append(ended, sh.release(uint32(i)))
			if sh.slots == nil {
				return ended
			}
		case next == 0 || c.until < next:
			next = c.until
		}
	}
	if next != 0 {
		sh.ringBy(a, next, now)
	}
	return ended
}

// endAll ends every question that match picks.
func (a *asks) endAll(match func(*call) bool, answer any, closing bool) {
	for i := range a.shards {
		for _, c := range a.shards[i].pick(match, closing) {
			c.end(answer)
		}
	}
}

func (sh *askShard) pick(match func(*call) bool, closing bool) (picked []call) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if closing {
		sh.closed = true
		if sh.clock != nil {
			sh.clock.Stop()
		}
	}
	for i := range sh.slots {
		if c := &sh.slots[i]; c.corr != 0 && match(c) {
			picked = append(picked, sh.release(uint32(i)))
			if sh.slots == nil {
				break
			}
		}
	}
	return picked
}

func (a *asks) close() {
	a.endAll(func(*call) bool { return true }, refusal(ErrStopped), true)
}

// askerPID is how an asker looks in protoactor's terms.
func askerPID(corr uint64) *pa.PID {
	return &pa.PID{Address: askAddress, Id: strconv.FormatUint(corr, 36)}
}

// isAsker tells the PID of an asker, here or on another node.
func isAsker(pid *pa.PID) bool {
	return pid != nil && (pid.Address == askAddress || strings.HasPrefix(pid.Id, askPrefix))
}

// resolve is the address resolver for askers.
func (a *asks) resolve(pid *pa.PID) (pa.Process, bool) {
	if pid.Address != askAddress {
		return nil, false
	}
	return a, true
}

// SendUserMessage receives an answer.
func (a *asks) SendUserMessage(pid *pa.PID, msg any) { a.answer(pid, pid.Id, msg) }

func (a *asks) answer(to *pa.PID, id string, msg any) {
	_, msg, from := pa.UnwrapEnvelope(msg)
	corr, err := strconv.ParseUint(id, 36, 64)
	if err == nil && a.complete(corr, msg) || isRefusal(msg) {
		return
	}
	a.sys.DeadLetter(to, from, msg, ErrNoAsker)
}

// SendSystemMessage ignores what makes no sense to an asker.
func (a *asks) SendSystemMessage(*pa.PID, any) {}

// Stop does nothing: a question ends by its answer or its asker.
func (a *asks) Stop(*pa.PID) {}
