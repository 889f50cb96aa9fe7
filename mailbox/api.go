// Package mailbox: declarations that others build against.
package mailbox

import pa "github.com/asynkron/protoactor-go/actor"

// Producer makes one mailbox for one actor.
type Producer = pa.MailboxProducer

// Unbounded returns a FIFO mailbox without a limit.
func Unbounded() Producer { panic("todo") }

// Pool is a dispatcher: a fixed set of workers that run mailboxes.
type Pool struct{}

func NewPool(workers, throughput int) *Pool { panic("todo") }
func (p *Pool) Schedule(fn func())          { panic("todo") }
func (p *Pool) Throughput() int             { panic("todo") }
func (p *Pool) Close()                      { panic("todo") }
