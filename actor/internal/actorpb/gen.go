// Package actorpb has the messages that actors exchange behind the scenes.
package actorpb

//go:generate ../../../.ci/protoc pando/actor
