// Package launcher runs the nodes of an example as processes of one machine: it
// starts them, prints what they print, tells when one ends, and stops them all.
package launcher

import (
	"io"
	"os/exec"
	"sync"
	"time"
)

// Child is one node's process. It ends at the latest when its standard input
// does: the system closes that pipe when the launcher is gone, however it went.
type Child struct {
	Name string // of the node, for people

	cmd      *exec.Cmd
	stdin    io.Closer
	done     chan struct{} // closed when it has ended and its output is printed
	err      error         // of Wait; fixed once done is closed
	reported bool          // its end has been told; for whoever watches and stops
}

// Start starts program with args. line gets each line that it prints, from two
// goroutines, until it has ended.
func Start(program string, args []string, name string, line func(string)) (*Child, error) {
	cmd := exec.Command(program, args...)
	ownGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Child{Name: name, cmd: cmd, stdin: stdin, done: make(chan struct{})}
	go c.wait(line, stdout, stderr) // ends with the process
	return c, nil
}

// wait prints what the process prints until it ends.
func (c *Child) wait(line func(string), outputs ...io.Reader) {
	defer close(c.done)
	var wg sync.WaitGroup
	for _, r := range outputs {
		wg.Go(func() { EachLine(r, line) })
	}
	wg.Wait()
	c.err = c.cmd.Wait()
}

// PID is the number of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// stop asks the process to end, and kills it if it does not within limit or
// again is closed. It returns what to add to "has stopped".
func (c *Child) stop(again <-chan struct{}, limit time.Duration) string {
	_ = terminate(c.cmd.Process) // an error: it has ended
	_ = c.stdin.Close()
	bound := time.NewTimer(limit)
	defer bound.Stop()
	select {
	case <-c.done:
		if c.err != nil {
			return ": " + c.how()
		}
		return ""
	case <-again:
	case <-bound.C:
	}
	_ = c.cmd.Process.Kill() // an error: it has ended
	<-c.done
	return ": killed"
}

// how tells how the process has ended, once done is closed.
func (c *Child) how() string { return c.cmd.ProcessState.String() }
