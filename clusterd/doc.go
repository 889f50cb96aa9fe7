// Package clusterd makes a Go process a node of a cluster: one [Node] is an
// actor system, the transport that connects it to other nodes, and the
// membership protocol that keeps all of them agreed on who is there. It runs in
// the user's process; there is no daemon to install and no outside coordinator.
//
//	node, err := clusterd.Start(ctx, clusterd.Config{
//		Name:   "chat",
//		Listen: "127.0.0.1:7001",
//		Seeds:  []string{"127.0.0.1:7001", "127.0.0.1:7002"},
//	})
//	if err != nil {
//		return err
//	}
//	defer node.Close()
//	if err := node.Ready(ctx); err != nil {
//		return err
//	}
//	for ev := range node.Events(ctx) {
//		fmt.Println(ev)
//	}
//
// # Shape
//
// Everything that decides is a pure state machine: clusterd/engine for
// membership, seedjoin for bootstrap, joined in clusterd/internal/core. This
// package is the shell around them: one goroutine that waits for a packet, a
// timer or a command, steps the core, and carries out what the core hands back.
//
// # Concurrency
//
// All methods of [Node] may be called from any goroutine. A context bounds the
// call that it is passed to and never what was started; a node lives until
// [Node.Leave], [Node.Close] or its removal. The methods of an [Attached]
// service are called on the node's own goroutine, one at a time, and must not
// block.
//
// # Not promised
//
// Messages between actors are delivered at most once. [Node.View] and
// [Node.Events] tell what this node knows, which may be behind what others know.
//
// # Removal
//
// A node that finds itself removed, because it was cut off for too long or an
// operator wanted it down, stops what it hosts and joins again in the same
// process, as a new member with a new UID. [Node.Events] tells of it by a
// SelfRemoved and then a Snapshot of the new start; [Node.Ready] waits until the
// node is Up again. Its actor system and the actors that the program spawned
// run on; they get Terminated for each actor of another node that they watch,
// as the others do for theirs. With Config.StopWhenRemoved, or when a handler of
// a hosted actor does not return within Config.LeaveTimeout, the node ends
// instead, and [Node.Err] is [ErrRemoved].
//
// # Fencing
//
// What must run once in the cluster runs under a lease made of a quorum's
// heartbeats. A node that is cut off or held still loses it by its own clock,
// before the others start what it hosted: [Node.MayAct] tells, and services hear
// of it by [Attached].Fenced.
//
// # Leaving
//
// [Node.Run] waits for SIGINT or SIGTERM and then leaves: the program's tasks of
// [BeforeLeave], hand-over, [HandedOver], removal by the leader, [AfterLeave].
// [Node.Shutdown] does it on all nodes, without hand-over. docs/leaving.md has
// each step and what bounds it.
package clusterd
