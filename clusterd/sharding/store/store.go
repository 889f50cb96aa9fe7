package store

import "errors"

// Store keeps pairs of keys and values, in the order of the keys' bytes.
type Store interface {
	// Apply carries out ops in their order, all or none. With sync they are
	// durable when it returns nil, and so is everything applied before. After an
	// error nothing of the batch is there; the caller may try it again, for
	// instance once the disk has room. The caller changes keys and values no more: a
	// store may keep them.
	Apply(ops []Op, sync bool) error
	// Range calls f for each pair with from ≤ key < to, in order, until f returns
	// an error, which it returns. A nil to means no end. It sees whole batches
	// only. Key and value are valid during the call, and are not to be changed.
	Range(from, to []byte, f func(key, value []byte) error) error
	// Close releases everything. It is called once, after all other calls.
	Close() error
}

// Op is one change; see [Put], [Delete] and [DeleteRange].
type Op struct {
	Key   []byte
	Value []byte
	// To, if not nil, makes the Op delete all keys from Key on and below To.
	To []byte
}

// Put sets a key. A nil value is stored as an empty one.
func Put(key, value []byte) Op { return Op{Key: key, Value: value} }

// Delete deletes a key, if it is there.
func Delete(key []byte) Op { return DeleteRange(key, append(append([]byte(nil), key...), 0)) }

// DeleteRange deletes all keys from ≤ key < to.
func DeleteRange(from, to []byte) Op {
	if to == nil {
		to = []byte{}
	}
	return Op{Key: from, To: to}
}

var (
	// ErrFull is matched by an error of Apply if there is no room for the batch.
	ErrFull = errors.New("store: no room")
	// ErrLocked is matched by an error of whoever opens a store that another
	// process has open.
	ErrLocked = errors.New("store: in use by another process")
)
