package core

import "errors"

// Errors of [Core.Step]. The input was refused and nothing changed. Others come
// from the engine and the join machine.
var (
	// ErrMisaddressed: the packet is for another incarnation than this one.
	ErrMisaddressed = errors.New("core: packet for another incarnation")
	// ErrMalformed: the packet has not exactly one body, or one whose sender or
	// receiver is not the packet's.
	ErrMalformed = errors.New("core: malformed packet")
	// ErrUnknownInput: the input is of no type of this package.
	ErrUnknownInput = errors.New("core: unknown input")
)
