package reliable

import "errors"

var (
	// ErrFull is TrySend's error while Config.Buffer messages are unconfirmed.
	ErrFull = errors.New("reliable: as many messages are unconfirmed as the buffer holds")
	// ErrClosed is the error of a producer that was closed, or whose system was.
	ErrClosed = errors.New("reliable: the producer is closed")
	// ErrTooLarge is the error of a message beyond Config.MaxMessage.
	ErrTooLarge = errors.New("reliable: message too large")
	// ErrNotPool is AddWorker's error for a producer that has its one consumer.
	ErrNotPool = errors.New("reliable: the producer has one consumer and takes no workers")
)
