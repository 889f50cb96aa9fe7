package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/memnet"
)

func expose(names ...string) func(*Config) { return func(c *Config) { c.Expose = names } }

func TestOnlyWhatIsExposedIsReached(t *testing.T) {
	for _, tt := range []struct {
		id      string
		exposed []string
		want    error // nil = reached
	}{
		{"box/1", nil, actor.ErrNotExposed},
		{"box/1", []string{"box/1"}, nil},
		{"box/1", []string{"box/*"}, nil},
		{"box/1", []string{"*"}, nil},
		{"box/1", []string{"box"}, actor.ErrNotExposed},
		{"box/1", []string{"box/"}, actor.ErrNotExposed},
		{"box/11", []string{"box/1"}, actor.ErrNotExposed},
		{"box/1#2", []string{"box/1"}, nil},
		{"box/1#zz", []string{"box/1"}, nil},
		{"$guardian", []string{"*"}, actor.ErrNoActor},
		{"$own.9", nil, nil},
		{"$ask/1", nil, nil},
		{"eventstream", []string{"*"}, actor.ErrNotExposed},
	} {
		t.Run(fmt.Sprint(tt.id, tt.exposed), func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2, expose(tt.exposed...))
				var got []string
				b.sink = func(m mail) { got = append(got, m.id) }
				for range 3 { // the second and third time by number
					a.tell(b.pid(tt.id), "x")
				}
				synctest.Wait()
				dead, s := b.deads(), b.r.Stats()
				if tt.want == nil {
					if !slices.Equal(got, []string{tt.id, tt.id, tt.id}) || s.NotExposed != 0 || len(dead) != 0 {
						t.Errorf("got %q, %d not exposed, dead letters %v, want three messages", got, s.NotExposed, dead)
					}
					return
				}
				counted := map[bool]uint64{true: 3}[tt.want == actor.ErrNotExposed]
				if len(got) != 0 || s.NotExposed != counted || len(dead) != 3 || !errors.Is(dead[0].Reason, tt.want) {
					t.Errorf("got %q, %d not exposed, dead letters %v, want three dead letters: %v", got, s.NotExposed, dead, tt.want)
				}
			})
		})
	}
}

func TestExposedLater(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2, expose())
		a.tell(b.pid("box/1"), "early")
		synctest.Wait()
		b.r.Expose("box/1", "other*", "other*")
		a.tell(b.pid("box/1"), "late")
		synctest.Wait()
		wantTexts(t, "at b", b.texts("box/1"), "late")
		if n := len(b.r.exposure.prefixes); n != 1 {
			t.Errorf("got %d prefixes, want 1", n)
		}
	})
}

// A named actor that asks somewhere is answered, also through a third node.
func TestWhoAsksIsReached(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b, d := c.start("a:1", 1, expose()), c.start("b:1", 2), c.start("d:1", 3)
		b.onMail = func(m mail) { // passes the question on
			b.proto.Root.Send(d.pid("box/d"), &pa.MessageEnvelope{Message: m.msg, Sender: m.from})
		}
		echo(d.fakeSystem)
		d.tell(a.pid("box/a"), "unasked")
		synctest.Wait()
		a.proto.Root.Send(b.pid("box/b"), &pa.MessageEnvelope{Message: "question", Sender: a.pid("box/a")})
		synctest.Wait()
		wantTexts(t, "at a", a.texts("box/a"), "question")
		wantTexts(t, "elsewhere", a.texts("box/x"))
		if s := a.r.Stats(); s.NotExposed != 1 {
			t.Errorf("got %d not exposed, want the one before the question", s.NotExposed)
		}
	})
}

// The table of actors that have shown themselves forgets those that are gone.
func TestShownActorsAreForgotten(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1, expose())
		a.r.exposure.shown = make(map[string]struct{})
		for i := range maxShown {
			a.r.exposure.shown[fmt.Sprint("gone/", i)] = struct{}{}
		}
		a.r.show("box/new")
		if n := len(a.r.exposure.shown); n != 1 || !a.r.exposure.has("box/new") {
			t.Errorf("got %d names, want only the new one", n)
		}
	})
}

