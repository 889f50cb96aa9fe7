// Package wire maps control messages to protobuf and back: [core.Packet], with
// the bodies of the membership engine and of the join machine, to the message
// pando.clusterd.v1.Packet.
//
//	payload, err := wire.Append(nil, packet)        // at the sender
//	packet, err := wire.Decode(from, payload)       // at the receiver
//
// The sender's node is not in the payload: the connection has proved it.
//
// Decode takes anything. It never panics; it looks at every length and count
// before it allocates, and refuses what exceeds the table in limits.go. Append
// refuses the same, so that a fault shows where it is made. What a body must
// never lack (the view of a welcome, say) is there after Decode; whether it
// makes sense is for the engine and the machine to judge.
//
// # Concurrency
//
// Both functions may be called by any goroutine. Append only reads the packet.
// What Decode returns shares nothing with the payload.
package wire
