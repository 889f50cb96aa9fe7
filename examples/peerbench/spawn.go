package main

import (
	"context"
	"fmt"
	"runtime"
)

// spawnStop measures the life of an actor that does nothing: spawned, told to stop,
// until it has stopped.
func spawnStop(ctx context.Context, rt Runtime, p plan) (result, error) {
	spawn := rt.Counter(func(*Message) {}, many)
	t, err := p.repeat(ctx, p.Spawns, func() error {
		for range p.Spawns {
			a, err := spawn()
			if err != nil {
				return err
			}
			if err := a.Stop(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return result{}, err
	}
	return t.duration(), nil
}

// idle measures the heap that actors hold which nobody has told anything, and to
// which nobody but the runtime has a reference. Afterwards some are told something:
// they must be alive.
func idle(ctx context.Context, rt Runtime, p plan) (result, error) {
	c := newCounter()
	spawn := rt.Counter(c.got, many)
	var sample []Actor
	before := heap()
	for i := range p.Idle {
		if err := ctx.Err(); err != nil {
			return result{}, err
		}
		a, err := spawn()
		if err != nil {
			return result{}, fmt.Errorf("actor %d: %w", i, err)
		}
		if i%max(p.Idle/100, 1) == 0 || i == p.Idle-1 {
			sample = append(sample, a)
		}
	}
	// Actors may start after spawn has returned; the newest has started now.
	if err := c.reach(p, sample[len(sample)-1]); err != nil {
		return result{}, err
	}
	held := float64(heap()) - float64(before)
	for _, a := range sample {
		if err := c.reach(p, a); err != nil {
			return result{}, err
		}
	}
	return result{Value: held / float64(p.Idle), Allocs: -1}, nil
}

// reach tells a one message and waits until it has arrived.
func (c *counter) reach(p plan, a Actor) error {
	c.target++
	if err := a.Tell(&Message{}); err != nil {
		return err
	}
	return p.await(c.done)
}

// heap is the bytes that are in use when all garbage is collected, with what sync
// pools keep for two collections.
func heap() uint64 {
	for range 3 {
		runtime.GC()
	}
	return memory().HeapAlloc
}
