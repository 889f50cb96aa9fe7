package durable

import (
	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
)

// Ref follows the entity of kind k with an id of 1 to 512 bytes of UTF-8,
// wherever its primary is. It never fails: messages to an id that is not allowed,
// or from a node where the kind is not installed, are dead letters. The ref is
// valid on any node of the cluster, and may be kept for ever.
func Ref[M any](n *clusterd.Node, k Kind[M], id string) actor.Ref[M] {
	return actor.EntityRef[M](n.System(), k.Name, id)
}
