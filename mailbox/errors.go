package mailbox

import (
	"errors"
	"fmt"
)

// Why a mailbox did not take a message. They are found with errors.Is in what
// PostWait returns and in what a [Refuser] is told.
var (
	// ErrFull: the mailbox holds as many messages as it may.
	ErrFull = errors.New("mailbox: full")
	// ErrClosed: the mailbox was closed, so nobody will take the message.
	ErrClosed = errors.New("mailbox: closed")
	// ErrSelfSend: an actor's PostWait to its own full mailbox, which would wait
	// for itself. It matches ErrFull.
	ErrSelfSend = fmt.Errorf("%w, and only the sender itself could make room", ErrFull)
)

// errDisplaced is the reason for what DropOldest gives up.
var errDisplaced = fmt.Errorf("%w, a newer message took the place", ErrFull)

// ErrGoexit is the failure, in EscalateFailure, of an actor that called
// runtime.Goexit, as a test's FailNow does. It is no panic and has no stack.
var ErrGoexit = errors.New("mailbox: the actor called runtime.Goexit")
