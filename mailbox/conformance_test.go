package mailbox

import (
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
)

// What every kind of mailbox must do. Each scenario runs for each kind.
var scenarios = map[string]func(t *testing.T, b *Box, s *sink, d *manual){
	"order of arrival": func(t *testing.T, b *Box, s *sink, d *manual) {
		for i := range 100 {
			b.PostUserMessage(i)
		}
		d.runAll()
		for i, got := range s.got {
			if want := fmt.Sprint(i); got != want {
				t.Fatalf("message %d = %s, want %s", i, got, want)
			}
		}
	},
	"system messages overtake": func(t *testing.T, b *Box, s *sink, d *manual) {
		b.PostUserMessage(1)
		b.PostUserMessage(2)
		b.PostSystemMessage("a")
		b.PostSystemMessage("b")
		d.runAll()
		wantGot(t, s, "system a", "system b", "1", "2")
	},
	"a system message overtakes what was taken already": func(t *testing.T, b *Box, s *sink, d *manual) {
		s.onUser = func(msg any) {
			if msg == 1 {
				b.PostSystemMessage("a")
			}
		}
		for i := range 3 {
			b.PostUserMessage(i)
		}
		d.runAll()
		wantGot(t, s, "0", "1", "system a", "2")
	},
	"suspend and resume": func(t *testing.T, b *Box, s *sink, d *manual) {
		b.PostUserMessage(1)
		b.PostSystemMessage(&pa.SuspendMailbox{})
		d.runAll()
		wantGot(t, s)
		b.PostUserMessage(2)
		if len(d.queue) != 0 {
			t.Error("a user message woke a suspended mailbox")
		}
		b.PostSystemMessage("while suspended")
		d.runAll()
		wantGot(t, s, "system while suspended")
		b.PostSystemMessage(&pa.ResumeMailbox{})
		d.runAll()
		wantGot(t, s, "system while suspended", "1", "2")
	},
	"suspend between two messages": func(t *testing.T, b *Box, s *sink, d *manual) {
		s.onUser = func(msg any) {
			if msg == 1 {
				b.PostSystemMessage(&pa.SuspendMailbox{})
			}
		}
		for i := range 4 {
			b.PostUserMessage(i)
		}
		d.runAll()
		wantGot(t, s, "0", "1")
		wantCount(t, b, 2)
		b.PostUserMessage(4)
		wantCount(t, b, 3)
		b.PostSystemMessage(&pa.ResumeMailbox{})
		d.runAll()
		wantGot(t, s, "0", "1", "2", "3", "4")
	},
	"a batch is its members": func(t *testing.T, b *Box, s *sink, d *manual) {
		b.PostUserMessage(batch{1, batch{2, 3}})
		b.PostUserMessage(&pa.MessageEnvelope{Message: batch{4}})
		b.PostUserMessage(batch{})
		if err := b.PostWait(t.Context(), batch{5, 6}); err != nil {
			t.Errorf("PostWait = %v, want nil", err)
		}
		d.runAll()
		wantGot(t, s, "1", "2", "3", "4", "5", "6")
	},
	"an empty batch wakes nobody": func(t *testing.T, b *Box, _ *sink, d *manual) {
		b.PostUserMessage(batch{})
		if len(d.queue) != 0 {
			t.Error("scheduled without a message")
		}
	},
	"nil is a message": func(t *testing.T, b *Box, s *sink, d *manual) {
		b.PostUserMessage(nil)
		b.PostUserMessage(nil)
		d.runAll()
		wantGot(t, s, "<nil>", "<nil>")
	},
	"a panic is escalated": func(t *testing.T, b *Box, s *sink, d *manual) {
		s.onUser = func(msg any) {
			if msg == 1 {
				panic("boom")
			}
		}
		for i := range 3 {
			b.PostUserMessage(i)
		}
		d.runAll()
		wantGot(t, s, "0", "1", "failed 1: boom", "2")
	},
	"a panic at a system message is escalated": func(t *testing.T, b *Box, s *sink, d *manual) {
		s.onSystem = func(any) { panic("boom") }
		b.PostSystemMessage("a")
		b.PostUserMessage(1)
		d.runAll()
		wantGot(t, s, "system a", "failed a: boom", "1")
	},
	"a count": func(t *testing.T, b *Box, s *sink, d *manual) {
		for i := range 100 {
			b.PostUserMessage(i)
			wantCount(t, b, i+1)
		}
		d.throughput = 7
		for left := 100; left > 0; left -= 7 {
			wantCount(t, b, left)
			d.step()
		}
		d.runAll()
		wantCount(t, b, 0)
	},
	"an idle mailbox holds no memory": func(t *testing.T, b *Box, _ *sink, d *manual) {
		for range 3 {
			for i := range 10 * chunkLen {
				b.PostUserMessage(i)
				b.PostSystemMessage(i)
			}
			d.runAll()
			wantEmpty(t, b)
		}
	},
	"what is left at the end is handed out": func(t *testing.T, b *Box, s *sink, d *manual) {
		var left []string
		s.onUser = func(msg any) {
			if msg == 1 {
				b.Close(func(m any) { left = append(left, fmt.Sprint(m)) })
			}
		}
		for i := range 5 {
			b.PostUserMessage(i)
		}
		d.runAll()
		b.PostUserMessage(5)
		b.PostUserMessage(batch{6, 7})
		if err := b.PostWait(t.Context(), 8); err != ErrClosed {
			t.Errorf("PostWait = %v, want %v", err, ErrClosed)
		}
		b.PostSystemMessage("still")
		d.runAll()
		wantGot(t, s, "0", "1", "system still")
		if got, want := fmt.Sprint(left), "[2 3 4]"; got != want {
			t.Errorf("left at the end: %s, want %s", got, want)
		}
		closed := ErrClosed.Error()
		wantRefused(t, s, "5: "+closed, "6: "+closed, "7: "+closed)
		wantCount(t, b, 0)
		wantEmpty(t, b)
	},
	"without Close what is left is received": func(t *testing.T, b *Box, s *sink, d *manual) {
		b.PostUserMessage(1)
		b.PostSystemMessage(&pa.SuspendMailbox{}) // it failed
		b.PostSystemMessage("stop")
		b.PostSystemMessage(&pa.ResumeMailbox{}) // as the actor's cell does at its end
		d.runAll()
		wantGot(t, s, "system stop", "1")
	},
	"who asks comes in an envelope": func(t *testing.T, b *Box, s *sink, d *manual) {
		var got []any
		s.onUser = func(msg any) { got = append(got, msg) }
		b.PostFrom(1, asker)
		b.PostFrom(2, nil)
		if err := b.PostWaitFrom(t.Context(), 3, asker); err != nil {
			t.Errorf("PostWaitFrom = %v, want nil", err)
		}
		d.runAll()
		want := []any{&pa.MessageEnvelope{Message: 1, Sender: asker}, 2, &pa.MessageEnvelope{Message: 3, Sender: asker}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("invoked %v, want %v", got, want)
		}
	},
	"what is left keeps who asked": func(t *testing.T, b *Box, s *sink, d *manual) {
		var left []any
		s.onSystem = func(any) { b.Close(func(m any) { left = append(left, m) }) }
		b.PostFrom(1, asker)
		b.PostSystemMessage("stop")
		d.runAll()
		if want := []any{&pa.MessageEnvelope{Message: 1, Sender: asker}}; !reflect.DeepEqual(left, want) {
			t.Errorf("left %v, want %v", left, want)
		}
	},
	"post without waiting": func(t *testing.T, b *Box, s *sink, d *manual) {
		if err := b.PostWait(t.Context(), 1); err != nil {
			t.Errorf("PostWait = %v, want nil", err)
		}
		d.runAll()
		wantGot(t, s, "1")
	},
}

