// Package groupspb holds the wire form of what the replica groups of two nodes
// send each other.
package groupspb

//go:generate ../../../../.ci/protoc pando/groups
