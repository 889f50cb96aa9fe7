// Package gossip keeps the facts that a node knows and decides whom to tell
// the news.
//
// [Table] holds records and reachability rows with a digest that costs nothing
// to keep. A [Strategy] decides what goes to whom: [Delegate] hands each piece
// of news down a [Tree], [Memory], [Random] and [SeenSet] draw peers round by
// round. What none of them reaches is found by anti-entropy, digest first:
//
//	A → B  digest                  equal: done
//	B → A  digests of Buckets      (64 of them)
//	A → B  the buckets that differ, and the hashes of A's facts in them
//	B → A  the facts that A lacks, and the hashes of those that B lacks
//	A → B  those
//
// A strategy is driven by its owner, which brings the clock and the messages:
//
//	s := gossip.New(gossip.Config{Self: self})
//	s.Aim(func() []member.Node { return all })
//	s.Changed(now, table.Digest(), news)
//	for _, letter := range s.Next(now, rng) {
//		// send letter.News and letter.Note to letter.To
//	}
//
// Waves of the engine travel a [Tree] of their own. docs/gossip.md draws it and
// compares the strategies.
//
// # Concurrency
//
// Tables, trees and strategies are plain values, each for one goroutine. What
// they hand out is immutable and may be shared.
//
// # Not promised
//
// That anybody is reached by a strategy alone: messages get lost, and a node
// gives up after a few tries. A report of a [Tree] is exact the other way: who
// is reported as reached was reached.
package gossip
