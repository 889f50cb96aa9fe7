package mailbox

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
)

// manual is a dispatcher that runs only when it is told to.
type manual struct {
	queue      []func()
	throughput int
}

func (d *manual) Schedule(fn func()) { d.queue = append(d.queue, fn) }
func (d *manual) Throughput() int    { return d.throughput }

func (d *manual) step() bool {
	if len(d.queue) == 0 {
		return false
	}
	fn := d.queue[0]
	d.queue = d.queue[1:]
	fn()
	return true
}

func (d *manual) runAll() {
	for d.step() {
	}
}

// sink records what a mailbox invokes.
type sink struct {
	got    []string
	onUser func(msg any)
}

func (s *sink) InvokeSystemMessage(m any) { s.got = append(s.got, fmt.Sprint("system ", m)) }
func (s *sink) InvokeUserMessage(m any) {
	s.got = append(s.got, fmt.Sprint(m))
	if s.onUser != nil {
		s.onUser(m)
	}
}

func (s *sink) EscalateFailure(reason, m any) {
	s.got = append(s.got, fmt.Sprintf("failed %v: %v", m, reason))
}

func newMailbox(inv pa.MessageInvoker, d pa.Dispatcher) *unbounded {
	m := Unbounded()().(*unbounded)
	m.RegisterHandlers(inv, d)
	return m
}

func start(t *testing.T) (*unbounded, *sink, *manual) {
	t.Helper()
	s, d := &sink{}, &manual{throughput: 100}
	m := newMailbox(s, d)
	m.Start()
	return m, s, d
}

func wantGot(t *testing.T, s *sink, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.got); diff != "" {
		t.Errorf("invoked (-want +got):\n%s", diff)
	}
}

func TestSystemMessagesOvertake(t *testing.T) {
	m, s, d := start(t)
	m.PostUserMessage(1)
	m.PostUserMessage(2)
	m.PostSystemMessage("a")
	m.PostSystemMessage("b")
	d.runAll()
	wantGot(t, s, "system a", "system b", "1", "2")
}

func TestSystemMessageOvertakesARunningBatch(t *testing.T) {
	m, s, d := start(t)
	s.onUser = func(msg any) {
		if msg == 1 {
			m.PostSystemMessage("a")
		}
	}
	for i := range 3 {
		m.PostUserMessage(i)
	}
	d.runAll()
	wantGot(t, s, "0", "1", "system a", "2")
}

func TestNothingRunsBeforeStart(t *testing.T) {
	s, d := &sink{}, &manual{throughput: 10}
	m := newMailbox(s, d)
	m.PostUserMessage("early")
	if len(d.queue) != 0 {
		t.Fatal("scheduled before Start")
	}
	m.PostSystemMessage("started")
	m.Start()
	d.runAll()
	wantGot(t, s, "system started", "early")
}

func TestSuspendAndResume(t *testing.T) {
	m, s, d := start(t)
	m.PostUserMessage(1)
	m.PostSystemMessage(&pa.SuspendMailbox{})
	d.runAll()
	wantGot(t, s)
	m.PostUserMessage(2)
	if len(d.queue) != 0 {
		t.Error("a user message woke a suspended mailbox")
	}
	m.PostSystemMessage("while suspended")
	d.runAll()
	wantGot(t, s, "system while suspended")
	m.PostSystemMessage(&pa.ResumeMailbox{})
	d.runAll()
	wantGot(t, s, "system while suspended", "1", "2")
}

func TestSuspendInTheMiddleOfABatch(t *testing.T) {
	m, s, d := start(t)
	s.onUser = func(msg any) {
		if msg == 1 {
			m.PostSystemMessage(&pa.SuspendMailbox{})
		}
	}
	for i := range 4 {
		m.PostUserMessage(i)
	}
	d.runAll()
	wantGot(t, s, "0", "1")
	if got := m.UserMessageCount(); got != 2 {
		t.Errorf("UserMessageCount = %d, want 2", got)
	}
	m.PostUserMessage(4)
	m.PostSystemMessage(&pa.ResumeMailbox{})
	d.runAll()
	wantGot(t, s, "0", "1", "2", "3", "4")
}

type batch []any

func (b batch) GetMessages() []any { return b }

func TestBatchIsItsMembers(t *testing.T) {
	m, s, d := start(t)
	m.PostUserMessage(batch{1, batch{2, 3}})
	m.PostUserMessage(&pa.MessageEnvelope{Message: batch{4}})
	m.PostUserMessage(batch{})
	d.runAll()
	wantGot(t, s, "1", "2", "3", "4")
}

func TestPanicIsEscalated(t *testing.T) {
	m, s, d := start(t)
	s.onUser = func(msg any) {
		if msg == 1 {
			panic("boom")
		}
	}
	for i := range 3 {
		m.PostUserMessage(i)
	}
	d.runAll()
	wantGot(t, s, "0", "1", "failed 1: boom", "2")
}

func TestGoexitIsEscalated(t *testing.T) {
	p := NewPool(1, 0)
	done := make(chan struct{})
	s := &sink{onUser: func(msg any) {
		switch msg {
		case 1:
			runtime.Goexit()
		case 2:
			close(done)
		}
	}}
	m := newMailbox(s, p)
	m.Start()
	for i := range 3 {
		m.PostUserMessage(i)
	}
	<-done
	p.Close()
	wantGot(t, s, "0", "1", "failed 1: "+errGoexit.Error(), "2")
}

