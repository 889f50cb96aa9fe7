package sharding_test

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding"
)

// tally is an entity that adds up, and takes its sum along when it moves.
type tally struct{ sum int64 }

func (t *tally) Receive(c *actor.Context[*wrapperspb.Int64Value], m *wrapperspb.Int64Value) error {
	t.sum += m.Value
	c.Reply(wrapperspb.Int64(t.sum))
	return nil
}

func (t *tally) Snapshot() (proto.Message, error) { return wrapperspb.Int64(t.sum), nil }

func (t *tally) Restore(m proto.Message) error {
	t.sum = m.(*wrapperspb.Int64Value).GetValue()
	return nil
}

var _ sharding.Mover = (*tally)(nil)

var Tally = actor.NewKind("tally", func(id string) actor.Behavior[*wrapperspb.Int64Value] { return new(tally) })

func ExampleHost() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: "example", Listen: "127.0.0.1:0", FoundAlone: true,
		Services: []clusterd.Service{sharding.Host(Tally)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Close()
	apples := sharding.Ref(node, Tally, "apples")
	for range 3 {
		sum, err := actor.Ask[*wrapperspb.Int64Value](ctx, apples.With(wrapperspb.Int64(2)))
		fmt.Println(sum.GetValue(), err)
	}
	// Output:
	// 2 <nil>
	// 4 <nil>
	// 6 <nil>
}
