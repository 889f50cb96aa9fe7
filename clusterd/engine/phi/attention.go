package phi

import "time"

// Attention measures time in which its owner was able to listen. The owner
// advances it whenever it runs, at least once in each period. When it comes
// later than that, because the process was stopped or starved, only a period
// counts: what others sent meanwhile may still wait in a socket. So patience
// with all others stretches by as much as the owner itself was late.
//
// The zero value must not be used; create it with [NewAttention].
type Attention struct {
	period time.Duration
	at     time.Time     // of the last Advance; zero = never
	spent  time.Duration // attended so far
	lost   time.Duration // not attended so far
	worst  time.Duration // the longest that was lost at once
}

// NewAttention returns a clock at 0 whose owner means to advance it at least
// once a period.
func NewAttention(period time.Duration) Attention { return Attention{period: period} }

// Advance tells that the owner runs at now and returns the attended time.
func (a *Attention) Advance(now time.Time) time.Duration {
	if a.at.IsZero() {
		a.at = now
	}
	if gap := now.Sub(a.at); gap > 0 {
		late := max(0, gap-a.period)
		a.spent += gap - late
		a.lost += late
		a.worst = max(a.worst, late)
		a.at = now
	}
	return a.spent
}

// Now returns the attended time at the last Advance.
func (a *Attention) Now() time.Duration { return a.spent }

// Lost returns how much time the owner was not able to listen, in all and at
// most at once: a node that loses much of it is overloaded, and its operator
// should hear so.
func (a *Attention) Lost() (total, worst time.Duration) { return a.lost, a.worst }
