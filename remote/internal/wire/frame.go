package wire

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Magic is what each side sends first. Its line end shows a connection that
// changes bytes.
const Magic = "PANDO\x00\r\n"

// The limits of protocol version 1.
const (
	HeadLen        = 5         // bytes of length and kind before each body
	MaxHandshake   = 4 << 10   // bytes of a handshake frame's body
	MaxText        = 1 << 10   // bytes of an id, an address, a type or a service name
	MaxEnvelopes   = 1 << 16   // envelopes of one batch
	MaxNames       = 1 << 12   // names of one connection
	MaxNamesBytes  = 256 << 10 // bytes of all these names
	MaxHeaders     = 32        // headers of one envelope
	MaxHeaderBytes = 8 << 10   // bytes of all these headers
	MaxLanes       = 64        // user lanes of one node to another
	MaxTransfers   = 64        // envelopes of one stream that come in fragments at a time
	envelopeSlack  = 64 << 10  // room in a frame for all but the message
)

// Kind tells which message a frame holds.
type Kind byte

// The kinds of frames.
const (
	KindHello Kind = 1 + iota
	KindWelcome
	KindRefusal
	KindDefine
	KindBatch
	KindControl
	KindSystem
	KindAck
	KindSpawn
	KindSpawned
	KindFragment
	KindPacked
)

// String returns the kind as logs print it.
func (k Kind) String() string {
	switch k {
	case KindChallenge:
		return "challenge"
	case KindProof:
		return "proof"
	}
	names := [...]string{"", "hello", "welcome", "refusal", "define", "batch", "control", "system", "ack", "spawn", "spawned", "fragment", "packed"}
	if k == 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind(%d)", byte(k))
	}
	return names[k]
}

// MalformedError tells which rule the bytes of a peer broke.
type MalformedError struct{ Reason string }

// Error returns the reason.
func (e *MalformedError) Error() string { return "malformed: " + e.Reason }

// Malformed returns a [*MalformedError].
func Malformed(format string, args ...any) error {
	return &MalformedError{Reason: fmt.Sprintf(format, args...)}
}

// MaxFrame returns the limit of a frame's body where one message may have
// maxMessage bytes.
func MaxFrame(maxMessage int) int {
	return max(maxMessage, MaxNamesBytes) + envelopeSlack
}

// AppendFrame appends a frame of kind k with the message m.
func AppendFrame(b []byte, k Kind, m proto.Message) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(k))
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		return b[:start], err
	}
	endFrame(b[start:])
	return b, nil
}

// endFrame writes the length into the head of the one frame that b holds.
func endFrame(b []byte) { binary.BigEndian.PutUint32(b, uint32(len(b)-4)) }

// Unmarshal reads the body of a frame into m.
func Unmarshal(k Kind, body []byte, m proto.Message) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return Malformed("%v: %v", k, err)
	}
	return nil
}
