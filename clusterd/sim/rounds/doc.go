// Package rounds spreads one piece of news through a cluster in synchronous
// rounds and counts: how many rounds until everybody knows, and how many
// messages that takes. It is how the literature measures gossip, and what
// docs/gossip.md compares strategies by.
//
//	sum := rounds.Repeat(rounds.Setup{Way: rounds.Delegate, Nodes: 1000, Fanout: 2}, 1, 100)
//	fmt.Println(sum.Rounds.Mean, sum.Messages.Mean)
//
// The strategies are those of package gossip, the very code that the engine
// runs. Beside them stand two models of what is not ours: delegation that is
// confirmed hop by hop, and the broadcast of hashicorp/memberlist.
//
// In a round every node that knows sends what its strategy says, by what it
// knew when the round began; then what arrived is read, and answered. A report
// that an answer calls forth goes up in the next round. Loss takes messages of
// every sort. Who is dead is still on everybody's list.
//
// # Concurrency
//
// Run and Repeat may be called by any goroutine; they share nothing.
package rounds
