// Bench runs redis-benchmark --cluster against Redis Cluster and against the
// sample key-value server, one after the other on this machine, and prints both
// as a table with ratios.
//
//	go run ./examples/kv/bench
//
// It needs Debian's redis-server and redis-tools. Redis Cluster has three
// primaries with a replica each; the key-value server has three nodes, each of
// which is the primary of a third of the slots and a replica of others.
package main

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// config is the flags.
type config struct {
	requests, keys, clients, size int
	levels                        string
	rounds                        int
}

func main() {
	var cfg config
	flag.IntVar(&cfg.requests, "n", 50_000, "`requests` of a run at a pipeline of 1; 4 times as many at 16")
	flag.IntVar(&cfg.keys, "keys", 100_000, "`number` of different keys")
	flag.IntVar(&cfg.clients, "c", 50, "`connections`")
	flag.IntVar(&cfg.size, "d", 100, "`bytes` of a value")
	flag.StringVar(&cfg.levels, "levels", "memory,async,quorum", "`levels` of the key-value server, with commas")
	flag.IntVar(&cfg.rounds, "rounds", 1, "`rounds`; the best of each is printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, cfg, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// contestant is a cluster that can be started.
type contestant struct {
	name  string
	start func(ctx context.Context, dir string) (*running, error)
}

// result is what redis-benchmark says of one command.
type result struct {
	rate     float64 // requests per second
	p50, p99 float64 // milliseconds
	cpu      float64 // microseconds of all servers' CPU for a request; 0 = not known
}

// row is one command at one pipeline.
type row struct {
	command  string
	pipeline int
}

func run(ctx context.Context, cfg config, out io.Writer) error {
	dir, err := os.MkdirTemp("", "kvbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := dir + "/kv"
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/pando-go/pando/examples/kv")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, text)
	}
	all := []contestant{{"Redis Cluster", startRedis}}
	for _, level := range strings.Split(cfg.levels, ",") {
		all = append(all, contestant{"kv " + level, startKV(program, level)})
	}
	results := map[string]map[row]result{}
	for range cfg.rounds {
		for _, c := range all {
			got, err := measure(ctx, cfg, c, dir)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			for r, x := range got {
				if results[c.name] == nil {
					results[c.name] = map[row]result{}
				}
				if x.rate > results[c.name][r].rate {
					results[c.name][r] = x
				}
			}
		}
	}
	report(out, all, results)
	return nil
}

// rows are what is measured, in order.
func rows() []row {
	return []row{{"SET", 1}, {"GET", 1}, {"SET", 16}, {"GET", 16}}
}

func measure(ctx context.Context, cfg config, c contestant, dir string) (map[row]result, error) {
	own, err := os.MkdirTemp(dir, "run")
	if err != nil {
		return nil, err
	}
	servers, err := c.start(ctx, own)
	if err != nil {
		return nil, err
	}
	defer servers.stop()
	got := map[row]result{}
	for _, r := range rows() {
		n := cfg.requests
		if r.pipeline > 1 {
			n *= 4
		}
		before := servers.cpu()
		cmd := exec.CommandContext(ctx, "redis-benchmark", "--cluster", "-p", servers.port, "-t", strings.ToLower(r.command), "--csv",
			"-n", strconv.Itoa(n), "-r", strconv.Itoa(cfg.keys), "-c", strconv.Itoa(cfg.clients), "-d", strconv.Itoa(cfg.size), "-P", strconv.Itoa(r.pipeline))
		text, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("redis-benchmark: %w\n%s", err, text)
		}
		x := parse(string(text))[r.command]
		if x.rate == 0 {
			return nil, fmt.Errorf("redis-benchmark told nothing of %s", r.command)
		}
		x.cpu = float64((servers.cpu() - before).Microseconds()) / float64(n)
		got[r] = x
	}
	return got, nil
}

// parse finds the lines of CSV among what redis-benchmark --cluster prints:
// "test","rps","avg","min","p50","p95","p99","max".
func parse(text string) map[string]result {
	found := map[string]result{}
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		fields, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || len(fields) < 8 {
			continue
		}
		var x result
		for i, to := range map[int]*float64{1: &x.rate, 4: &x.p50, 6: &x.p99} { // order: each has its own place
			if *to, err = strconv.ParseFloat(fields[i], 64); err != nil {
				break
			}
		}
		if err == nil {
			found[fields[0]] = x
		}
	}
	return found
}

func report(w io.Writer, all []contestant, results map[string]map[row]result) {
	fmt.Fprintln(w, "| | command | pipeline | requests/s | p50 ms | p99 ms | of Redis | servers' CPU µs a request | of Redis |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	base := results[all[0].name]
	for _, c := range all {
		for _, r := range rows() {
			x := results[c.name][r]
			fmt.Fprintf(w, "| %s | %s | %d | %.0f | %.2f | %.2f | %.2f | %.1f | %.2f |\n",
				c.name, r.command, r.pipeline, x.rate, x.p50, x.p99, x.rate/base[r].rate, x.cpu, x.cpu/base[r].cpu)
		}
	}
}

// patience is how long a cluster may take to start.
const patience = 30 * time.Second
