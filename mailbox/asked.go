package mailbox

import pa "github.com/asynkron/protoactor-go/actor"

// Answerer is a MessageInvoker to which messages that were posted by PostFrom come
// without an envelope, and so without an allocation.
type Answerer interface {
	// InvokeFrom is InvokeUserMessage of an envelope with msg and from.
	InvokeFrom(msg any, from *pa.PID)
}

// asked is a message in a queue with who waits for an answer. Nobody but the
// mailbox sees it, so it is used again. (A second field in each place of a queue
// would make a tell a fifth dearer.)
type asked struct {
	msg  any
	from *pa.PID
}

// ask is msg as it is queued.
func (c *chunks) ask(msg any, from *pa.PID) any {
	if from == nil {
		return msg
	}
	a, ok := c.asked.Get().(*asked)
	if !ok {
		a = new(asked)
	}
	a.msg, a.from = msg, from
	return a
}

// open takes an asked back.
func (c *chunks) open(a *asked) (msg any, from *pa.PID) {
	msg, from = a.msg, a.from
	*a = asked{}
	c.asked.Put(a)
	return msg, from
}

func (b *Box) invokeAsked(a *asked, current *any) {
	if to, ok := b.invoker.(Answerer); ok {
		msg, from := b.wiring.chunks.open(a)
		*current = msg
		to.InvokeFrom(msg, from)
		return
	}
	*current = whole(a)
	b.invoker.InvokeUserMessage(*current)
}

// whole is a queued message as protoactor knows it.
func whole(msg any) any {
	if a, ok := msg.(*asked); ok {
		return &pa.MessageEnvelope{Message: a.msg, Sender: a.from}
	}
	return msg
}
