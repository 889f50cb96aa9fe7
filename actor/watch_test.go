package actor_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

func in(ref actor.Ref[any], f do) { ref.Tell(f) }

func TestWatch(t *testing.T) {
	tests := map[string]struct {
		watch func(c *actor.Context[any], other actor.Ref[any])
		stop  bool
		want  []string
	}{
		"stopped": {func(c *actor.Context[any], r actor.Ref[any]) { c.Watch(r) }, true, []string{"gone"}},
		"twice":   {func(c *actor.Context[any], r actor.Ref[any]) { c.Watch(r); c.Watch(r) }, true, []string{"gone"}},
		"alive":   {func(c *actor.Context[any], r actor.Ref[any]) { c.Watch(r) }, false, nil},
		"unwatched": {func(c *actor.Context[any], r actor.Ref[any]) {
			c.Watch(r)
			c.Unwatch(r)
		}, true, nil},
		"nobody": {func(c *actor.Context[any], _ actor.Ref[any]) {
			c.Watch(actor.RefOf[any](c.System(), c.System().Proto().NewLocalPID("nobody")))
		}, true, []string{"gone: " + actor.ErrNoActor.Error()}},
		"zero": {func(c *actor.Context[any], _ actor.Ref[any]) { c.Watch(actor.Ref[any]{}) }, true, []string{"gone: " + actor.ErrNoActor.Error()}},
		"entity": {func(c *actor.Context[any], _ actor.Ref[any]) {
			c.Watch(actor.EntityRef[any](c.System(), "room", "go"))
		}, true, nil},
		"child": {func(c *actor.Context[any], _ actor.Ref[any]) {
			kid, err := actor.Spawn(c, "kid", actor.Func(doer))
			if err != nil {
				panic(err)
			}
			c.Watch(kid)
			in(kid, func(k *actor.Context[any]) { k.Stop() })
		}, false, []string{"gone"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys, d := newSystem(t, actor.Config{}), &diary{}
				ref, other := spawnChronicler(t, sys, d), spawn(t, sys, "", doer)
				in(ref, func(c *actor.Context[any]) { test.watch(c, other) })
				synctest.Wait()
				if test.stop {
					if err := actor.Stop(t.Context(), other); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				d.want(t, append([]string{"started"}, test.want...)...)
			})
		})
	}
}

// TestRespawnInTerminated: the second Terminated that protoactor sends a watching
// parent must not be taken for the end of the new child of the same name.
func TestRespawnInTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		spawnKid := func(c *actor.Context[any]) error {
			kid, err := actor.Spawn(c, "kid", actor.Func(doer))
			if err == nil {
				c.Watch(kid)
			}
			return err
		}
		ref := spawnB(t, sys, "parent", func() actor.Behavior[any] {
			return &chronicler{d: d, start: spawnKid,
				onGone: func(c *actor.Context[any], _ actor.Gone) error { return spawnKid(c) }}
		})
		synctest.Wait()
		kid := actor.RefOf[any](sys, sys.Proto().NewLocalPID("parent/kid"))
		for range 3 {
			in(kid, func(c *actor.Context[any]) { c.Stop() })
			synctest.Wait()
		}
		d.want(t, "started", "gone", "gone", "gone")
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		_, err := actor.Ask[any](t.Context(), kid.With(1)) // stopped with its parent
		wantErr(t, err, actor.ErrNoActor)
	})
}

func TestTerminatedWhileWaitingForRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d, actor.WithSupervisor(actor.Backoff{Min: time.Hour}))
		other := spawn(t, sys, "", doer)
		in(ref, func(c *actor.Context[any]) { c.Watch(other) })
		ref.Tell(errBoom)
		synctest.Wait()
		if err := actor.Stop(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		d.want(t, "started", "stopped: boom", "started", "gone")
	})
}

func TestNodeRemovedIsTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{Address: "10.0.0.1:1"}), &diary{}
		sys.Proto().ProcessRegistry.RegisterAddressResolver(func(*pa.PID) (pa.Process, bool) { return &node{}, true })
		ref := spawnChronicler(t, sys, d)
		far, err := actor.ParseRef[any](sys, "pando://local@10.0.0.2:1/x#1f")
		if err != nil {
			t.Fatal(err)
		}
		in(ref, func(c *actor.Context[any]) { c.Watch(far) })
		synctest.Wait()
		p, _ := sys.Proto().ProcessRegistry.GetLocal(ref.PID().Id)
		for range 2 {
			p.SendSystemMessage(ref.PID(), &pa.Terminated{Who: pa.NewPID("10.0.0.2:1", "x"), Why: pa.TerminatedReason_AddressTerminated})
		}
		synctest.Wait()
		d.want(t, "started", "gone: "+actor.ErrNodeRemoved.Error())
	})
}

// node stands for the process behind another node's actors.
type node struct {
	user []any
}

func (n *node) SendUserMessage(_ *pa.PID, msg any) { n.user = append(n.user, msg) }
func (n *node) SendSystemMessage(*pa.PID, any)     {}
func (n *node) Stop(*pa.PID)                       {}

func TestLifecycleMessagesCannotBeForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		dead := collect(sys)
		ref := spawnB(t, sys, "x", func() actor.Behavior[string] { return &strict{d} })
		for _, msg := range []any{&pa.Started{}, &pa.Stopped{}, &pa.Restarting{}, &pa.Terminated{Who: ref.PID()}} {
			sys.Proto().Root.Send(ref.PID(), msg)
		}
		sys.Deliver("x", nil, &pa.Terminated{Who: ref.PID()})
		sys.Deliver("x", nil, &pa.Stop{})
		ref.Tell("alive")
		synctest.Wait()
		d.want(t, "started", "alive")
		for _, l := range dead.list() {
			if !errors.Is(l.Reason, actor.ErrMessageType) {
				t.Errorf("dead letter %T: %v, want ErrMessageType", l.Message, l.Reason)
			}
		}
		if n := len(dead.list()); n != 6 {
			t.Errorf("%d dead letters, want 6", n)
		}
	})
}

type strict struct{ d *diary }

func (b *strict) Started(*actor.Context[string]) error { b.d.add("started"); return nil }
func (b *strict) Receive(_ *actor.Context[string], m string) error {
	b.d.add(m)
	return nil
}
