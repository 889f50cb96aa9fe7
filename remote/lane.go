package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// source is what a lane sends: a queue that outlives connections. A lane calls
// it from its own goroutine; acked is called from that of the connection's
// reader.
type source interface {
	park() bool                           // nothing can be sent now; the next push wakes the lane
	begin(c *outbound)                    // a connection stands, nothing is written on it
	next(bufs net.Buffers) net.Buffers    // appends what to write now; valid until written
	written()                             // the write is complete
	acked(a wire.Ack) error               // an error is a rule broken by the other side
	waiting() (mark uint64, unacked bool) // mark changes with each acknowledgement
	needed() bool                         // the connection is needed although all is acknowledged
	retire() bool                         // nothing is sent on the connection any more; false if something waits
	lost(err error)                       // the connection is gone; what it left open is sent again or has failed
	unreachable(err error)                // no connection could be made
	settle()                              // tells of failures; also between two tries
	hurry() bool                          // something waits that shall not wait for the whole backoff; false: the next such push wakes the lane
}

// hurried is the longest backoff while a source is in a hurry.
const hurried = 100 * time.Millisecond

// lastWords is how long the reader of a broken connection may still look for
// the reason that the other side gave.
const lastWords = 100 * time.Millisecond

// errIdle ends a connection that nobody has used for some time.
var errIdle = errors.New("remote: idle")

// lane keeps one outbound connection while there is something to send, and
// after that until it has been idle for a while. Its goroutine runs while it
// has a connection or wants one.
type lane struct {
	p     *peer
	kind  remotepb.Lane
	index uint32 // of a user lane
	src   source
	kick  chan struct{}
	stats *laneCounters

	mu      sync.Mutex
	running bool
	closed  bool
	down    bool // the last try to connect failed
	soon    bool // the backoff is over
	cancel  context.CancelFunc
	conn    *outbound
}

func newLane(p *peer, kind remotepb.Lane, index uint32, stats *laneCounters) *lane {
	return &lane{p: p, kind: kind, index: index, stats: stats, kick: make(chan struct{}, 1)}
}

// wake tells the lane that its source has something to send.
func (l *lane) wake() {
	l.mu.Lock()
	if !l.running && !l.closed {
		ctx, cancel := context.WithCancel(context.Background())
		l.running, l.cancel = true, cancel
		if !l.p.r.start(func() { l.run(ctx) }) {
			l.running, l.closed = false, true
			cancel()
		}
	}
	l.mu.Unlock()
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// close ends the connection and the goroutine.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.cancel != nil {
		l.cancel()
	}
}

// drop closes a connection that stands with another incarnation than uid; 0
// closes it anyway.
func (l *lane) drop(uid uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && (uid == 0 || l.conn.welcome.Uid != uid) {
		l.conn.Close()
	}
}

// retry ends the wait between two tries to connect: the peer shows itself.
func (l *lane) retry() {
	l.mu.Lock()
	l.soon = l.down
	l.mu.Unlock()
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

func (l *lane) takeSoon() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	soon := l.soon
	l.soon = false
	return soon
}

// isDown reports whether the last try to connect failed.
func (l *lane) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

// isRunning reports whether the lane has a connection or wants one.
func (l *lane) isRunning() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// rest ends the goroutine if there is nothing to send.
func (l *lane) rest(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() == nil && !l.src.park() {
		return false
	}
	l.running = false
	l.cancel()
	return true
}

func (l *lane) run(ctx context.Context) {
	r := rand.New(rand.NewPCG(l.p.r.self.UID, uint64(time.Now().UnixNano())))
	failures := 0
	for {
		l.src.settle()
		l.p.r.touch() // what was lost with a connection waits no more
		if l.rest(ctx) {
			l.p.forgetIf(l.p.r.cfg.ForgetAfter)
			return
		}
		c, err := l.p.connect(ctx, l)
		l.setDown(err != nil)
		if err == nil {
			failures = 0
			l.serve(ctx, c)
			continue
		}
		l.p.r.count.failed.Add(1)
		l.p.r.log.Debug("no connection", "to", l.p.address, "lane", l.kind, "reason", err)
		l.src.unreachable(err)
		l.pause(ctx, l.backoff(r, failures))
		failures++
	}
}

func (l *lane) setDown(down bool) {
	l.mu.Lock()
	l.down = down
	l.mu.Unlock()
	l.p.r.touch()
}

// backoff returns the wait after a number of failures in a row.
func (l *lane) backoff(r *rand.Rand, failures int) time.Duration {
	d := l.p.r.cfg.BackoffMax
	if failures < 16 {
		d = min(d, l.p.r.cfg.BackoffMin<<failures)
	}
	return d - time.Duration(r.Int64N(int64(d)/2+1))
}

