package clusterd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// signalPause is how long a second signal counts as the first: some programs
// send one to a process and to its group.
const signalPause = 500 * time.Millisecond

// UntilSignal returns a context that ends with the first SIGINT or SIGTERM, or
// with ctx, and a channel that is closed at the second signal. release gives the
// signals back. For programs that have more to do at a signal than [Node.Run].
func UntilSignal(ctx context.Context) (first context.Context, second <-chan struct{}, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	first, second, end := until(ctx, signals)
	return first, second, func() { signal.Stop(signals); end() }
}

func until(ctx context.Context, signals <-chan os.Signal) (first context.Context, second <-chan struct{}, release func()) {
	first, cancel := context.WithCancel(ctx)
	again, stop, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var at time.Time
		for {
			select {
			case <-signals:
			case <-stop:
				return
			}
			switch {
			case at.IsZero():
				at = time.Now()
				cancel()
			case time.Since(at) >= signalPause:
				close(again)
				return
			}
		}
	}()
	return first, again, func() { close(stop); <-done; cancel() }
}

// Run waits for the end of the node, for the last line of main. SIGINT, SIGTERM
// or the end of ctx make it leave within Config.LeaveTimeout; a second signal
// stops it at once. It returns Err, or why the leave was cut short:
// context.DeadlineExceeded after LeaveTimeout, ErrInterrupted at a second signal.
func (n *Node) Run(ctx context.Context) error {
	first, second, release := UntilSignal(ctx)
	defer release()
	return n.run(first, second)
}

func (n *Node) run(first context.Context, second <-chan struct{}) error {
	select {
	case <-first.Done():
	case <-n.done:
		return n.Err()
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	ctx, release := context.WithTimeout(ctx, n.cfg.LeaveTimeout)
	defer release()
	go func() {
		select {
		case <-second:
			cancel(ErrInterrupted)
		case <-ctx.Done():
		}
	}()
	return errors.Join(n.Leave(ctx), n.Err())
}
