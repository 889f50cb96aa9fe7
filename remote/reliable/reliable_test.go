package reliable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
	"github.com/pando-go/pando/remote/reliable"
	"github.com/pando-go/pando/remote/reliable/queuetest"
)

type text = *wrapperspb.StringValue

// book is a consumer's handler that keeps what it is given, over restarts.
type book struct {
	got    []string
	onText func(c *reliable.Context, s string) error
}

func (b *book) Handle(c *reliable.Context, m text) error {
	b.got = append(b.got, m.Value)
	if b.onText != nil {
		return b.onText(c, m.Value)
	}
	return nil
}

func (b *book) behavior(cfg reliable.ConsumerConfig) func() actor.Behavior[any] {
	return reliable.Consumer(func() reliable.Handler[text] { return b }, cfg)
}

func numbers(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

// wantBook compares what the consumer got. The kit must have settled.
func wantBook(k *actortest.Kit, b *book, want ...string) {
	k.Helper()
	if got, want := fmt.Sprint(b.got), fmt.Sprint(want); got != want {
		k.Errorf("got %s\nwant %s", got, want)
	}
}

func send(k *actortest.Kit, p *reliable.Producer[text], texts ...string) {
	k.Helper()
	for _, s := range texts {
		if err := p.Send(k.Context(), wrapperspb.String(s)); err != nil {
			k.Fatalf("send %s: %v", s, err)
		}
	}
}

func newProducer(k *actortest.Kit, to actor.Addressable, cfg reliable.Config) *reliable.Producer[text] {
	k.Helper()
	p, err := reliable.NewProducer[text](k.System(), "shop", to, cfg)
	if err != nil {
		k.Fatal(err)
	}
	return p
}

func TestInOrderAndOnce(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := new(book)
		p := newProducer(k, actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{Window: 8})), reliable.Config{})
		send(k, p, numbers(1, 300)...)
		if err := p.Flush(k.Context()); err != nil {
			k.Fatal(err)
		}
		wantBook(k, b, numbers(1, 300)...)
		if n := p.Unconfirmed(); n != 0 {
			k.Errorf("got %d unconfirmed after Flush, want 0", n)
		}
		if dead := k.DeadLetters(); len(dead) > 0 {
			k.Errorf("got %d dead letters, the first %+v", len(dead), dead[0])
		}
	})
}

func TestSendWaitsForRoom(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		var held []reliable.Confirmation
		b := &book{onText: func(c *reliable.Context, _ string) error {
			held = append(held, c.Hold())
			return nil
		}}
		p := newProducer(k, actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{Window: 3})), reliable.Config{Buffer: 5})
		send(k, p, numbers(1, 5)...)
		k.Settle()
		wantBook(k, b, numbers(1, 3)...)
		if err := p.TrySend(wrapperspb.String("6")); !errors.Is(err, reliable.ErrFull) {
			k.Errorf("got %v from TrySend, want ErrFull", err)
		}
		ctx, cancel := context.WithTimeout(k.Context(), time.Minute)
		defer cancel()
		if err := p.Send(ctx, wrapperspb.String("6")); !errors.Is(err, context.DeadlineExceeded) {
			k.Errorf("got %v from Send, want DeadlineExceeded", err)
		}
		probe := actortest.NewProbe[string](k)
		if err := reliable.WhenRoom(p, probe.Ref(), "room"); err != nil {
			k.Error(err)
		}
		probe.WantNone(time.Hour)
		oldest := held[0]
		oldest.Confirm()
		oldest.Confirm()
		probe.Want("room")
		k.Settle()
		wantBook(k, b, numbers(1, 4)...)
		if err := p.TrySend(wrapperspb.String("6")); err != nil {
			k.Errorf("got %v from TrySend, want room", err)
		}
	})
}

func TestConsumerRestarts(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		failed := false
		b := new(book)
		b.onText = func(_ *reliable.Context, s string) error {
			if s == "3" && !failed {
				failed = true
				return errors.New("no ink")
			}
			return nil
		}
		p := newProducer(k, actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{})), reliable.Config{})
		send(k, p, numbers(1, 5)...)
		if err := p.Flush(k.Context()); err != nil {
			k.Fatal(err)
		}
		wantBook(k, b, "1", "2", "3", "3", "4", "5")
	})
}

func TestConsumerComesBack(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := &book{onText: func(c *reliable.Context, s string) error {
			if s == "2" {
				c.Hold() // for ever
			}
			return nil
		}}
		spawn := func() actor.Ref[any] {
			ref, err := actor.Spawn(k.System(), "ledger", b.behavior(reliable.ConsumerConfig{}))
			if err != nil {
				k.Fatal(err)
			}
			return ref
		}
		first := spawn()
		byName, err := actor.ParseRef[any](k.System(), first.String())
		if err != nil {
			k.Fatal(err)
		}
		p := newProducer(k, byName, reliable.Config{})
		send(k, p, numbers(1, 3)...)
		k.Settle()
		k.Stop(first)
		send(k, p, "4")
		k.Advance(10 * time.Second)
		b.onText = nil
		spawn()
		if err := p.Flush(k.Context()); err != nil {
			k.Fatal(err)
		}
		wantBook(k, b, "1", "2", "3", "2", "3", "4")
	})
}

