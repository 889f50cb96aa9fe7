package store

import (
	"slices"
	"strings"
	"sync"
)

// Memory is a Store in memory: what is in it ends with the process. The zero
// Memory is empty and ready for use.
//
// It is also the disk of tests: [Memory.Crash] loses what was applied without
// sync, and Fault decides which batch fails.
type Memory struct {
	// Fault, if set, is called before each Apply; an error fails it, and nothing of
	// the batch is there. Set it before the first call.
	Fault func(ops []Op, sync bool) error

	mu    sync.RWMutex
	shelf []*shelf // sorted by prefix
	bytes int
	undo  []undo // what was changed since the last sync
}

// shelf has the pairs whose keys begin alike. Keys that are appended, as those of
// a log are, cost little then, however many others there are.
type shelf struct {
	prefix string
	keys   []string // sorted
	values map[string][]byte
}

// prefixLen is how much of a key says on which shelf it stands. A shorter key has
// a shelf of its own.
const prefixLen = 5

// undo is what a key was before a change.
type undo struct {
	key   string
	value []byte
	there bool
}

var _ Store = (*Memory)(nil)

// Apply implements Store.
func (m *Memory) Apply(ops []Op, sync bool) error {
	if m.Fault != nil {
		if err := m.Fault(ops, sync); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, op := range ops {
		if op.To == nil {
			m.set(string(op.Key), op.Value, true)
			continue
		}
		m.drop(string(op.Key), string(op.To), len(op.To) == 0)
	}
	if sync {
		m.undo = nil
	}
	return nil
}

// set changes one key and remembers what it was. Callers hold the lock.
func (m *Memory) set(key string, value []byte, there bool) {
	sh := m.find(key)
	old, was := sh.values[key]
	m.undo = append(m.undo, undo{key, old, was})
	m.put(sh, key, value, there)
}

func (m *Memory) put(sh *shelf, key string, value []byte, there bool) {
	if old, was := sh.values[key]; was {
		m.bytes -= len(key) + len(old)
		if !there {
			at, _ := slices.BinarySearch(sh.keys, key)
			sh.keys = slices.Delete(sh.keys, at, at+1)
			delete(sh.values, key)
		}
	} else if there {
		at, _ := slices.BinarySearch(sh.keys, key)
		sh.keys = slices.Insert(sh.keys, at, key)
	}
	if there {
		sh.values[key] = value
		m.bytes += len(key) + len(value)
	}
}

// find returns the shelf of a key, made if needed. Callers hold the lock.
func (m *Memory) find(key string) *shelf {
	at, there := m.place(key)
	if !there {
		prefix := key[:min(len(key), prefixLen)]
		m.shelf = slices.Insert(m.shelf, at, &shelf{prefix: prefix, values: map[string][]byte{}})
	}
	return m.shelf[at]
}

// place returns where the shelf of a key stands, or would stand.
func (m *Memory) place(key string) (at int, there bool) {
	prefix := key[:min(len(key), prefixLen)]
	return slices.BinarySearchFunc(m.shelf, prefix, func(s *shelf, p string) int { return strings.Compare(s.prefix, p) })
}

// drop deletes a range, of each shelf all at once, and remembers what was there.
// Callers hold the lock.
func (m *Memory) drop(from, to string, endless bool) {
	m.eachShelf(from, to, endless, func(sh *shelf, at, end int) {
		for _, k := range sh.keys[at:end] {
			old := sh.values[k]
			m.undo = append(m.undo, undo{k, old, true})
			m.bytes -= len(k) + len(old)
			delete(sh.values, k)
		}
		sh.keys = slices.Delete(sh.keys, at, end)
	})
}

// eachShelf calls f with the keys of a range, those from at on and before end on one
// shelf. Callers hold the lock.
func (m *Memory) eachShelf(from, to string, endless bool, f func(sh *shelf, at, end int)) {
	first, _ := m.place(from) // all keys of the shelves before are smaller
	for _, sh := range m.shelf[first:] {
		if !endless && sh.prefix >= to {
			break
		}
		at, _ := slices.BinarySearch(sh.keys, from)
		end := len(sh.keys)
		if !endless {
			end, _ = slices.BinarySearch(sh.keys, to)
		}
		if at < end {
			f(sh, at, end)
		}
	}
}

// Range implements Store.
func (m *Memory) Range(from, to []byte, f func(key, value []byte) error) error {
	m.mu.RLock()
	var list []string
	var values [][]byte
	m.eachShelf(string(from), string(to), to == nil, func(sh *shelf, at, end int) {
		for _, k := range sh.keys[at:end] {
			list, values = append(list, k), append(values, sh.values[k])
		}
	})
	m.mu.RUnlock()
	for i, k := range list {
		if err := f([]byte(k), values[i]); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Store. What is in m stays, so that it can be opened again.
func (m *Memory) Close() error { return nil }

// Crash undoes what was applied since the last sync, as a machine that loses its
// power does to what is not yet on its disk.
func (m *Memory) Crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range slices.Backward(m.undo) {
		m.put(m.find(u.key), u.key, u.value, u.there)
	}
	m.undo = nil
}

// Size returns the bytes of all keys and values.
func (m *Memory) Size() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.bytes
}
