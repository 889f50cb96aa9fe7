package mailbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
)

func TestFullMailbox(t *testing.T) {
	full, displaced := ErrFull.Error(), errDisplaced.Error()
	for _, tt := range []struct {
		policy  Policy
		got     []string
		refused []string
		err     error // of PostWait
	}{
		{DropNewest, []string{"1", "2"}, []string{"3: " + full, "4: " + full}, nil},
		{DropOldest, []string{"3", "4"}, []string{"1: " + displaced, "2: " + displaced}, nil},
		{Fail, []string{"1", "2"}, []string{"3: " + full}, ErrFull},
		{BackPressure, []string{"1", "2"}, []string{"3: " + full}, context.DeadlineExceeded},
	} {
		t.Run(tt.policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, s, d := start(t, Bounded(2, tt.policy))
				for i := range 3 {
					b.PostUserMessage(i + 1)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := b.PostWait(ctx, 4); !errors.Is(err, tt.err) {
					t.Errorf("PostWait = %v, want %v", err, tt.err)
				}
				d.runAll()
				wantGot(t, s, tt.got...)
				wantRefused(t, s, tt.refused...)
			})
		})
	}
}

func TestReasonsMatchErrFull(t *testing.T) {
	for _, err := range []error{ErrFull, errDisplaced, ErrSelfSend} {
		if !errors.Is(err, ErrFull) {
			t.Errorf("%v does not match ErrFull", err)
		}
	}
}

func TestLimitOfLessThanOne(t *testing.T) {
	b, s, d := start(t, Bounded(-1, DropNewest))
	b.PostUserMessage(1)
	b.PostUserMessage(2)
	d.runAll()
	wantGot(t, s, "1")
}

func TestLimitDoesNotHoldUpWhatIsExempt(t *testing.T) {
	for _, policy := range []Policy{DropNewest, DropOldest, Fail, BackPressure} {
		t.Run(policy.String(), func(t *testing.T) {
			b, s, d := start(t, Bounded(1, policy))
			pill := &pa.PoisonPill{}
			b.PostUserMessage(pill)
			b.PostUserMessage(1)
			b.PostUserMessage(&pa.MessageEnvelope{Message: pill})
			b.PostSystemMessage("s")
			if err := b.PostWait(t.Context(), pill); err != nil {
				t.Errorf("PostWait = %v, want nil", err)
			}
			d.runAll()
			wantGot(t, s, "system s", text(pill), text(pill), text(pill))
			wantRefused(t, s, "1: "+ErrFull.Error())
		})
	}
}

func TestWaitersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, d := start(t, Bounded(1, BackPressure))
		b.PostUserMessage(0)
		for i := range 4 {
			go func() {
				if err := b.PostWait(t.Context(), i+1); err != nil {
					t.Errorf("PostWait = %v, want nil", err)
				}
			}()
			synctest.Wait()
		}
		b.PostUserMessage("no room")
		d.throughput = 1
		d.step()
		wantCount(t, b, 1) // its room went to a waiter at once
		b.PostUserMessage("still no room")
		d.runAll()
		wantGot(t, s, "0", "1", "2", "3", "4")
		wantRefused(t, s, "no room: "+ErrFull.Error(), "still no room: "+ErrFull.Error())
	})
}

func TestWaiterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, d := start(t, Bounded(1, BackPressure))
		b.PostUserMessage(0)
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- b.PostWait(ctx, 1) }()
		synctest.Wait()
		go func() { _ = b.PostWait(t.Context(), 2) }()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("PostWait = %v, want cancelled", err)
		}
		d.runAll()
		wantGot(t, s, "0", "2")
		if err := b.PostWait(ctx, 3); !errors.Is(err, context.Canceled) {
			t.Errorf("PostWait with a context that has ended = %v, want cancelled", err)
		}
	})
}

func TestWaitersLearnThatTheMailboxIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, d := start(t, Bounded(1, BackPressure))
		var left []any
		s.onSystem = func(any) { b.Close(func(m any) { left = append(left, m) }) }
		b.PostUserMessage(0)
		result := make(chan error, 1)
		go func() { result <- b.PostWait(t.Context(), 1) }()
		synctest.Wait()
		b.PostSystemMessage("stop")
		d.runAll()
		if err := <-result; err != ErrClosed {
			t.Errorf("PostWait = %v, want %v", err, ErrClosed)
		}
		if diff := cmp.Diff([]any{0}, left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
	})
}

// TestSelfSend has an actor wait for room in its own mailbox, on each dispatcher,
// with a context that never ends.
func TestSelfSend(t *testing.T) {
	dispatchers := map[string]func(t *testing.T) pa.Dispatcher{
		"pool": func(t *testing.T) pa.Dispatcher {
			p := NewPool(1, 0)
			t.Cleanup(p.Close)
			return p
		},
		"inline":       func(*testing.T) pa.Dispatcher { return new(Inline) },
		"protoactor's": func(*testing.T) pa.Dispatcher { return pa.NewDefaultDispatcher(10) },
	}
	for name, dispatcher := range dispatchers {
		t.Run(name, func(t *testing.T) {
			var b *Box
			errs := make(chan []error, 1)
			b = newBox(Bounded(1, BackPressure), &quiet{onUser: func(m any) {
				if m == "go" {
					errs <- []error{b.PostWait(context.Background(), 1), b.PostWait(context.Background(), 2)}
				}
			}}, dispatcher(t))
			b.PostUserMessage("go")
			if got := <-errs; got[0] != nil || got[1] != ErrSelfSend {
				t.Errorf("PostWait to itself with and without room = %v, want [<nil> %v]", got, ErrSelfSend)
			}
		})
	}
}

