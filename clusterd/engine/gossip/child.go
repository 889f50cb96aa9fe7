package gossip

import (
	"container/heap"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// child is a node that was handed a share and has not finished it.
type child[K comparable, P any] struct {
	task    *task[K, P]
	node    member.Node
	ticket  uint64
	share   []member.Node // what it was handed
	left    []member.Node // who of the share is not known to be reached; never written to
	heard   bool          // it has reported: it is reached itself
	late    bool          // it did not answer in time, or waits for others that did not
	tries   int           // how often it was told, since it last answered
	answers int           // how often it has said that it is at it
	due     time.Time     // when it is late
	place   int           // in the timers
}

// limit is how often a child is told before it is given up. One that holds up
// others is given up sooner.
func (c *child[K, P]) limit() int {
	if len(c.share) > 0 {
		return maxTries - 1
	}
	return maxTries
}

// add draws a ticket for a child and has its task wait for it.
func (t *Tree[K, P]) add(c *child[K, P]) *child[K, P] {
	t.drawn++
	c.ticket = t.drawn
	c.task.open = append(c.task.open, c)
	t.children[c.ticket] = c
	heap.Push(&t.timers, c)
	return c
}

// drop has nobody wait for a child any more.
func (t *Tree[K, P]) drop(c *child[K, P]) {
	c.task.open = slices.DeleteFunc(c.task.open, func(o *child[K, P]) bool { return o == c })
	delete(t.children, c.ticket)
	heap.Remove(&t.timers, c.place)
}

// await sets when a child is late.
func (t *Tree[K, P]) await(c *child[K, P], due time.Time) {
	c.due = due
	heap.Fix(&t.timers, c.place)
}

// timers is a heap of children by when they are late; in the order of their
// tickets where that is equal.
type timers[K comparable, P any] []*child[K, P]

func (h timers[K, P]) Len() int { return len(h) }

func (h timers[K, P]) Less(i, j int) bool {
	if d := h[i].due.Compare(h[j].due); d != 0 {
		return d < 0
	}
	return h[i].ticket < h[j].ticket
}

func (h timers[K, P]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *timers[K, P]) Push(c any) {
	added := c.(*child[K, P])
	added.place = len(*h)
	*h = append(*h, added)
}

func (h *timers[K, P]) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}
