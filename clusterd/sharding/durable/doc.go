// Package durable has entities whose state survives their node. An entity is named
// by a kind and an id, as in package sharding, and reached from every node by the
// same ref; its state is kept by several nodes, which agree on every change before
// anybody hears of it.
//
//	type account struct{ state bankpb.Account }
//
//	func (a *account) State() proto.Message { return &a.state }
//
//	func (a *account) Receive(c *durable.Context, m *bankpb.Deposit) error {
//		a.state.Balance += m.Amount
//		c.Reply(&bankpb.Balance{Amount: a.state.Balance})
//		return nil
//	}
//
//	var Account = durable.NewKind("account", func(id string) durable.Behavior[*bankpb.Deposit] { return &account{} })
//
//	data, err := boltstore.Open("/var/lib/bank")
//	node, err := clusterd.Start(ctx, clusterd.Config{
//		…
//		Services: []clusterd.Service{durable.Host(durable.Config{Store: data}, Account)},
//	})
//	ada := durable.Ref(node, Account, "ada")
//	balance, err := durable.Ask[*bankpb.Balance](ctx, ada.With(&bankpb.Deposit{Amount: 5}))
//
// # State
//
// A behavior is [Stateful], its state being one protobuf message that is stored
// when a message has changed it, or [Sourced], its state being what its events made
// of it. After an error or a panic the entity is as it was before that message.
//
// # Shards
//
// The 16384 slots are cut into Config.Shards shards. Each is kept by
// Config.Replicas nodes, one of which, the primary, runs its entities; they are a
// Raft group. An entity handles one message at a time, and so do all entities of a
// shard: a behavior computes and does not wait. While the changes of a message are
// on their way to the other nodes, the next messages are handled; what leaves an
// entity, answers above all, is held until the changes that it may tell of have
// reached their [Level]. docs/durable-entities.md says what each level can lose.
//
// # Errors
//
// [Ask] tells an asker whether a message without an answer was certainly not
// handled ([ErrNotDone]) or may have been ([ErrUnknownOutcome]).
//
// # Concurrency
//
// All functions may be called from any goroutine. The methods of a behavior are
// called one at a time, and a [Context] is valid during one call.
//
// # Not promised
//
// A message is handled at most once. There is no order between the messages of a
// sender who does not await answers while the primary changes. Other nodes than the
// primary may be behind: [Keys], [Count], [Total] and [Peek] tell what this node
// has applied.
package durable
