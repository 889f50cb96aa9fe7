package mailbox

import (
	"fmt"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
)

// manual is a dispatcher of another package that runs only when it is told to.
type manual struct {
	queue      []func()
	throughput int
}

func (d *manual) Schedule(fn func()) { d.queue = append(d.queue, fn) }
func (d *manual) Throughput() int    { return d.throughput }

func (d *manual) step() bool {
	if len(d.queue) == 0 {
		return false
	}
	fn := d.queue[0]
	d.queue = d.queue[1:]
	fn()
	return true
}

func (d *manual) runAll() {
	for d.step() {
	}
}

// sink records what a mailbox does with its messages.
type sink struct {
	got      []string
	refused  []string
	onUser   func(msg any)
	onSystem func(msg any)
}

func (s *sink) InvokeSystemMessage(m any) {
	s.got = append(s.got, fmt.Sprint("system ", m))
	if s.onSystem != nil {
		s.onSystem(m)
	}
}

func (s *sink) InvokeUserMessage(m any) {
	s.got = append(s.got, text(m))
	if s.onUser != nil {
		s.onUser(m)
	}
}

func (s *sink) EscalateFailure(reason, m any) {
	s.got = append(s.got, fmt.Sprintf("failed %s: %v", text(m), reason))
}

func (s *sink) Refuse(m any, reason error) {
	s.refused = append(s.refused, fmt.Sprintf("%s: %v", text(m), reason))
}

// quiet is an invoker that keeps nothing.
type quiet struct{ onUser func(any) }

func (*quiet) InvokeSystemMessage(any)   {}
func (q *quiet) InvokeUserMessage(m any) { q.onUser(m) }
func (*quiet) EscalateFailure(_, _ any)  {}

// answerer is told who asks without an envelope.
type answerer struct {
	quiet
	onUser func(msg any, from *pa.PID)
}

func (a *answerer) InvokeFrom(m any, from *pa.PID) { a.onUser(m, from) }

func newBox(p Producer, inv pa.MessageInvoker, d pa.Dispatcher) *Box {
	b := p().(*Box)
	b.Init(inv, d)
	b.Start()
	return b
}

func start(t *testing.T, p Producer) (*Box, *sink, *manual) {
	t.Helper()
	s, d := &sink{}, &manual{throughput: 100}
	return newBox(p, s, d), s, d
}

func wantGot(t *testing.T, s *sink, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.got); diff != "" {
		t.Errorf("invoked (-want +got):\n%s", diff)
	}
}

func wantRefused(t *testing.T, s *sink, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

type batch []any

func (b batch) GetMessages() []any { return b }

// sameRank never prefers a message to another.
func sameRank(any) int { return 0 }

// kinds are all mailboxes there are, set so that those tests which want no more
// than a queue find one.
var kinds = map[string]func() Producer{
	"unbounded":     Unbounded,
	"drop newest":   func() Producer { return Bounded(1<<20, DropNewest) },
	"drop oldest":   func() Producer { return Bounded(1<<20, DropOldest) },
	"fail":          func() Producer { return Bounded(1<<20, Fail) },
	"back-pressure": func() Producer { return Bounded(1<<20, BackPressure) },
	"priority":      func() Producer { return StablePriority(3, sameRank) },
	"priority func": func() Producer { return StablePriorityFunc(func(_, _ any) bool { return false }) },
	"control aware": func() Producer { return ControlAware(nil) },
}

// forEachKind runs a test for every kind of mailbox.
func forEachKind(t *testing.T, f func(t *testing.T, p Producer)) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) { f(t, make()) })
	}
}

// text shows a message without its envelope.
func text(msg any) string { return fmt.Sprint(bare(msg)) }
