// Package kvpb holds the messages of the sample key-value server. [Command] is
// what the entity of a slot accepts: a closed set, so that the compiler refuses
// anything else.
package kvpb

//go:generate ../../../.ci/protoc pando/examples/kv
