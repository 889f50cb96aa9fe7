package actor

import (
	"context"
	"errors"
	"fmt"
)

// Why a message could not be delivered, an ask not be answered, or an actor not
// be spawned. They are found with errors.Is in what Ask, Send and Spawn return
// and in DeadLetter.Reason.
var (
	// ErrNoActor: nobody has this id at this address.
	ErrNoActor = errors.New("actor: no such actor")
	// ErrStopped: the actor stopped before it took the message, or the system is closed.
	ErrStopped = errors.New("actor: stopped")
	// ErrMailboxFull: a bounded mailbox or lane had no room.
	ErrMailboxFull = errors.New("actor: mailbox full")
	// ErrNodeRemoved: the node of the actor was removed from the cluster.
	ErrNodeRemoved = errors.New("actor: node was removed from the cluster")
	// ErrTimeout: no answer came in time.
	ErrTimeout = errors.New("actor: no answer in time")
	// ErrMessageType: the actor does not accept messages of this type.
	ErrMessageType = errors.New("actor: message of a type that the actor does not accept")
	// ErrNoAsker: an answer for which nobody waits, or does not any more.
	ErrNoAsker = errors.New("actor: nobody waits for this answer")
	// ErrNotPortable: the message cannot be sent to another node.
	ErrNotPortable = errors.New("actor: message cannot be sent to another node")
	// ErrNameTaken: an actor or a kind of this name exists.
	ErrNameTaken = errors.New("actor: name is taken")
	// ErrBadName: the name of an actor or a kind has a form that is not allowed.
	ErrBadName = errors.New("actor: bad name")
	// ErrBadRef: a text is not that of a Ref, or not one of this cluster.
	ErrBadRef = errors.New("actor: bad ref")
	// ErrUnknownKind: the kind was not registered on the node that should start it.
	ErrUnknownKind = errors.New("actor: kind is not registered")
	// ErrNotExposed: the actor's node lets other nodes not reach this name.
	ErrNotExposed = errors.New("actor: not exposed to other nodes")
	// ErrStashFull: the actor has stashed as many messages as it may.
	ErrStashFull = errors.New("actor: stash is full")
)

// errDeadline and errCancelled are how a context ends an ask, errLate how a limit does.
var (
	errDeadline  = fmt.Errorf("%w (%w)", ErrTimeout, context.DeadlineExceeded)
	errLate      = &reasonText{ErrTimeout.Error(), errDeadline}
	errCancelled = fmt.Errorf("actor: ask given up: %w", context.Canceled)
)

// AskError tells why an ask got no answer. It matches exactly one of ErrNoActor,
// ErrStopped, ErrMailboxFull, ErrNodeRemoved, ErrTimeout (which also matches
// context.DeadlineExceeded), context.Canceled, ErrMessageType, ErrNotPortable,
// ErrUnknownKind and ErrNotExposed.
type AskError struct {
	Ref string // whom was asked
	Err error  // why
}

// Error says it in one line.
func (e *AskError) Error() string { return fmt.Sprintf("ask %s: %v", e.Ref, e.Err) }

// Unwrap returns Err.
func (e *AskError) Unwrap() error { return e.Err }

// AnswerTypeError tells that an answer came and is of another type than was asked for.
type AnswerTypeError struct {
	Ref  string // whom was asked
	Got  string // the answer's Go type
	Want string // the Go type that Ask was called with
}

// Error says it in one line.
func (e *AnswerTypeError) Error() string {
	return fmt.Sprintf("ask %s: the answer is a %s, want %s", e.Ref, e.Got, e.Want)
}

// Failure is how a behavior says no: Ask returns it when the behavior returned
// an error, panicked, or called Context.Fail. It crosses the wire.
type Failure struct {
	Code string // for programs; empty unless the behavior chose one, "panic" after a panic
	Text string // for humans
}

// Error says it in one line.
func (e *Failure) Error() string { return e.Text }

// SpawnError tells that an actor could not be made because its constructor failed.
type SpawnError struct {
	Name string // of the actor
	Err  error  // what the constructor did
}

// Error says it in one line.
func (e *SpawnError) Error() string { return fmt.Sprintf("spawn %q: %v", e.Name, e.Err) }

// Unwrap returns Err.
func (e *SpawnError) Unwrap() error { return e.Err }
