package actor

import (
	"errors"
	"time"
)

// gathering is a question that a router has passed to all its routees. It is
// owned by the router.
type gathering struct {
	asker Replier
	left  int   // routees that have neither answered nor failed
	done  bool  // the asker has its answer
	err   error // of the first one to fail
}

// gathered is what became of the question at one routee.
type gathered struct {
	of     *gathering
	answer any
	err    error
}

// gather asks all routees the question in hand.
func (r *router[M]) gather(c *Context[any], m M, within time.Duration) {
	g := &gathering{asker: c.Replier(), left: len(r.routees)}
	if r.open == nil {
		r.open = map[*gathering]bool{}
	}
	r.open[g] = true
	for _, to := range r.routees {
		AskThen(c, to.ref.With(m), within, func(answer any, err error) any { return &gathered{g, answer, err} })
	}
}

// gathered enters one result.
func (r *router[M]) gathered(m *gathered) {
	g := m.of
	g.left--
	if g.err == nil {
		g.err = m.err
	}
	switch {
	case g.done:
	case m.err == nil:
		g.done = true
		g.asker.Reply(m.answer)
	case g.left == 0:
		g.fail(g.err)
	}
	if g.left == 0 {
		delete(r.open, g)
	}
}

// fail tells the asker what a direct question would have told it.
func (g *gathering) fail(err error) {
	var f *Failure
	if errors.As(err, &f) {
		g.asker.Fail(f)
		return
	}
	if q := g.asker.r; q.claim() {
		q.sys.tellAsker(q.self.self(), q.asker.pid(), err)
	}
}
