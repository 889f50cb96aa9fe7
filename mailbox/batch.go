package mailbox

import pa "github.com/asynkron/protoactor-go/actor"

// batchOf finds a batch that is the message itself or inside its envelope.
func batchOf(msg any) (pa.MessageBatch, bool) {
	if env, ok := msg.(*pa.MessageEnvelope); ok {
		msg = env.Message
	}
	b, ok := msg.(pa.MessageBatch)
	return b, ok
}

// postBatch queues the members in one piece if nothing limits them.
func (b *Box) postBatch(batch pa.MessageBatch) {
	members := flatten(nil, batch)
	b.mu.Lock()
	if b.state&(limited|closed) != 0 {
		b.mu.Unlock()
		for _, msg := range members {
			b.PostUserMessage(msg)
		}
		return
	}
	for _, msg := range members {
		b.user.push(b.wiring.chunks, letter{msg: msg})
	}
	b.unlock(b.user.n > 0 && b.state.is(0, suspended))
}

// flatten appends the members of a batch, and of batches among them. It is done
// before the lock is taken, since the batch is the user's code.
func flatten(to []any, b pa.MessageBatch) []any {
	for _, msg := range b.GetMessages() {
		if inner, ok := batchOf(msg); ok {
			to = flatten(to, inner)
		} else {
			to = append(to, msg)
		}
	}
	return to
}

// whole is the message as protoactor knows it.
func (m letter) whole() any {
	if m.from == nil {
		return m.msg
	}
	return &pa.MessageEnvelope{Message: m.msg, Sender: m.from}
}

// bare is a message without its envelope.
func bare(msg any) any {
	if env, ok := msg.(*pa.MessageEnvelope); ok {
		return env.Message
	}
	return msg
}
