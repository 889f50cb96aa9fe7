// Package memnet is a network in memory for tests: named addresses, refused
// connections, links that can be cut, slowed and healed, connections that can
// be reset. It works inside a testing/synctest bubble: what waits, waits on
// channels and timers only.
//
//	n := memnet.New()
//	ln, err := n.Listen("a:1")
//	conn, err := n.Dial(ctx, "b:1", "a:1") // b dials a
//	n.Cut("a:1", "b:1")                    // bytes stop; dials hang
//	n.Heal("a:1", "b:1")                   // and go on where they stopped
//
// A cut link is silent, as a pulled cable is: nothing fails until a deadline
// or a context ends. A listener that is closed refuses connections with an
// error that matches syscall.ECONNREFUSED. All methods may be called from any
// goroutine.
//
// Not promised: bandwidth, loss or reordering of single packets (a TCP
// connection shows none of these).
package memnet
