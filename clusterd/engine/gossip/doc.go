// Package gossip keeps the facts that a node knows and decides whom to tell
// the news.
//
// [Table] holds records and reachability rows with a digest that costs nothing
// to keep. A [Strategy] chooses the peers of each round: [Memory] tells only
// those that have not been told the current digest. What is lost on the way is
// repaired by anti-entropy, digest first:
//
//	A → B  digest                  equal: done
//	B → A  digests of Buckets      (64 of them)
//	A → B  the buckets that differ, and the hashes of A's facts in them
//	B → A  the facts that A lacks, and the hashes of those that B lacks
//	A → B  those
//
// Tables and strategies are plain values, each for one goroutine.
//
// Not yet: the strategies Random, SeenSet and Delegate.
package gossip
