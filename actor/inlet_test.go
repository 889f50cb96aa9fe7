package actor_test

import (
	"testing"
	"testing/synctest"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// TestInlet: an inlet reaches whoever has the id now, and what Deliver knows of
// other ids holds for it too.
func TestInlet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{Address: "a:1", UID: 0xa})
		var got []string
		note := func(name string) func(*actor.Context[string], string) error {
			return func(c *actor.Context[string], m string) error {
				from := ""
				if s := c.Proto().Sender(); s != nil {
					from = " from " + s.Id
				}
				got = append(got, name+" "+m+from)
				return nil
			}
		}
		in := sys.Inlet("x")
		in.Deliver(nil, nil, "early")
		first := spawn(t, sys, "x", note("first"))
		in.Deliver(nil, nil, "1")
		in.Deliver(pa.NewPID("b:1", "asker"), nil, "2")
		in.Deliver(nil, map[string]string{"k": "v"}, "3")
		in.Deliver(nil, nil, &pa.Stop{}) // no user message
		synctest.Wait()
		if err := actor.Stop(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		spawn(t, sys, "x", note("second"))
		in.Deliver(nil, nil, "4")
		sys.Inlet("x#a").Deliver(nil, nil, "5")
		sys.Inlet("x#b").Deliver(nil, nil, "for another incarnation")
		sys.Inlet("$guardian").Deliver(nil, nil, "for nobody")
		synctest.Wait()
		want := []string{"first 1", "first 2 from asker", "first 3", "second 4", "second 5"}
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got %q, want %q", got[i], want[i])
			}
		}
		if d := sys.DeadLetters(); d != (actor.DeadLetterCounts{NoActor: 3, MessageType: 1}) {
			t.Errorf("got dead letters %+v", d)
		}
	})
}

func BenchmarkInlet(b *testing.B) {
	sys := newSystem(b, actor.Config{Address: "a:1", UID: 0xa})
	spawn(b, sys, "x", func(*actor.Context[any], any) error { return nil })
	in, asker := sys.Inlet("x"), pa.NewPID("b:1", "asker")
	b.ReportAllocs()
	for b.Loop() {
		in.Deliver(asker, nil, "m")
	}
}
