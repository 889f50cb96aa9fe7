package mailbox

import "sync"

// keepHeap is the capacity up to which a heap's memory is used again.
const keepHeap = 1024

// heap is an order by a user's less; equals keep their order of arrival. It is
// container/heap with one difference: a less that panics leaves it as it was.
type heap struct {
	less  func(a, b any) bool
	items []item
	count uint64 // of messages added
	cache *sync.Pool
	box   *[]item // what items goes back to the cache in
}

type item struct {
	letter
	seq uint64
}

func (o *heap) len() int { return len(o.items) }

func (o *heap) before(a, b item) bool {
	x, y := bare(a.msg), bare(b.msg)
	return o.less(x, y) || a.seq < b.seq && !o.less(y, x)
}

func (o *heap) add(m letter) {
	it := item{m, o.count}
	at := len(o.items)
	for at > 0 && o.before(it, o.items[(at-1)/2]) {
		at = (at - 1) / 2
	}
	// The place is found; from here on nothing panics.
	o.count++
	o.provide()
	o.items = append(o.items, it)
	for i := len(o.items) - 1; i > at; i = (i - 1) / 2 {
		o.items[i] = o.items[(i-1)/2]
	}
	o.items[at] = it
}

func (o *heap) next() letter {
	top := o.items[0].letter
	last := len(o.items) - 1
	moved := o.items[last]
	var path [64]int // deeper than any heap
	depth := o.path(&path, moved, last)
	at := 0
	for _, child := range path[:depth] {
		o.items[at] = o.items[child]
		at = child
	}
	o.items[at] = moved
	o.items[last] = item{}
	o.items = o.items[:last]
	if last == 0 {
		o.release()
	}
	return top
}

// path finds the way down from the top along which items must move up so that
// moved can take the last one's place, in a heap of n without it.
func (o *heap) path(path *[64]int, moved item, n int) (depth int) {
	for child := 1; child < n; child = 2*child + 1 {
		if right := child + 1; right < n && o.before(o.items[right], o.items[child]) {
			child = right
		}
		if !o.before(o.items[child], moved) {
			break
		}
		path[depth] = child
		depth++
	}
	return depth
}

// provide gets memory for a heap that has none.
func (o *heap) provide() {
	if o.items != nil {
		return
	}
	if box, ok := o.cache.Get().(*[]item); ok {
		o.box = box
		o.items = (*box)[:0]
		return
	}
	o.box, o.items = new([]item), make([]item, 0, 16)
}

// release gives an empty heap's memory back.
func (o *heap) release() {
	if cap(o.items) <= keepHeap {
		*o.box = o.items
		o.cache.Put(o.box)
	}
	o.box, o.items = nil, nil
}
