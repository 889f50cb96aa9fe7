package phi

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const ms = time.Millisecond

// presets are the three of the protocol's table.
var presets = []struct {
	name     string
	cfg      Config
	accuse   time.Duration // T_acc: never before
	stall    time.Duration // a stall that accuses nobody
	at       time.Duration // suspicion at the latest, with punctual answers
	interval time.Duration
}{
	{"fast", Config{Interval: 100 * ms, Deviation: 25 * ms, Pause: 600 * ms, After: 900 * ms}, 900 * ms, 700 * ms, time.Second, 100 * ms},
	{"lan", Config{}, 2600 * ms, 2200 * ms, 2700 * ms, 250 * ms},
	{"wan", Config{Interval: time.Second, Deviation: 250 * ms, Pause: 5 * time.Second, After: 8 * time.Second}, 8 * time.Second, 6500 * ms, 8500 * ms, time.Second},
}

// steady returns a detector that heard n punctual answers, and the time of the
// last one.
func steady(cfg Config, interval time.Duration, n int) (*Detector, time.Duration) {
	d := New(cfg, 0)
	var now time.Duration
	for range n {
		now += interval
		d.Heard(now)
	}
	return d, now
}

func TestSuspicionComesInTime(t *testing.T) {
	for _, p := range presets {
		for _, heard := range []int{0, 1, 10, 1000} {
			d, last := steady(p.cfg, p.interval, heard)
			var first time.Duration
			for first = 0; !d.Suspect(last + first); first += 10 * ms {
			}
			if first < p.accuse {
				t.Errorf("%s after %d answers: suspect after %v, never before %v", p.name, heard, first, p.accuse)
			}
			if heard >= 1000 && first > p.at {
				t.Errorf("%s after %d answers: suspect after %v, want %v at the latest", p.name, heard, first, p.at)
			}
			if d.Suspect(last + p.stall) {
				t.Errorf("%s after %d answers: suspect after a stall of %v", p.name, heard, p.stall)
			}
		}
	}
}

// TestPhi compares with the normal distribution's tail in tables, and with
// itself: φ never falls during a silence.
func TestPhi(t *testing.T) {
	d, last := steady(Config{}, 250*ms, 100)
	mean, deviation := 250*ms+1900*ms, 50*ms
	before := 0.0
	for silence := time.Duration(0); silence < 10*time.Second; silence += 7 * ms {
		got := d.Phi(last + silence)
		if got < before || math.IsNaN(got) || math.IsInf(got, 0) {
			t.Fatalf("φ after %v: got %v, before it was %v", silence, got, before)
		}
		before = got
	}
	for deviations, want := range map[int]float64{0: 0.301, 1: 0.800, 3: 2.870, 5: 6.543, 8: 15.207, 40: 349.437} { // order: each is checked by itself
		if got := d.Phi(last + mean + time.Duration(deviations)*deviation); math.Abs(got-want) > 0.001 {
			t.Errorf("φ at %d deviations: got %.3f, want %.3f", deviations, got, want)
		}
	}
}

func TestIrregularAnswersAreGivenMoreTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	d := New(Config{}, 0)
	var now time.Duration
	for range 500 {
		now += time.Duration(r.IntN(1000)) * ms
		d.Heard(now)
	}
	if punctual, last := steady(Config{}, 250*ms, 500); d.Phi(now+2600*ms) >= punctual.Phi(last+2600*ms) {
		t.Errorf("φ after 2.6 s: got %v with irregular answers, %v with punctual ones", d.Phi(now+2600*ms), punctual.Phi(last+2600*ms))
	}
	if !d.Suspect(now + 10*time.Second) {
		t.Error("a silence of 10 s is not suspect")
	}
}

