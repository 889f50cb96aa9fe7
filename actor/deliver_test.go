package actor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/mailbox"
)

// wire joins systems by their seams, the way remote does.
type wire struct {
	from *actor.System
	to   *actor.System
}

func (w *wire) SendUserMessage(pid *pa.PID, msg any) {
	_, msg, sender := pa.UnwrapEnvelope(msg)
	var from *pa.PID
	if sender != nil {
		from = pa.NewPID(w.from.Portable(sender))
	}
	if m, ok := msg.(proto.Message); ok {
		msg = proto.Clone(m)
	}
	if strings.HasPrefix(pid.Id, "$ask/") {
		w.to.DeliverAnswer([]byte(pid.Id), from, nil, msg)
		return
	}
	w.to.Deliver(pid.Id, from, msg)
}
func (w *wire) SendSystemMessage(*pa.PID, any) {}
func (w *wire) Stop(*pa.PID)                   {}

func joined(t *testing.T) (a, b *actor.System) {
	a = newSystem(t, actor.Config{Address: "a:1", UID: 0xa})
	b = newSystem(t, actor.Config{Address: "b:1", UID: 0xb})
	join := func(from, to *actor.System) {
		from.Proto().ProcessRegistry.RegisterAddressResolver(func(pid *pa.PID) (pa.Process, bool) {
			return &wire{from, to}, pid.Address == to.Address()
		})
	}
	join(a, b)
	join(b, a)
	return a, b
}

func far[M any](t *testing.T, from *actor.System, ref actor.Ref[M]) actor.Ref[M] {
	t.Helper()
	r, err := actor.ParseRef[M](from, ref.String())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAskAcrossNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := joined(t)
		ref := far(t, a, spawn(t, b, "", doer))
		if got := ask[string](t, ref, "hi"); got != "hi" {
			t.Errorf("answer = %q, want hi", got)
		}
		_, err := actor.Ask[string](t.Context(), ref.With(&actor.Failure{Code: "c", Text: "no"}))
		var f *actor.Failure
		if !errors.As(err, &f) || *f != (actor.Failure{Code: "c", Text: "no"}) {
			t.Errorf("error = %#v, want the Failure", err)
		}
		_, err = actor.Ask[string](t.Context(), far(t, a, actor.RefOf[any](b, pa.NewPID("b:1", "nobody"))).With(1))
		wantErr(t, err, actor.ErrNoActor)
		typed := spawn(t, b, "strict", func(*actor.Context[string], string) error { return nil })
		_, err = actor.Ask[string](t.Context(), actor.RefOf[int](a, typed.PID()).With(1))
		wantErr(t, err, actor.ErrMessageType)
		pinned := actor.RefOf[any](a, pa.NewPID("b:1", ref.PID().Id+"#b"))
		if got := ask[string](t, pinned, "hi"); got != "hi" {
			t.Errorf("to the right incarnation: %q", got)
		}
		old := actor.RefOf[any](a, pa.NewPID("b:1", ref.PID().Id+"#a"))
		_, err = actor.Ask[string](t.Context(), old.With("hi"))
		wantErr(t, err, actor.ErrNoActor)
	})
}

func TestNodeRemovedEndsAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := joined(t)
		silent := spawn(t, b, "silent", func(*actor.Context[any], any) error { return nil })
		local := spawn(t, a, "silent", func(*actor.Context[any], any) error { return nil })
		ask := func(ref actor.Ref[any]) chan error {
			result := make(chan error, 1)
			ctx, cancel := context.WithCancel(t.Context())
			t.Cleanup(cancel)
			go func() {
				_, err := actor.Ask[any](ctx, ref.With(1))
				result <- err
			}()
			return result
		}
		anyone := ask(far(t, a, silent))
		other := ask(actor.RefOf[any](a, pa.NewPID("b:1", "silent#c")))
		right := ask(actor.RefOf[any](a, pa.NewPID("b:1", "silent#b")))
		mine := ask(local)
		synctest.Wait()
		a.NodeRemoved("b:1", 0xb)
		wantErr(t, <-anyone, actor.ErrNodeRemoved)
		wantErr(t, <-right, actor.ErrNodeRemoved)
		wantErr(t, <-other, actor.ErrNoActor) // b said that 0xc is not there
		synctest.Wait()
		select {
		case err := <-mine:
			t.Errorf("a local ask ended: %v", err)
		default:
		}
	})
}

