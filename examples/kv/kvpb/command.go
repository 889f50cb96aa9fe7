package kvpb

import "google.golang.org/protobuf/proto"

// Command is a message to the entity of a slot: *Batch, *Look or *Tick.
type Command interface {
	proto.Message
	command()
}

func (*Batch) command() {}
func (*Look) command()  {}
func (*Tick) command()  {}