func TestConformance(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			forEachKind(t, func(t *testing.T, p Producer) {
				b, s, d := start(t, p)
				scenario(t, b, s, d)
			})
		})
	}
}

func wantCount(t *testing.T, b *Box, want int) {
	t.Helper()
	if got := b.UserMessageCount(); got != want {
		t.Errorf("UserMessageCount = %d, want %d", got, want)
	}
}

// wantEmpty checks that nothing is reachable from an idle mailbox but its wiring.
func wantEmpty(t *testing.T, b *Box) {
	t.Helper()
	if b.user != (fifo{}) || b.system != (chain{}) || b.out != nil {
		t.Errorf("an idle mailbox holds memory: user %+v, system %+v, out %v", b.user, b.system, b.out)
	}
	switch o := b.wiring.order.(type) {
	case *heap:
		if o.items != nil {
			t.Errorf("an idle heap has %d slots, want none", cap(o.items))
		}
	case *levels:
		for i, q := range o.queues {
			if q != (fifo{}) {
				t.Errorf("level %d of an idle mailbox holds memory: %+v", i, q)
			}
		}
	}
}

func TestNothingRunsBeforeStart(t *testing.T) {
	forEachKind(t, func(t *testing.T, p Producer) {
		s, d := &sink{}, &manual{throughput: 10}
		b := p()
		b.RegisterHandlers(s, d)
		b.PostUserMessage("early")
		if len(d.queue) != 0 {
			t.Fatal("scheduled before Start")
		}
		b.PostSystemMessage("started")
		b.Start()
		d.runAll()
		wantGot(t, s, "system started", "early")
	})
}

