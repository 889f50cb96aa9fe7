package homes

import "time"

// timer paces the sendings of one message: retry, twice that, and so on up to
// eight times.
type timer struct {
	at   time.Time
	wait time.Duration
}

func (t *timer) due(now time.Time) bool { return !t.at.IsZero() && !now.Before(t.at) }

func (t *timer) reset() { t.wait = 0 }

// sent sets the time of the next sending.
func (t *timer) sent(now time.Time, retry time.Duration) {
	t.wait = min(max(2*t.wait, retry), 8*retry)
	t.at = now.Add(t.wait)
}

// earliest returns the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