// TestOutagesAreNotLearnt: after an outage of a minute the next one is found
// as fast as the first.
func TestOutagesAreNotLearnt(t *testing.T) {
	d, now := steady(Config{}, 250*ms, 100)
	now += time.Minute
	d.Heard(now)
	for range 3 {
		now += 250 * ms
		d.Heard(now)
	}
	if !d.Suspect(now + 2700*ms) {
		t.Error("a silence of 2.7 s after an outage is not suspect")
	}
}

func TestTheWindowForgets(t *testing.T) {
	d, now := steady(Config{}, time.Second, window)
	for range window {
		now += 250 * ms
		d.Heard(now)
	}
	fresh, last := steady(Config{}, 250*ms, window)
	if got, want := d.Phi(now+2300*ms), fresh.Phi(last+2300*ms); got != want {
		t.Errorf("φ: got %v, a detector that never heard the old intervals has %v", got, want)
	}
}

func TestTimeThatRunsBackIsIgnored(t *testing.T) {
	d, now := steady(Config{}, 250*ms, 10)
	d.Heard(now - time.Second)
	if got := d.Silence(now + 100*ms); got != 100*ms {
		t.Errorf("silence: got %v, want 100ms", got)
	}
}

func TestAttention(t *testing.T) {
	start := time.Unix(1000, 0)
	a := NewAttention(250 * ms)
	now := start
	for range 4 {
		a.Advance(now)
		now = now.Add(250 * ms)
	}
	if got := a.Now(); got != 750*ms {
		t.Errorf("attended: got %v, want 750ms", got)
	}
	now = now.Add(20 * time.Second) // stopped
	if got := a.Advance(now); got != time.Second {
		t.Errorf("attended after a stall of 20 s: got %v, want 1s", got)
	}
	a.Advance(start) // never back
	if total, worst := a.Lost(); total != 20*time.Second || worst != 20*time.Second || a.Now() != time.Second {
		t.Errorf("lost: got %v, at most %v at once, attended %v; want 20s, 20s, 1s", total, worst, a.Now())
	}
}

// TestAStalledObserverSuspectsNobody: who was stopped for 20 s must not take
// its own deafness for the others' silence.
func TestAStalledObserverSuspectsNobody(t *testing.T) {
	now := time.Unix(1000, 0)
	a := NewAttention(250 * ms)
	d := New(Config{}, a.Advance(now))
	for range 40 {
		now = now.Add(250 * ms)
		d.Heard(a.Advance(now))
	}
	now = now.Add(20 * time.Second)
	if d.Suspect(a.Advance(now)) {
		t.Error("suspected at once after an own stall")
	}
	for range 11 {
		now = now.Add(250 * ms)
		a.Advance(now)
	}
	if !d.Suspect(a.Now()) {
		t.Error("not suspected after 2.75 s of attended silence")
	}
}

func FuzzDetector(f *testing.F) {
	f.Add([]byte{25, 25, 25, 250, 25})
	f.Fuzz(func(t *testing.T, gaps []byte) {
		d := New(Config{}, 0)
		var now time.Duration
		for _, g := range gaps {
			now += time.Duration(g) * 10 * ms
			before := d.Phi(now)
			if before < 0 || math.IsNaN(before) || math.IsInf(before, 0) {
				t.Fatalf("φ at %v: got %v", now, before)
			}
			d.Heard(now)
			if d.Suspect(now) {
				t.Fatalf("suspect at %v, the moment of an answer", now)
			}
		}
		if !d.Suspect(now + time.Hour) {
			t.Fatal("an hour of silence is not suspect")
		}
	})
}

func BenchmarkSuspect(b *testing.B) {
	d, now := steady(Config{}, 250*ms, 100)
	b.ReportAllocs()
	for b.Loop() {
		d.Suspect(now + 2650*ms)
	}
}

func BenchmarkHeard(b *testing.B) {
	d, now := steady(Config{}, 250*ms, 100)
	b.ReportAllocs()
	for b.Loop() {
		now += 250 * ms
		d.Heard(now)
	}
}
