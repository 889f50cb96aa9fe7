// Package clustertest runs a whole cluster inside one test: real nodes over a
// network in memory, in virtual time. So a test can cut the network, kill and
// restart nodes and wait for minutes of timeouts, and still take milliseconds.
//
//	func TestRoomSurvivesItsNode(t *testing.T) {
//		host := func(int) clusterd.Config {
//			return clusterd.Config{Services: []clusterd.Service{sharding.Host(Room)}}
//		}
//		clustertest.Run(t, 3, host, func(k *clustertest.Kit) {
//			room := sharding.Ref(k.Node(2), Room, "go")
//			k.Kill(1)
//			k.Settle()
//			_, err := actor.Ask[*Joined](k.T.Context(), room.With(&Join{User: "ada"}))
//			…
//		})
//	}
//
// Nodes are numbered from 1. What a test needs to know of time: it is that of
// a [testing/synctest] bubble. It passes only while everything waits, so a
// time.Sleep in the test, or in an actor, costs nothing.
//
// # Concurrency
//
// A Kit is used by the test's own goroutine. It ends all nodes when the test
// function returns; goroutines of the test that use a node must end by then.
//
// # Not promised
//
// Bytes are not lost one by one: a link is whole, slow, or silent, as a TCP
// connection sees it. A killed node's actors are stopped, so their stop hooks
// run, which kill -9 would not do. A frozen node is held between two messages;
// a handler that is busy at that moment finishes.
package clustertest
