// Package shardpb holds the wire form of what sharding services send each other.
package shardpb

//go:generate ../../../../.ci/protoc pando/sharding
