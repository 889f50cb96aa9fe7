package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"
)

// childEnv is the variable that makes this program a child, and has its job.
const childEnv = "PEERBENCH_CHILD"

// childMark begins the line in which a child tells its outcome: a runtime may have
// printed others.
var childMark = []byte("peerbench: ")

// job is one measurement.
type job struct {
	Peer     string
	Workload string
	Plan     plan
}

// outcome is what a child tells its parent.
type outcome struct {
	Result result
	Error  string
}

// do measures in this process. Close is for who goes on living.
func (j job) do(ctx context.Context) (_ result, closer func() error, _ error) {
	none := func() error { return nil }
	p, err := findPeer(j.Peer)
	if err != nil {
		return result{}, none, err
	}
	w, err := findWorkload(j.Workload)
	if err != nil {
		return result{}, none, err
	}
	rt, err := p.start()
	if err != nil {
		return result{}, none, fmt.Errorf("start: %w", err)
	}
	defer park(j.Plan.Parked)()
	r, err := w.run(ctx, rt, j.Plan)
	return r, rt.Close, err
}

// park starts goroutines that wait until the function that it returns is called.
func park(n int) (release func()) {
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { <-gate })
	}
	return func() {
		close(gate)
		wg.Wait()
	}
}

// child is the main function of a child. It does not close the runtime: to stop a
// million actors can take longer than all the rest.
func child(text string, out io.Writer) error {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // hollywood logs there
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("%s: %w", childEnv, err)
	}
	r, _, err := j.do(context.Background())
	o := outcome{Result: r}
	if err != nil {
		o.Error = err.Error()
	}
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%s%s\n", childMark, line)
	return err
}

// spawnChild measures in a process of its own, which is killed when ctx ends or
// after limit.
func spawnChild(limit time.Duration) measure {
	return func(ctx context.Context, j job) (result, error) {
		self, err := os.Executable()
		if err != nil {
			return result{}, err
		}
		text, err := json.Marshal(j)
		if err != nil {
			return result{}, err
		}
		ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %v", limit))
		defer cancel()
		var out, errs bytes.Buffer
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), childEnv+"="+string(text))
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.WaitDelay = time.Second
		if err := cmd.Run(); err != nil {
			return result{}, childError(ctx, err, errs.Bytes())
		}
		return parseOutcome(out.Bytes())
	}
}

// childError says why a child ended without an outcome.
func childError(ctx context.Context, err error, stderr []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(stderr), []byte("\n"))
	if len(line) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, line)
}

func parseOutcome(out []byte) (result, error) {
	_, line, found := bytes.Cut(out, childMark)
	if !found {
		return result{}, errors.New("the child told no result")
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	var o outcome
	if err := json.Unmarshal(line, &o); err != nil {
		return result{}, fmt.Errorf("the child's result: %w", err)
	}
	if o.Error != "" {
		return result{}, errors.New(o.Error)
	}
	return o.Result, nil
}
