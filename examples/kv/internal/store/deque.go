package store

import "slices"

// deque is a list that grows and shrinks at both ends in constant time: a ring.
type deque struct {
	ring [][]byte // its length is a power of two, or 0
	head int
	n    int
}

func (d *deque) len() int { return d.n }

// at returns element i, which must be there.
func (d *deque) at(i int) []byte { return d.ring[(d.head+i)&(len(d.ring)-1)] }

func (d *deque) set(i int, b []byte) { d.ring[(d.head+i)&(len(d.ring)-1)] = b }

func (d *deque) resize(size int) {
	ring := make([][]byte, size)
	for i := range d.n {
		ring[i] = d.at(i)
	}
	d.ring, d.head = ring, 0
}

func (d *deque) grow() {
	if d.n == len(d.ring) {
		d.resize(max(4, 2*d.n))
	}
}

func (d *deque) pushBack(b []byte) {
	d.grow()
	d.n++
	d.set(d.n-1, b)
}

func (d *deque) pushFront(b []byte) {
	d.grow()
	d.head = (d.head - 1) & (len(d.ring) - 1)
	d.n++
	d.set(0, b)
}

func (d *deque) push(front bool, b []byte) {
	if front {
		d.pushFront(b)
		return
	}
	d.pushBack(b)
}

// pop takes an element from an end. There must be one.
func (d *deque) pop(front bool) []byte {
	i := d.n - 1
	if front {
		i = 0
	}
	b := d.at(i)
	d.set(i, nil)
	if front {
		d.head = (d.head + 1) & (len(d.ring) - 1)
	}
	d.n--
	if len(d.ring) > 16 && d.n < len(d.ring)/4 {
		d.resize(len(d.ring) / 2)
	}
	return b
}

// slice copies the elements from i to before j.
func (d *deque) slice(i, j int) [][]byte {
	list := make([][]byte, 0, max(0, j-i))
	for ; i < j; i++ {
		list = append(list, d.at(i))
	}
	return list
}

// replace makes list the elements. It keeps nothing of it but the elements.
func (d *deque) replace(list [][]byte) {
	*d = deque{}
	for _, b := range list {
		d.pushBack(b)
	}
}

// insert puts b before element i.
func (d *deque) insert(i int, b []byte) { d.replace(slices.Insert(d.slice(0, d.n), i, b)) }
