package actortest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
)

// failing is a test whose failures end up in text.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	panic(f)
}

// failure runs f and returns how it failed.
func failure(k *Kit, f func()) (text string) {
	was := k.TB
	fake := &failing{TB: was}
	k.TB = fake
	defer func() {
		k.TB = was
		if r := recover(); r != nil && r != fake {
			panic(r)
		}
		text = fake.text
	}()
	f()
	return
}

type point struct{ x, y int }

// Each expectation that fails says what was wanted, what came, and what is queued.
func TestFailureMessages(t *testing.T) {
	broken := actor.Func(func(*actor.Context[string], string) error { return errors.New("out of ink") })
	tests := []struct {
		name string
		do   func(k *Kit, p *Probe[point])
		want []string // fragments
	}{
		{"nothing came", func(_ *Kit, p *Probe[point]) { p.Want(point{1, 2}) },
			[]string{"Want: nothing came within 3s", "want actortest.point {x:1 y:2}"}},
		{"another message", func(_ *Kit, p *Probe[point]) {
			p.Ref().Tell(point{1, 3})
			p.Ref().Tell(point{4, 4})
			p.Want(point{1, 2})
		}, []string{"-want +got", "- \ty: 2", "+ \ty: 3", "queued\n\t1: actortest.point {x:4 y:4}"}},
		{"another message, nothing queued", func(_ *Kit, p *Probe[point]) {
			p.Ref().Tell(point{})
			p.Want(point{1, 2})
		}, []string{"queued: nothing"}},
		{"the reason is a failure", func(k *Kit, p *Probe[point]) {
			Spawn(k, broken).Tell("print")
			p.Next()
		}, []string{"Next: nothing came within 3s", `failure of pando://test@/$`, `at "print": out of ink`}},
		{"the reason is a dead letter", func(k *Kit, p *Probe[point]) {
			gone := Spawn(k, broken)
			k.Stop(gone)
			gone.Tell("hello?")
			p.Next()
		}, []string{`dead letter "hello?": actor: stopped`}},
		{"one too many", func(_ *Kit, p *Probe[point]) {
			p.Ref().Tell(point{5, 6})
			p.WantNone(time.Second)
		}, []string{"WantNone: got 1", "{x:5 y:6}"}},
		{"not all", func(_ *Kit, p *Probe[point]) {
			p.Ref().Tell(point{1, 1})
			p.WantAll(point{2, 2}, point{1, 1})
		}, []string{"WantAll: 1 of 2 came", "want also\n\t1: actortest.point {x:2 y:2}"}},
		{"another than all", func(_ *Kit, p *Probe[point]) {
			p.Ref().Tell(point{3, 3})
			p.WantAll(point{2, 2}, point{1, 1})
		}, []string{"WantAll: got actortest.point {x:3 y:3}", "want one of\n\t1: actortest.point {x:2 y:2}"}},
		{"lives on", func(k *Kit, p *Probe[point]) { p.WantTerminated(Spawn(k, broken)) },
			[]string{"WantTerminated: pando://test@/$", "lives on after 3s"}},
		{"nobody to watch", func(_ *Kit, p *Probe[point]) { p.WantTerminated(actor.Ref[int]{}) },
			[]string{"the zero Ref is nobody"}},
		{"an entity to watch", func(k *Kit, p *Probe[point]) { p.Watch(actor.EntityRef[int](k.System(), "room", "go")) },
			[]string{"pando://test/room/go is an entity"}},
		{"no answer", func(k *Kit, p *Probe[point]) { Ask[int](k, p.Ref().With(point{})) },
			[]string{"Ask: ask pando://test@/$", "no answer in time"}},
		{"spawn fails", func(k *Kit, _ *Probe[point]) {
			Spawn(k, func() actor.Behavior[int] { panic("no") })
		}, []string{"actortest: spawn", "panic: no"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			Run(t, func(k *Kit) {
				p := NewProbe[point](k)
				got := failure(k, func() { test.do(k, p) })
				for _, want := range test.want {
					if !strings.Contains(squeeze(got), squeeze(want)) {
						k.Errorf("failure:\n%s\nlacks %q", got, want)
					}
				}
			})
		})
	}
}

// squeeze makes one blank of any number.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestWhatIsEqual(t *testing.T) {
	Run(t, func(k *Kit) {
		type letter struct {
			to   actor.Ref[point]
			who  actor.Addressable
			err  error
			when time.Time
		}
		p := NewProbe[any](k)
		to := NewProbe[point](k).Ref()
		same, err := actor.ParseRef[point](k.System(), to.String())
		if err != nil {
			k.Fatal(err)
		}
		now := time.Now()
		p.Ref().Tell(letter{to, to, errors.New("late"), now})
		p.Want(letter{same, same, errors.New("late"), now.UTC()})
		p.Ref().Tell(letter{})
		p.Want(letter{})
		p.Ref().Tell(wrapperspb.String("a"))
		p.Want(wrapperspb.String("a"))

		p.Ref().Tell(wrapperspb.String("a"))
		if failure(k, func() { p.Want(wrapperspb.String("b")) }) == "" {
			k.Error("two different proto messages are equal")
		}
		p.Ref().Tell(letter{to: to})
		if failure(k, func() { p.Want(letter{to: NewProbe[point](k).Ref()}) }) == "" {
			k.Error("two different refs are equal")
		}
		p.Ref().Tell(letter{who: to})
		if failure(k, func() { p.Want(letter{}) }) == "" {
			k.Error("a ref and nil are equal")
		}
	})
}

// An actor that never returns is named at the end; the goroutine it holds then
// makes the bubble fail, which a test cannot show without failing itself.
func TestBlockedActorIsReported(t *testing.T) {
	Run(t, func(k *Kit) {
		free := make(chan struct{})
		Spawn(k, actor.Func(func(*actor.Context[int], int) error { <-free; return nil })).Tell(1)
		k.Settle()
		got := &reporting{TB: k.TB}
		(&Kit{TB: got, sys: k.sys}).close()
		if !strings.Contains(got.text, "an actor blocks for ever") {
			k.Errorf("close reports %q", got.text)
		}
		close(free)
	})
}

// reporting is a test whose errors end up in text.
type reporting struct {
	testing.TB
	text string
}

func (r *reporting) Errorf(format string, args ...any) { r.text += fmt.Sprintf(format, args...) }
