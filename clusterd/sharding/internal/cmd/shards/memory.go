package main

import (
	"context"
	"runtime/metrics"
	"sync"
	"time"
)

// inUse returns the bytes of memory that the runtime holds for objects and
// stacks, garbage included.
func inUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() + s[1].Value.Uint64()
}

// watchMemory looks at it every few milliseconds; the function that it returns
// ends that, and tells the most that was seen.
func watchMemory(ctx context.Context) func() uint64 {
	ctx, cancel := context.WithCancel(ctx)
	var most uint64
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			most = max(most, inUse())
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() uint64 {
		cancel()
		done.Wait()
		return most
	}
}
