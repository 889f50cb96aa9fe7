package store

import "container/heap"

// deadlines is a heap of when keys expire. Entries whose key has another
// deadline by now are skipped when their turn comes, and swept out when they
// are the most.
type deadlines []deadline

type deadline struct {
	at  int64
	key string
}

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at < d[j].at }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is for package heap.
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) }

// Pop is for package heap.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = deadline{}
	*d = (*d)[:last]
	return x
}

func (d *deadlines) add(s *Store, it *item) {
	if len(*d) > 2*s.keys.len()+64 {
		d.rebuild(s)
	}
	heap.Push(d, deadline{it.deadline, it.key})
}

func (d *deadlines) rebuild(s *Store) {
	*d = (*d)[:0]
	for _, e := range s.keys.list {
		if e.val.deadline != 0 {
			*d = append(*d, deadline{e.val.deadline, e.key})
		}
	}
	heap.Init(d)
}

// Pass tells the store the time, in milliseconds since 1970.
func (s *Store) Pass(at int64) { s.now = max(s.now, at) }

// Expire removes keys whose time has come, at most limit. It tells when the next
// one is due: in milliseconds since 1970, 0 if none will be.
func (s *Store) Expire(limit int) (next int64) {
	for len(s.due) > 0 && (limit > 0 || s.due[0].at > s.now) {
		first := s.due[0]
		it, ok := s.keys.get([]byte(first.key))
		stale := !ok || it.deadline != first.at
		if !stale && first.at > s.now {
			return first.at
		}
		heap.Pop(&s.due)
		if !stale {
			s.forget([]byte(first.key))
			limit--
		}
	}
	if len(s.due) == 0 {
		return 0
	}
	return s.due[0].at
}
