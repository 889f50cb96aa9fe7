package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding"
)

// TestAsksDuringAFailureEnd: whatever is asked while an entity's node is dead
// and not yet replaced gets an answer or an error that says what happened, and
// does not wait for the asker's own time to run out.
func TestAsksDuringAFailureEnd(t *testing.T) {
	hosts := func(int) clusterd.Config {
		return clusterd.Config{Timing: engine.Fast(), Services: []clusterd.Service{sharding.Host(Echo)}}
	}
	clustertest.Run(t, 3, hosts, func(k *clustertest.Kit) {
		k.Settle()
		k.Kill(1)
		const asks = 200
		results := make(chan error, asks)
		for i := range asks {
			time.Sleep(50 * time.Millisecond)
			echo := sharding.Ref(k.Node(2), Echo, fmt.Sprint("entity ", i))
			go func() {
				ctx, cancel := context.WithTimeout(k.T.Context(), 5*time.Minute)
				defer cancel()
				_, err := actor.Ask[*wrapperspb.StringValue](ctx, echo.With(wrapperspb.String("hello")))
				results <- err
			}()
		}
		answered := 0
		for range asks {
			switch err := <-results; {
			case err == nil:
				answered++
			case !errors.Is(err, actor.ErrNodeRemoved) && !errors.Is(err, sharding.ErrNoHome):
				k.T.Errorf("got %v, want an answer, ErrNodeRemoved or ErrNoHome", err)
			}
		}
		if answered < asks/2 {
			k.T.Errorf("%d of %d asks were answered", answered, asks)
		}
	})
}
