// Package core joins the membership engine and the join machine of one node
// into one pure state machine. The clusterd shell and the simulator both drive
// it, and nothing but it, so what the simulator has tried is what runs.
//
//	c, err := core.New(cfg)
//	c.Tick(now)               // starts it
//	err = c.Step(now, in)     // a packet, a command, a send that failed
//	rd := c.Ready()           // Packets to send, Events to publish, Notes to log, Wake
//
// Between the two parts goes little: what the engine knows ([engine.Standing])
// goes to the machine whenever it changed, and what the machine decided
// (found, admit, replace, expect a welcome, hail, abandon) to the engine.
//
// # Concurrency
//
// A Core belongs to one goroutine. What Ready and Snapshot return is immutable
// and may be shared.
// A Core is one incarnation: whoever was removed goes on with a new one, under a
// new UID, which is given the [Heir] of the old.
package core