// TestSendToAnActorOfTheSameWorker is no self-send, although the receiver ran on
// this goroutine last and will again.
func TestSendToAnActorOfTheSameWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		defer p.Close()
		result := make(chan error, 1)
		var got []any
		b := newBox(Bounded(1, BackPressure), &quiet{onUser: func(m any) { got = append(got, m) }}, p)
		b.PostUserMessage(0)
		synctest.Wait()
		a := newBox(Unbounded(), &quiet{onUser: func(any) {
			b.PostUserMessage(1)
			result <- b.PostWait(t.Context(), 2)
		}}, p)
		a.PostUserMessage("go")
		if err := <-result; err != nil {
			t.Errorf("PostWait = %v, want nil", err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]any{0, 1, 2}, got); diff != "" {
			t.Errorf("received (-want +got):\n%s", diff)
		}
	})
}

// TestBackPressureKeepsOrderAndLimit has many senders wait for a slow receiver.
func TestBackPressureKeepsOrderAndLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const senders, each, most = 8, 50, 3
		p := NewPool(2, 2)
		last := make([]int, senders)
		received := 0
		var b *Box
		b = newBox(Bounded(most, BackPressure), &quiet{onUser: func(msg any) {
			m := msg.([2]int)
			if last[m[0]]++; last[m[0]] != m[1] {
				t.Errorf("sender %d: got message %d, want %d", m[0], m[1], last[m[0]])
			}
			if n := b.UserMessageCount(); n > most {
				t.Errorf("%d messages wait, want at most %d", n, most)
			}
			received++
			time.Sleep(time.Millisecond)
		}}, p)
		for i := range senders {
			go func() {
				for n := range each {
					if err := b.PostWait(t.Context(), [2]int{i, n + 1}); err != nil {
						t.Errorf("PostWait = %v, want nil", err)
					}
				}
			}()
		}
		time.Sleep(time.Minute)
		p.Close() // so that received can be read
		if received != senders*each {
			t.Errorf("%d messages received, want %d", received, senders*each)
		}
	})
}

// TestRefusedMessagesOfPlainActorsAreDeadLetters is the peers' silent drop.
func TestRefusedMessagesOfPlainActorsAreDeadLetters(t *testing.T) {
	proto := protoSystem()
	letters := make(chan *pa.DeadLetterEvent, 10)
	sub := proto.EventStream.Subscribe(func(e any) {
		if l, ok := e.(*pa.DeadLetterEvent); ok {
			letters <- l
		}
	})
	defer proto.EventStream.Unsubscribe(sub)
	busy, release := make(chan struct{}), make(chan struct{})
	pid := proto.Root.Spawn(pa.PropsFromFunc(func(c pa.Context) {
		if c.Message() == "block" {
			close(busy)
			<-release
		}
	}, pa.WithMailbox(Bounded(1, DropNewest))))
	proto.Root.Send(pid, "block")
	<-busy
	proto.Root.Send(pid, "waits")
	proto.Root.Send(pid, "too many")
	if l := <-letters; l.Message != "too many" || !l.PID.Equal(pid) {
		t.Errorf("dead letter %v to %v, want \"too many\" to %v", l.Message, l.PID, pid)
	}
	close(release)
	if err := proto.Root.StopFuture(pid).Wait(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestFullMailboxCanBePoisoned is why PoisonPill is exempt.
func TestFullMailboxCanBePoisoned(t *testing.T) {
	proto := protoSystem()
	busy, release := make(chan struct{}), make(chan struct{})
	pid := proto.Root.Spawn(pa.PropsFromFunc(func(c pa.Context) {
		if c.Message() == "block" {
			close(busy)
			<-release
		}
	}, pa.WithMailbox(Bounded(1, Fail))))
	proto.Root.Send(pid, "block")
	<-busy
	proto.Root.Send(pid, "fills it")
	stopped := proto.Root.PoisonFuture(pid)
	close(release)
	if err := stopped.Wait(); err != nil {
		t.Errorf("poison: %v", err)
	}
}

func ExampleBounded() {
	d := new(Inline) // runs at once what is posted
	b := Bounded(2, Fail)().(*Box)
	b.RegisterHandlers(&quiet{onUser: func(m any) { fmt.Println("got", m) }}, d)
	fmt.Println(b.PostWait(context.Background(), 1), b.PostWait(context.Background(), 2), b.PostWait(context.Background(), 3))
	b.Start()
	// Output:
	// <nil> <nil> mailbox: full
	// got 1
	// got 2
}
