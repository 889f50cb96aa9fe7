package flow

import (
	"encoding/binary"
	"testing"
	"time"
)

// numbers reads small numbers out of fuzzed bytes, so that they meet each other.
type numbers []byte

func (n *numbers) next(limit uint64) uint64 {
	if len(*n) == 0 {
		return 0
	}
	v := uint64((*n)[0])
	*n = (*n)[1:]
	if v == 255 && len(*n) >= 8 { // now and then any number at all
		v, *n = binary.LittleEndian.Uint64(*n), (*n)[8:]
		return v
	}
	return v % limit
}

// FuzzProducer: whatever acks say, a producer neither panics nor forgets its timer,
// sends only what it has, and counts.
func FuzzProducer(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 1, 1, 5, 0, 2, 0, 0})
	f.Add([]byte{0, 1, 1, 7, 0, 0, 4, 1, 0, 1, 1, 7, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := numbers(data)
		now := time.Unix(0, 0)
		p := NewProducer("p", 1, 1, 1, Timing{Resend: time.Second, ResendMax: 8 * time.Second})
		for offered := uint64(0); len(in) > 0; {
			base := p.Base()
			switch in.next(3) {
			case 0:
				offered++
				if got := p.Offer(now, []byte{1}); got != offered {
					t.Fatalf("got number %d, want %d", got, offered)
				}
			case 1:
				_ = p.Ack(now, Ack{
					Producer: "p", Stream: in.next(3), Epoch: in.next(3), Session: in.next(4),
					Received: in.next(20), Confirmed: in.next(20), UpTo: in.next(40), Resend: in.next(2) == 1,
				}) // most are refused
			case 2:
				now = now.Add(time.Duration(in.next(20)) * time.Second)
				p.Tick(now)
			}
			letters, wake := p.Ready()
			for _, l := range letters {
				if l.Seq < l.Base || l.Seq > offered {
					t.Fatalf("sent number %d with base %d of %d", l.Seq, l.Base, offered)
				}
			}
			if p.Base() < base || p.Next() != offered+1 || wake.IsZero() != (p.Base() == p.Next()) {
				t.Fatalf("base %d after %d, next %d after %d offers, wake %v", p.Base(), base, p.Next(), offered, wake)
			}
		}
	})
}

// FuzzConsumer: whatever letters say, a consumer neither panics nor holds more than
// its limits, takes each number once, and acks nothing that it does not have.
func FuzzConsumer(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 2, 1, 0, 1, 0, 1, 1})
	f.Add([]byte{0, 1, 1, 1, 9, 3, 1, 0, 0, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		const window, producers = 4, 3
		in := numbers(data)
		now := time.Unix(0, 0)
		c := NewConsumer(1, Limits{Window: window, Producers: producers, Forget: 5 * time.Second})
		for len(in) > 0 {
			name := string(rune('a' + in.next(5)%5))
			switch in.next(3) {
			case 0, 1:
				l := Letter{Producer: name, Stream: in.next(3), Epoch: in.next(3), Seq: in.next(30), Base: in.next(30), Probe: in.next(2) == 1}
				take, _ := c.Letter(now, l)
				if f := c.from[name]; take && (f.received != l.Seq || f.hand[len(f.hand)-1] != l.Seq) {
					t.Fatalf("took %d, received is %d", l.Seq, f.received)
				}
			case 2:
				c.Confirm(name, in.next(3), in.next(30))
				now = now.Add(time.Duration(in.next(4)) * time.Second)
			}
			if len(c.from) > producers || len(c.strange) > 16 {
				t.Fatalf("%d producers are known, limit %d", len(c.from), producers)
			}
			for _, f := range c.from { // order: each is checked
				if len(f.hand) > window || len(f.hand) > 0 && f.hand[len(f.hand)-1] > f.received {
					t.Fatalf("in hand are %v of %d received, window %d", f.hand, f.received, window)
				}
			}
			if in.next(3) > 0 {
				continue
			}
			for _, a := range c.Acks() {
				if a.Confirmed > a.Received || a.Received > 0 && a.Received-a.Confirmed > a.Received {
					t.Fatalf("acked %d confirmed of %d", a.Confirmed, a.Received)
				}
			}
		}
	})
}
