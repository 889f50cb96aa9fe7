package remote

import (
	"slices"

	"github.com/pando-go/pando/remote/internal/wire"
)

// A large message goes in fragments, between which batches for other receivers
// find their place. What is sent to its receiver meanwhile must not overtake
// it: it waits in the same flow. A flow begins when all batches that were open
// at its beginning have been taken, for one of them may hold a message to the
// same receiver, and it ends when all of it has been taken, after which its
// receiver's messages go with the others again. So the order of each pair holds.

// flows are those of one queue, whose lock guards them.
type flows struct {
	by      map[string]*flow // by receiver
	turns   []*flow          // whose turn it is, first
	partial int              // bytes of the envelopes that have begun
	begun   int              // how many these are
	lastID  uint64
}

type flow struct {
	to    string
	after uint64 // how many open batches must have been taken before
	items []item // what waits, oldest first
}

// item is a transfer or a batch.
type item struct {
	t *transfer
	b *batch
}

// transfer is one large message: an envelope that is taken in parts.
type transfer struct {
	id      uint64
	to      string
	head    []byte // the envelope up to its payload
	payload []byte
	off     int // how much of both has been taken
	cost    int
	marks   []mark
}

func (t *transfer) size() int { return len(t.head) + len(t.payload) }

// envelope returns all of it.
func (t *transfer) envelope() []byte { return append(slices.Clip(t.head), t.payload...) }

// cut takes the next part.
func (t *transfer) cut() []byte {
	part := t.payload
	if t.off < len(t.head) {
		part = t.head[t.off:]
	} else {
		part = part[t.off-len(t.head):]
	}
	part = part[:min(len(part), fragmentBytes)]
	t.off += len(part)
	return part
}

// fragmentBytes is the length of a fragment's data but for the first and last.
const fragmentBytes = 64 << 10

func (fs *flows) add(to string, after uint64) *flow {
	if fs.by == nil {
		fs.by = make(map[string]*flow)
	}
	f := &flow{to: to, after: after}
	fs.by[to] = f
	fs.turns = append(fs.turns, f)
	return f
}

func (fs *flows) transfer(e *wire.Outgoing, cost int) *transfer {
	fs.lastID++
	return &transfer{id: fs.lastID, to: e.To.S, head: e.AppendHead(nil), payload: e.Payload, cost: cost}
}

// take returns what goes next of the flow whose turn it is; nil: none may.
func (fs *flows) take(q *userQueue) *batch {
	for range len(fs.turns) {
		f := fs.turns[0]
		fs.turns = append(fs.turns[1:], f)
		for len(f.items) > 0 && f.items[0].isTooBig(q) {
			q.tooBig = append(q.tooBig, f.items[0].t)
			q.free(f.items[0].t.cost)
			fs.pop(f)
		}
		if len(f.items) > 0 && fs.may(f, q) {
			return fs.cut(f)
		}
	}
	return nil
}

// ready reports whether take would find something.
func (fs *flows) ready(q *userQueue) bool {
	for _, f := range fs.turns {
		if fs.may(f, q) || f.items[0].isTooBig(q) {
			return true
		}
	}
	return false
}

// isTooBig reports whether the other side would not take the item.
func (i item) isTooBig(q *userQueue) bool {
	return i.t != nil && q.conn.c != nil && i.t.size() > q.conn.maxEnvelope
}

// may reports whether the first item of a flow can be taken.
func (fs *flows) may(f *flow, q *userQueue) bool {
	t := f.items[0].t
	switch {
	case q.taken < f.after:
		return false
	case t == nil:
		return true
	case q.fragments >= fragmentWindow:
		return false
	case t.off > 0 || fs.begun == 0:
		return true
	}
	return fs.begun < wire.MaxTransfers && fs.partial+t.size() <= q.conn.maxPartial
}

// cut takes the first item of a flow, or the next part of it.
func (fs *flows) cut(f *flow) *batch {
	t := f.items[0].t
	if t == nil {
		b := f.items[0].b
		fs.pop(f)
		return b
	}
	if t.off == 0 {
		fs.begun++
		fs.partial += t.size()
	}
	b := &batch{data: t.cut(), of: t}
	if t.off == t.size() {
		b.count, b.cost, b.marks = 1, t.cost, t.marks
		fs.begun--
		fs.partial -= t.size()
		fs.pop(f)
	}
	return b
}

// pop drops the first item of a flow, and the flow with its last.
func (fs *flows) pop(f *flow) {
	f.items = slices.Delete(f.items, 0, 1)
	if len(f.items) == 0 {
		delete(fs.by, f.to)
		fs.turns = slices.DeleteFunc(fs.turns, func(o *flow) bool { return o == f })
	}
}

// abandon drops a transfer that has begun, if not all of it has been taken.
func (fs *flows) abandon(t *transfer) bool {
	f := fs.by[t.to]
	if f == nil || f.items[0].t != t {
		return false
	}
	fs.begun--
	fs.partial -= t.size()
	fs.pop(f)
	return true
}

// drain takes out all that waits, as batches that are only good to be buried.
func (fs *flows) drain() []*batch {
	var out []*batch
	for _, f := range fs.turns {
		for _, i := range f.items {
			if i.t != nil {
				out = append(out, &batch{of: i.t})
			} else {
				out = append(out, i.b)
			}
		}
	}
	fs.by, fs.turns, fs.partial, fs.begun = nil, nil, 0, 0
	return out
}
