package mailbox

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
)

// CI runs a share; the whole volume is
//
//	go test -race -run 'TestModel|TestSchedules' ./mailbox -schedules 100000
var schedules = flag.Int("schedules", 400, "random schedules per test, divided among the kinds of mailbox")

// firstSeed repeats a failure: -run TestModel/KIND -seed N -schedules 1.
var firstSeed = flag.Uint64("seed", 0, "seed of the first random schedule")

// entry is a message of the model test.
type entry struct {
	name   string
	rank   int
	exempt bool
	fails  bool
}

func (e *entry) String() string { return e.name }

// exemptEntry is an entry that no limit may cost.
type exemptEntry struct{ *entry }

func (exemptEntry) ExemptFromLimit() {}

// entryOf finds the entry in a message.
func entryOf(msg any) *entry {
	switch m := bare(msg).(type) {
	case *entry:
		return m
	case exemptEntry:
		return m.entry
	}
	return nil
}

// model is the obvious version of a mailbox: plain lists, searched.
type model struct {
	user, system []any
	ranked       bool
	limit        int // 0: none
	policy       Policy
	suspended    bool
	closed       bool
	got, refused []string
}

func (m *model) post(msg any) {
	switch {
	case m.closed:
		m.refuse(msg, ErrClosed)
	case m.limit == 0 || len(m.user) < m.limit || entryOf(msg).exempt:
		m.user = append(m.user, msg)
	case m.policy == DropOldest && !entryOf(m.user[0]).exempt:
		m.refuse(m.user[0], errDisplaced)
		m.user = append(m.user[1:], msg)
	default:
		m.refuse(msg, ErrFull)
	}
}

// postWait is postWait with a context that has ended, but too late to be noticed
// unless it would wait.
func (m *model) postWait(msg any) error {
	full := m.limit > 0 && len(m.user) >= m.limit && !entryOf(msg).exempt
	switch {
	case m.closed:
		return ErrClosed
	case full && m.policy == Fail:
		return ErrFull
	}
	m.post(msg)
	return nil
}

func (m *model) refuse(msg any, reason error) {
	m.refused = append(m.refused, fmt.Sprintf("%v: %v", entryOf(msg), reason))
}

func (m *model) runnable() bool {
	return len(m.system) > 0 || !m.suspended && len(m.user) > 0
}

// turn handles up to limit messages.
func (m *model) turn(limit int) {
	for range limit {
		switch {
		case len(m.system) > 0:
			m.invokeSystem()
		case len(m.user) > 0 && !m.suspended:
			msg := m.takeUser()
			m.got = append(m.got, msg.name)
			if msg.fails {
				m.got = append(m.got, fmt.Sprintf("failed %s: boom", msg.name))
				return
			}
		default:
			return
		}
	}
}

func (m *model) takeUser() *entry {
	first := 0
	for i, msg := range m.user {
		if m.ranked && entryOf(msg).rank < entryOf(m.user[first]).rank {
			first = i
		}
	}
	msg := m.user[first]
	m.user = slices.Delete(m.user, first, first+1)
	return entryOf(msg)
}

func (m *model) invokeSystem() {
	msg := m.system[0]
	m.system = m.system[1:]
	switch msg {
	case "suspend":
		m.suspended = true
	case "resume":
		m.suspended = false
	case "close":
		m.got = append(m.got, "system close")
		m.closed = true
		for len(m.user) > 0 {
			m.refuse(m.takeUser(), ErrClosed)
		}
	default:
		m.got = append(m.got, fmt.Sprint("system ", msg))
	}
}

// modelled are the kinds of mailbox with their models.
var modelled = map[string]struct {
	make   func(limit int) Producer
	ranked bool
	policy Policy
	limits bool
}{
	"unbounded":     {make: func(int) Producer { return Unbounded() }},
	"drop newest":   {make: func(n int) Producer { return Bounded(n, DropNewest) }, policy: DropNewest, limits: true},
	"drop oldest":   {make: func(n int) Producer { return Bounded(n, DropOldest) }, policy: DropOldest, limits: true},
	"fail":          {make: func(n int) Producer { return Bounded(n, Fail) }, policy: Fail, limits: true},
	"back-pressure": {make: func(n int) Producer { return Bounded(n, BackPressure) }, policy: BackPressure, limits: true},
	"priority":      {make: func(int) Producer { return StablePriority(4, rankOf) }, ranked: true},
	"priority func": {make: func(int) Producer {
		return StablePriorityFunc(func(a, b any) bool { return rankOf(a) < rankOf(b) })
	}, ranked: true},
	"control aware": {make: func(int) Producer {
		return ControlAware(func(m any) bool { return rankOf(m) == 0 })
	}, ranked: true},
}

func rankOf(msg any) int { return entryOf(msg).rank }

