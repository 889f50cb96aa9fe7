// Package chatpb holds the messages of the sample chat.
//
// [Command] is what a room accepts, [Notice] what a session accepts and
// [LobbyCommand] what the lobby accepts: each a closed set of messages, so that
// the compiler refuses a message to the wrong kind of actor.
package chatpb

//go:generate ../../../.ci/protoc pando/examples/chat