func TestConsumerComesLate(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := new(book)
		late, err := actor.ParseRef[any](k.System(), "pando://test@/ledger")
		if err != nil {
			k.Fatal(err)
		}
		p := newProducer(k, late, reliable.Config{})
		send(k, p, numbers(1, 3)...)
		k.Advance(time.Hour)
		if _, err := actor.Spawn(k.System(), "ledger", b.behavior(reliable.ConsumerConfig{})); err != nil {
			k.Fatal(err)
		}
		k.Advance(time.Second)
		wantBook(k, b, numbers(1, 3)...)
		if err := p.Flush(k.Context()); err != nil {
			k.Error(err)
		}
	})
}

// TestProducerRestarts: with the queue of its predecessor a producer goes on, and a
// consumer that lived on is given nothing twice.
func TestProducerRestarts(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		var held []reliable.Confirmation
		b := &book{onText: func(c *reliable.Context, s string) error {
			if s > "2" {
				held = append(held, c.Hold())
			}
			return nil
		}}
		to := actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{}))
		queue := reliable.NewMemoryQueue()
		p := newProducer(k, to, reliable.Config{Queue: queue})
		send(k, p, numbers(1, 5)...)
		k.Settle()
		if err := p.Close(k.Context()); err != nil {
			k.Fatal(err)
		}
		if err := p.Send(k.Context(), wrapperspb.String("x")); !errors.Is(err, reliable.ErrClosed) {
			k.Errorf("got %v from a closed producer, want ErrClosed", err)
		}
		p = newProducer(k, to, reliable.Config{Queue: queue})
		if got, want := p.Unconfirmed(), 3; got != want {
			k.Errorf("got %d unconfirmed, want %d", got, want)
		}
		send(k, p, "6")
		k.Settle()
		for _, h := range slices.Clone(held) {
			h.Confirm()
			k.Settle()
		}
		k.Advance(time.Minute)
		wantBook(k, b, numbers(1, 6)...)
		if got, want := p.Unconfirmed(), 0; got != want {
			k.Errorf("got %d unconfirmed, want %d", got, want)
		}
	})
}

// TestNewQueueNewStream: without its queue a producer begins again at 1, which a
// consumer must not take for what it had.
func TestNewQueueNewStream(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := new(book)
		to := actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{}))
		for i := range 3 {
			p := newProducer(k, to, reliable.Config{})
			send(k, p, fmt.Sprint("run ", i))
			if err := p.Flush(k.Context()); err != nil {
				k.Fatal(err)
			}
			if err := p.Close(k.Context()); err != nil {
				k.Fatal(err)
			}
			k.Advance(time.Millisecond)
		}
		wantBook(k, b, "run 0", "run 1", "run 2")
	})
}

// broken is a queue whose disk fails now and then.
type broken struct {
	reliable.Queue
	fail  bool
	panic bool
}

var errDisk = errors.New("disk on fire")

func (q *broken) Append(seq uint64, m []byte) error {
	if q.panic {
		q.panic = false
		panic("disk gone")
	}
	if q.fail {
		return errDisk
	}
	return q.Queue.Append(seq, m)
}

func TestQueueFails(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := new(book)
		q := &broken{Queue: reliable.NewMemoryQueue()}
		p := newProducer(k, actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{})), reliable.Config{Queue: q, Buffer: 3})
		send(k, p, "1")
		q.fail = true
		for range 5 { // room for one must not be lost with each
			if err := p.Send(k.Context(), wrapperspb.String("x")); !errors.Is(err, errDisk) {
				k.Errorf("got %v, want the queue's error", err)
			}
		}
		q.fail, q.panic = false, true
		var failure *actor.Failure
		if err := p.Send(k.Context(), wrapperspb.String("x")); !errors.As(err, &failure) {
			k.Errorf("got %v, want a *Failure", err)
		}
		send(k, p, numbers(2, 9)...)
		if err := p.Flush(k.Context()); err != nil {
			k.Fatal(err)
		}
		wantBook(k, b, numbers(1, 9)...)
		if n := p.Unconfirmed(); n != 0 {
			k.Errorf("got %d unconfirmed, want 0", n)
		}
	})
}

func TestUndecodable(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := new(book)
		to := actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{}))
		p, err := reliable.NewProducer[*durationpb.Duration](k.System(), "shop", to, reliable.Config{})
		if err != nil {
			k.Fatal(err)
		}
		if err := p.Send(k.Context(), durationpb.New(time.Second)); err != nil {
			k.Fatal(err)
		}
		to.Tell("not even a letter")
		if err := p.Flush(k.Context()); err != nil {
			k.Error(err)
		}
		wantBook(k, b)
		dead := k.DeadLetters()
		if len(dead) != 2 {
			k.Fatalf("got %d dead letters, want 2", len(dead))
		}
		for _, d := range dead {
			if !errors.Is(d.Reason, actor.ErrMessageType) {
				k.Errorf("got a dead letter with %v, want ErrMessageType", d.Reason)
			}
		}
	})
}

