package engine

import "github.com/pando-go/pando/clusterd/engine/member"

// A full-cluster shutdown is asked for by a fact and told by a view. Once that
// view is active nobody is let in and nothing is taken over; each node stops
// what it hosts and leaves, and the last one finds itself alone.

// shutdown asks for it on behalf of an operator.
func (e *Engine) shutdown() error {
	if e.id.IsZero() {
		return ErrNotMember
	}
	if !e.own().Own.Halt {
		e.restate(func(o *member.Own) { o.Halt = true })
	}
	return nil
}