// pause waits for d, but not longer than hurried once the source is in a hurry,
// and not at all once the peer shows itself.
func (l *lane) pause(ctx context.Context, d time.Duration) {
	start := time.Now()
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		l.src.settle()
		if l.takeSoon() {
			return
		}
		if l.src.hurry() {
			timer.Reset(max(0, min(d, hurried)-time.Since(start)))
		}
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-l.kick:
		}
	}
}

// serve uses one connection until it ends.
func (l *lane) serve(ctx context.Context, c *outbound) {
	l.setConn(c)
	if !l.p.is(c.welcome.Uid) { // a newer incarnation is known by now; drop may have missed c
		l.setConn(nil)
		c.Close()
		return
	}
	l.p.r.count.outbound.Add(1)
	l.stats.connects.Add(1)
	l.src.begin(c)
	stop := context.AfterFunc(ctx, func() { c.Close() })
	ended := make(chan error, 1)
	go func() { ended <- l.read(c) }()
	err := l.write(ctx, c, ended)
	if err == errIdle {
		c.Close()
		<-ended
	} else {
		c.SetReadDeadline(time.Now().Add(lastWords))
		if readErr := <-ended; isProtocol(readErr) || err == nil {
			err = readErr // the reader knows why the other side hung up
		}
		c.Close()
	}
	stop()
	l.setConn(nil)
	l.p.r.count.outbound.Add(-1)
	l.p.r.log.Debug("connection ended", "to", l.p.address, "lane", l.kind, "index", l.index, "reason", err)
	l.src.lost(err)
}

func (l *lane) setConn(c *outbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = c
}

// isProtocol reports whether err says more than that a connection broke.
func isProtocol(err error) bool {
	var refused *RefusedError
	var malformed *wire.MalformedError
	return errors.As(err, &refused) || errors.As(err, &malformed)
}

// write sends what the source has, all that has gathered in one write, until
// the connection ends. ended keeps its value for serve.
func (l *lane) write(ctx context.Context, c *outbound, ended chan error) error {
	w := newWatchdog(l.src, c, l.p.r.cfg)
	defer w.stop()
	var bufs net.Buffers
	for {
		if nothing, err := c.flush(); err != nil {
			return fmt.Errorf("%w: %w", ErrLost, err)
		} else if !nothing {
			w.pat()
		}
		bufs = l.src.next(bufs[:0])
		if len(bufs) > 0 {
			w.pat()
			if err := c.send(bufs); err != nil {
				return fmt.Errorf("%w: %w", ErrLost, err)
			}
			l.src.written()
			continue
		}
		l.src.settle()
		if !l.src.park() {
			continue
		}
		l.p.r.touch()
		select {
		case <-l.kick:
			if l.kind == remotepb.Lane_LANE_USER && l.p.many.Load() {
				// Those who can run and are about to send come first: what
				// they send shares the write. Heartbeats do not wait.
				runtime.Gosched()
			}
		case err := <-ended:
			ended <- err
			return err
		case <-w.ticker.C:
			if err := w.tick(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ErrClosed
		}
	}
}

// read handles what comes back on an outbound connection.
func (l *lane) read(c *outbound) error {
	for {
		kind, body, err := c.frames.Next()
		if err == nil {
			err = l.answer(c, kind, body)
		}
		if err != nil {
			l.p.r.reportMalformed(c.Conn, err)
			c.Close() // ends a write that waits
			if isProtocol(err) {
				return err
			}
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
	}
}

func (l *lane) answer(c *outbound, kind wire.Kind, body []byte) error {
	l.p.r.dump(l.p.address, false, l.kind, l.index, kind, body)
	switch kind {
	case wire.KindAck:
		a, err := wire.ParseAck(body)
		if err == nil {
			err = l.src.acked(a)
		}
		l.p.r.touch()
		return err
	case wire.KindRefusal:
		return l.refused(kind, body)
	case wire.KindSpawned:
		a := new(remotepb.Spawned)
		if err := wire.Unmarshal(kind, body, a); err != nil {
			return err
		}
		l.p.control.spawned(a, c.welcome)
		return nil
	}
	return wire.Malformed("%v on an outbound connection", kind)
}

func (l *lane) refused(kind wire.Kind, body []byte) error {
	m := new(remotepb.Refusal)
	if err := wire.Unmarshal(kind, body, m); err != nil {
		return err
	}
	return refusedError(m)
}
