// Package wire is the codec of package remote: frames, the batch of envelopes
// and the tables of names. It holds bytes and rules, no connection state.
//
// A frame is a length (four bytes, big endian, of what follows), a kind (one
// byte) and a protobuf message. Reading never panics and never allocates more
// than the given limit; what breaks a rule is a [*MalformedError].
package wire
