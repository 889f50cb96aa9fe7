package actortest

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/mailbox"
)

// Patience is how long expectations wait, in virtual time.
const Patience = 3 * time.Second

// closeTimeout is how long actors may take to stop at the end, in virtual time.
const closeTimeout = time.Minute

// throughput is how many messages an actor handles before others get a turn.
const throughput = 300

// Kit is a system for one test and what was seen of it. It is also the test inside
// the bubble: its Errorf and Fatalf are the right ones, those of the t that was
// passed to Run are not.
type Kit struct {
	testing.TB
	sys *actor.System
	log log
}

// Run calls f in a bubble with a fresh system. When f returns, all actors are
// stopped; the test fails if one does not stop, or if a goroutine is left. What
// the system logs is shown when the test fails.
func Run(t *testing.T, f func(k *Kit)) {
	t.Helper()
	// A goroutine a turn: unlike a pool, it needs no time to find out that an actor
	// blocks, so nothing is left undone when the bubble settles.
	run(t, pa.NewDefaultDispatcher(throughput), f)
}

// RunInline is Run with a synchronous system: when a Tell returns, the message has
// been handled on the sender's goroutine, and all that follows from it as well, in
// an order that is always the same. An actor that blocks then blocks its sender.
func RunInline(t *testing.T, f func(k *Kit)) {
	t.Helper()
	run(t, new(mailbox.Inline), f)
}

func run(t *testing.T, d pa.Dispatcher, f func(k *Kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		k := &Kit{TB: t, sys: newSystem(t, d)}
		k.log.listen(k.sys)
		defer k.close()
		f(k)
	})
}

func newSystem(t testing.TB, d pa.Dispatcher) *actor.System {
	t.Helper()
	sys, err := actor.NewSystem(actor.Config{
		Name: "test", UID: 1, Small: true, Dispatcher: d,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{ReplaceAttr: withoutTime})),
	})
	if err != nil {
		t.Fatalf("actortest: %v", err)
	}
	return sys
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

// close stops everything. A goroutine that is left then makes the bubble fail.
func (k *Kit) close() {
	k.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := k.sys.Close(ctx); err != nil {
		k.Errorf("actortest: an actor blocks for ever: its system did not stop within %v: %v", closeTimeout, err)
	}
}

// System is the system under test. It is closed when the test ends.
func (k *Kit) System() *actor.System { return k.sys }

// Settle waits until nothing moves: every message is handled, except those for an
// actor that blocks, and every goroutine waits for a timer or for the test. Time
// does not pass meanwhile.
func (k *Kit) Settle() { synctest.Wait() }

// Advance lets d of virtual time pass, and then settles. Timers that are due
// within d fire, each at its own moment.
func (k *Kit) Advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// DeadLetters settles and returns the messages that could not be delivered so
// far, oldest first.
func (k *Kit) DeadLetters() []*actor.DeadLetter {
	k.Settle()
	return k.log.deadLetters()
}

// Faults settles and returns the failures of actors so far, oldest first.
func (k *Kit) Faults() []*actor.Fault {
	k.Settle()
	return k.log.faults()
}

// Spawn starts an actor without a name. For a name or a parent use actor.Spawn.
func Spawn[M any](k *Kit, new func() actor.Behavior[M], opts ...actor.SpawnOption) actor.Ref[M] {
	k.Helper()
	ref, err := actor.Spawn(k.sys, "", new, opts...)
	if err != nil {
		k.Fatalf("actortest: %v", err)
	}
	return ref
}

// Ask asks and returns the answer. The test fails if there is none within
// Patience, or another one than an R; actor.Ask is for answers that are errors.
func Ask[R any](k *Kit, e actor.Envelope) R {
	k.Helper()
	ctx, cancel := context.WithTimeout(k.Context(), Patience)
	defer cancel()
	r, err := actor.Ask[R](ctx, e)
	if err != nil {
		k.Fatalf("Ask: %v%s", err, k.log.hints())
	}
	return r
}

// Stop lets an actor finish what is queued and waits until it has stopped. The
// test fails if that takes longer than Patience.
func (k *Kit) Stop(who actor.Addressable) {
	k.Helper()
	ctx, cancel := context.WithTimeout(k.Context(), Patience)
	defer cancel()
	if err := actor.Stop(ctx, who); err != nil {
		k.Fatalf("Stop: %v", err)
	}
}
