package main

import (
	"context"
	"fmt"
	"time"
)

// askWithin measures asks from outside actors, one after the other. They share a
// context, that of whatever request they would serve, whose deadline covers a
// batch; if limit is not 0, each has a time-out of its own beside it.
func askWithin(limit time.Duration) func(context.Context, Runtime, plan) (result, error) {
	return func(ctx context.Context, rt Runtime, p plan) (result, error) {
		echo, err := rt.Echo()
		if err != nil {
			return result{}, err
		}
		var t tally
		err = rt.Outside(limit, func(ask ask) (err error) {
			t, err = p.repeat(ctx, p.Asks, func() error { return asks(ctx, p, ask, echo) })
			return err
		})
		if err != nil {
			return result{}, err
		}
		return t.duration(), nil
	}
}

// asks is one batch. Each ask must be answered with its own message.
func asks(ctx context.Context, p plan, ask ask, echo Actor) error {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	messages := [2]Message{{Seq: 0}, {Seq: 1}}
	for i := range p.Asks {
		m := &messages[i%2]
		answer, err := ask(ctx, echo, m)
		if err != nil {
			return err
		}
		if answer != any(m) {
			return fmt.Errorf("ask was answered with %v, not with its message", answer)
		}
	}
	return nil
}
