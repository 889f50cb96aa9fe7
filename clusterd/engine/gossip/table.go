package gossip

// Buckets is into how many parts the facts are divided, by a hash of the
// address, when two digests differ.
const Buckets = 64
