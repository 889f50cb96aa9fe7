package remote

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// The defects of protoactor-go's remote, each as a test against this one. The
// table of docs/remote.md names them, and what else of that list is tested where.

// There: an envelope with an unknown type, or a number out of range, panics in the
// handler and ends the process.
func TestDefectUnknownTypeEndsTheProcess(t *testing.T) {
	for name, e := range map[string]*remotepb.Envelope{
		"unknown type":          {To: "box/1", Type: "no.such.Type", Payload: []byte{1}},
		"bytes of another type": {To: "box/1", Type: "google.protobuf.StringValue", Payload: []byte{0xff}},
		"type number":           {To: "box/1", TypeRef: 1 << 30},
		"receiver number":       {ToRef: 7, Type: "string"},
		"sender number":         {To: "box/1", Type: "string", FromRef: 4096},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2)
				conn := c.raw(b)
				defer conn.Close()
				conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello())...))
				conn.Write(frame(t, wire.KindBatch, &remotepb.Batch{Seq: 1, Envelopes: []*remotepb.Envelope{e}}))
				synctest.Wait()
				a.tell(b.pid("box/1"), "still there")
				synctest.Wait()
				wantTexts(t, "at b", b.texts("box/1"), "still there")
				s := b.r.Stats()
				if s.Panics != 0 || s.Malformed+s.Undecodable != 1 {
					t.Errorf("got %+v, want one malformed or undecodable", s)
				}
			})
		})
	}
}

// There: batches are limited by their number, so a burst of 8 KiB messages breaks a
// limit of bytes: none arrives, none is a dead letter, and every watch reports a
// false end. One message above the limit does the same.
func TestDefectBurstTearsTheConnectionDown(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		got := 0
		b.sink = func(mail) { got++ }
		watched, err := b.proto.Root.SpawnNamed(pa.PropsFromFunc(func(pa.Context) {}), "watched")
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		watcher := a.proto.Root.Spawn(pa.PropsFromFunc(func(x pa.Context) {
			switch x.Message().(type) {
			case *pa.Started:
				x.Watch(b.pid(watched.Id))
			case *pa.Terminated:
				ended++
			}
		}))
		synctest.Wait()
		const n = 1000 // of 8 KiB, half of the queue's limit
		for i := range n {
			a.tell(b.pid("box/1"), wrapperspb.Bytes(make([]byte, 8<<10)))
			if i == n/2 {
				a.tell(b.pid("box/1"), wrapperspb.Bytes(make([]byte, 5<<20)))
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		dead := a.deads()
		if got != n || ended != 0 || len(dead) != 1 || !errors.Is(dead[0].Reason, ErrTooLarge) {
			t.Errorf("got %d messages, %d ends, %d dead letters, want %d, none and the one too large", got, ended, len(dead), n)
		}
		if s := a.r.Stats(); s.Dialled != 2 {
			t.Errorf("got %d connections, want the same two all the time", s.Dialled)
		}
		a.proto.Root.Stop(watcher)
		b.proto.Root.Stop(watched)
		synctest.Wait()
	})
}

// There: 16.2 MB for each connected peer, never given back, and no limit.
func TestDefectMemoryOfConnectedPeers(t *testing.T) {
	bubble(t, func(c *cluster) {
		const peers = 50
		a := c.start("a:1", 1, func(c *Config) { c.MaxHandshakesPerHost = peers })
		ln, err := c.Listen("sink:1")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		before := heapInUse()
		for i := range peers {
			address := fmt.Sprintf("p%d:1", i)
			c.Alias(address, "sink:1")
			a.tell(&pa.PID{Address: address, Id: "box"}, "x")
			conn, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.Write(append([]byte(wire.Magic), frame(t, wire.KindWelcome,
				&remotepb.Welcome{Version: 1, Cluster: "test", Address: address, Uid: 2, MaxMessage: 1 << 20})...))
			synctest.Wait() // until the batch is written
			conn.Write(frame(t, wire.KindAck, &remotepb.Ack{Batch: 1}))
		}
		synctest.Wait()
		each := (heapInUse() - before) / peers
		if s := a.r.Stats(); s.Outbound != peers {
			t.Fatalf("got %d connections, want %d", s.Outbound, peers)
		}
		if each > 256<<10 {
			t.Errorf("got %d bytes for each connected peer, want at most 256 KiB", each)
		}
		runtime.KeepAlive(a)
	})
}

