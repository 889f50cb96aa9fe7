package sim

import (
	"fmt"
	"strings"
	"time"
)

// Failure tells which invariant does not hold, and how to see it again.
type Failure struct {
	Invariant string // a name of Invariants
	Detail    string
	Seed      uint64
	At        time.Duration // since the start of the world
	Event     uint64        // number of the event
	Tail      []string      // the newest lines of the transcript
}

// Error gives all of it, the transcript last.
func (f *Failure) Error() string {
	return fmt.Sprintf("sim: invariant %s: %s\n  seed %d, at %v, event %d; the newest events:\n    %s",
		f.Invariant, f.Detail, f.Seed, f.At, f.Event, strings.Join(f.Tail, "\n    "))
}

// Err returns the first failure, nil if all invariants held so far.
func (s *Sim) Err() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

// fail notes the first failure: it ends the run.
func (s *Sim) fail(invariant, format string, args ...any) {
	if s.err != nil {
		return
	}
	s.err = &Failure{
		Invariant: invariant,
		Detail:    plain(fmt.Sprintf(format, args...)),
		Seed:      s.cfg.Seed,
		At:        s.now,
		Event:     s.count,
		Tail:      s.Tail(),
	}
}
