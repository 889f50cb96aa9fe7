package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// free returns n ports in a row that were free a moment ago, and whose neighbours
// above that servers use among themselves fit, too.
func free(n int) (first int, err error) {
	for try := range 100 {
		first = 20_000 + try*50
		ok := true
		for i := range n {
			for _, port := range []int{first + i, first + i + 10_000} {
				l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					ok = false
					break
				}
				l.Close()
			}
		}
		if ok {
			return first, nil
		}
	}
	return 0, errors.New("no free ports")
}

// running is a cluster of processes.
type running struct {
	port    string // of the first one
	servers []*exec.Cmd
}

func (r *running) stop() {
	for _, s := range r.servers {
		_ = s.Process.Kill() // it may have ended
		_ = s.Wait()
	}
}

// begin starts one more process.
func (r *running) begin(ctx context.Context, program string, args ...string) error {
	s := exec.CommandContext(ctx, program, args...)
	if err := s.Start(); err != nil {
		return err
	}
	r.servers = append(r.servers, s)
	return nil
}

// cpu is what all processes have used so far; 0 where there is no /proc.
func (r *running) cpu() (sum time.Duration) {
	for _, s := range r.servers {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Process.Pid))
		_, rest, ok := strings.Cut(string(text), ") ") // behind the name of the program
		fields := strings.Fields(rest)
		if err != nil || !ok || len(fields) < 13 {
			return 0
		}
		for _, f := range fields[11:13] { // user and system, in ticks of 10 ms
			n, _ := strconv.ParseInt(f, 10, 64)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}

// startRedis makes a Redis Cluster of three primaries with a replica each.
func startRedis(ctx context.Context, dir string) (r *running, err error) {
	first, err := free(6)
	if err != nil {
		return nil, err
	}
	r = &running{port: fmt.Sprint(first)}
	defer func() {
		if err != nil {
			r.stop()
		}
	}()
	args := []string{"--cluster", "create"}
	for i := range 6 {
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(own, 0o700); err != nil {
			return r, err
		}
		if err := r.begin(ctx, "redis-server", "--port", fmt.Sprint(first+i), "--cluster-enabled", "yes", "--save", "", "--appendonly", "no", "--dir", own); err != nil {
			return r, err
		}
		args = append(args, fmt.Sprintf("127.0.0.1:%d", first+i))
	}
	args = append(args, "--cluster-replicas", "1", "--cluster-yes")
	err = within(ctx, func() error {
		out, err := exec.CommandContext(ctx, "redis-cli", args...).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "is not empty") {
			return fmt.Errorf("redis-cli --cluster create: %w\n%s", err, out)
		}
		return nil
	})
	if err == nil {
		err = within(ctx, func() error { return ready(ctx, first, 6) })
	}
	return r, err
}

// startKV starts the three nodes of the key-value server. Each slot is on two of
// them, as in the Redis Cluster above.
func startKV(program, level string) func(context.Context, string) (*running, error) {
	return func(ctx context.Context, _ string) (r *running, err error) {
		first, err := free(6)
		if err != nil {
			return nil, err
		}
		r = &running{port: fmt.Sprint(first)}
		defer func() {
			if err != nil {
				r.stop()
			}
		}()
		address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", first+i) }
		for i := range 3 {
			if err := r.begin(ctx, program, "node", "-q", "-level", level, "-replicas", "2", "-listen", address(3+i), "-clients", address(i), "-seeds", address(3)+","+address(4)); err != nil {
				return r, err
			}
		}
		return r, within(ctx, func() error { return ready(ctx, first, 3) })
	}
}

// primaries is how many nodes of either cluster have slots once it is complete.
const primaries = 3

// ready asks the first node whether the cluster is complete.
func ready(ctx context.Context, port, nodes int) error {
	out, err := exec.CommandContext(ctx, "redis-cli", "-p", fmt.Sprint(port), "cluster", "info").Output()
	text := strings.ReplaceAll(string(out), "\r", "")
	if err != nil || !strings.Contains(text, "cluster_state:ok\n") || !strings.Contains(text, fmt.Sprintf("cluster_size:%d\n", primaries)) ||
		!strings.Contains(text, fmt.Sprintf("cluster_known_nodes:%d\n", nodes)) {
		return fmt.Errorf("not ready: %v\n%s", err, text)
	}
	return nil
}

// within repeats f until it succeeds.
func within(ctx context.Context, f func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := f()
		if err == nil || time.Now().After(end) || ctx.Err() != nil {
			return err
		}
	}
}