// There: the writer sleeps while it tries to reach a dead peer, so dead letters and
// Terminated come after 10 s. Here messages wait as long as the peer is a member,
// and the word that it is not ends everything at once; others wait for nothing.
func TestDefectDeadPeerHoldsUpItsWriter(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		a.r.Known(Node{"gone:1", 9})
		var ended time.Time
		watcher := a.proto.Root.Spawn(pa.PropsFromFunc(func(x pa.Context) {
			switch x.Message().(type) {
			case *pa.Started:
				x.Watch(&pa.PID{Address: "gone:1", Id: "x"})
			case *pa.Terminated:
				ended = time.Now()
			}
		}))
		for range 100 {
			a.tell(&pa.PID{Address: "gone:1", Id: "x"}, "lost")
		}
		time.Sleep(3 * time.Second)
		begun := time.Now()
		a.tell(b.pid("box/1"), "through")
		synctest.Wait()
		wantTexts(t, "at b, at once", b.texts("box/1"), "through")
		if n := len(a.deads()); n != 0 {
			t.Errorf("got %d dead letters while the peer may come back, want none", n)
		}
		a.r.Removed(Node{"gone:1", 9})
		synctest.Wait()
		if n := len(a.deads()); n != 100 || !ended.Equal(begun) {
			t.Errorf("got %d dead letters, Terminated at %v, want 100, at %v", n, ended, begun)
		}
		a.proto.Root.Stop(watcher)
		synctest.Wait()
	})
}

// There: a request for an unknown kind panics the activator, whose restart stops
// every actor that was started from elsewhere.
func TestDefectUnknownKindStopsOtherActors(t *testing.T) {
	echo := actor.NewKind("echo", func(id string) actor.Behavior[string] {
		return actor.Func(func(c *actor.Context[string], m string) error { c.Reply(id + m); return nil })()
	})
	unknown := actor.NewKind("unknown", echo.New)
	actorNodes(t, func(t *testing.T, here, there *actor.System) {
		if err := there.Register(echo); err != nil {
			t.Fatal(err)
		}
		r := remoteOf(t, here, "there:1")
		old, err := Spawn(t.Context(), r, "there:1", echo, "1", "")
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, err := Spawn(t.Context(), r, "there:1", unknown, "", ""); !errors.Is(err, actor.ErrUnknownKind) {
				t.Errorf("got %v, want an unknown kind", err)
			}
		}
		if got, err := actor.Ask[string](t.Context(), old.With("!")); err != nil || got != "1!" {
			t.Errorf("got %q, %v of the older actor, want 1!", got, err)
		}
	})
}

// There: any peer sends any system message to any actor, and publishes on the event
// stream, so that it can forge the cluster's topology.
func TestDefectForgedSystemMessages(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2, expose("open"))
		published := 0
		b.proto.EventStream.Subscribe(func(event any) {
			if s, ok := event.(*wrapperspb.StringValue); ok && strings.Contains(s.Value, "forged") {
				published++
			}
		})
		var got []string
		pid, err := b.proto.Root.SpawnNamed(pa.PropsFromFunc(func(x pa.Context) {
			got = append(got, fmt.Sprintf("%T", x.Message()))
		}), "open")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got = nil
		a.tell(b.pid("eventstream"), wrapperspb.String("forged"))
		for _, forged := range []any{&pa.Terminated{Who: a.pid("x")}, &pa.Watch{Watcher: a.pid("x")}, &pa.Stop{}} {
			a.tell(b.pid("shut"), forged) // as user messages
		}
		for op := range int32(8) { // as system messages: 5 to 7 are of no version so far, 3 is of nobody watched
			conn := c.raw(b)
			conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) {
				h.Address, h.Lane = fmt.Sprintf("m%d:1", op), remotepb.Lane_LANE_CONTROL
			}))...))
			for i, target := range []string{"eventstream", "shut", "$guardian", "deadletter"} {
				conn.Write(frame(t, wire.KindSystem, &remotepb.System{
					Seq: uint64(i + 1), Op: remotepb.System_Op(op), Target: target, Other: "x", Why: 1,
				}))
			}
			if op != int32(remotepb.System_OP_STOP) {
				conn.Write(frame(t, wire.KindSystem, &remotepb.System{
					Seq: 9, Op: remotepb.System_Op(op), Target: "open", Other: "x", Why: 1,
				}))
			}
			synctest.Wait()
			conn.Close()
		}
		if published != 0 || len(got) != 0 {
			t.Errorf("got %d published, the actor was told %q, want nothing", published, got)
		}
		b.proto.Root.Stop(pid)
		synctest.Wait()
	})
}

// There: closing under traffic races on flags, maps and channels, a send may panic
// in a user's actor, and a global logger is replaced.
func TestDefectCloseUnderTraffic(t *testing.T) {
	for range 3 {
		bubble(t, func(c *cluster) {
			a, b := c.start("a:1", 1), c.start("b:1", 2)
			a.handle("svc")
			b.handle("svc")
			var senders sync.WaitGroup
			for i := range 8 {
				from, to := a, b
				if i%2 == 1 {
					from, to = b, a
				}
				senders.Go(func() {
					for range 500 {
						from.tell(to.pid(fmt.Sprint("box/", i)), "x")
						from.r.Post(to.node, "svc", []byte("x"))
						from.proto.Root.Stop(to.pid("nobody"))
						runtime.Gosched()
					}
				})
			}
			var closers sync.WaitGroup
			for _, n := range []*node{a, b, a} {
				closers.Go(n.close)
			}
			closers.Wait()
			senders.Wait()
			sent := 4 * 500
			got := len(b.mails()) + len(a.deads())
			if got < sent { // a dead letter may have arrived too
				t.Errorf("got %d messages and dead letters of a, want at least the %d sent", got, sent)
			}
		})
	}
}
