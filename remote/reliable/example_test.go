package reliable_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/reliable"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A ledger that fails once loses nothing: what it had not confirmed comes again.
func Example() {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	check(err)
	defer sys.Close(ctx)

	tries := 0
	ledger, err := actor.Spawn(sys, "ledger", reliable.Consumer(reliable.Func(
		func(c *reliable.Context, m *wrapperspb.StringValue) error {
			if tries++; tries == 2 {
				return fmt.Errorf("no ink for %s", m.Value)
			}
			fmt.Println(c.Producer(), c.Seq(), m.Value)
			return nil
		}), reliable.ConsumerConfig{}))
	check(err)

	shop, err := reliable.NewProducer[*wrapperspb.StringValue](sys, "shop", ledger, reliable.Config{})
	check(err)
	for _, item := range []string{"tea", "bread", "salt"} {
		check(shop.Send(ctx, wrapperspb.String(item)))
	}
	check(shop.Flush(ctx)) // all are confirmed
	check(shop.Close(ctx))
	// Output:
	// shop 1 tea
	// shop 2 bread
	// shop 3 salt
}

// Two workers share what a pool is sent.
func ExampleNewPool() {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{})
	check(err)
	defer sys.Close(ctx)

	jobs, err := reliable.NewPool[*wrapperspb.StringValue](sys, "jobs", reliable.Config{})
	check(err)
	var done atomic.Int64
	for range 2 {
		worker, err := actor.Spawn(sys, "", reliable.Consumer(reliable.Func(
			func(*reliable.Context, *wrapperspb.StringValue) error {
				done.Add(1)
				return nil
			}), reliable.ConsumerConfig{}))
		check(err)
		check(jobs.AddWorker(ctx, worker))
	}
	for range 100 {
		check(jobs.Send(ctx, wrapperspb.String("a job")))
	}
	check(jobs.Flush(ctx))
	fmt.Println(done.Load())
	// Output: 100
}

// A message that is handled elsewhere is held, and confirmed when that is done.
func ExampleContext_Hold() {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{})
	check(err)
	defer sys.Close(ctx)

	held := make(chan reliable.Confirmation, 1)
	slow, err := actor.Spawn(sys, "slow", reliable.Consumer(reliable.Func(
		func(c *reliable.Context, _ *wrapperspb.StringValue) error {
			held <- c.Hold()
			return nil
		}), reliable.ConsumerConfig{}))
	check(err)
	p, err := reliable.NewProducer[*wrapperspb.StringValue](sys, "p", slow, reliable.Config{})
	check(err)
	check(p.Send(ctx, wrapperspb.String("a long job")))
	job := <-held
	fmt.Println("unconfirmed:", p.Unconfirmed())
	job.Confirm()
	check(p.Flush(ctx))
	fmt.Println("unconfirmed:", p.Unconfirmed())
	// Output:
	// unconfirmed: 1
	// unconfirmed: 0
}

// An actor sends at the pace of its consumer, without ever waiting.
func ExampleWhenRoom() {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{})
	check(err)
	defer sys.Close(ctx)

	sum := 0
	adder, err := actor.Spawn(sys, "adder", reliable.Consumer(reliable.Func(
		func(_ *reliable.Context, m *wrapperspb.Int64Value) error {
			sum += int(m.Value)
			return nil
		}), reliable.ConsumerConfig{}))
	check(err)
	p, err := reliable.NewProducer[*wrapperspb.Int64Value](sys, "numbers", adder, reliable.Config{Buffer: 4})
	check(err)

	type next struct{}
	finished := make(chan struct{})
	n := int64(0)
	source, err := actor.Spawn(sys, "source", actor.Func(func(c *actor.Context[next], _ next) error {
		for n < 100 && p.TrySend(wrapperspb.Int64(n+1)) == nil {
			n++
		}
		if n == 100 {
			close(finished)
			return nil
		}
		return reliable.WhenRoom(p, c.Self(), next{})
	}))
	check(err)
	source.Tell(next{})
	<-finished
	check(p.Flush(ctx))
	fmt.Println(sum)
	// Output: 5050
}
