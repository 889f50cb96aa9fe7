package actor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// do is a message that runs a function in the actor.
type do = func(c *actor.Context[any])

// doer runs the functions it is sent, and answers other messages with themselves.
func doer(c *actor.Context[any], m any) error {
	switch m := m.(type) {
	case do:
		m(c)
	case error:
		return m
	default:
		c.Reply(m)
	}
	return nil
}

func TestAskEndings(t *testing.T) {
	boom := errors.New("boom")
	coded := &actor.Failure{Code: "full", Text: "room is full"}
	never := func(*actor.Context[any]) {}
	tests := map[string]struct {
		msg  any
		want string // the answer
		is   error
		as   *actor.Failure
	}{
		"answer":        {msg: "hi", want: "hi"},
		"error":         {msg: boom, as: &actor.Failure{Text: "boom"}},
		"coded error":   {msg: error(coded), as: coded},
		"panic":         {msg: do(func(*actor.Context[any]) { panic("ouch") }), as: &actor.Failure{Code: "panic", Text: "panic: ouch"}},
		"goexit":        {msg: do(func(*actor.Context[any]) { runtime.Goexit() }), as: &actor.Failure{Text: "mailbox: the actor called runtime.Goexit"}},
		"fail":          {msg: do(func(c *actor.Context[any]) { c.Fail(coded) }), as: coded},
		"timeout":       {msg: do(never), is: actor.ErrTimeout},
		"deadline":      {msg: do(never), is: context.DeadlineExceeded},
		"stopped":       {msg: do(func(c *actor.Context[any]) { c.Stash(); c.Stop() }), is: actor.ErrStopped},
		"late failure":  {msg: do(func(c *actor.Context[any]) { c.Reply("hi"); panic("ouch") }), want: "hi"},
		"second answer": {msg: do(func(c *actor.Context[any]) { c.Reply("hi"); c.Reply("ho") }), want: "hi"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t, actor.Config{})
				ref := spawn(t, sys, "", doer)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				got, err := actor.Ask[string](ctx, ref.With(test.msg))
				var f *actor.Failure
				switch {
				case test.as != nil && (!errors.As(err, &f) || *f != *test.as):
					t.Errorf("error = %#v, want %#v", err, test.as)
				case test.is != nil:
					wantErr(t, err, test.is)
					var ae *actor.AskError
					if !errors.As(err, &ae) || ae.Ref != ref.String() {
						t.Errorf("error = %#v, want an AskError of %s", err, ref)
					}
				case test.want != "" && (got != test.want || err != nil):
					t.Errorf("answer = %q, %v, want %q", got, err, test.want)
				}
			})
		})
	}
}

func TestAskCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		ref := spawn(t, sys, "", func(*actor.Context[any], any) error { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := actor.Ask[string](ctx, ref.With(1))
		wantErr(t, err, context.Canceled)
		if errors.Is(err, actor.ErrTimeout) {
			t.Errorf("a cancelled ask is not a time-out: %v", err)
		}
		_, err = actor.Ask[string](ctx, ref.With(1))
		wantErr(t, err, context.Canceled)
	})
}

func TestAskNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		ref := spawn(t, sys, "named", doer)
		anon := spawn(t, sys, "", doer)
		for _, r := range []actor.Ref[any]{ref, anon} {
			if err := actor.Stop(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		_, err := actor.Ask[any](t.Context(), ref.With(1))
		wantErr(t, err, actor.ErrNoActor)
		_, err = actor.Ask[any](t.Context(), anon.With(1)) // its id cannot be anybody else's
		wantErr(t, err, actor.ErrStopped)
		_, err = actor.Ask[any](t.Context(), actor.Ref[any]{}.With(1))
		wantErr(t, err, actor.ErrNoActor)
		_, err = actor.Ask[any](t.Context(), actor.EntityRef[any](sys, "room", "go").With(1))
		wantErr(t, err, actor.ErrNoActor)
		if err := ref.Send(t.Context(), 1); !errors.Is(err, actor.ErrNoActor) {
			t.Errorf("Send = %v, want ErrNoActor", err)
		}
	})
}

func TestAnswerTypeError(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	ref := spawn(t, sys, "", doer)
	_, err := actor.Ask[int](soon(t), ref.With("text"))
	var wrong *actor.AnswerTypeError
	if !errors.As(err, &wrong) || wrong.Got != "string" || wrong.Want != "int" {
		t.Errorf("error = %#v, want an AnswerTypeError of string for int", err)
	}
}

