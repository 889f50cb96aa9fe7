// Package actortest tests actors without sleeping: in virtual time, in a system
// of their own, with probes that expect messages.
//
//	func TestGreeter(t *testing.T) {
//		actortest.Run(t, func(k *actortest.Kit) {
//			greeter := actortest.Spawn(k, newGreeter)
//			guest := actortest.NewProbe[string](k)
//			greeter.Tell(Greet{Name: "Ada", ReplyTo: guest.Ref()})
//			guest.Want("hello Ada")
//			guest.WantNone(time.Hour)
//		})
//	}
//
// Run starts a testing/synctest bubble. In it a clock of its own stands still as
// long as any goroutine can go on, and jumps when all of them wait: an hour takes
// no time, a time-out fires at its exact moment, and a test that passes once
// passes always.
//
// # Concurrency
//
// A Kit and its probes belong to the goroutine of the function passed to Run. The
// refs may be used anywhere inside the bubble.
//
// # Not promised
//
// The order in which actors run is left to chance: what two of them send to a
// third may come either way around. What waits for something outside the bubble,
// such as a socket, a process or a mutex, stops the virtual clock.
//
// The package is for tests: it links testing and go-cmp.
package actortest
