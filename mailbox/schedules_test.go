package mailbox

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
)

// TestSchedules runs random crowds of senders and receivers on a real pool: every
// message must be received, each sender's in order, with nobody running twice at a
// time. It is where a lost wake-up shows, as a test that hangs.
func TestSchedules(t *testing.T) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range kinds { // order: sorted
			if !yield(name) {
				return
			}
		}
	})
	for i := range *schedules {
		seed := *firstSeed + uint64(i)
		rng := rand.New(rand.NewPCG(seed, 3))
		c := &crowd{t: t, rng: rng, make: kinds[names[rng.IntN(len(names))]]()}
		if rng.IntN(4) == 0 {
			c.make, c.narrow = Bounded(1+rng.IntN(3), BackPressure), true
		}
		c.run()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// crowd is one random schedule.
type crowd struct {
	t    *testing.T
	rng  *rand.Rand
	make Producer

	narrow bool // senders may have to wait
	left   atomic.Int64
	done   chan struct{}
}

func (c *crowd) run() {
	p := NewPool(1+c.rng.IntN(4), 1+c.rng.IntN(8))
	defer p.Close()
	senders, each := 1+c.rng.IntN(6), 1+c.rng.IntN(40)
	all := make([]*member, 1+c.rng.IntN(4))
	c.done = make(chan struct{})
	c.left.Store(int64(senders * each))
	for i := range all {
		all[i] = &member{crowd: c, all: all, last: make([]int, senders)}
		all[i].box = newBox(c.make, all[i], p)
	}
	var wg sync.WaitGroup
	for i := range senders {
		rng := rand.New(rand.NewPCG(c.rng.Uint64(), 4))
		to := all[rng.IntN(len(all))]
		wg.Go(func() { send(rng, to, i, each) })
	}
	wg.Wait()
	<-c.done
}

// send posts in one of several manners.
func send(rng *rand.Rand, to *member, sender, each int) {
	pause := 1 + rng.IntN(10)
	for n := range each {
		msg := [2]int{sender, n + 1}
		switch rng.IntN(5) {
		case 0:
			to.box.PostSystemMessage(&pa.SuspendMailbox{})
			if to.crowd.narrow { // the sender would wait for itself
				to.box.PostSystemMessage(&pa.ResumeMailbox{})
			}
			to.post(msg)
			to.box.PostSystemMessage(&pa.ResumeMailbox{})
		case 1:
			to.box.PostSystemMessage(msg)
			to.post(msg)
		case 2:
			to.visit()
			to.post(msg)
		default:
			to.post(msg)
		}
		if n%pause == 0 {
			runtime.Gosched()
		}
	}
}

// member is a receiver of a crowd.
type member struct {
	crowd *crowd
	all   []*member
	box   *Box
	last  []int // of each sender
	in    atomic.Bool
}

func (m *member) post(msg any) {
	if err := m.box.PostWait(context.Background(), msg); err != nil {
		m.crowd.t.Errorf("PostWait = %v, want nil", err)
	}
}

// visit runs the mailbox on the sender's goroutine, if it is idle.
func (m *member) visit() {
	if !m.box.Acquire() {
		return
	}
	m.enter()
	runtime.Gosched()
	m.in.Store(false)
	m.box.Release()
}

func (m *member) enter() {
	if m.in.Swap(true) {
		m.crowd.t.Error("a mailbox runs twice at a time")
	}
}

// InvokeUserMessage checks the order, and writes to another member now and then,
// which makes lanes' fronts busy.
func (m *member) InvokeUserMessage(msg any) {
	m.enter()
	defer m.in.Store(false)
	v, ok := msg.([2]int)
	if !ok {
		return
	}
	if m.last[v[0]]++; m.last[v[0]] != v[1] {
		m.crowd.t.Errorf("sender %d: got message %d, want %d", v[0], v[1], m.last[v[0]])
	}
	if v[1]%4 == 0 {
		m.all[v[1]%len(m.all)].box.PostUserMessage("chat") // may be refused
	}
	if m.crowd.left.Add(-1) == 0 {
		close(m.crowd.done)
	}
	if v[1]%7 == 0 {
		panic("boom")
	}
}

// InvokeSystemMessage only checks that nobody else runs.
func (m *member) InvokeSystemMessage(any) {
	m.enter()
	m.in.Store(false)
}

// EscalateFailure is called between messages.
func (m *member) EscalateFailure(_, _ any) {}

// TestNoLostWakeUp has many senders post while the receiver keeps going idle.
func TestNoLostWakeUp(t *testing.T) {
	forEachKind(t, func(t *testing.T, make Producer) {
		const senders, each = 8, 1000
		p := NewPool(4, 7)
		defer p.Close()
		var left atomic.Int64
		left.Store(senders * each)
		done := newDone()
		last := [senders]int{}
		b := newBox(make, &quiet{onUser: func(msg any) {
			v := msg.([2]int)
			if last[v[0]]++; last[v[0]] != v[1] {
				t.Errorf("sender %d: got message %d, want %d", v[0], v[1], last[v[0]])
			}
			if left.Add(-1) == 0 {
				close(done)
			}
		}}, p)
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for n := range each {
					b.PostUserMessage([2]int{i, n + 1})
					if n%3 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
		<-done
	})
}

func newDone() chan struct{} { return make(chan struct{}) }

// TestProducersMakeOneMailboxEach: a mailbox given to two actors would mix their
// messages, so nothing but factories is offered.
func TestProducersMakeOneMailboxEach(t *testing.T) {
	forEachKind(t, func(t *testing.T, make Producer) {
		d := &manual{throughput: 10}
		s1, s2 := &sink{}, &sink{}
		a, b := newBox(make, s1, d), newBox(make, s2, d)
		a.PostUserMessage("a")
		a.PostUserMessage("aa")
		b.PostUserMessage("b")
		d.runAll()
		wantGot(t, s1, "a", "aa")
		wantGot(t, s2, "b")
	})
}

// TestSteadyStateAllocatesNothing tells, receives and wakes without allocating.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	if underRace {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	forEachKind(t, func(t *testing.T, make Producer) {
		p := NewPool(1, 0)
		defer p.Close()
		back := newDone()
		var a, b *Box
		a = newBox(make, &quiet{onUser: func(m any) {
			for range 10 {
				b.PostFrom(m, asker)
			}
		}}, p)
		n := 0
		b = newBox(make, &answerer{onUser: func(any, *pa.PID) {
			if n++; n%10 == 0 {
				back <- struct{}{}
			}
		}}, p)
		msg := new(int)
		got := testing.AllocsPerRun(1000, func() {
			a.PostUserMessage(msg)
			<-back
		})
		if got >= 1 { // sync.Pool may lose a chunk to the garbage collector
			t.Errorf("%v allocations for eleven messages, want 0", got)
		}
	})
}
