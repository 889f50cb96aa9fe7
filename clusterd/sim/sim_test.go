package sim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
)

func TestPacketsAndTimers(t *testing.T) {
	s, at := fakes(Config{Seeds: []int{1, 2}})
	s.Start(1)
	s.Start(2)
	s.Run(time.Second)
	if got, want := at(1).ticks, 11; got != want {
		t.Errorf("n1 had %d ticks, want %d", got, want)
	}
	if got, want := count[*core.Packet](at(1)), 10; got != want {
		t.Errorf("n1 had %d packets, want %d", got, want)
	}
	if got, want := s.Now(), time.Second; got != want {
		t.Errorf("now is %v, want %v", got, want)
	}
}

func TestNobodyThere(t *testing.T) {
	s, at := fakes(Config{Seeds: []int{1, 2}})
	s.Start(1)
	s.Run(50 * time.Millisecond)
	want := core.SendFailed{Nobody: true}
	want.To.Address = Address(2)
	if got := at(1).inputs; len(got) != 1 || got[0] != core.Input(want) {
		t.Errorf("n1 was told %v, want %v", got, want)
	}
}

func TestCut(t *testing.T) {
	s, at := fakes(Config{Seeds: []int{1, 2}})
	s.Start(1)
	s.Start(2)
	s.CutOneWay([]int{1}, []int{2})
	s.Run(1500 * time.Millisecond)
	if got := count[*core.Packet](at(2)); got != 0 {
		t.Errorf("%d packets came through the cut", got)
	}
	if got, want := count[*core.Packet](at(1)), 15; got != want {
		t.Errorf("the other way had %d packets, want %d", got, want)
	}
	if got := count[core.SendFailed](at(1)); got < 4 || got > 6 {
		t.Errorf("n1 learned of %d failures, want about 5: one second late", got)
	}
	s.Heal()
	s.Run(time.Second)
	if got, want := count[*core.Packet](at(2)), 10; got != want {
		t.Errorf("%d packets after the heal, want %d", got, want)
	}
}

func TestOtherIncarnationAndOtherName(t *testing.T) {
	s, at := fakes(Config{Seeds: []int{1, 2}})
	s.Rename(3, "other")
	for id := 1; id <= 3; id++ {
		s.Start(id)
	}
	old := s.node(2).self
	s.Crash(2)
	s.Run(time.Millisecond)
	s.Start(2)
	if now := s.node(2).self; now.UID <= old.UID {
		t.Errorf("UID %x after %x, want a larger one", now.UID, old.UID)
	}
	at(1).send(old)
	s.Run(time.Second)
	if got := count[core.SendFailed](at(1)); got != 1 {
		t.Errorf("n1 learned of %d failures, want 1: of the packet to the old incarnation", got)
	}
	for _, in := range at(3).inputs {
		f, ok := in.(core.SendFailed)
		if want := `cluster name is "sim" here, not "other"`; !ok || f.Refused != want {
			t.Fatalf("n3 was told %v, want %q", in, want)
		}
	}
}

func TestFreeze(t *testing.T) {
	s, at := fakes(Config{Seeds: []int{1, 2}})
	s.Start(1)
	s.Start(2)
	s.Run(95 * time.Millisecond)
	s.Freeze(2)
	packets, ticks := count[*core.Packet](at(2)), at(2).ticks
	s.Run(time.Second)
	if got := count[*core.Packet](at(2)); got != packets || at(2).ticks != ticks {
		t.Errorf("a frozen node had %d packets and %d ticks", got-packets, at(2).ticks-ticks)
	}
	s.Thaw(2)
	s.Run(0)
	if got, want := count[*core.Packet](at(2)), packets+10; got != want {
		t.Errorf("%d packets after the thaw, want %d", got, want)
	}
	if got, want := at(2).ticks, ticks+1; got != want {
		t.Errorf("%d ticks after the thaw, want %d", got, want)
	}
	s.Run(time.Second)
	if got, want := at(2).ticks, ticks+11; got != want {
		t.Errorf("%d ticks a second later, want %d", got, want)
	}
}

func TestDriftingClocks(t *testing.T) {
	s, at := fakes(Config{Drift: 0.05, Skew: time.Minute})
	for id := 1; id <= 20; id++ {
		s.Start(id)
	}
	s.Run(1000 * time.Second)
	slowest, fastest := at(1).ticks, at(1).ticks
	for id := 1; id <= 20; id++ {
		slowest, fastest = min(slowest, at(id).ticks), max(fastest, at(id).ticks)
		at := s.node(id).local(s.node(id).world(time.Hour))
		if at < time.Hour || at > time.Hour+2*time.Millisecond {
			t.Errorf("n%d shows %v when it should show an hour", id, at)
		}
	}
	if slowest < 9500 || fastest > 10502 || fastest-slowest < 300 {
		t.Errorf("clocks ticked %d to %d times in 10,000, want them apart by up to a twentieth each way", slowest, fastest)
	}
}