// TestModel compares random histories, step by step, with the model.
func TestModel(t *testing.T) {
	for name, kind := range modelled {
		t.Run(name, func(t *testing.T) {
			for i := range max(1, *schedules/len(modelled)) {
				seed := *firstSeed + uint64(i)
				rng := rand.New(rand.NewPCG(seed, 1))
				h := &history{rng: rng, ranks: 4, ref: &model{ranked: kind.ranked, policy: kind.policy}}
				if kind.limits {
					h.ref.limit = 1 + rng.IntN(8)
				}
				if name == "control aware" {
					h.ranks = 2
				}
				h.run(t, kind.make(h.ref.limit))
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// history is one random run of a mailbox and its model.
type history struct {
	rng   *rand.Rand
	ranks int
	count int
	ref   *model
	box   *Box
	sink  *sink
	d     *manual

	got, refused int // how much has been compared
}

// same compares what has been added to two lists.
func same(t *testing.T, what string, from *int, want, got []string) {
	t.Helper()
	if !slices.Equal(want[*from:], got[min(*from, len(got)):]) {
		t.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
	*from = len(want)
}

func (h *history) run(t *testing.T, p Producer) {
	h.sink, h.d = &sink{}, &manual{throughput: 1 + h.rng.IntN(5)}
	h.sink.onUser = func(msg any) {
		if entryOf(msg).fails {
			panic("boom")
		}
	}
	h.sink.onSystem = func(msg any) {
		if msg == "close" {
			h.box.Close(func(m any) { h.sink.Refuse(m, ErrClosed) })
		}
	}
	h.box = newBox(p, h.sink, h.d)
	for range 100 + h.rng.IntN(100) {
		h.step(t)
		h.check(t)
		if t.Failed() {
			return
		}
	}
	h.box.PostSystemMessage(&pa.ResumeMailbox{})
	h.ref.system = append(h.ref.system, "resume")
	for h.d.step() {
		h.ref.turn(h.d.throughput)
	}
	h.check(t)
	wantEmpty(t, h.box)
}

func (h *history) step(t *testing.T) {
	switch h.rng.IntN(40) {
	case 0, 1:
		h.system(&pa.SuspendMailbox{}, "suspend")
	case 2, 3, 4:
		h.system(&pa.ResumeMailbox{}, "resume")
	case 5, 6, 7:
		h.count++
		h.system(h.count, h.count)
	case 8:
		if h.rng.IntN(20) == 0 {
			h.system("close", "close")
		}
	case 9, 10:
		var b batch
		for range h.rng.IntN(5) {
			b = append(b, h.entry())
		}
		h.box.PostUserMessage(b)
		for _, m := range b {
			h.ref.post(m)
		}
	case 11, 12, 13:
		h.postWait(t)
	case 14:
		for range 3 * chunkLen {
			h.post()
		}
	case 15, 16, 17, 18, 19, 20, 21, 22:
		if h.d.step() {
			h.ref.turn(h.d.throughput)
		}
	default:
		h.post()
	}
}

// entry makes a message, in an envelope or not.
func (h *history) entry() any {
	h.count++
	e := &entry{name: fmt.Sprint("m", h.count), rank: h.rng.IntN(h.ranks), fails: h.rng.IntN(50) == 0, exempt: h.rng.IntN(30) == 0}
	var msg any = e
	if e.exempt {
		msg = exemptEntry{e}
	}
	if h.rng.IntN(5) == 0 {
		msg = &pa.MessageEnvelope{Message: msg}
	}
	return msg
}

func (h *history) post() {
	msg := h.entry()
	if _, wrapped := msg.(*pa.MessageEnvelope); !wrapped && h.rng.IntN(4) == 0 {
		h.box.PostFrom(msg, asker)
	} else {
		h.box.PostUserMessage(msg)
	}
	h.ref.post(msg)
}

var asker = &pa.PID{Id: "asker"}

// postWait posts what would not have to wait.
func (h *history) postWait(t *testing.T) {
	m := h.ref
	if m.policy == BackPressure && m.limit > 0 && len(m.user) >= m.limit {
		return
	}
	msg := h.entry()
	got, want := h.box.PostWait(t.Context(), msg), h.ref.postWait(msg)
	if !errors.Is(got, want) {
		t.Errorf("PostWait(%v) = %v, want %v", entryOf(msg), got, want)
	}
}

func (h *history) system(msg, inModel any) {
	h.box.PostSystemMessage(msg)
	h.ref.system = append(h.ref.system, inModel)
}

func (h *history) check(t *testing.T) {
	t.Helper()
	same(t, "invoked", &h.got, h.ref.got, h.sink.got)
	same(t, "refused", &h.refused, h.ref.refused, h.sink.refused)
	wantCount(t, h.box, len(h.ref.user))
	if h.ref.runnable() && len(h.d.queue) == 0 {
		t.Error("there is work, and the mailbox is not scheduled")
	}
	if len(h.d.queue) > 1 {
		t.Error("the mailbox is scheduled twice")
	}
}
