package main

import (
	"context"
	"errors"
	"sync"
)

// errSlow closes the connection of a client that reads slower than its room talks.
var errSlow = errors.New("too slow: more is waiting than this node keeps for one client; connect again")

// What waits for one slow client, at most.
const (
	outboxFrames = 8192
	outboxBytes  = 2 << 20
)

// outbox is the queue of frames from a session to the writer of its
// connection. It is bounded: a full one is closed, and what follows is dropped.
// Any goroutine may add; one takes.
type outbox struct {
	mu     sync.Mutex
	frames [][]byte
	bytes  int
	err    error         // set once; nothing is added after it
	wake   chan struct{} // holds one token: there may be something new
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// add appends one frame; it never blocks.
func (o *outbox) add(frame []byte) {
	o.mu.Lock()
	switch {
	case o.err != nil:
	case len(o.frames) >= outboxFrames || o.bytes+len(frame) > outboxBytes:
		o.err, o.frames, o.bytes = errSlow, nil, 0
	default:
		o.frames = append(o.frames, frame)
		o.bytes += len(frame)
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take waits for frames and removes all of them; it returns errSlow once the
// queue was full, and ctx's error.
func (o *outbox) take(ctx context.Context) ([][]byte, error) {
	for {
		o.mu.Lock()
		frames, err := o.frames, o.err
		o.frames, o.bytes = nil, 0
		o.mu.Unlock()
		if err != nil || len(frames) > 0 {
			return frames, err
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
