package store

// dict maps strings to values and has an order, so that a scan can name a place
// in it: an entry that is taken out is replaced by the last one. Who walks from
// the end to the beginning therefore sees each entry that is there all the while
// at least once, whatever comes and goes meanwhile.
//
// Few entries are found by looking at each, many by an index.
type dict[V any] struct {
	list  []entry[V]
	index map[string]int // nil while there are few
}

type entry[V any] struct {
	key string
	val V
}

// fewEntries is up to where no index is worth its memory.
const fewEntries = 8

func (d *dict[V]) len() int { return len(d.list) }

// find returns the entry's place, -1 if it is not there.
func (d *dict[V]) find(key []byte) int {
	if d.index != nil {
		if i, ok := d.index[string(key)]; ok {
			return i
		}
		return -1
	}
	for i := range d.list {
		if d.list[i].key == string(key) {
			return i
		}
	}
	return -1
}

// get returns the value at key.
func (d *dict[V]) get(key []byte) (V, bool) {
	if i := d.find(key); i >= 0 {
		return d.list[i].val, true
	}
	var none V
	return none, false
}

// put sets the value at key and reports whether the key is new.
func (d *dict[V]) put(key []byte, val V) bool {
	if i := d.find(key); i >= 0 {
		d.list[i].val = val
		return false
	}
	d.list = append(d.list, entry[V]{string(key), val})
	switch {
	case d.index != nil:
		d.index[d.list[len(d.list)-1].key] = len(d.list) - 1
	case len(d.list) > fewEntries:
		d.index = make(map[string]int, 2*fewEntries)
		for i := range d.list {
			d.index[d.list[i].key] = i
		}
	}
	return true
}

// drop takes key out and reports whether it was there.
func (d *dict[V]) drop(key []byte) bool {
	i := d.find(key)
	if i < 0 {
		return false
	}
	last := len(d.list) - 1
	if d.index != nil {
		delete(d.index, d.list[i].key)
		if i != last {
			d.index[d.list[last].key] = i
		}
	}
	d.list[i] = d.list[last]
	d.list[last] = entry[V]{}
	d.list = d.list[:last]
	return true
}
