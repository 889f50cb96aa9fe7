package mailbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
)

func tens(msg any) int { return msg.(int) / 10 }

func TestPriorityIsStable(t *testing.T) {
	for name, p := range map[string]Producer{
		"levels": StablePriority(4, tens),
		"func":   StablePriorityFunc(func(a, b any) bool { return tens(a) < tens(b) }),
	} {
		t.Run(name, func(t *testing.T) {
			b, s, d := start(t, p)
			for _, m := range []int{31, 11, 32, 1, 12, 2} {
				b.PostUserMessage(m)
			}
			b.PostUserMessage(&pa.MessageEnvelope{Message: 13})
			d.runAll()
			wantGot(t, s, "1", "2", "11", "12", "13", "31", "32")
		})
	}
}

func TestUrgentMessageOvertakesWhatWasTakenAlready(t *testing.T) {
	b, s, d := start(t, StablePriority(4, tens))
	s.onUser = func(msg any) {
		if msg == 11 {
			b.PostUserMessage(1)
		}
	}
	b.PostUserMessage(11)
	b.PostUserMessage(12)
	d.runAll()
	wantGot(t, s, "11", "1", "12")
}

func TestLevelsBeyondTheLast(t *testing.T) {
	b, s, d := start(t, StablePriority(2, func(msg any) int { return msg.(int) }))
	for _, m := range []int{7, 1, -3, 0} {
		b.PostUserMessage(m)
	}
	d.runAll()
	wantGot(t, s, "-3", "0", "7", "1")
}

type stopNow string

func (stopNow) ControlMessage() {}

func TestControlMessagesOvertake(t *testing.T) {
	for name, p := range map[string]Producer{
		"marker":    ControlAware(nil),
		"predicate": ControlAware(func(m any) bool { _, ok := m.(stopNow); return ok }),
	} {
		t.Run(name, func(t *testing.T) {
			b, s, d := start(t, p)
			for _, m := range []any{1, stopNow("a"), 2, stopNow("b")} {
				b.PostUserMessage(m)
			}
			b.PostUserMessage(&pa.MessageEnvelope{Message: stopNow("c")})
			d.runAll()
			wantGot(t, s, "a", "b", "c", "1", "2")
		})
	}
}

// TestPanicWhileRanking loses the message that cannot be ranked, and no other.
func TestPanicWhileRanking(t *testing.T) {
	for name, p := range map[string]Producer{
		"levels": StablePriority(4, tens),
		"func":   StablePriorityFunc(func(a, b any) bool { return tens(a) < tens(b) }),
	} {
		t.Run(name, func(t *testing.T) {
			b, s, d := start(t, p)
			for _, m := range []any{31, 11, "no number", 1} {
				b.PostUserMessage(m)
			}
			d.runAll()
			if len(s.got) != 4 || s.got[0][:len("failed no number: ")] != "failed no number: " {
				t.Fatalf("invoked %q, want the failure first and three messages", s.got)
			}
			if diff := cmp.Diff([]string{"1", "11", "31"}, s.got[1:]); diff != "" {
				t.Errorf("invoked after the failure (-want +got):\n%s", diff)
			}
			wantEmpty(t, b)
		})
	}
}

func TestCloseWithWhatCannotBeRanked(t *testing.T) {
	b, s, d := start(t, StablePriority(4, tens))
	var left []string
	s.onSystem = func(any) { b.Close(func(m any) { left = append(left, fmt.Sprint(m)) }) }
	for _, m := range []any{31, "no number", 1} {
		b.PostUserMessage(m)
	}
	b.PostSystemMessage("stop")
	d.runAll()
	if diff := cmp.Diff([]string{"no number", "1", "31"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// TestHeapAgainstSort compares the heap with a stable sort, while less panics at
// times: then the heap must be as it was.
func TestHeapAgainstSort(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		bomb := 0
		p := StablePriorityFunc(func(a, b any) bool {
			if bomb--; bomb == 0 {
				panic("boom")
			}
			return a.([2]int)[0] < b.([2]int)[0]
		})
		h := p().(*Box).wiring.order.(*heap)
		var ref [][2]int
		for i := range 300 {
			if rng.IntN(3) > 0 || h.len() == 0 {
				m := [2]int{rng.IntN(10), i}
				bomb = rng.IntN(20)
				if tryAdd(h, letter{msg: m}) {
					ref = append(ref, m)
					slices.SortStableFunc(ref, func(a, b [2]int) int { return a[0] - b[0] })
				}
				continue
			}
			bomb = rng.IntN(40)
			if got, ok := tryNext(h); ok {
				if got != ref[0] {
					t.Fatalf("seed %d: next = %v, want %v", seed, got, ref[0])
				}
				ref = ref[1:]
			}
			if h.len() != len(ref) {
				t.Fatalf("seed %d: len = %d, want %d", seed, h.len(), len(ref))
			}
		}
	}
}

func tryNext(h *heap) (msg any, ok bool) {
	defer func() { _ = recover() }()
	return h.next().msg, true
}

func TestHeapGivesUpABurst(t *testing.T) {
	b, _, d := start(t, StablePriorityFunc(func(a, b any) bool { return a.(int) < b.(int) }))
	for i := range 10 * keepHeap {
		b.PostUserMessage(-i)
	}
	d.runAll()
	wantEmpty(t, b)
	h := b.wiring.order.(*heap)
	h.provide()
	if got := cap(h.items); got > keepHeap {
		t.Errorf("a burst left %d slots behind, want at most %d", got, keepHeap)
	}
}