func TestStartWithUserMessagesOnly(t *testing.T) {
	s, d := &sink{}, &manual{throughput: 10}
	b := Unbounded()()
	b.RegisterHandlers(s, d)
	b.PostUserMessage("early")
	b.Start()
	d.runAll()
	wantGot(t, s, "early")
}

func TestGoexitIsEscalated(t *testing.T) {
	forEachKind(t, func(t *testing.T, p Producer) {
		pool := NewPool(1, 0)
		done := make(chan struct{})
		s := &sink{onUser: func(msg any) {
			switch msg {
			case 1:
				runtime.Goexit()
			case 2:
				close(done)
			}
		}}
		b := newBox(p, s, pool)
		for i := range 3 {
			b.PostUserMessage(i)
		}
		<-done
		pool.Close()
		wantGot(t, s, "0", "1", "failed 1: "+ErrGoexit.Error(), "2")
	})
}

// fragile is an invoker whose supervision panics.
type fragile struct{ sink }

func (f *fragile) EscalateFailure(reason, m any) {
	f.sink.EscalateFailure(reason, m)
	panic("supervision")
}

func TestPanicOfTheSupervisionStaysInside(t *testing.T) {
	f, d := &fragile{}, &manual{throughput: 10}
	f.onUser = func(msg any) {
		if msg == 1 {
			panic("boom")
		}
	}
	b := newBox(Unbounded(), f, d)
	b.PostUserMessage(1)
	b.PostUserMessage(2)
	d.runAll()
	wantGot(t, &f.sink, "1", "failed 1: boom", "2")
}

func TestThroughputGivesOthersATurn(t *testing.T) {
	forEachKind(t, func(t *testing.T, p Producer) {
		d, s := &manual{throughput: 2}, &sink{}
		a, b := newBox(p, s, d), newBox(p, s, d)
		for i := range 3 {
			a.PostUserMessage(fmt.Sprint("a", i))
			b.PostUserMessage(fmt.Sprint("b", i))
		}
		d.runAll()
		wantGot(t, s, "a0", "a1", "b0", "b1", "a2", "b2")
	})
}

func TestPlainProtoactorActor(t *testing.T) {
	forEachKind(t, func(t *testing.T, mailbox Producer) {
		pool := NewPool(2, 0)
		defer pool.Close()
		proto := protoSystem()
		for name, options := range map[string][]pa.PropsOption{
			"pool":                    {pa.WithMailbox(mailbox), pa.WithDispatcher(pool)},
			"inline":                  {pa.WithMailbox(mailbox), pa.WithDispatcher(new(Inline))},
			"protoactor's":            {pa.WithMailbox(mailbox)},
			"pool, foreign mailbox":   {pa.WithDispatcher(pool)},
			"inline, foreign mailbox": {pa.WithDispatcher(new(Inline))},
		} {
			t.Run(name, func(t *testing.T) {
				props := pa.PropsFromFunc(func(c pa.Context) {
					if n, ok := c.Message().(int); ok {
						c.Respond(n + 1)
					}
				}, options...)
				pid := proto.Root.Spawn(props)
				got, err := proto.Root.RequestFuture(pid, 1, -1).Result()
				if got != 2 || err != nil {
					t.Errorf("answer = %v, %v, want 2", got, err)
				}
				if err := proto.Root.StopFuture(pid).Wait(); err != nil {
					t.Errorf("stop: %v", err)
				}
			})
		}
	})
}

