package remote

import (
	"sync"
	"time"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// acknowledger tells the other side of a connection what has been handled. It
// does so after a number of frames or bytes, or a moment after the first that
// has not been acknowledged: acknowledging each question would double the
// packets of a conversation. That moment is longer for control frames, which
// are heartbeats for the most part: nobody waits for their acknowledgement but
// who closes, and that one asks for it.
type acknowledger struct {
	c *inbound

	mu     sync.Mutex // one write at a time
	posts  uint64     // control and spawn frames handled
	frames int        // handled since the last acknowledgement
	bytes  int        // of them
	timer  *time.Timer
	armed  bool
	lazy   bool // the timer is set for a control frame
	ended  bool
	buf    []byte
}

// post counts a frame that has no number of its own.
func (a *acknowledger) post() {
	a.mu.Lock()
	a.posts++
	a.mu.Unlock()
}

// due notes that a frame was handled, and acknowledges if that is due: at once
// where the frame asks for it.
func (a *acknowledger) due(kind wire.Kind, bytes int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frames++
	a.bytes += bytes
	if a.frames >= ackFrames || a.bytes >= ackBytes || kind == wire.KindAck {
		return a.write()
	}
	if lazy := kind == wire.KindControl; !a.armed || a.lazy && !lazy {
		a.arm(lazy)
	}
	return nil
}

// arm sets the timer. A tenth of the time-out leaves the other side no doubt
// that this one lives. mu is held.
func (a *acknowledger) arm(lazy bool) {
	a.armed, a.lazy = true, lazy
	delay := ackDelay
	if lazy {
		delay = max(delay, a.c.r.cfg.AckTimeout/10)
	}
	if a.timer == nil {
		a.timer = time.AfterFunc(delay, a.ring)
	} else {
		a.timer.Reset(delay)
	}
}

func (a *acknowledger) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = false
	if a.frames > 0 && !a.ended {
		if err := a.write(); err != nil {
			a.c.Close() // the reader notices
		}
	}
}

// now acknowledges what has been handled.
func (a *acknowledger) now() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.write()
}

// write is called under mu.
func (a *acknowledger) write() error {
	a.frames, a.bytes = 0, 0
	ack := wire.Ack{Batch: a.c.stream.batch.Load()}
	if a.c.lane == remotepb.Lane_LANE_CONTROL {
		ack = wire.Ack{Control: a.posts, System: a.c.stream.system.Load()}
	}
	a.buf = ack.Append(a.buf[:0])
	return a.c.write(a.buf)
}

// send writes another frame back.
func (c *inbound) send(frame []byte) error {
	c.ack.mu.Lock()
	defer c.ack.mu.Unlock()
	return c.write(frame)
}

// write is called under the acknowledger's lock.
func (c *inbound) write(frame []byte) error {
	c.SetWriteDeadline(time.Now().Add(c.r.cfg.AckTimeout))
	c.r.dump(c.p.address, true, c.lane, c.index, wire.Kind(frame[wire.HeadLen-1]), frame[wire.HeadLen:])
	_, err := c.Write(frame)
	return err
}

// stop ends the timer; a call under way ends before it returns.
func (a *acknowledger) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.timer != nil {
		a.timer.Stop()
	}
}
