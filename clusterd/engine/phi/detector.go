package phi

import (
	"math"
	"time"
)

// Config is when a Detector suspects. Zero fields have the values of the
// default preset, for answers every 250 ms.
type Config struct {
	// Threshold is the φ at which silence is suspect; 0 = 8, a chance of one
	// in a hundred million that the answer is only late.
	Threshold float64
	// Interval is how often an answer is expected; 0 = 250 ms. It stands for
	// the measured intervals until there are some.
	Interval time.Duration
	// Deviation is the least standard deviation that is reckoned with, so that
	// a punctual link does not make the detector nervous; 0 = 50 ms.
	Deviation time.Duration
	// Pause is added to the mean interval: a stall this long is no failure;
	// 0 = 1.9 s.
	Pause time.Duration
	// After is the shortest silence that is ever suspect (T_acc); 0 = 2.6 s.
	After time.Duration
}

func (c Config) withDefaults() Config {
	if c.Threshold == 0 {
		c.Threshold = 8
	}
	if c.Interval == 0 {
		c.Interval = 250 * time.Millisecond
	}
	if c.Deviation == 0 {
		c.Deviation = 50 * time.Millisecond
	}
	if c.Pause == 0 {
		c.Pause = 1900 * time.Millisecond
	}
	if c.After == 0 {
		c.After = 2600 * time.Millisecond
	}
	return c
}

// window is how many intervals are remembered. At four answers a second that
// is a quarter of a minute: long enough for a deviation, short enough to
// follow a network that got slower.
const window = 60

// Detector suspects one observed node. Create it with [New].
type Detector struct {
	cfg       Config
	last      time.Duration // when the last answer came, or the first one was asked for
	intervals [window]uint32
	count     int    // intervals filled
	next      int    // where the next interval goes
	sum       uint64 // of the intervals, in units of 100 µs
	squares   uint64
}

// unit is what intervals are counted in: in 32 bits it covers five days, and
// the squares of a full window fit into 64 bits for intervals up to 15 hours.
const unit = 100 * time.Microsecond

// maxInterval keeps the squares of a full window within 64 bits.
const maxInterval = uint64(time.Hour / unit)

// New returns a detector that has expected answers since now: a node that
// never answers is suspected as well.
func New(cfg Config, now time.Duration) *Detector {
	return &Detector{cfg: cfg.withDefaults(), last: now}
}

// Heard tells that an answer came. The interval before it is learnt only if
// the silence was not suspect: how long an outage lasted says nothing about
// how punctual answers are.
func (d *Detector) Heard(now time.Duration) {
	if now < d.last {
		return
	}
	if d.count > 0 || now > d.last {
		if !d.Suspect(now) {
			d.learn(now - d.last)
		}
	}
	d.last = now
}

func (d *Detector) learn(interval time.Duration) {
	value := min(uint64(interval/unit), maxInterval)
	if d.count == window {
		old := uint64(d.intervals[d.next])
		d.sum, d.squares = d.sum-old, d.squares-old*old
	} else {
		d.count++
	}
	d.intervals[d.next] = uint32(value)
	d.next = (d.next + 1) % window
	d.sum, d.squares = d.sum+value, d.squares+value*value
}

// Silence returns how long no answer has come.
func (d *Detector) Silence(now time.Duration) time.Duration { return max(0, now-d.last) }

// Suspect reports whether φ has reached the threshold after a silence of at
// least After.
func (d *Detector) Suspect(now time.Duration) bool {
	return d.Silence(now) >= d.cfg.After && d.Phi(now) >= d.cfg.Threshold
}

// Phi returns −log₁₀ of the chance that an answer comes later than now: 1 for
// one in ten, 8 for one in a hundred million, if intervals are normally
// distributed. It never falls during a silence.
func (d *Detector) Phi(now time.Duration) float64 {
	mean, deviation := d.moments()
	y := (d.Silence(now) - mean - d.cfg.Pause).Seconds() / deviation.Seconds()
	if y < 30 {
		return -math.Log10(math.Erfc(y/math.Sqrt2) / 2)
	}
	// Further out the tail is too small for a float64: its asymptote.
	return y*y/2*math.Log10E + math.Log10(y*math.Sqrt(2*math.Pi))
}

// moments returns mean and standard deviation of the intervals; before there
// are enough to tell, they are mixed with two guesses around the configured
// one.
func (d *Detector) moments() (mean, deviation time.Duration) {
	guess := uint64(d.cfg.Interval / unit)
	low, high := guess*3/4, guess*5/4
	n, sum, squares := uint64(d.count), d.sum, d.squares
	if n < window {
		n, sum, squares = n+2, sum+low+high, squares+low*low+high*high
	}
	m := float64(sum) / float64(n)
	variance := max(0, float64(squares)/float64(n)-m*m)
	mean = time.Duration(m * float64(unit))
	return mean, max(d.cfg.Deviation, time.Duration(math.Sqrt(variance)*float64(unit)))
}
