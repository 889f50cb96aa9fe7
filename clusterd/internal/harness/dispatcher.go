package harness

import pa "github.com/asynkron/protoactor-go/actor"

// Dispatcher runs actors on another dispatcher, while the gate is open.
type Dispatcher struct {
	Gate *Gate
	Over pa.Dispatcher
}

// Schedule runs a mailbox once the gate lets it.
func (d *Dispatcher) Schedule(fn func()) { d.Gate.Pass(func() { d.Over.Schedule(fn) }) }

// Throughput is 1: a gate that closes holds a busy actor after the message
// that it handles, not after hundreds.
func (d *Dispatcher) Throughput() int { return 1 }
