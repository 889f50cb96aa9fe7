package sharding

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
)

// Progress is how far a node is with the moves of one kind that the newest plan
// asks of it, to it and from it.
type Progress struct {
	Kind  string
	Plan  uint32        // number of the plan within its view
	Total int           // slots that come to this node or go from it by the plan, as far as was seen
	Left  int           // slots of these that have yet to come or to go; 0 = done
	Bytes uint64        // of state that this node has handed over since Began
	Began time.Time     // when the first of them was seen
	Took  time.Duration // since then
	ETA   time.Duration // until the end, if it goes on as it did; 0 = unknown, or done
}

// Events returns what moves to and from a node, for range. The loop begins with
// the latest state of each kind and ends with ctx, or with the node. Who reads
// slowly misses states in between and never the last one. Nothing is said of
// kinds that the node does not host. On a node without a service of this
// package it ends at once.
func Events(ctx context.Context, n *clusterd.Node) iter.Seq[Progress] { return eventsOf(ctx, n) }

func eventsOf(ctx context.Context, n node) iter.Seq[Progress] {
	return func(yield func(Progress) bool) {
		s, ok := n.Attachment(serviceName).(*service)
		if !ok {
			return
		}
		r := s.progress.subscribe()
		defer s.progress.unsubscribe(r)
		for {
			list, last := s.progress.take(r)
			for _, p := range list {
				if !yield(p) {
					return
				}
			}
			if last {
				return
			}
			select {
			case <-r.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

// progress keeps the latest state of each kind, and what each reader has not
// seen of it.
type progress struct {
	mu      sync.Mutex
	now     map[string]Progress
	readers map[*progressReader]struct{}
	ended   bool
}

type progressReader struct {
	news map[string]bool // under progress.mu
	wake chan struct{}   // holds a token while there is news
}

// update notes a step. The plan of a kind begins with the first one of it.
func (p *progress) update(a homes.Progress, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil {
		p.now = map[string]Progress{}
	}
	at := p.now[a.Kind]
	if at.Left == 0 && a.Left > 0 { // the plans of one rebalancing go together
		at = Progress{Kind: a.Kind, Began: now}
	}
	at.Plan, at.Left, at.Total = a.Plan, a.Left, max(at.Total, a.Left)
	at.Took, at.ETA = now.Sub(at.Began), 0
	if done := at.Total - at.Left; done > 0 {
		at.ETA = time.Duration(float64(at.Took) / float64(done) * float64(at.Left))
	}
	p.put(at)
}

// carried adds to the bytes of state that went.
func (p *progress) carried(kind string, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.now[kind]; ok {
		at.Bytes += uint64(bytes)
		p.now[kind] = at
	}
}

func (p *progress) put(at Progress) {
	p.now[at.Kind] = at
	for r := range p.readers {
		r.news[at.Kind] = true
		r.poke()
	}
}

func (r *progressReader) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (p *progress) subscribe() *progressReader {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &progressReader{news: map[string]bool{}, wake: make(chan struct{}, 1)}
	for kind := range p.now {
		r.news[kind] = true
	}
	if p.readers == nil {
		p.readers = map[*progressReader]struct{}{}
	}
	p.readers[r] = struct{}{}
	return r
}

func (p *progress) unsubscribe(r *progressReader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.readers, r)
}

// take returns what a reader has not seen, and whether nothing will follow.
func (p *progress) take(r *progressReader) (list []Progress, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(r.news)) {
		list = append(list, p.now[kind])
	}
	clear(r.news)
	return list, p.ended
}

// end lets every reader finish after what waits for it.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for r := range p.readers {
		r.poke()
	}
}
