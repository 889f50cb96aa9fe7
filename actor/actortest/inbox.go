package actortest

import (
	"sync"
	"time"

	"github.com/pando-go/pando/actor"
)

// received is a message and who asked it.
type received[M any] struct {
	msg   M
	asker actor.Replier
}

// inbox is what has come and was not taken.
type inbox[M any] struct {
	news chan struct{} // holds one token if something has come since the last look

	mu    sync.Mutex
	queue []received[M]
	watch map[string]bool
	gone  map[string]actor.Gone // by text
}

// wait returns when something comes, or after d.
func (in *inbox[M]) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-in.news:
	case <-timer.C:
	}
}

func (in *inbox[M]) add(change func()) {
	in.mu.Lock()
	change()
	in.mu.Unlock()
	select {
	case in.news <- struct{}{}:
	default:
	}
}

func (in *inbox[M]) pop() (m received[M], ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) == 0 {
		return m, false
	}
	m, in.queue = in.queue[0], in.queue[1:]
	return m, true
}

func (in *inbox[M]) popGone(text string) (actor.Gone, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	g, ok := in.gone[text]
	if ok {
		delete(in.gone, text)
		delete(in.watch, text)
	}
	return g, ok
}

func (in *inbox[M]) len() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.queue)
}

func (in *inbox[M]) list() (all []M) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range in.queue {
		all = append(all, m.msg)
	}
	return all
}

func (in *inbox[M]) watched(text string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.watch == nil {
		in.watch = map[string]bool{}
	}
	in.watch[text] = true
}

func (in *inbox[M]) isWatched(text string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.watch[text]
}
