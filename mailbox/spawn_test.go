package mailbox

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestPostedWhileBeingSpawned: protoactor registers an actor's name before it
// calls RegisterHandlers, so a sender by name may come in between.
func TestPostedWhileBeingSpawned(t *testing.T) {
	const senders, each = 4, 50
	p := NewPool(2, 0)
	defer p.Close()
	for range 200 {
		b := Unbounded()()
		var got atomic.Int32
		done := make(chan struct{})
		var wg sync.WaitGroup
		for range senders {
			wg.Go(func() {
				for i := range each {
					b.PostUserMessage(i)
					b.PostSystemMessage(i)
				}
			})
		}
		b.RegisterHandlers(&quiet{onUser: func(any) {
			if got.Add(1) == senders*each {
				close(done)
			}
		}}, p)
		b.Start()
		wg.Wait()
		<-done
	}
}
