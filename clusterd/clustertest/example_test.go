package clustertest_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/sharding"
)

// echo is an entity that answers with its own id.
type echo struct{ id string }

func (e *echo) Receive(c *actor.Context[*wrapperspb.StringValue], m *wrapperspb.StringValue) error {
	c.Reply(wrapperspb.String(e.id + ": " + m.Value))
	return nil
}

var Echo = actor.NewKind("echo", func(id string) actor.Behavior[*wrapperspb.StringValue] { return &echo{id} })

// A test of one's own cluster: an entity answers again, from another node,
// after its node was killed. It takes milliseconds.
func ExampleRun() {
	var t *testing.T // of the test function

	hosts := func(int) clusterd.Config {
		return clusterd.Config{Services: []clusterd.Service{sharding.Host(Echo)}}
	}
	clustertest.Run(t, 3, hosts, func(k *clustertest.Kit) {
		k.Kill(1)
		k.Settle()
		ctx, cancel := context.WithTimeout(k.T.Context(), 10*time.Second)
		defer cancel()
		ada := sharding.Ref(k.Node(2), Echo, "ada")
		if _, err := actor.Ask[*wrapperspb.StringValue](ctx, ada.With(wrapperspb.String("hello"))); err != nil {
			k.T.Error(err)
		}
	})
}

// TestEntitiesSurviveAnyNode is the example for the leader and for another node,
// with many entities: those of the killed node answer as well.
func TestEntitiesSurviveAnyNode(t *testing.T) {
	hosts := func(int) clusterd.Config {
		return clusterd.Config{Services: []clusterd.Service{sharding.Host(Echo)}}
	}
	clustertest.Run(t, 3, hosts, func(k *clustertest.Kit) {
		ask := func(from int) {
			for _, id := range []string{"ada", "grace", "edsger", "barbara", "leslie", "tony", "edith", "donald"} {
				ctx, cancel := context.WithTimeout(k.T.Context(), time.Minute)
				answer, err := actor.Ask[*wrapperspb.StringValue](ctx, sharding.Ref(k.Node(from), Echo, id).With(wrapperspb.String("hello")))
				cancel()
				if want := id + ": hello"; err != nil || answer.Value != want {
					k.T.Errorf("from node %d: got %v, %v, want %q", from, answer, err, want)
				}
			}
		}
		ask(1)
		for i := 1; i <= 2; i++ {
			k.Kill(i)
			k.Settle()
			ask(i%3 + 1)
			k.Restart(i)
			k.Settle()
			ask(i)
		}
	})
}
