package member

import "github.com/cespare/xxhash/v2"

// Sum returns a hash of a fact, never 0. sort tells facts of different sorts apart.
func Sum(sort byte, f interface{ AppendBinary([]byte) []byte }) uint64 {
	return max(xxhash.Sum64(f.AppendBinary(append(make([]byte, 0, 256), sort))), 1)
}

// Hash returns a hash of the record, never 0, for digests: it is asked for again
// and again, so the record keeps it, and must not be written to from then on. A
// copy of it may be. Not for two goroutines at once.
func (r *Record) Hash() uint64 {
	if r.hashed != r {
		r.hashed, r.hash = r, Sum('m', r)
	}
	return r.hash
}
