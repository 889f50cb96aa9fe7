//go:build unix

package main

import (
	"runtime"
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

// peakMemory is how many bytes of memory this process has had at most; 0 =
// unknown.
func peakMemory() int64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(used.Maxrss)
	}
	return int64(used.Maxrss) << 10 // the others count in KiB
}
