package groups

import (
	"container/heap"
	"time"
)

// dues is a heap of the groups' timers. A timer that is put off, as every
// heartbeat does with a follower's, leaves the heap alone: it is put right when
// its old time comes. So a heartbeat costs no heap work.
type dues []duesAt

type duesAt struct {
	key time.Time // not after the group's due time
	g   *group
}

func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	return d[i].key.Before(d[j].key) || d[i].key.Equal(d[j].key) && d[i].g.shard < d[j].g.shard
}
func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].g.heap, d[j].g.heap = i, j
}

// Push is for container/heap alone.
func (d *dues) Push(x any) { *d = append(*d, x.(duesAt)) }

// Pop is for container/heap alone.
func (d *dues) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}

// set gives g's timer the key; zero removes it.
func (d *dues) set(g *group, key time.Time) {
	switch {
	case key.IsZero():
		d.drop(g)
	case g.heap < 0:
		g.heap = len(*d)
		heap.Push(d, duesAt{key, g})
	default:
		(*d)[g.heap].key = key
		heap.Fix(d, g.heap)
	}
}

func (d *dues) drop(g *group) {
	if g.heap >= 0 {
		heap.Remove(d, g.heap)
		g.heap = -1
	}
}
