package seedjoin

import "errors"

// Errors of [Machine.Step]. The input was refused and nothing changed.
var (
	// ErrMisaddressed: the message is for another incarnation than this one.
	ErrMisaddressed = errors.New("seedjoin: message for another incarnation")
	// ErrMalformed: the message lacks a sender, an address or a body.
	ErrMalformed = errors.New("seedjoin: malformed message")
	// ErrFixedSeeds: the list of seeds is replaced without Symmetric.
	ErrFixedSeeds = errors.New("seedjoin: the list of seeds is fixed")
	// ErrUnknownInput: the input, or a message's body, is of no type of this package.
	ErrUnknownInput = errors.New("seedjoin: unknown input")
)
