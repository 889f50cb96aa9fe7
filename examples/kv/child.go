package main

import (
	"bufio"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// child is one node's process. It ends at the latest when its standard input
// does: the system closes that pipe when the launcher is gone, however it went.
type child struct {
	title    string
	cmd      *exec.Cmd
	stdin    io.Closer
	done     chan struct{} // closed when it has ended and its output is printed
	err      error         // of Wait; fixed once done is closed
	reported atomic.Bool   // its end has been told
}

func startChild(program string, args []string, title string, out io.Writer) (*child, error) {
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
	c := &child{title: title, cmd: cmd, stdin: stdin, done: make(chan struct{})}
	go c.wait(out, stdout, stderr) // ends with the process
	return c, nil
}

// wait prints what the process prints, each line under its node's name, until it ends.
func (c *child) wait(out io.Writer, outputs ...io.Reader) {
	defer close(c.done)
	var wg sync.WaitGroup
	for _, r := range outputs {
		wg.Go(func() { copyLines(out, c.title, r) })
	}
	wg.Wait()
	c.err = c.cmd.Wait()
}

// stop asks the process to end, and kills it if it does not in time or again is
// closed. It returns what to add to "has stopped".
func (c *child) stop(again <-chan struct{}) string {
	_ = terminate(c.cmd.Process) // an error: it has ended
	_ = c.stdin.Close()
	bound := time.NewTimer(stopTime)
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
func (c *child) how() string { return c.cmd.ProcessState.String() }

// lineMax is what one line of a child's output may take; the rest of it follows
// as a line of its own.
const lineMax = 64 << 10

// eachLine calls f for each line of r, also for a last one without an end.
func eachLine(r io.Reader, f func(line string)) {
	in := bufio.NewReaderSize(r, lineMax)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			f(string(trimEOL(line)))
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

func trimEOL(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}
