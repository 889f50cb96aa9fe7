package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profiled writes a CPU profile of what this process does until the function that
// it returns is called, into dir; "" is none. A second round of the same
// measurement replaces the file.
func profiled(dir, side, line, peer string) (stop func(), _ error) {
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%s-%s.pprof", line, peer, side)))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}
