package remote

import "time"

// stall tells when a source has waited too long for an acknowledgement.
type stall struct {
	src   source
	limit time.Duration
	timer *time.Timer
	armed bool
	mark  uint64
}

func newStall(src source, limit time.Duration) *stall {
	s := &stall{src: src, limit: limit, timer: time.NewTimer(limit)}
	s.timer.Stop()
	return s
}

// arm starts the timer if something is unacknowledged, anew after each
// acknowledgement.
func (s *stall) arm() {
	mark, unacked := s.src.waiting()
	if unacked && (!s.armed || mark != s.mark) {
		s.armed, s.mark = true, mark
		s.timer.Reset(s.limit)
	}
}

// expired reports, when the timer has fired, that nothing was acknowledged
// since it was armed.
func (s *stall) expired() bool {
	s.armed = false
	mark, unacked := s.src.waiting()
	return unacked && mark == s.mark
}