// Watching and stopping need the same right as telling; a watcher that has none
// is told that there is nobody, so that it does not wait for ever.
func TestExposureOfSystemMessages(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2, expose("open"))
		stopped := make(map[string]bool)
		for _, name := range []string{"open", "shut"} {
			_, err := b.proto.Root.SpawnNamed(pa.PropsFromFunc(func(x pa.Context) {
				if _, ok := x.Message().(*pa.Stopped); ok {
					stopped[name] = true
				}
			}), name)
			if err != nil {
				t.Fatal(err)
			}
		}
		var told []*pa.Terminated
		watcher := a.proto.Root.Spawn(pa.PropsFromFunc(func(x pa.Context) {
			switch m := x.Message().(type) {
			case *pa.Started:
				x.Watch(b.pid("shut"))
				x.Watch(b.pid("eventstream"))
			case *pa.Terminated:
				told = append(told, m)
			}
		}))
		synctest.Wait()
		if len(told) != 2 || told[0].Why != pa.TerminatedReason_NotFound || len(b.r.peers["a:1"].watchers) != 0 {
			t.Errorf("got %v, want told twice that there is nobody", told)
		}
		for _, name := range []string{"open", "shut", "$guardian"} {
			a.proto.Root.Stop(b.pid(name))
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if !stopped["open"] || stopped["shut"] {
			t.Errorf("got stopped %v, want only the open one", stopped)
		}
		if s := b.r.Stats(); s.NotExposed != 3 {
			t.Errorf("got %d not exposed, want 3", s.NotExposed)
		}
		a.proto.Root.Stop(watcher)
		synctest.Wait()
	})
}

// With the real actor system: who asks for what is not exposed is told so, refs
// that were passed on work, and reserved ids are nobody's.
func TestExposureOfActors(t *testing.T) {
	actorNodes(t, func(t *testing.T, here, there *actor.System) {
		reply := actor.Func(func(c *actor.Context[*wrapperspb.StringValue], m *wrapperspb.StringValue) error {
			c.Reply(m)
			return nil
		})
		named, err := actor.Spawn(there, "secret", reply)
		if err != nil {
			t.Fatal(err)
		}
		bare, err := actor.Spawn(there, "", reply)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(text string) error {
			ref, err := actor.ParseRef[*wrapperspb.StringValue](here, text)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err = actor.Ask[*wrapperspb.StringValue](ctx, ref.With(wrapperspb.String("x")))
			return err
		}
		if err := ask(named.String()); !errors.Is(err, actor.ErrNotExposed) || !strings.Contains(fmt.Sprint(err), "list it in Expose") {
			t.Errorf("asking a named actor: got %v, want not exposed, and how to", err)
		}
		if err := ask(strings.Replace(named.String(), "secret", "nobody", 1)); !errors.Is(err, actor.ErrNotExposed) {
			t.Errorf("asking a name that nobody has: got %v, want the same answer", err)
		}
		if err := ask(bare.String()); err != nil {
			t.Errorf("asking a ref that was passed on: %v", err)
		}
		guess := bare.String()[:len(bare.String())-1] + "!"
		if err := ask(guess); !errors.Is(err, actor.ErrNoActor) && !errors.Is(err, actor.ErrStopped) {
			t.Errorf("asking a guess: got %v, want nobody", err)
		}
		if err := ask("pando://test@there:1/$guardian"); !errors.Is(err, actor.ErrNoActor) {
			t.Errorf("asking the guardian: got %v, want nobody", err)
		}
		if n := there.DeadLetters().NotExposed; n != 2 {
			t.Errorf("got %d dead letters for not exposed, want 2", n)
		}
	})
}

// actorNodes runs f with two real actor systems that expose nothing, here:1 and
// there:1.
func actorNodes(t *testing.T, f func(t *testing.T, here, there *actor.System), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var systems []*actor.System
		var remotes []*Remote
		for i, address := range []string{"here:1", "there:1"} {
			sys, err := actor.NewSystem(actor.Config{
				Name: "test", Address: address, UID: uint64(i + 1), Small: true, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			ln, err := n.Listen(address)
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Dial: n.Dialer(address), Logger: sys.Log()}
			for _, f := range change {
				f(&cfg)
			}
			r, err := Listen(sys, ln, cfg)
			if err != nil {
				t.Fatal(err)
			}
			systems, remotes = append(systems, sys), append(remotes, r)
		}
		f(t, systems[0], systems[1])
		for i := range systems {
			if err := errors.Join(remotes[i].Close(context.Background()), systems[i].Close(context.Background())); err != nil {
				t.Error(err)
			}
		}
	})
}

// BenchmarkReach is what a message from another node costs more than without
// exposure, when its receiver is not named by number.
func BenchmarkReach(b *testing.B) {
	sys, err := actor.NewSystem(actor.Config{Name: "test", Address: "b:1", UID: 2, Small: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer sys.Close(context.Background())
	anonymous, err := actor.Spawn(sys, "", actor.Func(func(*actor.Context[string], string) error { return nil }))
	if err != nil {
		b.Fatal(err)
	}
	r := &Remote{sys: actors{sys}, exposure: &exposure{}}
	r.Expose("worker/1")
	for name, id := range map[string]string{"ask": "$ask/1", "anonymous": anonymous.PID().Id, "named": "worker/1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := r.unreachable(id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
