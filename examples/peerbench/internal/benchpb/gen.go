// Package benchpb is the message of the remote lines of peerbench.
package benchpb

//go:generate ../../../../.ci/protoc pando/examples/peerbench
