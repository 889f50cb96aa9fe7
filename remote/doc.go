// Package remote connects actor systems: messages, watches, spawns and control
// messages between nodes, over one TCP port each.
//
// # Use
//
//	ln, err := net.Listen("tcp", "10.0.0.1:7001")
//	...
//	r, err := remote.Listen(sys, ln, remote.Config{})
//	...
//	defer r.Close(ctx)
//
// From then on each PID whose address reads host:port is reached through r,
// typed refs and protoactor's own alike. Package clusterd does this for a
// cluster node and tells r, by [Remote.Known] and [Remote.Removed], which
// incarnations are members.
//
// # Delivery
//
// A node dials a peer when it has something to send: a few connections for user
// messages, by receiver, one for control and system messages, and the peer's
// answers to that are acknowledgements. Both directions are independent, so two
// nodes that dial each other at once have nothing to settle. A connection that
// nobody uses is closed.
//
//   - User messages: at most once, in order for each pair of sender and
//     receiver. They wait, up to Config.QueueBytes, while the peer cannot be
//     reached, and go on where they stopped when it can: nothing is lost or
//     doubled by a broken connection while both processes live. What cannot
//     leave is a dead letter with its reason: the queue is full
//     (actor.ErrMailboxFull), the node was removed or restarted
//     (actor.ErrNodeRemoved), the message has no codec or is too large
//     (actor.ErrNotPortable).
//   - System messages (watch, unwatch, terminated, stop): in order, exactly
//     once for each incarnation, however often the connection breaks.
//   - Terminated: exactly once for each watch, when the actor stopped, when
//     there is no such actor, or when its node is told to be removed. A broken
//     connection or a restart of the node never tells it by itself.
//   - Control messages: in order, at most once; failure is told.
//
// User and control messages overtake each other, and so do the messages of a
// restarted node and a Terminated of its former self.
//
// # Security
//
// Config.TLSFiles (or TLS) and Config.Secrets say who may connect, Config.Expose
// whom other nodes may reach by a name that was chosen for it. Nothing is exposed
// by default: refs of actors without a chosen name are capabilities, and work for
// whoever was given one.
//
// # Concurrency
//
// All methods of [Remote] may be called from any goroutine. Sending, posting
// and watching never block. Messages are handed to actors, and
// [Service].Receive is called, on the goroutine that reads the connection. It may
// run the actor's turn too; if that blocks, another goroutine goes on reading.
// Close stops and waits for every goroutine that this package started, but for one
// that is blocked in an actor: that ends with the actor's turn.
//
// # Not promised
//
// Delivery: a dead letter may nevertheless have arrived when the connection
// broke for good before the acknowledgement. Who a peer is: without TLS its
// word is taken for its address. docs/security.md tells what holds against whom.
package remote
