package clienttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// store is what the tests need of a client library.
type store interface {
	incr(ctx context.Context, key string) (int64, error)
	get(ctx context.Context, key string) (int64, error) // 0 if there is none
}

// load has writers that count keys up, each its own ones, until it is stopped.
type load struct {
	t      *testing.T
	to     store
	cancel context.CancelFunc
	wg     sync.WaitGroup
	keys   []*tally
	errors atomic.Int64
	first  atomic.Pointer[string] // of the errors
	calm   atomic.Bool            // no error is to be expected
}

// tally is what is known of one key. It belongs to its writer until the load has
// stopped.
type tally struct {
	name  string
	acked int64 // the newest answer
	sent  int64 // increments that may have been done, answered or not
	last  time.Time
	gap   time.Duration // the longest time between two answers
	step  bool          // the answers did not grow by one while none was missing
}

const (
	writers       = 8
	keysPerWriter = 25
)

func startLoad(t *testing.T, to store) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{t: t, to: to, cancel: cancel}
	l.calm.Store(true)
	for w := range writers {
		var mine []*tally
		for k := range keysPerWriter {
			mine = append(mine, &tally{name: fmt.Sprintf("count:%d:%d", w, k)})
		}
		l.keys = append(l.keys, mine...)
		l.wg.Go(func() { l.write(ctx, mine) })
	}
	t.Cleanup(l.stop)
	return l
}

// write counts the keys up, one after the other, round and round.
func (l *load) write(ctx context.Context, mine []*tally) {
	for ctx.Err() == nil {
		for _, k := range mine {
			call, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			k.sent++
			n, err := l.to.incr(call, k.name)
			done()
			if err != nil {
				l.failed(k, err)
				time.Sleep(5 * time.Millisecond)
				continue
			}
			if l.calm.Load() && n != k.acked+1 {
				k.step = true
			}
			now := time.Now()
			if !k.last.IsZero() {
				k.gap = max(k.gap, now.Sub(k.last))
			}
			k.acked, k.last = n, now
		}
	}
}

func (l *load) failed(k *tally, err error) {
	text := fmt.Sprintf("incr %s after %d: %v", k.name, k.acked, err)
	l.first.CompareAndSwap(nil, &text)
	l.errors.Add(1)
	if l.calm.Load() {
		l.t.Errorf("a request has failed that the client should have repeated: %s", text)
	}
}

func (l *load) stop() {
	l.cancel()
	l.wg.Wait()
}

// progress waits until every key has been counted up again, several times.
func (l *load) progress(within time.Duration) {
	l.t.Helper()
	before := map[string]int64{}
	for _, k := range l.keys {
		n, err := l.read(k.name)
		if err == nil {
			before[k.name] = n
		}
	}
	eventually(l.t, within, func() error {
		for _, k := range l.keys {
			n, err := l.read(k.name)
			if err != nil || n < before[k.name]+2 {
				return fmt.Errorf("%s stands at %d after %d, %v", k.name, n, before[k.name], err)
			}
		}
		return nil
	})
}

func (l *load) read(key string) (int64, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*time.Second)
	defer cancel()
	return l.to.get(ctx, key)
}

// check compares what the server has with what the writers know.
func (l *load) check() {
	l.t.Helper()
	total, gap := int64(0), time.Duration(0)
	for _, k := range l.keys {
		n, err := l.read(k.name)
		if err != nil || n < k.acked || n > k.sent {
			l.t.Errorf("%s: got %d, %v; acknowledged %d of %d sent", k.name, n, err, k.acked, k.sent)
		}
		if k.step {
			l.t.Errorf("%s: an increment was lost or done twice while nothing had failed", k.name)
		}
		total += k.acked
		gap = max(gap, k.gap)
	}
	first := "none"
	if p := l.first.Load(); p != nil {
		first = *p
	}
	l.t.Logf("%d acknowledged writes, %d errors (first: %s), longest gap of a key %v", total, l.errors.Load(), first, gap)
}

// story is the life of a cluster under load: 3 nodes, then 5, then 4, and then, if
// there are copies, one is killed. No acknowledged write is lost, and as long as
// nobody dies no request fails.
func story(t *testing.T, level string, connect func(t *testing.T, addresses []string) store) {
	c := newCluster(t, 5, level)
	c.start(0, 1, 2)
	c.settled(0, 1, 2)
	l := startLoad(t, connect(t, slices.Clone(c.clients[:3])))
	l.progress(upTime)
	c.start(3, 4)
	c.settled(0, 1, 2, 3, 4)
	l.progress(upTime)
	c.stop(2)
	c.settled(0, 1, 3, 4)
	l.progress(upTime)
	if level != "memory" { // what is in the memory of one node goes with it
		l.calm.Store(false)
		c.kill(4)
		c.settled(0, 1, 3)
		l.progress(upTime)
	}
	l.stop()
	l.check()
}

// levels runs the story for slots with one copy, and for replicated ones.
func levels(t *testing.T, connect func(t *testing.T, addresses []string) store) {
	for _, level := range []string{"memory", "quorum"} {
		t.Run(level, func(t *testing.T) { story(t, level, connect) })
	}
}
