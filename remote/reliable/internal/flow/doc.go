// Package flow is reliable delivery as state machines without clock, network or
// goroutine: a [Producer] that keeps what is not confirmed, a [Consumer] that takes
// each message once, and a [Pool] that hands one backlog to many consumers.
//
//	seq := p.Offer(now, payload)
//	letters, wake := p.Ready() // send these; call Tick at wake
//	...
//	take := c.Letter(now, letter) // true: hand it to the application, then
//	c.Confirm(producer, stream, seq)
//	acks := c.Acks()              // send these
//	...
//	p.Ack(now, ack)
//
// docs/delivery.md draws the protocol. Each machine belongs to one goroutine. The
// same inputs in the same order give the same outputs.
//
// # Who drives
//
// The consumer grants: a producer never has more on the way than the window that the
// consumer opened. The producer repairs: its timer is the only one. While anything
// is unconfirmed it repeats the oldest such message, ever more slowly, and the answer
// to that says what else is missing. So a consumer costs nothing while it is idle,
// and one that has lost its memory is found by the producers that need it.
package flow
