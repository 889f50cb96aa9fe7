package flow

// Letter is one message on its way to a consumer.
type Letter struct {
	Producer string // chosen by the user, the same after a restart
	// Stream numbers the sequence that Seq counts in. It stays when a producer
	// restarts with its queue, and grows when the queue is a new one.
	Stream uint64
	// Epoch is the incarnation of the producer; it grows with each.
	Epoch uint64
	Seq   uint64 // from 1, without gaps
	// Base is the lowest number that was unconfirmed when the letter left. A
	// consumer that knows nothing of the stream may begin there and nowhere else:
	// all below was confirmed, by it or by its predecessors.
	Base uint64
	// Probe is set when the letter was repeated because time passed. The answer
	// must say what is missing.
	Probe   bool
	Payload []byte
}

// Ack is what a consumer tells a producer. Of each number the highest counts, so
// acks may be lost, doubled and overtaken.
type Ack struct {
	Producer string
	Stream   uint64
	Epoch    uint64
	// Session is the incarnation of the consumer, drawn at random. A new one has
	// lost what the old one had received and not confirmed.
	Session   uint64
	Received  uint64 // all up to it are there
	Confirmed uint64 // all up to it are done with
	UpTo      uint64 // what may be sent: the demand
	// Resend says that the consumer misses what was sent after Received, if
	// anything was: it answers a probe, or saw a gap.
	Resend bool
}
