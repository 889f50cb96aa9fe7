// Package durablepb holds the stored and the wire form of durable entities.
package durablepb

//go:generate ../../../../../.ci/protoc pando/durable
