package wire

import "errors"

// Errors of [Append] and [Decode].
var (
	// ErrTooLarge: the payload, or a length or count in it, exceeds its limit.
	ErrTooLarge = errors.New("wire: too large")
	// ErrMalformed: the payload is no Packet, or lacks what its body needs.
	ErrMalformed = errors.New("wire: malformed packet")
	// ErrUnknownBody: the body is of a type, or of a version, that is not known here.
	ErrUnknownBody = errors.New("wire: unknown body")
)