func TestPoolSharesOut(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p, err := reliable.NewPool[text](k.System(), "jobs", reliable.Config{})
		if err != nil {
			k.Fatal(err)
		}
		send(k, p, numbers(1, 2)...)
		var held []reliable.Confirmation
		slow := &book{onText: func(c *reliable.Context, _ string) error {
			held = append(held, c.Hold())
			return nil
		}}
		fast := new(book)
		cfg := reliable.ConsumerConfig{Window: 2}
		slowRef, fastRef := actortest.Spawn(k, slow.behavior(cfg)), actortest.Spawn(k, fast.behavior(cfg))
		for range 2 { // adding twice is adding once
			if err := errors.Join(p.AddWorker(k.Context(), slowRef), p.AddWorker(k.Context(), fastRef)); err != nil {
				k.Fatal(err)
			}
		}
		k.Settle() // both have answered by now
		send(k, p, numbers(3, 50)...)
		k.Settle()
		if got, want := len(slow.got), 2; got != want {
			k.Errorf("the slow worker got %d messages, want %d: its window", got, want)
		}
		if got, want := len(fast.got), 48; got != want {
			k.Errorf("the fast worker got %d messages, want %d", got, want)
		}
		k.Stop(slowRef)
		if err := p.Flush(k.Context()); err != nil {
			k.Fatal(err)
		}
		if got, want := len(fast.got), 50; got != want {
			k.Errorf("the last worker got %d messages, want all %d", got, want)
		}
		if err := p.RemoveWorker(k.Context(), fastRef); err != nil {
			k.Error(err)
		}
		send(k, p, "51")
		k.Advance(time.Minute)
		if got, want := p.Unconfirmed(), 1; got != want {
			k.Errorf("got %d unconfirmed without workers, want %d", got, want)
		}
	})
}

// TestPoolRestarts: a pool's actor that fails keeps its workers.
func TestPoolRestarts(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		q := &broken{Queue: reliable.NewMemoryQueue()}
		p, err := reliable.NewPool[text](k.System(), "jobs", reliable.Config{Queue: q})
		if err != nil {
			k.Fatal(err)
		}
		b := new(book)
		worker := actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{}))
		if err := p.AddWorker(k.Context(), worker); err != nil {
			k.Fatal(err)
		}
		send(k, p, "1")
		if err := p.Flush(k.Context()); err != nil { // else the worker would be given it again
			k.Fatal(err)
		}
		q.panic = true
		if err := p.Send(k.Context(), wrapperspb.String("x")); err == nil {
			k.Error("got no error from a queue that panics")
		}
		send(k, p, "2", "3")
		if err := p.Flush(k.Context()); err != nil {
			k.Fatal(err)
		}
		wantBook(k, b, numbers(1, 3)...)
		k.Stop(worker)
		send(k, p, "4")
		k.Advance(time.Minute)
		if got, want := p.Unconfirmed(), 1; got != want {
			k.Errorf("got %d unconfirmed after the worker stopped, want %d", got, want)
		}
	})
}

func TestMisuse(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		b := new(book)
		to := actortest.Spawn(k, b.behavior(reliable.ConsumerConfig{}))
		for name, make := range map[string]func() error{
			"no id": func() error {
				_, err := reliable.NewProducer[text](k.System(), "", to, reliable.Config{})
				return err
			},
			"no consumer": func() error {
				_, err := reliable.NewProducer[text](k.System(), "x", actor.Ref[any]{}, reliable.Config{})
				return err
			},
			"negative": func() error {
				_, err := reliable.NewPool[text](k.System(), "x", reliable.Config{Buffer: -1, Resend: -1})
				return err
			},
			"consumer": reliable.ConsumerConfig{Window: -1}.Validate,
		} {
			if make() == nil {
				k.Errorf("%s: got no error", name)
			}
		}
		p := newProducer(k, to, reliable.Config{MaxMessage: 100})
		if err := p.Send(k.Context(), wrapperspb.String(strings.Repeat("x", 100))); !errors.Is(err, reliable.ErrTooLarge) {
			k.Errorf("got %v, want ErrTooLarge", err)
		}
		if err := p.AddWorker(k.Context(), to); !errors.Is(err, reliable.ErrNotPool) {
			k.Errorf("got %v, want ErrNotPool", err)
		}
	})
}

func TestMemoryQueue(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) func() reliable.Queue {
		q := reliable.NewMemoryQueue()
		return func() reliable.Queue { return q }
	})
	q := reliable.NewMemoryQueue()
	if q.Append(2, nil) == nil {
		t.Error("got no error from a number out of order")
	}
	if q.Confirm(1) == nil {
		t.Error("got no error from a number that was not appended")
	}
}
