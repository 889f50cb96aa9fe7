//go:build !unix

package remote

// tryWrite is nil: senders leave all writing to the lane.
var tryWrite func(fd uintptr, b []byte) int
