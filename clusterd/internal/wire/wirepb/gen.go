// Package wirepb holds the generated protobuf form of the control messages
// between two nodes. Only package wire uses it.
package wirepb

//go:generate ../../../../.ci/protoc pando/clusterd
