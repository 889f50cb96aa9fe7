package mailbox

import pa "github.com/asynkron/protoactor-go/actor"

// runner is what a dispatcher runs: a mailbox, or a function.
type runner interface {
	// run works for one turn. w is the pool's worker that it is called on, or nil.
	run(w *worker)
}

// runFunc is a runner for dispatchers' public side. Converting one allocates nothing.
type runFunc func()

func (f runFunc) run(*worker) { f() }

// scheduler is a dispatcher as a mailbox sees it.
type scheduler interface {
	// schedule has r run once. home is the lane where it ran last, 0 for none.
	// again tells that it had its turn and must wait behind the others.
	schedule(r runner, home uint16, again bool)
	Throughput() int
}

// wiring is what a mailbox needs beside its queues. Plain mailboxes on a Pool or
// an Inline share their dispatcher's; one with state of its own has its own.
type wiring struct {
	to     scheduler
	chunks *chunks
	order  order  // nil: order of arrival
	limit  *limit // nil: none
}

// foreign is a dispatcher of another package, which takes functions only.
type foreign struct {
	pa.Dispatcher
	fn func() // the mailbox's run, bound once: scheduling allocates nothing
}

func (f *foreign) schedule(runner, uint16, bool) { f.Schedule(f.fn) }

// isPlain tells a wiring that holds nothing of one mailbox alone.
func (w *wiring) isPlain() bool { return w == nil || w.order == nil && w.limit == nil }

// wire connects the mailbox to a dispatcher.
func (b *Box) wire(d pa.Dispatcher) {
	shared, w := sharedWiring(d), b.wiring
	if w.isPlain() && shared != nil {
		b.wiring = shared
		return
	}
	if w.isPlain() {
		w = &wiring{chunks: w.cache()}
		b.wiring = w
	}
	if w.limit != nil {
		b.state |= limited
	}
	if w.order != nil {
		b.state |= ordered
		b.apart = true
	}
	if shared != nil {
		w.to, w.chunks = shared.to, shared.chunks
	} else {
		w.to = &foreign{d, func() { b.run(nil) }}
	}
}

func (w *wiring) cache() *chunks {
	if w == nil {
		return new(chunks)
	}
	return w.chunks
}

func sharedWiring(d pa.Dispatcher) *wiring {
	switch d := d.(type) {
	case *Pool:
		return d.wiring
	case *Inline:
		return d.shared()
	}
	return nil
}
