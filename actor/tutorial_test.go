package actor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
)

// The code of docs/actors.md.

// Command is what a poll understands.
type Command interface{ poll() string }

// Vote is told, Count is asked.
type (
	Vote  struct{ Poll, Choice string }
	Count struct{ Poll, Choice string }
)

func (m Vote) poll() string  { return m.Poll }
func (m Count) poll() string { return m.Poll }

type poll struct{ votes map[string]int }

func newPoll() actor.Behavior[Command] { return &poll{votes: map[string]int{}} }

var errNoChoice = errors.New("a vote needs a choice")

func (p *poll) Receive(c *actor.Context[Command], m Command) error {
	switch m := m.(type) {
	case Vote:
		if m.Choice == "" {
			return errNoChoice
		}
		p.votes[m.Choice]++
	case Count:
		c.Reply(p.votes[m.Choice])
	}
	return nil
}

func keepVotes(f actor.Fault) actor.Decision {
	if errors.Is(f.Err, errNoChoice) {
		return actor.Resume()
	}
	return actor.Restart(time.Second)
}

type polls struct{ open map[string]actor.Ref[Command] }

func newPolls() actor.Behavior[Command] { return &polls{open: map[string]actor.Ref[Command]{}} }

func (b *polls) Receive(c *actor.Context[Command], m Command) error {
	poll, ok := b.open[m.poll()]
	if !ok {
		var err error
		poll, err = actor.Spawn(c, m.poll(), newTimedPoll)
		if err != nil {
			return err
		}
		b.open[m.poll()] = poll
		c.Watch(poll)
	}
	c.Forward(poll)
	return nil
}

func (b *polls) Terminated(_ *actor.Context[Command], who actor.Gone) error {
	maps.DeleteFunc(b.open, func(_ string, poll actor.Ref[Command]) bool {
		return poll.String() == who.Ref
	})
	return nil
}

type timedPoll struct{ poll }

type closing struct{}

func (closing) poll() string { return "" }

func newTimedPoll() actor.Behavior[Command] {
	return &timedPoll{poll{votes: map[string]int{}}}
}

func (p *timedPoll) Started(c *actor.Context[Command]) error {
	c.After(time.Hour, closing{})
	return nil
}

func (p *timedPoll) Receive(c *actor.Context[Command], m Command) error {
	if _, ok := m.(closing); ok {
		c.Stop()
		return nil
	}
	return p.poll.Receive(c, m)
}

func ExampleRef() {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{})
	if err != nil {
		panic(err)
	}
	defer sys.Close(ctx)

	poll, err := actor.Spawn(sys, "lunch", newPoll)
	if err != nil {
		panic(err)
	}
	poll.Tell(Vote{"lunch", "soup"})
	poll.Tell(Vote{"lunch", "soup"})

	n, err := actor.Ask[int](ctx, poll.With(Count{"lunch", "soup"}))
	fmt.Println(n, err) // 2 <nil>
	// Output: 2 <nil>
}

func ExampleWithSupervisor() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	defer sys.Close(ctx)
	poll, err := actor.Spawn(sys, "lunch", newPoll,
		actor.WithSupervisor(actor.SupervisorFunc(keepVotes)))
	if err != nil {
		panic(err)
	}
	poll.Tell(Vote{"lunch", "soup"})
	poll.Tell(Vote{"lunch", ""}) // fails
	fmt.Println(actor.Ask[int](ctx, poll.With(Count{"lunch", "soup"})))
	// Output: 1 <nil>
}

func TestPollCloses(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		polls := actortest.Spawn(k, newPolls)
		polls.Tell(Vote{"lunch", "soup"})
		k.Advance(59 * time.Minute)
		if n := actortest.Ask[int](k, polls.With(Count{"lunch", "soup"})); n != 1 {
			k.Errorf("%d votes before the hour, want 1", n)
		}
		k.Advance(time.Minute) // closed: the next vote opens a new poll
		if n := actortest.Ask[int](k, polls.With(Count{"lunch", "soup"})); n != 0 {
			k.Errorf("%d votes after the hour, want 0", n)
		}
	})
}

func TestPoolOfPolls(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		pool, err := actor.Pool(k.System(), "pool", 3, newPoll, actor.ConsistentHash(Command.poll))
		if err != nil {
			k.Fatal(err)
		}
		for _, name := range []string{"lunch", "dinner", "lunch"} {
			pool.Tell(Vote{name, "soup"})
		}
		if n := actortest.Ask[int](k, pool.With(Count{"lunch", "soup"})); n != 2 {
			k.Errorf("%d votes, want 2", n)
		}
	})
}

// Every block of Go in the tutorial stands in this file, so what it says compiles
// and runs. Indentation does not count.
func TestTutorialIsThisCode(t *testing.T) {
	doc, err := os.ReadFile("../docs/actors.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("tutorial_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(doc), "```go\n")[1:]
	if len(blocks) < 6 {
		t.Fatalf("%d blocks of code, want 6 at least", len(blocks))
	}
	have := unindent(string(code))
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		for _, part := range strings.Split(text, "// …\n") {
			if !strings.Contains(have, unindent(part)) {
				t.Errorf("docs/actors.md has code that tutorial_test.go lacks:\n%s", part)
			}
		}
	}
}

// unindent leaves out blank lines and the space before and between words.
func unindent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 {
			b.WriteString(strings.Join(f, " ") + "\n")
		}
	}
	return b.String()
}
