// Package remotepb is the wire schema of package remote. See docs/wire.md.
package remotepb

//go:generate ../../../.ci/protoc pando/remote
