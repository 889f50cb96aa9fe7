package groups

// ingredients names parts of the protocol that a test can take out. Each test
// of its name shows what goes wrong then.
type ingredients struct {
	preVote      bool // PreVote: who was cut off raises no term when it returns
	guard        bool // D3: votes wait until the lease of the supported primary is over
	restartGuard bool // and a restarted replica does not know whom it supported
	ownStamp     bool // the lease counts from the own stamp, not from the answer's arrival
	persistFirst bool // votes and acknowledgements leave after they are durable
	jointAck     bool // I7: an ack counts the configuration that is being changed to
	blankRefuses bool // a replica without data lends nobody its vote
	renewFirst   bool // a removed member returns in a later term only
	released     bool // a failed transfer ends the term, as its message may yet arrive
}
