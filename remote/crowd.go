package remote

import "time"

// What makes one conversation quick makes many at once slow: a sender that writes
// its message by itself keeps those that are about to follow from going along, and
// an asker that reads costs system calls to take the reader's place and to give it
// back, which a reader in the midst of a stream of answers does without. So each
// side goes by what comes from the other: while its batches hold several messages,
// all writing is left to the lanes, and the reader waits in plain reads.

// calmAfter is how many batches of one message come in a row before the crowd is
// over. In a crowd one comes now and then, whenever the other side was quick.
const calmAfter = 8

// noteMany tells senders whether more than one conversation is under way with the
// peer.
func (c *inbound) noteMany(yes bool) {
	l := &c.leading
	if yes {
		l.lone = 0
	} else if l.lone++; l.lone < calmAfter && c.p.many.Load() {
		return
	}
	if l.crowd && !yes {
		c.leaveCrowd()
	}
	if c.p.many.Load() != yes { // a load costs less than a store
		c.p.many.Store(yes)
	}
}

// enterCrowd has the reader, who keeps its role, wait in reads of the socket from
// now on.
func (c *inbound) enterCrowd() error {
	l := &c.leading
	l.crowd, l.socket.hasty, c.limit.loose = true, false, false
	l.until, c.limit.until = time.Time{}, time.Now().Add(c.limit.limit)
	return l.socket.Conn.SetReadDeadline(c.limit.until)
}

// leaveCrowd has it give up its role again when there is nothing to read. The
// deadline that stays on the socket concerns neither a hasty read nor the sentinel,
// and an asker sets its own.
func (c *inbound) leaveCrowd() {
	l := &c.leading
	l.crowd, l.socket.hasty, c.limit.loose = false, true, true
}
