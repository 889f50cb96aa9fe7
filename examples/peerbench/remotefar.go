package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// farEnv is the variable that makes this program the far side of a measurement,
// and has its job.
const farEnv = "PEERBENCH_FAR"

// farJob is what the near side tells the far one at its start.
type farJob struct {
	Peer     string
	Line     string
	Profile  string // plan.Profile
	Batch    int    // after so many messages the sum of a batch is told
	Identity identity
}

// farLine is a line that the far side writes, after childMark.
type farLine struct {
	Address string `json:",omitempty"` // the first line
	Batch   bool   `json:",omitempty"` // a batch is complete
	Sum     sum    `json:",omitempty"` // of that batch
	Spent   spent  `json:",omitempty"` // the answer to each line of the near side
	Total   uint64 `json:",omitempty"` // messages counted so far
}

// sum is a checksum of messages that does not depend on their order.
type sum struct{ Count, Seqs, Bytes uint64 }

func (s *sum) add(seq uint64, text int) {
	s.Count++
	s.Seqs += seq
	s.Bytes += uint64(text)
}

// farMain is the main function of the far side. It ends when in does, as it does
// when the near side dies.
func farMain(text string, in io.Reader, out io.Writer) error {
	var j farJob
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("%s: %w", farEnv, err)
	}
	p, err := findRemotePeer(j.Peer)
	if err != nil {
		return err
	}
	stop, err := profiled(j.Profile, "far", j.Line, j.Peer)
	if err != nil {
		return err
	}
	defer stop()
	c := &farCounter{batch: uint64(j.Batch), full: make(chan sum, 16)}
	f, err := p.serve(side{identity: j.Identity, got: c.got})
	if err != nil {
		return err
	}
	if err := writeFar(out, farLine{Address: f.address}); err != nil {
		return err
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for s := bufio.NewScanner(in); s.Scan(); {
			asked <- struct{}{}
		}
	}()
	return c.report(asked, out)
}

// farCounter counts what the far side's actor gets.
type farCounter struct {
	batch uint64
	full  chan sum // after each batch; the near side has few on the way

	mu  sync.Mutex // uncontended: report wants it when nothing is under way
	sum sum
}

func (c *farCounter) got(seq uint64, text int) {
	c.mu.Lock()
	c.sum.add(seq, text)
	now := c.sum
	c.mu.Unlock()
	if now.Count%c.batch == 0 {
		c.full <- now
	}
}

func (c *farCounter) sofar() sum {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}

// report tells of full batches, and of what this process has spent when asked.
func (c *farCounter) report(asked <-chan struct{}, out io.Writer) error {
	for {
		var l farLine
		select {
		case s := <-c.full:
			l = farLine{Batch: true, Sum: s}
		case _, open := <-asked:
			if !open {
				return nil
			}
			l = farLine{Spent: spending(), Sum: c.sofar()}
		}
		if err := writeFar(out, l); err != nil {
			return err
		}
	}
}

func writeFar(out io.Writer, l farLine) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%s%s\n", childMark, text)
	return err
}

// farProcess is the far side as the near one has it.
type farProcess struct {
	address string
	cmd     *exec.Cmd
	in      io.WriteCloser
	batches chan sum     // after each batch; closed when the process has ended
	answers chan farLine // the answers of spent
}

// startFar starts the far side: this program again.
func startFar(ctx context.Context, j farJob) (*farProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	f := &farProcess{cmd: exec.CommandContext(ctx, self), batches: make(chan sum, 64), answers: make(chan farLine, 4)}
	f.cmd.Env = append(os.Environ(), farEnv+"="+string(text))
	f.cmd.Stderr = os.Stderr
	f.cmd.WaitDelay = time.Second
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	first, ok := nextFar(lines)
	if !ok || first.Address == "" {
		f.stop()
		return nil, errors.New("the far side did not start")
	}
	f.address = first.Address
	go f.read(lines)
	return f, nil
}

// nextFar reads until the next line of the far side's.
func nextFar(lines *bufio.Scanner) (farLine, bool) {
	for lines.Scan() {
		if text, ok := bytes.CutPrefix(lines.Bytes(), childMark); ok {
			var l farLine
			err := json.Unmarshal(text, &l)
			return l, err == nil
		}
	}
	return farLine{}, false
}

func (f *farProcess) read(lines *bufio.Scanner) {
	defer close(f.batches)
	for {
		l, ok := nextFar(lines)
		switch {
		case !ok:
			return
		case l.Batch:
			f.batches <- l.Sum
		default:
			f.answers <- l
		}
	}
}

// spent asks what the far side has spent and counted.
func (f *farProcess) spent(patience time.Duration) (farLine, error) {
	if _, err := io.WriteString(f.in, "spent\n"); err != nil {
		return farLine{}, err
	}
	select {
	case l := <-f.answers:
		return l, nil
	case <-time.After(patience):
		return farLine{}, errors.New("the far side does not answer")
	}
}

// stop ends the process: it goes when its stdin does, and is killed if not.
func (f *farProcess) stop() {
	f.in.Close()
	late := time.AfterFunc(5*time.Second, func() { f.cmd.Process.Kill() })
	defer late.Stop()
	_ = f.cmd.Wait() // how it ended says nothing about the measurement
}
