//go:build unix

package main

import (
	"syscall"
	"time"
)

// processorTime is what this process has used of the processors; 0 = unknown. On
// a machine that others use, too, it says more than a clock.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
