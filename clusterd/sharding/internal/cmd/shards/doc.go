// Command shards measures sharded entities on one machine: nodes in one process
// that talk over loopback sockets, so that a pause is the time between two
// readings of one clock.
//
//	go run ./clusterd/sharding/internal/cmd/shards -show handover -n 100
//	go run ./clusterd/sharding/internal/cmd/shards -show join -entities 56000
//	go run ./clusterd/sharding/internal/cmd/shards -show join -entities 1000000 -state 16
//	go run ./clusterd/sharding/internal/cmd/shards -show ask
//	go run ./clusterd/sharding/internal/cmd/shards -show idle -entities 100000
//
// What it prints is quoted in docs/benchmarks.md.
package main
