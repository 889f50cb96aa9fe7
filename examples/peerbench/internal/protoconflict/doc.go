// Package protoconflict lets protoactor-go and hollywood live in one program: both
// register a protobuf file actor.proto with a message actor.PID, and without leave
// the protobuf package panics at the second. Of what they send, both look up by name
// only the messages of their users, so no harm comes of it here.
//
// Leave must be given before any of them is initialised. Go initialises packages in
// the order of their import paths as soon as what they import is ready. This package
// imports os alone, and its path comes before google.golang.org/protobuf, without
// which neither can be ready. So importing it anywhere is enough.
package protoconflict

import "os"

var _ = os.Setenv("GOLANG_PROTOBUF_REGISTRATION_CONFLICT", "ignore")