func TestDeliverSystem(t *testing.T) {
	tests := map[string]struct {
		id   string
		want []pa.TerminatedReason
	}{
		"watched":           {"x", []pa.TerminatedReason{pa.TerminatedReason_Stopped}},
		"this incarnation":  {"x#a", []pa.TerminatedReason{pa.TerminatedReason_Stopped}},
		"other incarnation": {"x#b", []pa.TerminatedReason{pa.TerminatedReason_NotFound}},
		"nobody":            {"y", []pa.TerminatedReason{pa.TerminatedReason_NotFound}},
		"guardian":          {"$guardian", []pa.TerminatedReason{pa.TerminatedReason_NotFound}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t, actor.Config{Address: "a:1", UID: 0xa})
				peer := &ends{}
				sys.Proto().ProcessRegistry.RegisterAddressResolver(func(pid *pa.PID) (pa.Process, bool) { return peer, pid.Address == "b:1" })
				spawn(t, sys, "x", doer)
				sys.DeliverSystem(test.id, &pa.Watch{Watcher: pa.NewPID("b:1", "w")})
				sys.DeliverSystem(test.id, &pa.SuspendMailbox{}) // refused
				sys.DeliverSystem("x", &pa.Stop{})
				synctest.Wait()
				if diff := cmp.Diff(test.want, peer.why); diff != "" {
					t.Errorf("terminated (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// ends is another node that records what it hears of the end of actors.
type ends struct {
	node
	why []pa.TerminatedReason
}

func (e *ends) SendSystemMessage(_ *pa.PID, msg any) {
	if t, ok := msg.(*pa.Terminated); ok {
		e.why = append(e.why, t.Why)
	}
}

type prefixProcess struct {
	to  *pa.PID
	msg any
}

func (p *prefixProcess) SendUserMessage(to *pa.PID, msg any) { p.to, p.msg = to, msg }
func (p *prefixProcess) SendSystemMessage(*pa.PID, any)      {}
func (p *prefixProcess) Stop(*pa.PID)                        {}

func TestHandlePrefix(t *testing.T) {
	sys := newSystem(t, actor.Config{Address: "a:1"})
	p := &prefixProcess{}
	sys.HandlePrefix("$entity/", p)
	asker := pa.NewPID("b:1", "$ask/7")
	sys.Deliver("$entity/room/go", asker, "hi")
	_, msg, from := pa.UnwrapEnvelope(p.msg)
	if p.to.Id != "$entity/room/go" || p.to.Address != "a:1" || msg != "hi" || from != asker {
		t.Errorf("got %v %v from %v", p.to, msg, from)
	}
	sys.Deliver("$entity/room/go", nil, "raw")
	if p.msg != "raw" {
		t.Errorf("got %v, want the raw message", p.msg)
	}
}

func TestDeliverToInternals(t *testing.T) {
	sys := newSystem(t, actor.Config{Address: "a:1"})
	events := 0
	sys.Proto().EventStream.Subscribe(func(e any) {
		if e == "forged" {
			events++
		}
	})
	for _, id := range []string{"eventstream", "deadletter", "$guardian", "guardian$1", "", "$ask/", "$ask/!", "x#zz", "#"} {
		sys.Deliver(id, nil, "forged")
	}
	if events != 0 {
		t.Error("another node published an event here")
	}
	if got := sys.DeadLetters(); got != (actor.DeadLetterCounts{NoActor: 7, NoAsker: 2}) {
		t.Errorf("counts = %+v", got)
	}
}

// TestAnswersThatNobodyWaitsFor are dead letters, but for refusals.
func TestAnswersThatNobodyWaitsFor(t *testing.T) {
	for name, c := range map[string]struct {
		id   string
		msg  any
		want uint64
	}{
		"late":      {"$ask/1m4nsqw", "m", 1},
		"no number": {"$ask/!", "m", 1},
		"empty":     {"$ask/", "m", 1},
		"refusal":   {"$ask/1m4nsqw", &pa.DeadLetterResponse{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t, actor.Config{Address: "a:1"})
			dead := collect(sys)
			sys.DeliverAnswer([]byte(c.id), nil, nil, c.msg)
			if got := sys.DeadLetters(); got != (actor.DeadLetterCounts{NoAsker: c.want}) {
				t.Errorf("got %+v, want %d without an asker", got, c.want)
			}
			for _, d := range dead.list() {
				if d.To.Id != c.id || d.Message != c.msg || !errors.Is(d.Reason, actor.ErrNoAsker) {
					t.Errorf("got dead letter %+v, want one to %s", d, c.id)
				}
			}
		})
	}
}

func FuzzDeliver(f *testing.F) {
	for _, id := range []string{"x", "x#b", "$ask/1", "$entity/a", "$guardian", "guardian$1", "eventstream", ""} {
		f.Add(id)
	}
	// Inline: an input is done with before the next begins, and leaves no mail.
	sys := newSystem(f, actor.Config{Address: "a:1", Dispatcher: new(mailbox.Inline)})
	spawn(f, sys, "x", doer)
	f.Fuzz(func(_ *testing.T, id string) {
		sys.Deliver(id, nil, "m")
		sys.Deliver(id, pa.NewPID("a:1", id), "m")
		sys.DeliverAnswer([]byte("$ask/"+id), nil, nil, "m")
	})
}

func TestSendWaits(t *testing.T) {
	sys := newSystem(t, actor.Config{Address: "a:1"})
	full := &bounded{}
	sys.Proto().ProcessRegistry.RegisterAddressResolver(func(pid *pa.PID) (pa.Process, bool) { return full, pid.Address == "b:1" })
	err := actor.RefOf[any](sys, pa.NewPID("b:1", "x")).Send(t.Context(), 1)
	wantErr(t, err, actor.ErrMailboxFull)
}

type bounded struct{ node }

func (*bounded) SendWait(context.Context, *pa.PID, any) error { return actor.ErrMailboxFull }

func TestKinds(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	echo := actor.NewKind("echo", func(id string) actor.Behavior[string] {
		return actor.Func(func(c *actor.Context[string], m string) error {
			c.Reply(id + " " + m)
			return nil
		})()
	})
	bad := actor.NewKind("bad", func(string) actor.Behavior[string] { panic("no") })
	if err := sys.Register(echo, bad); err != nil {
		t.Fatal(err)
	}
	err := sys.Register(echo, actor.Kind[int]{Name: "a/b"}, actor.Kind[int]{Name: "nil"})
	wantErr(t, err, actor.ErrNameTaken)
	wantErr(t, err, actor.ErrBadName)
	pid, err := sys.SpawnKind("echo", "go", "$x")
	if err != nil {
		t.Fatal(err)
	}
	if got := ask[string](t, actor.RefOf[string](sys, pid), "hi"); got != "go hi" {
		t.Errorf("answer = %q, want %q", got, "go hi")
	}
	_, err = sys.SpawnKind("echo", "go", "$x")
	wantErr(t, err, actor.ErrNameTaken)
	_, err = sys.SpawnKind("nope", "", "")
	wantErr(t, err, actor.ErrUnknownKind)
	if _, err = sys.SpawnKind("bad", "", ""); !errors.As(err, new(*actor.SpawnError)) {
		t.Errorf("SpawnKind = %v, want a SpawnError", err)
	}
}

// TestQuestionThatComesHome: a question that another node sends back is answered
// in the system that it came from.
func TestQuestionThatComesHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := joined(t)
		spawn(t, a, "home", doer)
		relay := &forwarder{b, "a:1", "home"}
		b.HandlePrefix("relay", relay)
		got, err := actor.Ask[string](t.Context(), actor.RefOf[any](a, pa.NewPID("b:1", "relay")).With("hi"))
		if got != "hi" || err != nil {
			t.Errorf("answer = %q, %v, want hi", got, err)
		}
	})
}

