package actor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
)

// idler tells at which minute it heard what.
type idler struct {
	start time.Time
	to    actor.Ref[heard]
	timer actor.Timer
}

type heard struct {
	minute int
	what   string
}

func (b *idler) Started(c *actor.Context[string]) error {
	b.timer = c.Idle(10*time.Minute, "idle")
	return nil
}

func (b *idler) Receive(c *actor.Context[string], m string) error {
	switch m {
	case "stop":
		b.timer.Stop()
	case "tick me":
		c.Every(time.Minute, "tick")
	case "tick":
		return nil
	case "fail":
		return errors.New("asked to fail")
	case "work":
		time.Sleep(20 * time.Minute)
	}
	b.to.Tell(heard{int(time.Since(b.start).Minutes()), m})
	return nil
}

func TestIdle(t *testing.T) {
	type step struct {
		at   time.Duration // since the last one
		tell string
	}
	tests := []struct {
		name  string
		steps []step
		total time.Duration // after the last step
		want  []heard
	}{
		{"repeats on silence", nil, 31 * time.Minute, []heard{{10, "idle"}, {20, "idle"}, {30, "idle"}}},
		{"a message breaks the silence", []step{{9 * time.Minute, "a"}, {9 * time.Minute, "b"}}, 15 * time.Minute,
			[]heard{{9, "a"}, {18, "b"}, {28, "idle"}}},
		{"own timers do not", []step{{0, "tick me"}}, 11 * time.Minute, []heard{{0, "tick me"}, {10, "idle"}}},
		{"silence begins when work is done", []step{{5 * time.Minute, "work"}}, 31 * time.Minute,
			[]heard{{25, "work"}, {35, "idle"}}},
		{"stopped", []step{{5 * time.Minute, "stop"}}, time.Hour, []heard{{5, "stop"}}},
		{"void after a restart", []step{{5 * time.Minute, "fail"}}, 11 * time.Minute, []heard{{15, "idle"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			actortest.Run(t, func(k *actortest.Kit) {
				p, start := actortest.NewProbe[heard](k), time.Now()
				ref := actortest.Spawn(k, func() actor.Behavior[string] { return &idler{start: start, to: p.Ref()} })
				for _, s := range test.steps {
					k.Advance(s.at)
					ref.Tell(s.tell)
				}
				k.Advance(test.total)
				for _, want := range test.want {
					p.Want(want)
				}
				p.WantNone(0)
			})
		})
	}
}

func TestIdleNeedsATime(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		actortest.Spawn(k, actor.Func(func(c *actor.Context[string], m string) error {
			c.Idle(0, m)
			return nil
		})).Tell("x")
		if got := len(k.Faults()); got != 1 {
			k.Errorf("%d faults, want 1", got)
		}
	})
}
