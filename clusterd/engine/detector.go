package engine

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/phi"
)

// Detector judges one observed node by the times of its answers. A new one is
// made for each node that this one begins to watch. Times are of the engine's
// attention: they stand still while the engine itself was late, so that what it
// slept through counts against nobody. It is owned by the engine.
type Detector interface {
	// Heard tells that the node answered: an echo of a stamp that it had not
	// echoed before.
	Heard(now time.Duration)
	// Suspect reports whether the node should have answered by now. It must
	// become true in a silence that does not end, also if no answer ever came.
	Suspect(now time.Duration) bool
}

// newDetector returns a detector that expects answers from now on.
func (e *Engine) newDetector(p *peer) Detector {
	if e.cfg.Detector != nil {
		return e.cfg.Detector(e.attention())
	}
	t := &e.cfg.Timing
	return phi.New(phi.Config{
		Threshold: t.Phi,
		Interval:  max(p.every, t.Heartbeat),
		Deviation: t.Deviation,
		Pause:     t.Pause,
		After:     e.patience(p),
	}, e.attention())
}

// attention returns for how long this engine was able to listen.
func (e *Engine) attention() time.Duration { return e.clock - e.slept }

// patience returns T_acc, and more for a link on which heartbeats are rare.
func (e *Engine) patience(p *peer) time.Duration {
	return e.cfg.Timing.Accuse + 2*(max(p.every, e.cfg.Timing.Heartbeat)-e.cfg.Timing.Heartbeat)
}
