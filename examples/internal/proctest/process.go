package proctest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Skip keeps tests with real processes out of go test -short.
func Skip(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes")
	}
}

// Process is one process of the command.
type Process struct {
	Cmd *exec.Cmd
	Log *Output // what it has printed so far

	t    *testing.T
	done chan struct{}
}

// Output collects what is written to it, from any goroutine. The zero Output is empty.
type Output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to it and never fails.
func (b *Output) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all that was written.
func (b *Output) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Start runs the test binary with args and the variable as set, and kills it at the
// end of the test. What it printed is shown if the test has failed.
func Start(t *testing.T, as string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, Cmd: exec.Command(os.Args[0], args...), Log: &Output{}, done: make(chan struct{})}
	p.Cmd.Env = append(os.Environ(), as+"=1")
	p.Cmd.Stdout, p.Cmd.Stderr = p.Log, p.Log
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.done); _ = p.Cmd.Wait() }()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("output of %v:\n%s", args, p.Log)
		}
	})
	return p
}

// Kill is SIGKILL, and waits for the end.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill() // it may have ended
	<-p.done
}

// Ends waits for the end of the process and returns its exit code.
func (p *Process) Ends(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		p.t.Fatalf("%v did not end within %v", p.Cmd.Args, within)
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Says waits until the process has printed all of texts.
func (p *Process) Says(within time.Duration, texts ...string) {
	p.t.Helper()
	Eventually(p.t, within, func() error {
		for _, want := range texts {
			if !strings.Contains(p.Log.String(), want) {
				return fmt.Errorf("got output %q, want %q in it", p.Log, want)
			}
		}
		return nil
	})
}

// Ports returns n loopback addresses that were free a moment ago.
func Ports(t *testing.T, n int) []string {
	t.Helper()
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found, so that they differ
		all = append(all, l.Addr().String())
	}
	return all
}

// Poll is how often a condition between processes is looked at.
const Poll = 50 * time.Millisecond

// Eventually waits until ok returns nil.
func Eventually(t *testing.T, within time.Duration, ok func() error) {
	t.Helper()
	end := time.Now().Add(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", within, err)
		}
		time.Sleep(Poll)
	}
}
