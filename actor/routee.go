package actor

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// routee is one of those that a router shares messages out to. It is owned by the
// router.
type routee struct {
	ref  Ref[any]
	text string // of the ref
	hash uint64 // its place in a consistent hash
	box  sized  // nil if it cannot be seen
}

// sized is a mailbox as far as a router looks.
type sized interface{ UserMessageCount() int }

// refAs claims that an actor accepts another type.
func refAs[B, A any](r Ref[A]) Ref[B] { return Ref[B]{pid: r.pid, sys: r.sys, cell: r.cell} }

func newRoutee(ref Ref[any], place string) *routee {
	r := &routee{ref: ref, text: ref.String(), hash: xxhash.Sum64String(place)}
	c := ref.sys.coreOf(ref.PID())
	switch {
	case c == nil:
	case c.other != nil:
		r.ref.cell, r.box = c, c.other
	default:
		r.ref.cell, r.box = c, &c.box
	}
	return r
}

// waiting is the number of messages in the routee's mailbox.
func (r *routee) waiting() int {
	if r.box == nil {
		return math.MaxInt
	}
	return r.box.UserMessageCount()
}

// pool is what a router needs to replace routees.
type pool[M any] struct {
	new   func() Behavior[M]
	opts  []SpawnOption
	slots []slot
}

// slot is the place of a routee, by which its keys and its name last longer than
// the routee itself.
type slot struct {
	text string    // of the ref of who is in it
	born time.Time // when that one came
	ends int       // how many ended young, one after the other
	made int       // routees so far, also before the router was restarted
}

// name is never used twice, so that nothing meant for a routee reaches another.
func (s *slot) name(i int) string {
	s.made++
	if s.made == 1 {
		return strconv.Itoa(i + 1)
	}
	return fmt.Sprintf("%d-%d", i+1, s.made)
}

func (p *pool[M]) fillAll(c *Context[any], r *router[M]) {
	for i := range p.slots {
		p.fill(c, r, i)
	}
}

// fill starts the routee of an empty slot.
func (p *pool[M]) fill(c *Context[any], r *router[M], i int) {
	ref, err := Spawn(c, p.slots[i].name(i), p.new, p.opts...)
	if err != nil {
		if !errors.Is(err, ErrStopped) {
			c.Log().Error("router cannot start a routee", "slot", i+1, "err", err)
			p.later(c, i)
		}
		return
	}
	to := newRoutee(refAs[any](ref), strconv.Itoa(i+1))
	p.slots[i].text, p.slots[i].born = to.text, time.Now()
	r.routees = append(r.routees, to)
	c.Watch(ref)
}

// ended replaces the routee that is no more.
func (p *pool[M]) ended(c *Context[any], r *router[M], text string) {
	for i := range p.slots {
		s := &p.slots[i]
		if s.text != text {
			continue
		}
		s.text = ""
		if time.Since(s.born) >= calm {
			s.ends = 0
		}
		if s.ends == 0 {
			s.ends++
			p.fill(c, r, i)
		} else {
			p.later(c, i)
		}
		return
	}
}

// later tries again after a pause that doubles.
func (p *pool[M]) later(c *Context[any], i int) {
	s := &p.slots[i]
	s.ends++
	c.After(Backoff{}.pause(s.ends-1), &refill{i})
}
