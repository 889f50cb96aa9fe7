package remote

import (
	"errors"
	"os"
	"time"
)

// Who asks, and waits for the answer, could be woken by the goroutine that reads
// the connection. The wake-up takes as long as the rest of the way of question and
// answer together, for the Go scheduler sends for another thread with it. So where
// answers come one by one, the asker reads the connection in the reader's place,
// as a client of a plain connection does: it finds its answer in its own hands.
//
// For that the reader must not wait in a read. It waits for a sentinel, which
// tells when something has come. An asker takes the role, has the sentinel look
// away, reads until its answer is there, and lets it look again: so nothing ever
// lies there that nobody will read. What comes for others meanwhile the asker hands
// on as the reader would, but it runs nobody's turn.

const (
	// leadFor is how long an asker reads; at least half of it. Then it waits as
	// others do, and so notices the end of its context, or an answer that came
	// another way.
	leadFor = 2 * time.Millisecond
	// answersFirst is how many lone answers come on a connection before askers
	// may read it.
	answersFirst = 4
)

// errAgain is returned by a read that would have to wait.
var errAgain error = again{}

// again is temporary, so a TLS connection can go on after it.
type again struct{}

func (again) Error() string   { return "remote: nothing to read" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// leading is what an inbound connection needs for askers to read it.
type leading struct {
	*sentinel           // nil: they may not
	answers   int       // lone ones so far, up to answersFirst
	by        bool      // an asker reads
	crowd     bool      // no asker reads for now: see crowd.go
	lone      int       // batches of one message in a row
	until     time.Time // read deadline of the socket
	failed    error     // what an asker met
	skip      int       // so many asks wait as others do
	grant     int       // what skip was last
}

// answered counts an answer to somebody who may be waiting to read it. It may make
// the connection one that askers read.
func (c *inbound) answered() {
	l := &c.leading
	if l.answers >= answersFirst {
		return
	}
	if l.answers++; l.answers < answersFirst {
		return
	}
	s, ok := c.plain.(*socket)
	if !ok || c.plain.SetReadDeadline(time.Time{}) != nil {
		return
	}
	if l.sentinel = newSentinel(s); l.sentinel == nil {
		return
	}
	c.limit.loose = true
	s.hasty = true
	c.p.answers.Store(c)
}

// rest gives up the role until something has come that no asker has read. It is
// called by the reader, who has the role.
func (c *inbound) rest() error {
	l := &c.leading
	if c.p.many.Load() {
		return c.enterCrowd()
	}
	for {
		if err := l.arm(); err != nil {
			return err
		}
		until := c.limit.until
		c.role.Unlock()
		err := l.wait(until)
		c.role.Lock()
		l.socket.hasty = true
		switch {
		case l.failed != nil:
			return l.failed
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(c.limit.until):
			continue // an asker has read meanwhile
		}
		return err
	}
}

// lead reads in the reader's place, if that rests, until answer holds one.
func (c *inbound) lead(answer <-chan any) {
	if !c.role.TryLock() {
		return
	}
	defer c.role.Unlock()
	l := &c.leading
	if l.sentinel == nil || l.failed != nil {
		return
	}
	if l.skip > 0 {
		l.skip--
		return
	}
	l.by = true
	err := c.readAnswer(answer)
	l.by = false
	if err == nil {
		err = l.arm()
	}
	if err != nil {
		l.failed = err
		l.kick()
	}
}

func (c *inbound) readAnswer(answer <-chan any) error {
	l := &c.leading
	if err := l.disarm(); err != nil {
		return err
	}
	if now := time.Now(); l.until.Sub(now) < leadFor/2 {
		l.until = now.Add(leadFor)
		if err := l.socket.Conn.SetReadDeadline(l.until); err != nil {
			return err
		}
	}
	l.socket.hasty = false
	err := c.handleUntil(func() bool { return len(answer) > 0 })
	if l.grant = min(max(1, 2*l.grant), maxGrant); len(answer) > 0 {
		l.grant = 0
	}
	l.skip = l.grant
	if err == nil {
		err = c.handleRead()
	}
	return err
}

// handleRead handles what has been read from the socket and not handled yet: a
// sentinel does not see what lies here or within TLS. What lies in the socket is
// left to the reader, for in a stream that does not end there is always more, and
// the asker has its answer.
func (c *inbound) handleRead() error {
	if c.frames.Buffered() == 0 && c.r.tls == nil {
		return nil
	}
	s := c.leading.socket
	s.dry = true
	err := c.handleUntil(func() bool { return false })
	s.dry = false
	return err
}

// handleUntil handles frames until done, or until there is none for now.
func (c *inbound) handleUntil(done func() bool) error {
	for !done() {
		kind, body, err := c.frames.Next()
		if err == errAgain || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err == nil {
			err = c.frame(kind, body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
