package engine

import "github.com/pando-go/pando/clusterd/engine/member"

// take dispatches an input.
func (e *Engine) take(in Input) error {
	switch in := in.(type) {
	case *Message:
		return e.receive(in)
	case Found:
		return e.found(in)
	case Expect:
		return e.await(in)
	case Admit:
		return e.admit(in)
	case Replace:
		return e.replace(in)
	case Hail:
		return e.hail(in)
	case Abandon:
		return e.abandon()
	case Describe:
		return e.describe(in)
	case Leave:
		return e.leave()
	case Drained:
		return e.drained()
	case Down:
		return e.down(in)
	case Shutdown:
		return e.shutdown()
	case Recover:
		return e.recover()
	case Granted:
		return e.granted(in)
	case Denied:
		return e.denied(in)
	case SendFailed:
		e.sendFailed(in)
		return nil
	}
	return malformed("input of type %T", in)
}

func (e *Engine) receive(m *Message) error {
	if m == nil || m.Body == nil || m.Body.absent() {
		return malformed("empty message")
	}
	if err := m.From.Validate(); err != nil {
		return faulty(err)
	}
	if m.To != e.self || m.From == e.self {
		return ErrNotForMe
	}
	if w, ok := m.Body.(*Welcome); ok {
		return e.onWelcome(m.From, m.Identity, w)
	}
	if p, ok := m.Body.(*Page); ok && m.Identity != e.id {
		return e.onPage(m.From, m.Identity, p)
	}
	if e.id.IsZero() {
		return ErrNotMember
	}
	if r, ok := m.Body.(*Recovered); ok {
		return e.onRecovered(m.From, m.Identity, r)
	}
	if m.Identity != e.id {
		return ErrForeign
	}
	if g, ok := m.Body.(*Gone); ok {
		return e.onGone(g)
	}
	p := e.roster.find(m.From)
	if p == nil { // whoever is in the roster was not removed
		if _, ok := m.Body.(*Ended); ok {
			return e.onEnded(m.From)
		}
		if t := e.tombstone(m.From); t.UID != 0 {
			e.send(m.From, &Gone{View: t.View, Cause: t.Cause})
			return nil
		}
	}
	return e.handle(m.From, p, m.Body)
}

// handle dispatches the body of a message from a node that was not removed, and
// of which p is remembered; nil for a stranger.
func (e *Engine) handle(from member.Node, p *peer, b Body) error {
	switch b := b.(type) {
	case *Heartbeat:
		return e.onHeartbeat(from, p, b)
	case *Digest:
		return e.onDigest(from, b)
	case *Aside:
		return e.onAside(from, b)
	case *Request:
		return e.onRequest(from, b)
	case *Page:
		return e.onPage(from, e.id, b)
	case *Delta:
		return e.onDelta(from, b)
	case *ReadWave:
		return e.onReadWave(from, b)
	case *Promise:
		return e.onPromise(from, b)
	case *WriteWave:
		return e.onWriteWave(from, b)
	case *Ack:
		return e.onAck(from, b)
	case *Known:
		return e.onKnown(from, b)
	case *Lack:
		return e.onLack(from, b)
	case *Refusal:
		return e.onRefusal(b)
	case *Commit:
		return e.onCommit(from, b)
	case *Pending:
		return e.onPending(b)
	case *Ended:
		return nil // not removed, as far as is known here
	case *Poll:
		return e.onPoll(from, b)
	case *Vouch:
		return e.onVouch(b)
	case *Seek:
		return e.onSeek(from, b)
	case *Sign:
		return e.onSign(from, b)
	}
	return malformed("body of type %T", b)
}

// tombstone returns a tombstone that covers n; a zero one if n was not removed
// as far as a decided view tells.
func (e *Engine) tombstone(n member.Node) member.Tombstone {
	if t := e.views.decided.Tombstone(n.Address); t != nil && t.UID >= n.UID {
		return *t
	}
	r := e.table.Record(n.Address)
	switch {
	case r == nil:
	case r.UID == n.UID && !r.Live():
		return member.Tombstone{Node: n, View: r.Removed, Cause: r.Wanted}
	case r.UID > n.UID:
		return member.Tombstone{Node: n, View: e.views.decided.Number, Cause: member.CauseReplaced}
	}
	return member.Tombstone{}
}

// known reports whether n is in a view here or joining here.
func (e *Engine) known(n member.Node) bool {
	if e.views.decided.Find(n) != nil || e.views.acked.Find(n) != nil {
		return true
	}
	r := e.table.Record(n.Address)
	return r != nil && r.Node == n && r.Live()
}
