package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"text/tabwriter"
	"time"
)

// asCrowd is set, to a crowdSetup, in the processes that `crowd` starts.
const asCrowd = "PANDO_CROWD"

// crowdSetup is what one process of a crowd is told.
type crowdSetup struct {
	System string // pando or memberlist
	Nodes  int    // of the whole crowd
	Listen []int  // ports of the nodes in this process; memberlist's but for the first one choose their own
	Seeds  []int  // ports of the first nodes of all
	Timing string // Pando's preset
}

// sample is what a process of a crowd has used since it started, as it prints it.
type sample struct {
	CPU        float64 // seconds, user and system
	Bytes      uint64  // written to connections and in datagrams, by its nodes
	Goroutines int
	Memory     uint64 // heap and stacks in use, bytes
}

func (s sample) plus(o sample) sample {
	return sample{s.CPU + o.CPU, s.Bytes + o.Bytes, s.Goroutines + o.Goroutines, s.Memory + o.Memory}
}

// runCrowd forms a cluster of many nodes in a few processes, first of Pando,
// then of memberlist, and measures what each costs at rest.
func runCrowd(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("crowd", flag.ContinueOnError)
	nodes := flags.Int("nodes", 200, "nodes of the cluster, 3 to 1000")
	processes := flags.Int("processes", 4, "processes that share the nodes")
	settle := flags.Duration("settle", 15*time.Second, "how long the formed cluster rests before it is measured")
	length := flags.Duration("for", 30*time.Second, "how long it is measured")
	timing := flags.String("timing", "lan", "Pando's preset: fast, lan or wan")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if _, err := timingOf(*timing); err != nil {
		return err
	}
	if *nodes < 3 || *nodes > 1000 || *processes < 1 || *processes > *nodes || *length <= 0 || flags.NArg() > 0 {
		return errors.New("want -nodes from 3 to 1000, -processes from 1 to as many, a positive -for, and nothing else")
	}
	var rows []crowdRow
	defer func() { // also what was measured before a failure
		printCrowd(os.Stdout, rows, *nodes, *processes, *length)
	}()
	for _, system := range []string{"pando", "memberlist"} {
		row, err := measureCrowd(ctx, crowdSetup{System: system, Nodes: *nodes, Timing: *timing}, *processes, *settle, *length)
		if err != nil {
			return fmt.Errorf("%s: %w", system, err)
		}
		fmt.Fprintf(os.Stderr, "%s: formed after %v, measured\n", system, row.formed.Round(time.Millisecond))
		rows = append(rows, row)
	}
	return nil
}

// crowdRow is one system's line of the table.
type crowdRow struct {
	system string
	formed time.Duration // from the start of the first process until every node knows all
	form   sample        // until then
	rest   sample        // while it was measured; Goroutines and Memory at the end of that
}

// crowd is the processes of one system.
type crowd struct{ procs []*crowdProcess }

type crowdProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func measureCrowd(ctx context.Context, s crowdSetup, processes int, settle, length time.Duration) (crowdRow, error) {
	row := crowdRow{system: s.System}
	c, began := &crowd{}, time.Now()
	defer c.close()
	if err := c.start(ctx, s, processes); err != nil {
		return row, err
	}
	var err error
	if row.form, err = c.hear(); err != nil { // each prints a sample once its nodes know all
		return row, err
	}
	row.formed = time.Since(began)
	if err := wait(ctx, settle); err != nil {
		return row, err
	}
	before, err := c.ask()
	if err != nil {
		return row, err
	}
	if err := wait(ctx, length); err != nil {
		return row, err
	}
	row.rest, err = c.ask()
	row.rest.CPU -= before.CPU
	row.rest.Bytes -= before.Bytes
	return row, err
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start deals the nodes out to the processes in turn.
func (c *crowd) start(ctx context.Context, s crowdSetup, processes int) error {
	ports, err := freePorts(s.Nodes)
	if err != nil {
		return err
	}
	s.Seeds = ports[:3]
	for i := range processes {
		s.Listen = nil
		for k := i; k < len(ports); k += processes {
			s.Listen = append(s.Listen, ports[k])
		}
		if err := c.launch(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) launch(ctx context.Context, s crowdSetup) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), asCrowd+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.procs = append(c.procs, &crowdProcess{cmd, in, bufio.NewReader(out)})
	return nil
}

// hear sums the next sample of each process.
func (c *crowd) hear() (sum sample, err error) {
	for _, p := range c.procs {
		text, err := p.out.ReadBytes('\n')
		if err != nil {
			return sum, fmt.Errorf("a process has ended: %w", err)
		}
		var one sample
		if err := json.Unmarshal(text, &one); err != nil {
			return sum, err
		}
		sum = sum.plus(one)
	}
	return sum, nil
}

// ask has each process take a sample now.
func (c *crowd) ask() (sample, error) {
	for _, p := range c.procs {
		if _, err := io.WriteString(p.in, "sample\n"); err != nil {
			return sample{}, err
		}
	}
	return c.hear()
}

func (c *crowd) close() {
	for _, p := range c.procs {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()         // it was killed
	}
}

// printCrowd writes the table, one system a column.
func printCrowd(w io.Writer, rows []crowdRow, nodes, processes int, length time.Duration) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "%d nodes in %d processes, at rest for %v\n", nodes, processes, length)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer t.Flush()
	n, secs := float64(nodes), length.Seconds()
	for _, line := range []struct {
		name  string
		value func(crowdRow) string
	}{
		{"", func(r crowdRow) string { return r.system }},
		{"formed after, s", func(r crowdRow) string { return number(r.formed.Seconds(), 1) }},
		{"CPU seconds to form", func(r crowdRow) string { return number(r.form.CPU, 1) }},
		{"at rest: CPU seconds in a second, all nodes", func(r crowdRow) string { return number(r.rest.CPU/secs, 3) }},
		{"CPU ms a node and second", func(r crowdRow) string { return number(1000*r.rest.CPU/n/secs, 2) }},
		{"bytes a node and second", func(r crowdRow) string { return number(float64(r.rest.Bytes)/n/secs, 0) }},
		{"goroutines a node", func(r crowdRow) string { return number(float64(r.rest.Goroutines)/n, 1) }},
		{"heap and stacks a node, KiB", func(r crowdRow) string { return number(float64(r.rest.Memory)/n/1024, 0) }},
	} {
		fmt.Fprintf(t, "%s\t", line.name)
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t", line.value(r))
		}
		fmt.Fprintln(t)
	}
}

func number(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }
