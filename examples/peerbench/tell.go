package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// counter counts what an actor gets. The actor owns n; target changes only while
// nothing is under way.
type counter struct {
	n, target int
	done      chan struct{}
}

func newCounter() *counter { return &counter{done: make(chan struct{}, 1)} }

func (c *counter) got(*Message) {
	c.n++
	if c.n == c.target {
		c.done <- struct{}{}
	}
}

// tell measures producers, goroutines outside actors, that tell one actor: from the
// first tell of a batch until the actor has received the last.
func tell(producers int) func(context.Context, Runtime, plan) (result, error) {
	return func(ctx context.Context, rt Runtime, p plan) (result, error) {
		c := newCounter()
		to, err := rt.Counter(c.got, busy)()
		if err != nil {
			return result{}, err
		}
		each := max(p.Tell/producers, 1)
		t, err := p.repeat(ctx, each*producers, func() error {
			c.target += each * producers
			if err := produce(to, producers, each); err != nil {
				return err
			}
			return p.await(c.done)
		})
		if err != nil {
			return result{}, err
		}
		if err := to.Stop(); err != nil {
			return result{}, err
		}
		if c.n != c.target {
			return result{}, fmt.Errorf("%d messages arrived, %d were told", c.n, c.target)
		}
		return t.rate(), nil
	}
}

// produce tells an actor from n goroutines.
func produce(to Actor, n, each int) error {
	if n == 1 {
		return tellMany(to, each)
	}
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for range n {
		wg.Go(func() { errs <- tellMany(to, each) })
	}
	wg.Wait()
	for range n {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func tellMany(to Actor, n int) error {
	m := &Message{}
	for range n {
		if err := to.Tell(m); err != nil {
			return err
		}
	}
	return nil
}

// fanOut measures one producer that tells each of many actors one message, until
// all have received theirs.
func fanOut(ctx context.Context, rt Runtime, p plan) (result, error) {
	var left atomic.Int64
	done := make(chan struct{}, 1)
	actors, err := crowd(p.Fan, rt.Counter(func(*Message) {
		if left.Add(-1) == 0 {
			done <- struct{}{}
		}
	}, many))
	if err != nil {
		return result{}, err
	}
	m := &Message{}
	t, err := p.repeat(ctx, len(actors), func() error {
		left.Store(int64(len(actors)))
		for _, a := range actors {
			if err := a.Tell(m); err != nil {
				return err
			}
		}
		return p.await(done)
	})
	if err != nil {
		return result{}, err
	}
	if n := left.Load(); n != 0 {
		return result{}, fmt.Errorf("%d messages too many arrived", -n)
	}
	return t.rate(), nil
}

// crowd spawns n actors.
func crowd(n int, spawn spawn) ([]Actor, error) {
	actors := make([]Actor, n)
	for i := range actors {
		a, err := spawn()
		if err != nil {
			return nil, err
		}
		actors[i] = a
	}
	return actors, nil
}
