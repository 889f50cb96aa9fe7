package store

// Store keeps what one node has of its shards. (Declared in full with its first
// implementation.)
type Store interface {
	Close() error
}