// protoSystem is protoactor's system for all tests: one costs 9 ms.
var protoSystem = sync.OnceValue(func() *pa.ActorSystem {
	return pa.NewActorSystem(
		pa.WithDeadLetterThrottleInterval(1),
		pa.WithLoggerFactory(func(*pa.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
	)
})

func TestInlineRunsBeforePostReturns(t *testing.T) {
	forEachKind(t, func(t *testing.T, p Producer) {
		s, d := &sink{}, &Inline{}
		a := newBox(p, s, d)
		b := newBox(p, &quiet{onUser: func(m any) { a.PostUserMessage(fmt.Sprint("b got ", m)) }}, d)
		b.PostUserMessage(1)
		wantGot(t, s, "b got 1")
	})
}

func TestInlineSurvivesGoexit(t *testing.T) {
	s, d := &sink{}, &Inline{}
	b := newBox(Unbounded(), s, d)
	s.onUser = func(m any) {
		if m == 1 {
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); b.PostUserMessage(1) }()
	<-done
	b.PostUserMessage(2)
	wantGot(t, s, "1", "failed 1: "+ErrGoexit.Error(), "2")
}

// TestEmbedded has a mailbox inside an actor's own struct.
func TestEmbedded(t *testing.T) {
	type cell struct {
		sink
		Box
	}
	p := NewPool(1, 0)
	c := &cell{}
	done := make(chan struct{})
	c.onUser = func(any) { close(done) }
	c.Init(&c.sink, p)
	c.PostUserMessage(1)
	c.Start()
	<-done
	p.Close()
	wantGot(t, &c.sink, "1")
}

// TestAnswererGetsNoEnvelope is how asks between actors come to allocate nothing.
func TestAnswererGetsNoEnvelope(t *testing.T) {
	forEachKind(t, func(t *testing.T, p Producer) {
		var got []any
		a := &answerer{onUser: func(m any, from *pa.PID) { got = append(got, m, from) }}
		a.quiet.onUser = func(m any) { got = append(got, m) }
		d := &manual{throughput: 10}
		b := newBox(p, a, d)
		b.PostFrom(1, asker)
		b.PostUserMessage(2)
		d.runAll()
		if want := []any{1, asker, 2}; !reflect.DeepEqual(got, want) {
			t.Errorf("invoked %v, want %v", got, want)
		}
	})
}

// TestAcquire: who acquires an idle mailbox has it alone, and what comes meanwhile
// is handled afterwards.
func TestAcquire(t *testing.T) {
	d, s := &manual{throughput: 10}, &sink{}
	b := newBox(Unbounded(), s, d)
	if !b.Acquire() {
		t.Fatal("an idle mailbox was not acquired")
	}
	if b.Acquire() {
		t.Error("a mailbox was acquired twice")
	}
	b.PostUserMessage(1)
	b.PostSystemMessage("a")
	if len(d.queue) != 0 {
		t.Error("an acquired mailbox was scheduled")
	}
	b.Release()
	if b.Acquire() {
		t.Error("a mailbox with messages was acquired")
	}
	d.runAll()
	wantGot(t, s, "system a", "1")
	b.PostSystemMessage(&pa.SuspendMailbox{})
	d.runAll()
	if b.Acquire() {
		t.Error("a suspended mailbox was acquired")
	}
	b.PostSystemMessage(&pa.ResumeMailbox{})
	d.runAll()
	if !b.Acquire() {
		t.Error("a mailbox that is idle again was not acquired")
	}
	b.Release()
	if len(d.queue) != 0 {
		t.Error("an idle mailbox was scheduled")
	}
	if newBox(Bounded(1, Fail), s, d).Acquire() {
		t.Error("a bounded mailbox was acquired")
	}
}