func TestNilAnswer(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	ref := spawn(t, sys, "", func(c *actor.Context[string], _ string) error {
		c.Reply(nil)
		return nil
	})
	if got := ask[any](t, ref, ""); got != nil {
		t.Errorf("answer = %v, want nil", got)
	}
	_, err := actor.Ask[string](soon(t), ref.With(""))
	if !errors.As(err, new(*actor.AnswerTypeError)) {
		t.Errorf("error = %v, want an AnswerTypeError", err)
	}
}

// TestLateAnswerReachesNobodyElse: an answer after the asker gave up is a dead
// letter, and never the answer to a later question.
func TestLateAnswerReachesNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		dead := collect(sys)
		replies := make(chan actor.Replier, 1)
		ref := spawn(t, sys, "", func(c *actor.Context[string], m string) error {
			if m == "slow" {
				replies <- c.Replier()
				return nil
			}
			c.Reply(m)
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := actor.Ask[string](ctx, ref.With("slow"))
		wantErr(t, err, actor.ErrTimeout)
		late := <-replies
		late.Reply("late")
		late.Reply("later")
		if got := ask[string](t, ref, "quick"); got != "quick" {
			t.Errorf("answer = %q, want quick", got)
		}
		if got := dead.list(); len(got) != 2 || !errors.Is(got[0].Reason, actor.ErrNoAsker) {
			t.Errorf("dead letters = %v, want the two late answers", got)
		}
	})
}

func TestReplier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		ref := spawn(t, sys, "", func(c *actor.Context[string], m string) error {
			r := c.Replier()
			switch m {
			case "later":
				time.AfterFunc(time.Hour, func() { r.Reply("late but here") })
			case "fail":
				go r.Fail(errors.New("no"))
			case "both":
				r.Reply("first")
				return errors.New("second")
			case "error":
				return errors.New("behavior") // the replier was not used
			}
			return nil
		})
		if got := ask2(t, ref, "later"); got != "late but here" {
			t.Errorf("later: %q", got)
		}
		if got := ask2(t, ref, "fail"); got != "no" {
			t.Errorf("fail: %q", got)
		}
		if got := ask2(t, ref, "both"); got != "first" {
			t.Errorf("both: %q", got)
		}
		if got := ask2(t, ref, "error"); got != "behavior" {
			t.Errorf("error: %q", got)
		}
	})
}

