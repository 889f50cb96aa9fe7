package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/pando-go/pando/actor"
)

// What [Ask] returns when there is no answer. Every error of it that is not the
// behavior's own matches ErrNotDone or ErrUnknownOutcome, so an asker always
// knows whether asking again can do a thing twice.
var (
	// ErrNotDone: the message was not handled, and never will be. Ask again.
	ErrNotDone = errors.New("durable: the message was not handled")
	// ErrUnknownOutcome: the message may have been handled and its change may be
	// durable, or not: the primary was lost, or no answer came in time.
	ErrUnknownOutcome = errors.New("durable: it is unknown whether the message was handled")

	// ErrNoPrimary: the shard had no primary for too long, for instance since no
	// quorum of its group is reachable. Matches ErrNotDone.
	ErrNoPrimary = fmt.Errorf("%w: its shard has no primary", ErrNotDone)
	// ErrFull: too many messages wait for the shard. Matches ErrNotDone.
	ErrFull = fmt.Errorf("%w: too many wait for its shard", ErrNotDone)
	// ErrStopped: this node has stopped. Matches ErrNotDone.
	ErrStopped = fmt.Errorf("%w: the node has stopped", ErrNotDone)
	// ErrTooLarge: what a message changed does not fit into one command of 3 MiB.
	// Matches ErrNotDone.
	ErrTooLarge = fmt.Errorf("%w: its change is too large", ErrNotDone)
	// ErrBadID: the id is not 1 to 512 bytes of UTF-8, or the kind is not known
	// where the message arrived. Matches ErrNotDone.
	ErrBadID = fmt.Errorf("%w: there is no such entity", ErrNotDone)
)

// ErrForeignStore is logged, and told by [Status], when this node's store belongs
// to another cluster's data than that of the nodes around it. Nothing of it is
// used, nor changed.
var ErrForeignStore = errors.New("durable: the store belongs to other data than the cluster's")

// codes are how an error travels to an asker on another node.
var codes = []struct {
	code string
	err  error
}{
	{"durable.no-primary", ErrNoPrimary},
	{"durable.full", ErrFull},
	{"durable.stopped", ErrStopped},
	{"durable.bad-id", ErrBadID},
	{"durable.too-large", ErrTooLarge},
	{"durable.not-done", ErrNotDone},
	{"durable.unknown-outcome", ErrUnknownOutcome},
}

// failure is the form in which an error travels.
func failure(err error) *actor.Failure {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return &actor.Failure{Code: c.code, Text: err.Error()}
		}
	}
	return &actor.Failure{Text: err.Error()}
}

// Ask is actor.Ask whose errors tell what became of the message: the behavior's
// own *actor.Failure; *actor.AnswerTypeError; or one that matches [ErrNotDone] or
// [ErrUnknownOutcome].
func Ask[R any](ctx context.Context, e actor.Envelope) (R, error) {
	answer, err := actor.Ask[R](ctx, e)
	return answer, outcome(err)
}

// outcome puts an ask's error into the words of this package.
func outcome(err error) error {
	var f *actor.Failure
	var a *actor.AskError
	switch {
	case errors.As(err, &f):
		for _, c := range codes {
			if f.Code == c.code {
				return c.err
			}
		}
	case errors.As(err, &a):
		for _, never := range []error{actor.ErrNoActor, actor.ErrMailboxFull, actor.ErrNotPortable, actor.ErrMessageType} {
			if errors.Is(err, never) {
				return fmt.Errorf("%w: %w", ErrNotDone, err)
			}
		}
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}
