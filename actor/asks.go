package actor

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

const (
	// askAddress is the PID address of askers inside this system.
	askAddress = "$ask"
	// askPrefix begins the id under which other nodes answer an asker.
	askPrefix = "$ask/"
	askShards = 16
	// forever is a time-out that does not come.
	forever time.Duration = -1 << 63
)

// asks is the one process to which all answers go, and the table of questions
// that wait for one. An asker is known by a 64-bit correlation, which starts at a
// random place: an answer that is late by a whole incarnation finds nobody.
type asks struct {
	sys    *System
	next   atomic.Uint64
	shards [askShards]askShard
	free   sync.Pool // of *call with a channel
}

type askShard struct {
	mu     sync.Mutex
	open   map[uint64]*call
	closed bool
	_      [40]byte // a cache line each
}

// call is a question that waits. Whoever takes it out of its shard ends it, so
// it ends once.
type call struct {
	to    *pa.PID
	ch    chan any  // gets the answer
	then  func(any) // is called with the answer instead, if set
	timer *time.Timer
}

func newAsks(s *System) *asks {
	a := &asks{sys: s}
	a.next.Store(rand.Uint64())
	for i := range a.shards {
		a.shards[i].open = map[uint64]*call{}
	}
	return a
}

func (a *asks) shard(corr uint64) *askShard { return &a.shards[corr%askShards] }

// enter adds a question, which ends with ErrTimeout after d; false means that
// the system is closed.
func (a *asks) enter(corr uint64, c *call, d time.Duration) bool {
	sh := a.shard(corr)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return false
	}
	if d != forever {
		c.timer = time.AfterFunc(d, func() { a.complete(corr, refusal(ErrTimeout)) })
	}
	sh.open[corr] = c
	return true
}

// take removes a question; whoever gets it must end it.
func (a *asks) take(corr uint64) *call {
	sh := a.shard(corr)
	sh.mu.Lock()
	c := sh.open[corr]
	delete(sh.open, corr)
	sh.mu.Unlock()
	return c
}

// complete ends a question with an answer; false means that nobody waits.
func (a *asks) complete(corr uint64, answer any) bool {
	c := a.take(corr)
	if c == nil {
		return false
	}
	c.end(answer)
	return true
}

func (c *call) end(answer any) {
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.then != nil {
		c.then(answer)
	} else {
		c.ch <- answer // never blocks: room for one, and one answer
	}
}

// endAll ends every question that match picks.
func (a *asks) endAll(match func(*call) bool, answer any, closing bool) {
	for i := range a.shards {
		sh := &a.shards[i]
		var ended []*call
		sh.mu.Lock()
		sh.closed = sh.closed || closing
		for corr, c := range sh.open {
			if match(c) {
				delete(sh.open, corr)
				ended = append(ended, c)
			}
		}
		sh.mu.Unlock()
		for _, c := range ended {
			c.end(answer)
		}
	}
}

func (a *asks) close() {
	a.endAll(func(*call) bool { return true }, refusal(ErrStopped), true)
}

// askerPID is how receivers in this system see an asker.
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
