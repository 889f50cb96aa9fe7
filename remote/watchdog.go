package remote

import (
	"fmt"
	"time"

	"github.com/pando-go/pando/remote/internal/remotepb"
)

// watchdog ends a connection whose other side acknowledges nothing, that takes
// no bytes, or that nobody has used for a while. It looks now and then, so that
// messages need not set timers. The lane's goroutine owns it.
type watchdog struct {
	src    source
	conn   *outbound
	cfg    Config
	idle   time.Duration // of this sort of connection
	ticker *time.Ticker
	mark   uint64    // the source's, when
	since  time.Time // it was last seen to change
	open   bool      // something was unacknowledged ever since
	armed  time.Time // when the write deadline was set
}

func newWatchdog(src source, conn *outbound, cfg Config) *watchdog {
	w := &watchdog{src: src, conn: conn, cfg: cfg, idle: cfg.IdleTimeout, since: time.Now()}
	if conn.l.kind == remotepb.Lane_LANE_CONTROL {
		w.idle = cfg.ControlIdleTimeout
	}
	w.ticker = time.NewTicker(max(min(cfg.AckTimeout, w.idle)/10, time.Millisecond))
	w.mark, w.open = src.waiting()
	w.arm(time.Now())
	return w
}

func (w *watchdog) stop() { w.ticker.Stop() }

// pat is called before each write.
func (w *watchdog) pat() { w.arm(time.Now()) }

// arm puts the write deadline off, well before it comes: setting it anew for
// each write would cost as much as a message.
func (w *watchdog) arm(now time.Time) {
	if now.Sub(w.armed) >= w.cfg.AckTimeout/4 {
		w.armed = now
		w.conn.SetWriteDeadline(now.Add(w.cfg.AckTimeout + w.cfg.AckTimeout/2))
	}
}

// tick returns why the connection is to end, nil if it is not.
func (w *watchdog) tick() error {
	now := time.Now()
	w.arm(now)
	mark, open := w.src.waiting()
	if mark != w.mark || open != w.open {
		w.mark, w.open, w.since = mark, open, now
		return nil
	}
	switch quiet := now.Sub(w.since); {
	case open && quiet >= w.cfg.AckTimeout:
		return fmt.Errorf("%w: nothing acknowledged for %v", ErrLost, quiet)
	case !open && quiet >= w.idle && !w.src.needed() && w.src.retire():
		return errIdle
	}
	return nil
}
