// Package seedjoin is the bootstrap protocol of a cluster as a pure state
// machine: how a process that knows nothing but a list of seed addresses finds
// the cluster, or, if it is the first seed and there is none, founds it.
//
// A [Machine] is a function of its state, its input and the time it is given.
// It opens no socket, reads no clock, starts nothing and blocks nowhere; the
// same inputs in the same order give the same outputs.
//
//	m, err := seedjoin.New(cfg)
//	m.Tick(now)                     // starts it
//	err = m.Step(now, in)           // a peer's message, what the engine knows, a send that failed
//	rd := m.Ready()                 // Messages to send, Events to act on, Wake: when Tick is due
//
// Three roles follow from the configuration alone. The first seed, head of the
// list however its address is spelt there, founds when a majority of the seeds
// said that there is no cluster or refused the connection, and nobody named
// one; silence is no answer. A seed and an ordinary process, which is not in
// the list, never found. Once a process is a member all roles are equal: each
// answers those who ask, accepts or refuses those who want to join, and the
// stewards among them invite the seeds that are missing. A member without a
// lease asks who is left of its last view, and gives up a cluster that is lost.
//
// The rules, the states and the reasons are in docs/bootstrap.md.
//
// # Concurrency
//
// A Machine belongs to one goroutine. What Ready returned belongs to the
// caller; messages and their slices are immutable and may be shared.
//
// # Not promised
//
// Two clusters can still come into being when a cut and restarts meet: a
// majority of the seeds restarts on the side of the cut that the cluster is not
// on. [Island] tells of it as soon as the sides hear of one another, and the
// later one yields if it can: see [Yielded].
//
// # Not yet
//
// A memory that outlives the process.
package seedjoin
