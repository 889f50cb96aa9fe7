// Package sharding places actors in the cluster. An entity is an actor named by
// a kind and an id; it runs on one node, its home, from the first message on,
// and every node reaches it by the same ref.
//
//	var Room = actor.NewKind("room", func(id string) actor.Behavior[*chatpb.Command] { return &room{} })
//
//	node, err := clusterd.Start(ctx, clusterd.Config{
//		…
//		Services: []clusterd.Service{sharding.Host(Room)},
//	})
//	go_ := sharding.Ref(node, Room, "go")
//	answer, err := actor.Ask[*chatpb.Joined](ctx, go_.With(&chatpb.Join{User: "ada"}))
//
// [Host] makes a node run entities of a kind; [Proxy] is for nodes that run
// none and still want refs to work. Either must be among the services that
// clusterd.Start installs: on a node without them a ref's messages are dead
// letters.
//
// # Homes
//
// An id has a slot ([slots.Of]). Ids with the same text between braces,
// {user7}.cart and {user7}.orders, share a slot. In each view of the cluster one
// node plans which member, of those that are Up and host the kind, ought to have
// which slots: evenly to within one, by [WeightKey], with as little to move as
// can be; kinds with the same hosts share homes. The right to run a slot is a
// token, handed from node to node, so that two nodes with different ideas of the
// membership never run the same entity; docs/sharding.md has the protocol.
//
// When a node joins or leaves, or some nodes are much busier than others, slots
// move, by themselves and a few at a time. An entity finishes the message in
// hand and stops; if its behavior is a [Mover], its state goes along, else it
// starts afresh; what waited for it is forwarded in order. When a node is
// removed without a word, its entities start afresh elsewhere.
//
// [PassivateAfter] and [AtMost] end entities that nobody uses, [Remember] starts
// them at a new home unasked, [OnRole] hosts a kind on some nodes only,
// [Settings] sets the pace of moves. [Preview] says what would move, [Events]
// what does; [Table], [Locate] and [IDs] where everything is.
//
// Inside an entity, Context.Self is this run of it on this node. Give others
// [Ref] instead: it follows.
//
// # Concurrency
//
// All functions may be called from any goroutine. The methods of a behavior,
// those of [Mover] among them, run on the entity's own. Nothing blocks: what
// cannot be delivered now waits, up to 16384 messages in a slot and 262144 on a
// node, for 10 seconds (3 if no member hosts the kind), and then is a dead
// letter that says why.
//
// # Promises
//
// At any time at most one node can begin a message of an entity, also when the
// network is cut or a process is held still: without its lease a node sets
// messages aside, in their order, and ends the contexts of handlers that run.
// Messages of one sender to one entity arrive in order, also while it moves. A
// planned move adds no loss and no repetition to the at-most-once of actors.
//
// # Not promised
//
// Memory does not survive a crash. Messages that are stashed, timers, and
// watches do not move. Where an old home leaves or is cut off while messages are
// under way through it, later ones may overtake them. A handler that began under
// the lease may end after it.
package sharding
