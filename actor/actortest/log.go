package actortest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pando-go/pando/actor"
)

// log keeps what the system publishes: dead letters and failures.
type log struct {
	mu     sync.Mutex
	dead   []*actor.DeadLetter
	failed []*actor.Fault
}

func (l *log) listen(sys *actor.System) {
	sys.Proto().EventStream.Subscribe(func(event any) {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch event := event.(type) {
		case *actor.DeadLetter:
			l.dead = append(l.dead, event)
		case *actor.Fault:
			l.failed = append(l.failed, event)
		}
	})
}

func (l *log) deadLetters() []*actor.DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.dead)
}

func (l *log) faults() []*actor.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.failed)
}

// hints is what may explain why an expected message did not come.
func (l *log) hints() string {
	var b strings.Builder
	for _, f := range l.faults() {
		fmt.Fprintf(&b, "\nfailure of %s at %s: %v", f.Ref, show(f.Message), f.Err)
	}
	for _, d := range l.deadLetters() {
		fmt.Fprintf(&b, "\ndead letter %s: %v", show(d.Message), d.Reason)
	}
	return b.String()
}

// show is a message in a failure's text.
func show(m any) string {
	if m == nil {
		return "nil"
	}
	if s, ok := m.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%T %+v", m, m)
}
