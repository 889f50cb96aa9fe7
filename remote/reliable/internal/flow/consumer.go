package flow

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrTooMany is Letter's error for one more producer than the limit.
var ErrTooMany = errors.New("flow: too many producers")

// ErrStale is Letter's error for a letter of a former incarnation of its producer.
var ErrStale = errors.New("flow: a former incarnation of the producer")

// Limits of a consumer.
type Limits struct {
	Window    uint64        // messages of one producer received and not confirmed
	Producers int           // known at a time
	Forget    time.Duration // silence after which a producer makes room for another
}

// Consumer takes the letters of many producers, and each message once as long as it
// lives. What it has in hand is at most the window of each producer.
type Consumer struct {
	session uint64
	limits  Limits
	from    map[string]*inflow
	owing   []string // producers that are owed an ack, in the order of their letters
	strange []Ack    // to producers that it does not know
}

// inflow is what is known of one producer.
type inflow struct {
	stream, epoch uint64
	received      uint64
	hand          []uint64 // received and not confirmed, ascending
	told          uint64   // demand, as the last ack said
	gap           bool     // a gap was reported and nothing new came since
	owed, resend  bool
	heard         time.Time
}

// confirmed is the number up to which all are done with.
func (f *inflow) confirmed() uint64 {
	if len(f.hand) > 0 {
		return f.hand[0] - 1
	}
	return f.received
}

// upTo is the demand: as much beyond what was received as there is room for. It
// never falls. One message that takes long does not hold up those behind it.
func (f *inflow) upTo(window uint64) uint64 { return f.received + window - uint64(len(f.hand)) }

// NewConsumer returns a consumer. Session must not be 0, and should be another than
// that of the consumer that was there before: else producers notice later that it
// has lost its memory.
func NewConsumer(session uint64, l Limits) *Consumer {
	return &Consumer{session: session, limits: l, from: make(map[string]*inflow)}
}

// Letter takes a letter and reports whether its message is new and next: then the
// application is to have it, and Confirm is to be called for it. Everything else
// is answered by an ack at most.
func (c *Consumer) Letter(now time.Time, l Letter) (take bool, _ error) {
	if l.Base == 0 || l.Seq < l.Base {
		return false, fmt.Errorf("flow: letter %d with base %d", l.Seq, l.Base)
	}
	f, err := c.flow(now, l)
	if f == nil {
		return false, err
	}
	f.heard = now
	if l.Base > f.received+1 {
		// What is missing was confirmed by a predecessor: a letter of its time was
		// all that this consumer had begun with.
		f.received, f.gap = l.Base-1, false
	}
	if l.Probe {
		c.owe(l.Producer, f, true)
	}
	switch {
	case l.Seq <= f.received: // the ack of it may be lost
		c.owe(l.Producer, f, false)
	case l.Seq > f.received+1:
		if !f.gap { // once: the letters behind it would all say the same
			f.gap = true
			c.owe(l.Producer, f, true)
		}
	case uint64(len(f.hand)) >= c.limits.Window: // more than was asked for
		c.owe(l.Producer, f, false)
	default:
		f.received, f.gap = l.Seq, false
		f.hand = append(f.hand, l.Seq)
		return true, nil
	}
	return false, nil
}

// flow returns what is known of the producer of a letter; nil if the letter is not
// to be looked at.
func (c *Consumer) flow(now time.Time, l Letter) (*inflow, error) {
	f := c.from[l.Producer]
	switch {
	case f != nil && (l.Stream < f.stream || l.Stream == f.stream && l.Epoch < f.epoch):
		return nil, ErrStale
	case f != nil && l.Stream == f.stream:
		f.epoch = l.Epoch // restarted with its queue: the numbers go on
		return f, nil
	case l.Seq != l.Base:
		// Not to be begun with. The producer takes this ack for that of a new
		// session and begins at its base.
		c.strangers(Ack{Producer: l.Producer, Stream: l.Stream, Epoch: l.Epoch, Session: c.session, Resend: true})
		return nil, nil
	case f == nil && !c.room(now):
		return nil, ErrTooMany
	}
	owed := f != nil && f.owed
	f = &inflow{stream: l.Stream, epoch: l.Epoch, received: l.Base - 1, owed: owed}
	c.from[l.Producer] = f
	c.owe(l.Producer, f, false) // opens the window
	return f, nil
}

// strangers keeps an ack for a producer that is not known. A few are enough: the
// producer will try again.
func (c *Consumer) strangers(a Ack) {
	const enough = 16
	for _, s := range c.strange {
		if s == a {
			return
		}
	}
	if len(c.strange) < enough {
		c.strange = append(c.strange, a)
	}
}

// room makes room for one more producer.
func (c *Consumer) room(now time.Time) bool {
	if len(c.from) < c.limits.Producers {
		return true
	}
	for id, f := range c.from { // order: all that are silent for so long go
		if len(f.hand) == 0 && !f.owed && now.Sub(f.heard) >= c.limits.Forget {
			delete(c.from, id)
		}
	}
	return len(c.from) < c.limits.Producers
}

// Confirm tells that the application is done with a message that Letter took. They
// may be confirmed in any order; the producer hears of the first so many.
func (c *Consumer) Confirm(producer string, stream, seq uint64) {
	f := c.from[producer]
	if f == nil || f.stream != stream {
		return
	}
	i, ok := slices.BinarySearch(f.hand, seq)
	if !ok {
		return
	}
	f.hand = slices.Delete(f.hand, i, i+1)
	c.owe(producer, f, false)
}

func (c *Consumer) owe(producer string, f *inflow, resend bool) {
	f.resend = f.resend || resend
	if !f.owed {
		f.owed = true
		c.owing = append(c.owing, producer)
	}
}

// Owes reports whether acks wait to be sent, and whether one of them is urgent: a
// producer could soon have used up its demand, or misses something. Those that are
// not may wait until nothing else is to be done, so that one tells of many.
func (c *Consumer) Owes() (owes, urgent bool) {
	for _, id := range c.owing {
		f := c.from[id]
		urgent = urgent || f.resend || f.upTo(c.limits.Window)-f.told >= max(1, c.limits.Window/2)
	}
	return len(c.owing)+len(c.strange) > 0, urgent || len(c.strange) > 0
}

// Acks hands over the acks that are owed.
func (c *Consumer) Acks() []Ack {
	acks := c.strange
	c.strange = nil
	for _, id := range c.owing {
		f := c.from[id]
		upTo := f.upTo(c.limits.Window)
		acks = append(acks, Ack{
			Producer: id, Stream: f.stream, Epoch: f.epoch, Session: c.session,
			Received: f.received, Confirmed: f.confirmed(), UpTo: upTo, Resend: f.resend,
		})
		f.owed, f.resend, f.told = false, false, upTo
	}
	c.owing = c.owing[:0]
	return acks
}
