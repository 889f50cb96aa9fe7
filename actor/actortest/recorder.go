package actortest

import (
	"fmt"
	"reflect"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/pando-go/pando/actor"
)

// recorder is the actor in a Probe[M].
type recorder[M any] struct{ in *inbox[M] }

// watch is what the test tells the recorder.
type watch struct{ who actor.Addressable }

// Receive keeps the message.
func (r *recorder[M]) Receive(c *actor.Context[any], msg any) error {
	switch m := msg.(type) {
	case watch:
		c.Watch(m.who)
	case M:
		got := received[M]{m, c.Replier()}
		r.in.add(func() { r.in.queue = append(r.in.queue, got) })
	default: // only the untyped side can send it; a typed actor would refuse too
		c.System().DeadLetter(c.Self().PID(), c.Proto().Sender(), msg,
			fmt.Errorf("%w: probe of %v got %T", actor.ErrMessageType, reflect.TypeFor[M](), msg))
	}
	return nil
}

// Terminated keeps who is no more.
func (r *recorder[M]) Terminated(_ *actor.Context[any], who actor.Gone) error {
	r.in.add(func() {
		if r.in.gone == nil {
			r.in.gone = map[string]actor.Gone{}
		}
		r.in.gone[who.Ref] = who
	})
	return nil
}

// comparing says what makes two messages equal.
func comparing() cmp.Options {
	return cmp.Options{
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmp.Comparer(func(a, b actor.Addressable) bool {
			if a == nil || b == nil {
				return a == nil && b == nil
			}
			return text(a) == text(b)
		}),
		protocmp.Transform(),
	}
}
