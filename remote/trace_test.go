package remote_test

import (
	"context"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/memnet"
)

// TestTraceContextTravels: what a sender middleware puts into the headers, a
// receiver middleware and the actor find on the other node, for tells and asks,
// typed actors and plain ones.
func TestTraceContextTravels(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	inject := func(next pa.SenderFunc) pa.SenderFunc {
		return func(c pa.SenderContext, to *pa.PID, env *pa.MessageEnvelope) {
			env.SetHeader("traceparent", parent)
			next(c, to, env)
		}
	}
	members(t, func(t *testing.T, _ *memnet.Network, a, b member) {
		seen := make(chan string, 4)
		extract := func(next pa.ReceiverFunc) pa.ReceiverFunc {
			return func(c pa.ReceiverContext, env *pa.MessageEnvelope) {
				if h := env.GetHeader("traceparent"); h != "" {
					seen <- h
				}
				next(c, env)
			}
		}
		echo, err := actor.Spawn(b.System, "echo", actor.Func(func(c *actor.Context[*wrapperspb.StringValue], m *wrapperspb.StringValue) error {
			if h := c.Proto().MessageHeader(); h != nil {
				seen <- h.Get("traceparent")
			}
			c.Reply(m)
			return nil
		}), actor.WithReceiverMiddleware(extract))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		question := &pa.PID{Address: "b:1", Id: "echo"}
		_, err = actor.Spawn(a.System, "asker", actor.Func(func(c *actor.Context[string], _ string) error {
			c.Proto().Request(question, wrapperspb.String("hi"))
			return nil
		}), actor.WithSenderMiddleware(inject))
		if err != nil {
			t.Fatal(err)
		}
		a.Proto().Root.Send(a.Proto().NewLocalPID("asker"), "go")
		for range 2 {
			if got := <-seen; got != parent {
				t.Errorf("got traceparent %q, want %q", got, parent)
			}
		}
		far, err := actor.ParseRef[*wrapperspb.StringValue](a.System, echo.String())
		if err != nil {
			t.Fatal(err)
		}
		go func() { // without the middleware there are none
			_, err := actor.Ask[*wrapperspb.StringValue](context.Background(), far.With(wrapperspb.String("hi")))
			done <- err
		}()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := <-seen; got != "" {
			t.Errorf("got traceparent %q of a question that had none", got)
		}
	})
}