func TestThroughputGivesOthersATurn(t *testing.T) {
	d, s := &manual{throughput: 2}, &sink{}
	a, b := newMailbox(s, d), newMailbox(s, d)
	a.Start()
	b.Start()
	for i := range 3 {
		a.PostUserMessage(fmt.Sprint("a", i))
		b.PostUserMessage(fmt.Sprint("b", i))
	}
	d.runAll()
	wantGot(t, s, "a0", "a1", "b0", "b1", "a2", "b2")
}

func TestIdleMailboxOwnsNoBuffer(t *testing.T) {
	m, _, d := start(t)
	for i := range 10 * chunkLen {
		m.PostUserMessage(i)
	}
	d.runAll()
	for name, q := range map[string]fifo{"user": m.user, "batch": m.batch, "system": m.system} {
		if q.head != nil || q.tail != nil || q.first != nil {
			t.Errorf("%s queue of an idle mailbox holds memory: %+v", name, q)
		}
	}
	if m.current != nil {
		t.Errorf("idle mailbox holds on to message %v", m.current)
	}
}

// model is the obvious version of a mailbox.
type model struct {
	user, system []string
	suspended    bool
	out          []string
}

func (m *model) run() {
	for {
		switch {
		case len(m.system) > 0:
			msg := m.system[0]
			m.system = m.system[1:]
			switch msg {
			case "suspend":
				m.suspended = true
			case "resume":
				m.suspended = false
			default:
				m.out = append(m.out, "system "+msg)
			}
		case len(m.user) > 0 && !m.suspended:
			m.out = append(m.out, m.user[0])
			m.user = m.user[1:]
		default:
			return
		}
	}
}

// TestAgainstModel compares random histories with a plain queue.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m, s, d := start(t)
		d.throughput = 1 + rng.IntN(5)
		ref := &model{}
		for i := range 200 {
			randomStep(rng, i, m, ref, d)
		}
		d.runAll()
		ref.run()
		if diff := cmp.Diff(ref.out, s.got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		if got, want := m.UserMessageCount(), len(ref.user); got != want {
			t.Fatalf("seed %d: UserMessageCount = %d, want %d", seed, got, want)
		}
	}
}

func randomStep(rng *rand.Rand, i int, m *unbounded, ref *model, d *manual) {
	name := fmt.Sprint(i)
	switch rng.IntN(8) {
	case 0, 1, 2:
		m.PostUserMessage(name)
		ref.user = append(ref.user, name)
	case 3:
		m.PostUserMessage(batch{name, name + "'"})
		ref.user = append(ref.user, name, name+"'")
	case 4:
		m.PostSystemMessage(name)
		ref.system = append(ref.system, name)
	case 5:
		m.PostSystemMessage(&pa.SuspendMailbox{})
		ref.system = append(ref.system, "suspend")
	case 6:
		m.PostSystemMessage(&pa.ResumeMailbox{})
		ref.system = append(ref.system, "resume")
	default:
		d.runAll()
		ref.run()
	}
}

// TestNoLostWakeUp has many senders post while the receiver keeps going idle:
// each message must be received, in the sender's order.
func TestNoLostWakeUp(t *testing.T) {
	const senders, each = 8, 3000
	p := NewPool(4, 7)
	defer p.Close()
	var left atomic.Int64
	left.Store(senders * each)
	done := make(chan struct{})
	last := make([]int, senders)
	s := &quiet{onUser: func(msg any) {
		v := msg.([2]int)
		if last[v[0]]++; last[v[0]] != v[1] {
			t.Errorf("sender %d: got message %d, want %d", v[0], v[1], last[v[0]])
		}
		if left.Add(-1) == 0 {
			close(done)
		}
	}}
	m := newMailbox(s, p)
	m.Start()
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := range each {
				m.PostUserMessage([2]int{i, n + 1})
				if n%3 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	<-done
}

// quiet is an invoker that keeps nothing.
type quiet struct{ onUser func(any) }

func (*quiet) InvokeSystemMessage(any)   {}
func (q *quiet) InvokeUserMessage(m any) { q.onUser(m) }
func (*quiet) EscalateFailure(_, _ any)  {}

func TestPlainProtoactorActor(t *testing.T) {
	p := NewPool(2, 0)
	defer p.Close()
	sys := pa.NewActorSystem(pa.WithDeadLetterThrottleInterval(1))
	props := pa.PropsFromFunc(func(c pa.Context) {
		if n, ok := c.Message().(int); ok {
			c.Respond(n + 1)
		}
	}, pa.WithMailbox(Unbounded()), pa.WithDispatcher(p))
	got, err := sys.Root.RequestFuture(sys.Root.Spawn(props), 1, -1).Result()
	if got != 2 || err != nil {
		t.Errorf("answer = %v, %v, want 2", got, err)
	}
}

func TestInlineRunsBeforePostReturns(t *testing.T) {
	s, d := &sink{}, &Inline{}
	a := newMailbox(s, d)
	b := newMailbox(&quiet{onUser: func(m any) { a.PostUserMessage(fmt.Sprint("b got ", m)) }}, d)
	a.Start()
	b.Start()
	b.PostUserMessage(1)
	wantGot(t, s, "b got 1")
}
