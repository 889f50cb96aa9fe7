// Package lease is for clusters whose right to go on is a lease that is kept
// outside them: the downing strategy lease-majority.
//
//	store := lease.New(&lease.File{Path: "/var/lib/pando/lease"})
//	node, err := clusterd.Start(ctx, clusterd.Config{
//		Downing: lease.Majority{Store: store},
//		// …
//	})
//
// A [Store] grants one lease: to one owner at a time, for a while, with a number
// that grows and a short note that whoever gets it next can read. [New] makes
// one of any [Register], a place that holds one record and replaces it only where
// nobody else did so before: [File] for tests and for nodes of one host, package
// kubernetes for a Lease of the Kubernetes API. A Register for etcd, Redis or a
// database is some forty lines.
//
// # No common clock
//
// Nothing here compares clocks of two machines. The holder counts the TTL from the
// moment at which it sent its request. Others count TTL·(1+ρ)/(1−ρ), ρ = 5 %, from
// the moment at which they first saw the record as it is; every renewal changes
// it. So whoever waited for so long waited longer than the holder holds it.
//
// # Concurrency
//
// A Store made by New and the Registers of this module may be used from several
// goroutines. Each node of a cluster needs a Store of its own: it remembers what it
// has seen.
//
// # Not promised
//
// That anybody holds the lease. A store that is down, or that the leader of the
// cluster does not reach, stops what the cluster hosts when the TTL has run out,
// until it is back.
package lease
