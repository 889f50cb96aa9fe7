package sharding

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
)

// Mover is an optional interface of an entity's behavior: its state moves with
// it in a planned hand-over. Entities without it start afresh at the new home.
//
// Snapshot is called on the entity's goroutine when it will handle no further
// message; nil means that there is nothing to move. Restore is called at the new
// home before Started and the first message. A behavior that Become put in place
// of the one that New returned is not asked. State of more than 16 MiB is lost.
type Mover interface {
	Snapshot() (proto.Message, error)
	Restore(proto.Message) error
}

// maxState bounds one entity's state, in bytes.
const maxState = 16 << 20

// snapshot asks a behavior for its state. Without one it returns nil.
func snapshot(behavior any, id string) (*shardpb.Entity, error) {
	mover, ok := behavior.(Mover)
	if !ok {
		return nil, nil
	}
	m, err := mover.Snapshot()
	if err != nil || m == nil {
		return nil, err
	}
	state, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(state) > maxState {
		return nil, fmt.Errorf("state of %d bytes, want at most %d", len(state), maxState)
	}
	return &shardpb.Entity{Id: id, Type: string(m.ProtoReflect().Descriptor().FullName()), State: state}, nil
}

// restore gives a behavior the state that it had at its former home.
func restore(behavior any, e *shardpb.Entity) error {
	mover, ok := behavior.(Mover)
	if !ok {
		return fmt.Errorf("%T has no Restore", behavior)
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(e.GetType()))
	if err != nil {
		return fmt.Errorf("state of type %q: %w", e.GetType(), err)
	}
	m := t.New().Interface()
	if err := proto.Unmarshal(e.GetState(), m); err != nil {
		return fmt.Errorf("state of type %q: %w", e.GetType(), err)
	}
	return mover.Restore(m)
}
