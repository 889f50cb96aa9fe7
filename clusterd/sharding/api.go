// Package sharding: declarations that others build against.
package sharding

import (
	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"google.golang.org/protobuf/proto"
)

// Option of Host.
type Option interface{ option() }

// Host is a service: this node runs entities of k.
func Host[M any](k actor.Kind[M], opts ...Option) clusterd.Service { panic("todo") }

// Ref follows the entity (kind, id); works on any node, hosting or not. ids: 1..512 bytes UTF-8.
func Ref[M any](n *clusterd.Node, k actor.Kind[M], id string) actor.Ref[M] { panic("todo") }

// Home tells the address of the node that hosts the entity, as this node knows; "" = nobody.
func Home(n *clusterd.Node, kind, id string) string { panic("todo") }

// Mover is an optional interface of an entity's behavior: its state moves with
// it in a planned hand-over. Restore is called before the first message.
type Mover interface {
	Snapshot() (proto.Message, error)
	Restore(proto.Message) error
}
