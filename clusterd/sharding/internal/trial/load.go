package trial

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/slots"
)

// Load is clients at work: each key has a few, some of which write and some read,
// one operation after the other.
type Load struct {
	Acked atomic.Int64 // writes
	Read  atomic.Int64
	// NotDone and Unknown count the operations that ended with these errors.
	NotDone atomic.Int64
	Unknown atomic.Int64

	c      *Cluster
	keys   []string
	cancel context.CancelFunc
	done   sync.WaitGroup
	start  time.Time

	mu      sync.Mutex
	history map[string][]porcupine.Operation // by key
	last    map[string]time.Time             // a write of the key was acknowledged
	gaps    map[string]time.Duration         // the longest between two of them
	finals  map[string]string                // what was read when nobody wrote any more
	open    map[string]bool                  // writes that may happen at any later time
}

// op is what a client does: it writes value, or reads if that is "".
type op struct{ value string }

// Begin starts clients for n new keys, whose names begin with name; perKey clients
// for each, at least 2.
func (c *Cluster) Begin(ctx context.Context, name string, n, perKey int) *Load {
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{
		c: c, cancel: cancel, start: time.Now(),
		history: map[string][]porcupine.Operation{}, last: map[string]time.Time{}, gaps: map[string]time.Duration{},
		finals: map[string]string{}, open: map[string]bool{},
	}
	for i := range n {
		key := fmt.Sprintf("%s key %d", name, i)
		l.keys = append(l.keys, key)
		for j := range perKey {
			l.done.Go(func() { l.client(ctx, key, i*perKey+j, j%2 == 0) })
		}
	}
	return l
}

// client does one operation after the other. After a write whose outcome is unknown it
// reads until it is answered: so few of them are open at a time, and the checker, for
// which such a write may happen at any later moment, comes to an end.
func (l *Load) client(ctx context.Context, key string, id int, writes bool) {
	ref := durable.Ref(l.c.Node, Register(l.c.Plan.Level), key)
	unsure := false
	for n := 0; ctx.Err() == nil; n++ {
		in := op{}
		if writes && !unsure {
			in.value = fmt.Sprintf("%d.%d", id, n)
		}
		call := time.Since(l.start)
		answer, err := durable.Ask[*wrapperspb.StringValue](ctx, ref.With(wrapperspb.String(in.value)).Within(l.c.Plan.Patience))
		l.note(key, id, in, call, answer.GetValue(), err)
		if ctx.Err() == nil { // else it was given up, since the load ends
			l.count(err)
		}
		unsure = err != nil && !errors.Is(err, durable.ErrNotDone)
		var f *actor.Failure
		if errors.As(err, &f) {
			return
		}
		time.Sleep(l.c.Plan.Pause)
	}
}

// note adds an operation to the history.
func (l *Load) note(key string, id int, in op, call time.Duration, out string, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	o := porcupine.Operation{ClientId: id, Input: in, Call: int64(call), Output: out, Return: int64(now.Sub(l.start))}
	switch {
	case err == nil && in.value != "":
		l.Acked.Add(1)
		if last, ok := l.last[key]; ok {
			l.gaps[key] = max(l.gaps[key], now.Sub(last))
		}
		l.last[key] = now
	case err == nil:
		l.Read.Add(1)
	case errors.Is(err, durable.ErrNotDone), in.value == "":
		return // it did nothing, or told nothing
	default:
		o.Return, o.Output = 1<<62, "?" // it may happen at any time from now on
		l.open[key+" "+in.value] = true
	}
	l.history[key] = append(l.history[key], o)
}

func (l *Load) count(err error) {
	switch {
	case errors.Is(err, durable.ErrNotDone):
		l.NotDone.Add(1)
	case errors.Is(err, durable.ErrUnknownOutcome):
		l.Unknown.Add(1)
		l.c.fault(err)
	}
}

// Gap returns the longest time, since the last call, in which a client waited for a
// write of a key that accept lets pass to be acknowledged. A nil accept lets all pass.
func (l *Load) Gap(accept func(key string) bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var most time.Duration
	for key, gap := range l.gaps {
		if accept == nil || accept(key) {
			most = max(most, gap)
		}
	}
	clear(l.gaps)
	return most
}

// Caught reports whether each key had a write acknowledged since a moment.
func (l *Load) Caught(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range l.keys {
		if !l.last[key].After(since) {
			return false
		}
	}
	return true
}

// WaitAll waits until each key had a write acknowledged since a moment: a minute, of
// which only the time counts in which the machine lets this process run.
func (l *Load) WaitAll(since time.Time) error {
	spent := time.Duration(0)
	for last := time.Now(); !l.Caught(since); time.Sleep(time.Millisecond) {
		spent, last = spent+min(time.Since(last), 2*time.Millisecond), time.Now()
		if spent > time.Minute {
			return fmt.Errorf("no writes for a minute, the machine was late by up to %v: %v", l.c.Late(), l.stuck(since))
		}
	}
	return nil
}

// stuck are the shards of keys that were not written since a moment, as this
// process's node sees them.
func (l *Load) stuck(since time.Time) (rows []durable.Row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range l.keys {
		if row, err := durable.RowOf(l.c.Node, slots.Of(key)); err == nil && !l.last[key].After(since) {
			rows = append(rows, row)
		}
	}
	return rows
}

// PrimaryOf returns the address of a key's primary.
func (l *Load) PrimaryOf(key string) string {
	row, err := durable.RowOf(l.c.Node, slots.Of(key))
	if err != nil {
		return ""
	}
	return row.Primary
}

// End stops the clients and checks all histories: each key is a register, so an
// acknowledged write that was lost shows as a read of an older value. It returns
// the keys whose history is not linearizable, and those that took too long to tell.
func (l *Load) End() (bad, unknown []string) {
	l.cancel()
	l.done.Wait()
	for _, key := range l.keys {
		l.final(key)
		switch porcupine.CheckOperationsTimeout(model, l.history[key], time.Minute) {
		case porcupine.Illegal:
			bad = append(bad, key)
		case porcupine.Unknown:
			unknown = append(unknown, key)
		}
	}
	l.history = nil
	return bad, unknown
}

// final reads a key once more, when nobody writes.
func (l *Load) final(key string) {
	call := time.Since(l.start)
	value := l.look(key)
	l.note(key, 0, op{}, call, value, nil)
	l.finals[key] = value
}

// look reads a key, for a minute if need be.
func (l *Load) look(key string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ref := durable.Ref(l.c.Node, Register(l.c.Plan.Level), key)
	for ctx.Err() == nil {
		answer, err := durable.Ask[*wrapperspb.StringValue](ctx, ref.With(wrapperspb.String("")).Within(l.c.Plan.Patience))
		if err == nil {
			return answer.GetValue()
		}
	}
	return "no answer"
}

// Changed returns the keys whose value is not what it was at the End, nor that of a
// write that was under way then.
func (l *Load) Changed() (keys []string) {
	for _, key := range l.keys {
		if now := l.look(key); now != l.finals[key] && !l.open[key+" "+now] {
			keys = append(keys, fmt.Sprintf("%s: %q is now %q", key, l.finals[key], now))
		}
	}
	return keys
}

// model is a register that is empty at first.
var model = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		in, now := input.(op), state.(string)
		if in.value != "" {
			return true, in.value
		}
		return output.(string) == now, now
	},
	Equal: func(a, b any) bool { return a == b },
}

// Keys returns the keys in use.
func (l *Load) Keys() []string { return l.keys }