// forwarder sends everything on to an actor of another node.
type forwarder struct {
	sys         *actor.System
	address, id string
}

func (f *forwarder) SendUserMessage(_ *pa.PID, msg any) {
	f.sys.Proto().Root.Send(pa.NewPID(f.address, f.id), msg)
}
func (f *forwarder) SendSystemMessage(*pa.PID, any) {}
func (f *forwarder) Stop(*pa.PID)                   {}

// TestDeadLetterOfAQuestionThatWasSent: a transport that gives up on a question
// knows its asker by the id that other nodes answer to.
func TestDeadLetterOfAQuestionThatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := joined(t)
		a.Proto().ProcessRegistry.RegisterAddressResolver(func(pid *pa.PID) (pa.Process, bool) {
			return &giveUp{a}, pid.Address == "gone:1"
		})
		_, err := actor.Ask[string](t.Context(), actor.RefOf[any](a, pa.NewPID("gone:1", "x")).With("hi"))
		wantErr(t, err, actor.ErrNodeRemoved)
	})
}

// giveUp makes dead letters as a transport does, from what it has encoded.
type giveUp struct{ sys *actor.System }

func (g *giveUp) SendUserMessage(to *pa.PID, msg any) {
	_, m, from := pa.UnwrapEnvelope(msg)
	address, id := g.sys.Portable(from)
	g.sys.DeadLetter(to, pa.NewPID(address, id), m, actor.ErrNodeRemoved)
}
func (g *giveUp) SendSystemMessage(*pa.PID, any) {}
func (g *giveUp) Stop(*pa.PID)                   {}
