package main

import (
	"context"
	"fmt"
)

// pingPong measures the round trip between two actors that do nothing else.
func pingPong(ctx context.Context, rt Runtime, p plan) (result, error) {
	done := make(chan struct{}, 1)
	left := 0 // owned by the first actor while a batch is under way
	first, err := rt.Bounce(func() bool {
		if left--; left >= 0 {
			return true
		}
		done <- struct{}{}
		return false
	})
	if err != nil {
		return result{}, err
	}
	m := &Message{}
	t, err := p.repeat(ctx, p.Rounds, func() error {
		left = p.Rounds
		if err := first.Tell(m); err != nil {
			return err
		}
		return p.await(done)
	})
	if err != nil {
		return result{}, err
	}
	if err := first.Stop(); err != nil {
		return result{}, err
	}
	if left != -1 {
		return result{}, fmt.Errorf("%d round trips too many", -1-left)
	}
	return t.duration(), nil
}
