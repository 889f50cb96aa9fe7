package actor_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
)

// door stashes until it is opened; then it answers.
type door struct {
	d    *diary
	open bool
}

func (b *door) Receive(c *actor.Context[string], m string) error {
	switch {
	case m == "open":
		b.open = true
		c.Unstash()
	case m == "fail":
		return errBoom
	case m == "close":
		b.open = false
	case !b.open:
		return c.Stash()
	default:
		b.d.add(m)
		c.Reply("answer to " + m)
	}
	return nil
}

func TestStashKeepsOrderAndAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnB(t, sys, "", func() actor.Behavior[string] { return &door{d: d} })
		answers := make(chan string)
		for i := range 3 {
			go func() {
				got, err := actor.Ask[string](t.Context(), ref.With(fmt.Sprint(i)))
				if err != nil {
					got = err.Error()
				}
				answers <- got
			}()
			synctest.Wait()
		}
		ref.Tell("open")
		ref.Tell("3")
		got := map[string]bool{<-answers: true, <-answers: true, <-answers: true}
		if !got["answer to 0"] || !got["answer to 1"] || !got["answer to 2"] {
			t.Errorf("answers = %v", got)
		}
		synctest.Wait()
		d.want(t, "0", "1", "2", "3")
	})
}

func TestRestartUnstashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		n := 0
		ref := spawnB(t, sys, "", func() actor.Behavior[string] {
			n++
			return &door{d: d, open: n > 1}
		})
		for _, m := range []string{"1", "2", "3", "fail", "4"} {
			ref.Tell(m)
		}
		time.Sleep(time.Second)
		d.want(t, "1", "2", "3", "4")
	})
}

func TestFailureWhileUnstashing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		var got []any
		ref := spawnB(t, sys, "", func() actor.Behavior[any] {
			return actor.Func(func(c *actor.Context[any], m any) error {
				got = append(got, m)
				switch len(got) {
				case 1, 2, 3:
					return c.Stash()
				case 4:
					c.Unstash()
				case 6: // the second of the stashed ones
					return errBoom
				}
				return nil
			})()
		})
		for i := range 5 {
			ref.Tell(i)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := fmt.Sprint(got); s != "[0 1 2 3 0 1 2 4]" {
			t.Errorf("received %v, want 0 1 2 3, then 0 1 and, after the restart, 2 4", s)
		}
	})
}

func TestStashLimitAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		full := 0
		ref := spawn(t, sys, "", func(c *actor.Context[int], _ int) error {
			if errors.Is(c.Stash(), actor.ErrStashFull) {
				full++
			}
			return nil
		})
		for i := range 1001 {
			ref.Tell(i)
		}
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if full != 1 {
			t.Errorf("ErrStashFull %d times, want once", full)
		}
		if got := sys.DeadLetters(); got != (actor.DeadLetterCounts{Stopped: 1000}) {
			t.Errorf("dead letters = %+v, want 1000 stopped", got)
		}
	})
}

func TestBecome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		second := actor.Func(func(c *actor.Context[string], m string) error {
			if m == "fail" {
				return errBoom
			}
			c.Reply("second")
			return nil
		})()
		ref := spawn(t, sys, "", func(c *actor.Context[string], m string) error {
			if m == "become" {
				c.Become(second)
			}
			c.Reply("first")
			return nil
		})
		for _, step := range []struct{ say, want string }{
			{"hi", "first"}, {"become", "first"}, {"hi", "second"}, {"fail", "boom"}, {"hi", "first"},
		} {
			if got := ask2(t, ref, step.say); got != step.want {
				t.Errorf("%s: %q, want %q", step.say, got, step.want)
			}
		}
	})
}