// ask2 asks without a deadline and turns a failure into its text.
func ask2(t *testing.T, ref actor.Ref[string], m string) string {
	t.Helper()
	got, err := actor.Ask[string](t.Context(), ref.With(m))
	var f *actor.Failure
	if errors.As(err, &f) {
		return f.Text
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPlainActorAnswers(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	plain := sys.Proto().Root.Spawn(pa.PropsFromFunc(func(c pa.Context) {
		if m, ok := c.Message().(string); ok {
			c.Respond("plain " + m)
		}
	}))
	if got := ask[string](t, actor.RefOf[string](sys, plain), "hi"); got != "plain hi" {
		t.Errorf("answer = %q, want %q", got, "plain hi")
	}
	typed := spawn(t, sys, "", doer)
	got, err := sys.Proto().Root.RequestFuture(typed.PID(), "echo", 5*time.Second).Result()
	if got != "echo" || err != nil {
		t.Errorf("a typed actor answered %v, %v, want echo", got, err)
	}
}

func TestForwardKeepsTheAsker(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	last := spawn(t, sys, "", doer)
	first := spawn(t, sys, "", func(c *actor.Context[any], _ any) error {
		c.Forward(last)
		return errors.New("the asker has moved on")
	})
	if got := ask[string](t, first, "hi"); got != "hi" {
		t.Errorf("answer = %q, want hi", got)
	}
}

func TestForwardToNobody(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	first := spawn(t, sys, "", func(c *actor.Context[any], _ any) error {
		c.Forward(actor.Ref[any]{})
		return nil
	})
	_, err := actor.Ask[any](soon(t), first.With(1))
	wantErr(t, err, actor.ErrNoActor)
}

func TestManyAsks(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	ref := spawn(t, sys, "", doer)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				want := i*1000 + n
				if got, err := actor.Ask[int](t.Context(), ref.With(want)); got != want || err != nil {
					t.Errorf("answer = %d, %v, want %d", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestAskThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		echo := spawn(t, sys, "", func(c *actor.Context[string], m string) error {
			if m != "silence" {
				c.Reply(m)
			}
			return nil
		})
		results := make(chan string, 1)
		ref := spawn(t, sys, "", func(c *actor.Context[any], m any) error {
			switch m := m.(type) {
			case actor.Envelope:
				actor.AskThen(c, m, time.Second, func(s string, err error) any {
					if err != nil {
						return err
					}
					return s
				})
			case error:
				results <- m.Error()
			case string:
				results <- m
			}
			return nil
		})
		for _, test := range []struct {
			e    actor.Envelope
			want string
		}{
			{echo.With("hi"), "hi"},
			{echo.With("silence"), "ask " + echo.String() + ": " + actor.ErrTimeout.Error()},
			{actor.Ref[int]{}.With(1), "ask the zero Ref: " + actor.ErrNoActor.Error()},
		} {
			ref.Tell(test.e)
			if got := <-results; got != test.want {
				t.Errorf("result = %q, want %q", got, test.want)
			}
		}
		ref.Tell(echo.With("silence"))
		synctest.Wait()
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n := sys.DeadLetters(); n != (actor.DeadLetterCounts{}) {
			t.Errorf("dead letters = %+v, want none", n)
		}
	})
}

func TestGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		results := make(chan string, 1)
		ended := make(chan error, 1)
		ref := spawn(t, sys, "", func(c *actor.Context[string], m string) error {
			switch m {
			case "work", "panic":
				actor.Go(c, func(context.Context) (string, error) {
					if m == "panic" {
						panic("ouch")
					}
					time.Sleep(time.Hour)
					return "done", nil
				}, func(s string, err error) string {
					if err != nil {
						return err.Error()
					}
					return s
				})
			case "for ever":
				actor.Go(c, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					ended <- ctx.Err()
					return 0, nil
				}, func(int, error) string { return "must not come" })
			default:
				results <- m
			}
			return nil
		})
		ref.Tell("work")
		if got := <-results; got != "done" {
			t.Errorf("result = %q, want done", got)
		}
		ref.Tell("panic")
		if got := <-results; got != "panic: ouch" {
			t.Errorf("result = %q, want panic: ouch", got)
		}
		ref.Tell("for ever")
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		wantErr(t, <-ended, context.Canceled)
	})
}

// TestWithin: the limit and the context both end an ask, whichever is first.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		mute := spawn(t, sys, "", func(c *actor.Context[string], _ string) error { c.Replier(); return nil })
		for name, test := range map[string]struct{ limit, deadline, want time.Duration }{
			"limit":            {time.Second, time.Hour, time.Second},
			"context":          {time.Hour, time.Second, time.Second},
			"no context":       {time.Minute, 0, time.Minute},
			"over":             {0, time.Hour, 0},
			"below the grain":  {time.Nanosecond, time.Hour, time.Millisecond},
			"for ever, almost": {1<<63 - 1, time.Hour, time.Hour},
		} {
			ctx, cancel := t.Context(), func() {}
			if test.deadline > 0 {
				ctx, cancel = context.WithTimeout(ctx, test.deadline)
			}
			begun := time.Now()
			_, err := actor.Ask[string](ctx, mute.With("?").Within(test.limit))
			wantErr(t, err, actor.ErrTimeout)
			wantErr(t, err, context.DeadlineExceeded)
			if got := time.Since(begun); got < test.want || got > test.want+time.Millisecond {
				t.Errorf("%s: ended after %v, want %v", name, got, test.want)
			}
			cancel()
		}
		if n := actor.OpenAsks(sys); n != 0 {
			t.Errorf("%d asks are open, want none", n)
		}
	})
}

// TestWithinOfAskThen is the shorter of two times.
func TestWithinOfAskThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		mute := spawn(t, sys, "", func(c *actor.Context[string], _ string) error { c.Replier(); return nil })
		done := make(chan error, 1)
		asker := spawn(t, sys, "", func(c *actor.Context[any], m any) error {
			if err, ok := m.(error); ok {
				done <- err
				return nil
			}
			actor.AskThen(c, mute.With("?").Within(time.Second), time.Hour, func(_ string, err error) any { return err })
			return nil
		})
		begun := time.Now()
		asker.Tell("go")
		wantErr(t, <-done, actor.ErrTimeout)
		if got := time.Since(begun); got > 2*time.Second {
			t.Errorf("ended after %v, want 1 s", got)
		}
	})
}
