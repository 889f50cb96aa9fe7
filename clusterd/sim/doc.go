// Package sim runs whole clusters on virtual time, from one seed.
//
// Every node is a real [core.Core], the membership engine and join machine
// that clusterd drives, so what breaks here would break in production. A [Sim]
// puts them on one heap of pending events: packets in flight, timers that are
// due, sends that will turn out to have failed. Delay, loss, duplication,
// reordering, cuts, crashes and stalls are all drawn from the seed, so a run
// is repeated to the byte by its seed alone.
//
//	s := sim.New(sim.Config{Seed: 7, Seeds: []int{1, 2, 3}})
//	for id := 1; id <= 3; id++ {
//		s.Start(id)
//	}
//	s.Run(3 * time.Second)
//	s.Cut([]int{1}, []int{2, 3})
//	s.Run(20 * time.Second)
//	if err := s.Err(); err != nil {
//		fmt.Println(err) // names the invariant, the seed and the last events
//	}
//
// After each event the invariants of the protocol are checked on the node that
// the event changed; the first that does not hold ends the run. [Sim.Calm]
// checks what must hold once the network has been quiet: everyone up, one
// cluster, one leader, nobody healthy removed. [Invariants] lists them all.
//
// A [Script] tells a run as a story (`cut n1 | n2 n3`, `run 10s`, `state`)
// with its golden output; [Random] draws one from a seed.
//
// # Concurrency
//
// None: a Sim belongs to one goroutine and starts no other. Different Sims
// share nothing.
//
// # Not promised
//
// The simulated network delivers whole packets, in order on each link unless
// told to reorder, and knows nothing of frames or bytes. A node that is
// stopped keeps no disk. Clocks drift at rates that stay.
//
// # Not yet
//
// I7 needs durable shards.
package sim
