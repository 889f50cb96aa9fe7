package remote

import (
	"cmp"
	"net"
	"slices"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// maxSystem is how many stop messages may wait for one peer. The other kinds
// are bounded by the watches that live.
const maxSystem = 1 << 20

// systemKey tells which system messages replace each other: of a watch and its
// unwatch only the last counts.
type systemKey struct {
	class         remotepb.System_Op
	target, other string
}

type systemMessage struct {
	op            remotepb.System_Op
	target, other string
	why           uint32
	lane          uint32 // of a Terminated: the user lane and
	after         uint64 // the number on it that goes before
}

func (m systemMessage) key() systemKey {
	class := m.op
	if class == remotepb.System_OP_UNWATCH {
		class = remotepb.System_OP_WATCH
	}
	return systemKey{class, m.target, m.other}
}

type systemItem struct {
	systemMessage
	seq uint64
}

// systemLog holds the system messages that the other side has not
// acknowledged. It is a set, not a history: what a newer one makes void is
// forgotten, so its size is bounded by the watches that live, however long the
// peer cannot be reached. Its owner locks.
type systemLog struct {
	seq     uint64
	taken   uint64 // the highest number written on the connection
	pending map[systemKey]*systemItem
	unsent  []*systemItem // in order; void ones are skipped
	flight  []*systemItem // written, in order
}

// put adds a message. It is false when there is no room.
func (l *systemLog) put(m systemMessage) bool {
	if len(l.pending) >= maxSystem && m.op == remotepb.System_OP_STOP {
		return false
	}
	l.seq++
	if l.pending == nil {
		l.pending = make(map[systemKey]*systemItem)
	}
	item := &systemItem{m, l.seq}
	l.pending[m.key()] = item
	l.unsent = append(l.unsent, item)
	if len(l.unsent) > 2*len(l.pending)+64 {
		l.unsent = slices.DeleteFunc(l.unsent, l.void)
	}
	return true
}

// void reports whether a newer message replaced the item, or it was acknowledged.
func (l *systemLog) void(i *systemItem) bool { return l.pending[i.key()] != i }

func (l *systemLog) sendable() bool { return len(l.unsent) > 0 }
func (l *systemLog) unacked() bool  { return len(l.flight) > 0 }
func (l *systemLog) empty() bool    { return len(l.pending) == 0 }

// resume begins a new connection, whose other side has received the messages
// up to a number.
func (l *systemLog) resume(received uint64) {
	l.settle(received)
	l.flight, l.unsent = nil, l.unsent[:0]
	for _, i := range l.pending {
		l.unsent = append(l.unsent, i)
	}
	slices.SortFunc(l.unsent, func(a, b *systemItem) int { return cmp.Compare(a.seq, b.seq) })
	l.taken = min(received, l.seq)
}

// settle drops what has been received.
func (l *systemLog) settle(received uint64) {
	for k, i := range l.pending {
		if i.seq <= received {
			delete(l.pending, k)
		}
	}
}

// next appends the frames to write.
func (l *systemLog) next(b net.Buffers) net.Buffers {
	for _, i := range l.unsent {
		if l.void(i) {
			continue
		}
		frame, err := wire.AppendFrame(nil, wire.KindSystem, &remotepb.System{
			Seq: i.seq, Op: i.op, Target: i.target, Other: i.other, Why: i.why,
			Lane: i.lane, After: i.after,
		})
		if err != nil { // ids are checked before put
			delete(l.pending, i.key())
			continue
		}
		b = append(b, frame)
		l.flight = append(l.flight, i)
		l.taken = i.seq
	}
	clear(l.unsent)
	l.unsent = l.unsent[:0]
	return b
}

func (l *systemLog) acked(seq uint64) error {
	if seq > l.taken {
		return wire.Malformed("ack of system message %d, which was not sent", seq)
	}
	n := 0
	for n < len(l.flight) && l.flight[n].seq <= seq {
		if i := l.flight[n]; !l.void(i) {
			delete(l.pending, i.key())
		}
		n++
	}
	l.flight = slices.Delete(l.flight, 0, n)
	return nil
}

// lost ends the connection: what was not acknowledged is to be sent again, in
// the order that resume will make.
func (l *systemLog) lost() {
	l.flight, l.unsent = nil, l.unsent[:0]
	for _, i := range l.pending {
		l.unsent = append(l.unsent, i)
	}
}

// clear forgets all messages. Numbers go on.
func (l *systemLog) clear() {
	clear(l.pending)
	l.unsent, l.flight, l.taken = nil, nil, l.seq
}
