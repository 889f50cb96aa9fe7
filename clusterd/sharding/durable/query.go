package durable

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/slots"
)

// Row is what a node knows of one shard.
type Row struct {
	Shard       int
	First, Last uint16 // its slots
	// Epoch grows with every primary: the term of the shard's group. 0: nothing
	// is known.
	Epoch uint64
	// Primary is the address of the node that runs the shard's entities; "" =
	// none is known.
	Primary string
	// Replicas are the addresses of the other nodes that have the shard's data,
	// sorted. Those that catch up are not among them.
	Replicas []string
	// To is the address of the node that is to become the primary, "" unless the
	// shard is on the move.
	To string
}

// Table returns the rows of all shards, as far as this node knows. Any goroutine.
func Table(n *clusterd.Node) ([]Row, error) {
	s, err := serviceOf(n)
	if err != nil {
		return nil, err
	}
	return s.shell.table(), nil
}

// RowOf returns the row of the shard that a slot is in. Any goroutine.
func RowOf(n *clusterd.Node, slot uint16) (Row, error) {
	s, err := serviceOf(n)
	if err != nil {
		return Row{}, err
	}
	return s.shell.row(s.shardOf(slot % slots.Count)), nil
}

// Keys returns the ids of the entities of a kind in a slot, sorted, as far as this
// node has applied the shard's log; ErrNoReplica if it does not keep the shard.
func Keys(n *clusterd.Node, kind string, slot uint16) ([]string, error) {
	r, err := replicaOf(n, slot)
	if err != nil {
		return nil, err
	}
	return r.ids(kind, slot), nil
}

// Count returns how many entities of a kind a slot has; else as Keys.
func Count(n *clusterd.Node, kind string, slot uint16) (int, error) {
	r, err := replicaOf(n, slot)
	if err != nil {
		return 0, err
	}
	return r.count(kind, slot), nil
}

// Total returns how many entities of a kind there are in the shards that this
// node is the primary of, or, with replicas, in all that it keeps.
func Total(n *clusterd.Node, kind string, replicas bool) (int, error) {
	s, err := serviceOf(n)
	if err != nil {
		return 0, err
	}
	total := 0
	for shard := range s.cfg.Shards {
		if r := s.shell.replica(shard); r != nil && (replicas || s.router.primary(shard) == s.address) {
			total += r.total(kind)
		}
	}
	return total, nil
}

// Peek reads the state of a [Stateful] where this node keeps it, primary or not,
// as far as it has applied the shard's log: what it sees may be old, and may be
// lost if the entity's level is Async. It reports whether the entity has a state.
func Peek(n *clusterd.Node, kind, id string, into proto.Message) (bool, error) {
	r, err := replicaOf(n, slots.Of(id))
	if err != nil {
		return false, err
	}
	rec := r.get(key{kind, id})
	if rec == nil {
		return false, nil
	}
	return true, proto.Unmarshal(rec.state, into)
}

// ErrStandby: the node keeps replicas and is never a primary (Config.Standby).
var ErrStandby = errors.New("durable: that node is never a primary")

// ErrNoReplica: this node keeps no replica of the shard.
var ErrNoReplica = errors.New("durable: no replica of this shard here")

func replicaOf(n *clusterd.Node, slot uint16) (*replica, error) {
	s, err := serviceOf(n)
	if err != nil {
		return nil, err
	}
	if r := s.shell.replica(s.shardOf(slot % slots.Count)); r != nil {
		return r, nil
	}
	return nil, ErrNoReplica
}

// Transfer makes the node at an address the primary of a slot's shard: a planned
// hand-over, in which no message is lost or handled twice. It may be called on any
// node that knows the primary and returns once the new primary is known here. The
// planner may move the shard again later.
func Transfer(ctx context.Context, n *clusterd.Node, slot uint16, to string) error {
	s, err := serviceOf(n)
	if err != nil {
		return err
	}
	return s.shell.transfer(ctx, s.shardOf(slot%slots.Count), to)
}