func TestSlowNode(t *testing.T) {
	s, at := fakes(Config{Seeds: []int{1, 2}})
	s.Start(1)
	s.Start(2)
	s.Slow(2, 400*time.Millisecond)
	s.Run(10 * time.Second)
	if got := at(2).ticks; got < 25 || got > 60 {
		t.Errorf("a slow node had %d ticks in 10 s, want about one in 0.3 s", got)
	}
	if got := at(1).ticks; got != 101 {
		t.Errorf("another node had %d ticks, want 101", got)
	}
}

func TestLeaveReportsDrained(t *testing.T) {
	s, at := fakes(Config{})
	s.Start(1)
	if err := s.Leave(1); err != nil {
		t.Fatal(err)
	}
	s.Run(time.Second)
	got := at(1).inputs
	if len(got) != 2 || got[0] != core.Input(core.Leave{}) || got[1] != core.Input(core.Drained{}) {
		t.Errorf("inputs are %v, want Leave, Drained", got)
	}
}

func TestRemovedNodeStopsAndRejoins(t *testing.T) {
	s, at := fakes(Config{Rejoin: time.Second})
	s.Start(1)
	s.node(1).disturbed = true
	old := s.node(1).self
	at(1).ready.Events = []engine.Event{engine.SelfRemoved{Cause: "unreachable"}}
	s.Run(500 * time.Millisecond)
	if s.node(1).running() {
		t.Error("n1 runs, although it was removed")
	}
	s.Run(time.Second)
	if n := s.node(1); !n.running() || n.self.UID <= old.UID {
		t.Error("n1 did not start again under a larger UID")
	}
}

func TestLossDuplicatesAndOrder(t *testing.T) {
	run := func(l Link) *fake {
		s, at := fakes(Config{Seeds: []int{1, 2}, Link: l})
		s.Start(1)
		s.Start(2)
		s.Run(100 * time.Second)
		return at(2)
	}
	if got := count[*core.Packet](run(Link{Max: time.Millisecond, Loss: 0.5})); got < 400 || got > 600 {
		t.Errorf("%d of 1000 packets arrived at half loss", got)
	}
	if got := count[*core.Packet](run(Link{Max: time.Millisecond, Duplicate: 0.5})); got < 1400 || got > 1600 {
		t.Errorf("%d of 1000 packets arrived with half of them twice", got)
	}
}

func TestInOrderUnlessReordered(t *testing.T) {
	for _, reorder := range []float64{0, 0.5} {
		s, at := fakes(Config{Seed: 3, Link: Link{Max: time.Second, Reorder: reorder}})
		s.Start(1)
		s.Start(2)
		for k := range 100 {
			p := &core.Packet{From: s.node(1).self}
			p.To.Address, p.To.UID = Address(2), 0
			p.From.UID = uint64(k)
			s.send(s.node(1), p)
		}
		s.Run(time.Minute)
		swaps, last := 0, uint64(0)
		for _, in := range at(2).inputs {
			if p := in.(*core.Packet); p.From.UID < last {
				swaps++
			} else {
				last = p.From.UID
			}
		}
		if (swaps > 0) != (reorder > 0) {
			t.Errorf("with reorder %g %d packets came out of order", reorder, swaps)
		}
	}
}

func TestSameSeedSameTranscript(t *testing.T) {
	run := func(seed uint64) (uint64, string) {
		var out bytes.Buffer
		s, _ := fakes(Config{
			Seed: seed, Seeds: []int{1, 2, 3}, Transcript: &out,
			Link: Link{Max: time.Millisecond, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1},
		})
		for id := 1; id <= 3; id++ {
			s.Start(id)
		}
		s.Run(2 * time.Second)
		s.Crash(2)
		s.Run(2 * time.Second)
		s.Start(2)
		s.Run(2 * time.Second)
		return s.Hash(), out.String()
	}
	hash, text := run(1)
	again, textAgain := run(1)
	if hash != again || text != textAgain {
		t.Error("one seed gave two runs")
	}
	if other, _ := run(2); other == hash {
		t.Error("two seeds gave one run")
	}
	if !strings.Contains(text, "crash n2") {
		t.Errorf("the transcript lacks the crash: %.200s", text)
	}
}

func TestQueueOrder(t *testing.T) {
	var q queue
	for i := range uint64(1000) {
		q.push(event{at: time.Duration(i * 7919 % 100), seq: i})
	}
	last := q.pop()
	for q.len() > 0 {
		e := q.pop()
		if e.at < last.at || e.at == last.at && e.seq < last.seq {
			t.Fatalf("%v #%d came after %v #%d", e.at, e.seq, last.at, last.seq)
		}
		last = e
	}
}

func TestValuesAreShownByContent(t *testing.T) {
	type inner struct{ B []byte }
	type outer struct {
		Name string
		In   *inner
		List []any
		Zero int
	}
	value := func() *outer {
		return &outer{Name: "x", In: &inner{B: []byte{1, 0xfe}}, List: []any{7, -1, true, 0.5, uint8(16)}}
	}
	got := string(appendValue(nil, value()))
	if want := "outer{Name:x In:inner{B:01fe} List:[7 -1 true 0.5 10]}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if again := string(appendValue(nil, value())); again != got {
		t.Errorf("equal values differ: %s and %s", got, again)
	}
}
