package mailbox

// order keeps user messages that are not handled in order of arrival. It is the
// runner's own: senders queue as in a plain mailbox, and the runner sorts what has
// come before it takes the next. So no lock is held while the user's code ranks.
type order interface {
	// add keeps a message; if it panics, it has not.
	add(m letter)
	// next takes the message whose turn it is; the caller has checked len.
	next() letter
	len() int
}

// nextOrdered is next for a mailbox with an order.
func (b *Box) nextOrdered(current *any) (letter, finding) {
	o := b.wiring.order
	if b.state.is(0, suspended) {
		b.sort(o, current) // what a panic while sorting left over
	}
	first, fresh, found := b.gather(o)
	switch {
	case found != message:
		return letter{}, found
	case fresh && b.out == nil && o.len() == 0:
		return first, message // alone, as most messages are
	case fresh:
		*current = first.msg
		o.add(first)
		b.sort(o, current)
	}
	*current = nil // nobody is to blame if less panics here
	msg := o.next()
	b.left.Store(int32(o.len()))
	return msg, message
}

// gather takes what has come: the first message, and the others into out.
func (b *Box) gather(o order) (first letter, fresh bool, found finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fresh = b.user.n > 0
	found = b.look(fresh || o.len() > 0)
	if found == message && fresh {
		first = b.takeAll()
	}
	return first, fresh, found
}

// sort brings what was taken into order. A message at which that panics is
// blamed, and gone like any other at which an actor fails.
func (b *Box) sort(o order, current *any) {
	for b.out != nil {
		msg := b.popOut()
		*current = msg.msg
		o.add(msg)
	}
}

// tryAdd is add at an actor's end, when there is nobody to blame for a panic.
func tryAdd(o order, msg letter) (added bool) {
	defer func() { _ = recover() }()
	o.add(msg)
	return true
}
