package actor

import (
	"errors"
	"fmt"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor/internal/actorpb"
)

// reasons pairs what travels with what errors.Is finds, in the order in which
// they are tried.
var reasons = [...]struct {
	wire actorpb.Reason
	err  error
}{
	{actorpb.Reason_REASON_NO_ACTOR, ErrNoActor},
	{actorpb.Reason_REASON_STOPPED, ErrStopped},
	{actorpb.Reason_REASON_MAILBOX_FULL, ErrMailboxFull},
	{actorpb.Reason_REASON_NODE_REMOVED, ErrNodeRemoved},
	{actorpb.Reason_REASON_TIMEOUT, ErrTimeout},
	{actorpb.Reason_REASON_MESSAGE_TYPE, ErrMessageType},
	{actorpb.Reason_REASON_NOT_PORTABLE, ErrNotPortable},
	{actorpb.Reason_REASON_UNKNOWN_KIND, ErrUnknownKind},
	{actorpb.Reason_REASON_NAME_TAKEN, ErrNameTaken},
	{actorpb.Reason_REASON_NOT_EXPOSED, ErrNotExposed},
}

// refusal is what an asker gets when its question was not delivered.
func refusal(reason error) *actorpb.Failure {
	for _, r := range reasons {
		if errors.Is(reason, r.err) {
			f := &actorpb.Failure{Reason: r.wire}
			if reason != r.err {
				f.Text = reason.Error()
			}
			return f
		}
	}
	return &actorpb.Failure{Reason: actorpb.Reason_REASON_OTHER, Text: fmt.Sprint(reason)}
}

// failed is what an asker gets when the behavior said no.
func failed(err error) *actorpb.Failure {
	out := &actorpb.Failure{Reason: actorpb.Reason_REASON_FAILED, Text: err.Error()}
	var f *Failure
	if errors.As(err, &f) {
		out.Code = f.Code
	}
	return out
}

// asError is the asker's end of refusal and failed.
func asError(ref string, f *actorpb.Failure) error {
	if f.GetReason() == actorpb.Reason_REASON_FAILED {
		return &Failure{Code: f.GetCode(), Text: f.GetText()}
	}
	for _, r := range reasons {
		if r.wire == f.GetReason() {
			err := r.err
			if err == ErrTimeout {
				err = errLate
			}
			return &AskError{Ref: ref, Err: explain(err, f.GetText())}
		}
	}
	return &AskError{Ref: ref, Err: errors.New(f.GetText())}
}

// reasonText is a sentinel in the words of who met it.
type reasonText struct {
	text string
	err  error
}

func (e *reasonText) Error() string { return e.text }
func (e *reasonText) Unwrap() error { return e.err }

func explain(err error, text string) error {
	if text == "" || text == err.Error() {
		return err
	}
	return &reasonText{text, err}
}

// isRefusal tells an answer that stands for "not delivered" or "failed".
func isRefusal(answer any) bool {
	switch answer.(type) {
	case *actorpb.Failure, *pa.DeadLetterResponse:
		return true
	}
	return false
}
