package store

import (
	"math/rand/v2"

	"github.com/pando-go/pando/examples/kv/internal/resp"
)

// Kind is what a key holds.
type Kind uint8

// The kinds.
const (
	String Kind = iota
	Hash
	List
	Set
)

// String is the name that TYPE answers.
func (k Kind) String() string { return [...]string{"string", "hash", "list", "set"}[k] }

// item is what a key holds. Of the four forms one is used.
type item struct {
	key      string
	kind     Kind
	str      []byte
	hash     *dict[[]byte]
	list     *deque
	set      *dict[struct{}]
	deadline int64  // ms since 1970; 0 = stays
	version  uint64 // the store's clock at the last change
}

// Store is the keys of one slot. See the package's comment.
type Store struct {
	keys    dict[*item]
	now     int64  // ms since 1970; never goes back
	clock   uint64 // changes so far
	removed uint64 // clock at the last removal of a key
	due     deadlines
	random  *rand.Rand
	call    call // of the command in hand: one piece of memory for all
}

// New makes an empty store. seed decides what SPOP and the like pick.
func New(seed uint64) *Store {
	return &Store{random: rand.New(rand.NewPCG(seed, seed>>32))}
}

// Len is the number of keys, with those that have expired and were not met since.
func (s *Store) Len() int { return s.keys.len() }

// Do runs one command at a time in milliseconds since 1970 and writes its reply.
// What it changed it returns as a command that does the same on a store in the
// same state at the same time; nil if nothing has changed. A time before an
// earlier one counts as that one. args[0] is the command's name in any case.
func (s *Store) Do(at int64, args [][]byte, w *resp.Writer) (change [][]byte) {
	c := &s.call
	*c = call{s: s, w: w, args: args, cmd: Lookup(args[0])}
	s.Pass(at)
	switch {
	case c.cmd == nil:
		w.Error(Unknown(args))
		return nil
	case !c.cmd.Takes(len(args)):
		w.Error(c.cmd.WrongArity())
		return nil
	}
	before := s.clock
	c.cmd.run(c)
	if s.clock == before {
		return nil
	}
	if c.change != nil {
		return c.change
	}
	return args
}

// Version is different after each change of the key. That of a missing key
// changes whenever any key of the store is removed, so that one that came and
// went meanwhile is noticed.
func (s *Store) Version(key []byte) uint64 {
	if it := s.live(key); it != nil {
		return it.version
	}
	return s.removed
}

// live returns the item at key, nil if there is none or it has expired.
func (s *Store) live(key []byte) *item {
	it, ok := s.keys.get(key)
	if !ok {
		return nil
	}
	if it.deadline != 0 && it.deadline <= s.now {
		s.forget(key)
		return nil
	}
	return it
}

// forget takes a key out without counting a change: one that has expired is gone
// on every replica by the clock alone.
func (s *Store) forget(key []byte) {
	s.keys.drop(key)
	s.removed = s.clock + 1
}

// drop removes a key.
func (s *Store) drop(it *item) {
	s.clock++
	s.keys.drop([]byte(it.key))
	s.removed = s.clock
}

// touch notes a change of an item.
func (s *Store) touch(it *item) {
	s.clock++
	it.version = s.clock
}

// put makes it the item at its key, in place of another.
func (s *Store) put(it *item) {
	s.keys.put([]byte(it.key), it)
	s.touch(it)
}

// setDeadline changes when an item expires; 0 = never.
func (s *Store) setDeadline(it *item, at int64) {
	it.deadline = at
	if at != 0 {
		s.due.add(s, it)
	}
	s.touch(it)
}

// tidy removes an item that has become empty.
func (s *Store) tidy(it *item) {
	if it.kind == Hash && it.hash.len() == 0 || it.kind == List && it.list.len() == 0 || it.kind == Set && it.set.len() == 0 {
		s.drop(it)
	}
}
